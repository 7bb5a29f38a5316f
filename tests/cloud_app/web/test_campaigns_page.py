"""Roll-outs in Chromium: made, started, stopped by failures, followed box by box."""

from __future__ import annotations

from pathlib import Path

import pytest
from playwright.sync_api import expect

from cloud_app.fleet.campaigns.planning import Plan
from cloud_app.storage.sqlite import SqliteDatabase
from tests.cloud_app.campaigns.test_rounds import Fleet
from tests.cloud_app.hub import Hub, feeding, serving
from tests.cloud_app.web.conftest import PHONE, OpenPage
from tests.kit.axe import serious_findings

pytestmark = [pytest.mark.chromium]


def test_a_roll_out_is_made_and_followed(open_page: OpenPage, tmp_path: Path) -> None:
    database = SqliteDatabase(tmp_path / "cloud.db")
    fleet = Fleet(database, 6)
    failed = fleet.start(Plan(canaries=1, batch=4, attempts=1, stop_after_failures=1, soak_s=0))
    fleet.go_on(frozenset({"box-3"}), rounds=4)
    hub = Hub(database)
    hub.clock.now_s = fleet.clock.now_s
    watched = open_page()
    page = watched.page
    with feeding(hub.feed), serving(hub.app) as url:
        page.goto(f"{url}/campaigns")
        expect(page.get_by_text("1 of 6 boxes failed: box-3")).to_be_visible()
        page.get_by_role("button", name="New roll-out").click()
        dialog = page.get_by_role("dialog")
        dialog.get_by_label("Name", exact=True).fill("net 3")
        dialog.get_by_label("File", exact=True).first.fill("net-3.onnx")
        dialog.get_by_label("Version").first.fill("3.0")
        dialog.get_by_label("Find boxes").fill("box-1")
        dialog.get_by_role("button", name="Select this box").click()
        expect(dialog.get_by_text("1 box selected")).to_be_visible()
        dialog.get_by_role("button", name="Create").click()
        expect(page.get_by_role("heading", name="net 3")).to_be_visible()
        page.get_by_role("button", name="Start").click()
        expect(page.locator(".badge", has_text="running")).to_be_visible()
        fleet.go_on(rounds=2)
        expect(page.locator(".badge", has_text="finished")).to_be_visible()
        expect(page.get_by_role("cell", name="box-1")).to_be_visible()
        assert fleet.versions["box-1"] == "3.0"
        assert not watched.complaints
        for theme, size in (("dark", PHONE), ("light", PHONE)):
            other = open_page(size, theme, bypass_csp=True).page
            for path in ("/campaigns", f"/campaigns/{failed}"):
                other.goto(url + path)
                expect(other.get_by_text("1 of 6 boxes failed: box-3")).to_be_visible()
                assert serious_findings(other) == [], (theme, path)
    database.close()
