"""A box is let in by a code or by a person, and put out again, on the page."""

from __future__ import annotations

from pathlib import Path

import pytest
from playwright.sync_api import expect

from cloud_app.fleet.authority.own_issuer import initialise
from cloud_app.fleet.authority.x509 import new_key
from tests.cloud_app.authority.box_key import BoxKey
from tests.cloud_app.web.conftest import PHONE, OpenPage
from tests.cloud_app.web.town import Town
from tests.kit.axe import serious_findings

pytestmark = [pytest.mark.chromium]
PATH = "provisioning"


def test_a_box_is_let_in_and_put_out(town: Town, open_page: OpenPage, tmp_path: Path) -> None:
    page = town.let_in(open_page(bypass_csp=True).page)
    page.goto(f"{town.url}/{PATH}")
    expect(page.get_by_text("lotsight-cloud ca init")).to_be_visible()
    with town.hub.database.write() as session:
        initialise(session, new_key(), "town root", town.hub.context.now().now_ms)
    waiting, coming = BoxKey(), BoxKey()
    with town.other() as other:
        asked = {"csr": waiting.request("quay-2"), "site": "harbour", "note": "NUC"}
        assert other.post(f"{PATH}/announcements", json=asked).status_code == 202

        page.reload()
        row = page.locator("main tbody tr", has_text=waiting.fingerprint)
        expect(row).to_contain_text("waiting")
        assert serious_findings(page) == []
        row.get_by_role("button", name="Approve").click()
        dialog = page.get_by_role("dialog")
        expect(dialog).to_contain_text(waiting.fingerprint)
        expect(dialog.get_by_label("Box")).to_have_value("quay-2")
        dialog.get_by_role("button", name="Approve").click()
        expect(row).to_contain_text("approved")
        assert other.post(f"{PATH}/announcements", json=asked).status_code == 200

        page.get_by_role("button", name="Codes").click()
        page.get_by_role("button", name="New code").click()
        dialog.get_by_label("Site").fill("harbour")
        dialog.get_by_role("button", name="New code").click()
        code = dialog.get_by_label("One-time code").inner_text().strip()
        expect(dialog.get_by_label("Command on the box")).to_contain_text(f"--code {code}")
        dialog.get_by_role("button", name="I have copied it").click()
        expect(page.locator("main tbody tr", has_text="harbour")).to_contain_text("open")
        claim = {"code": code, "csr": coming.request("quay-3")}
        assert other.post(f"{PATH}/claims", json=claim).status_code == 200
        assert code not in page.content()

    page.get_by_role("button", name="Certificates").click()
    row = page.locator("main tbody tr", has_text="quay-3")
    expect(row).to_contain_text("valid")
    page.set_viewport_size(PHONE)
    assert page.evaluate("document.documentElement.scrollWidth - innerWidth") <= 0
    assert serious_findings(page) == []
    row.get_by_role("button", name="Revoke").click()
    dialog.get_by_role("button", name="Revoke").click()
    expect(row).to_contain_text("revoked")
