"""Bays edited from afar in Chromium: fetched from the box, drawn, rolled out, taken back."""

from __future__ import annotations

from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from calibration import load_calibration
from tests.cloud_app.calibrated_box import CalibratedBox, square
from tests.cloud_app.web.conftest import PHONE, OpenPage
from tests.cloud_app.web.town import Town
from tests.kit.axe import serious_findings
from tests.kit.waiting import eventually

pytestmark = [pytest.mark.chromium]


def _open_editor(page: Page, box: CalibratedBox) -> None:
    page.get_by_role("button", name="Edit the bays").click()
    asked: list[str] = []

    def answered() -> bool:
        asked.extend(box.answer_commands())
        return len(asked) == 2

    eventually(answered, "a fetch", 20)
    page.wait_for_selector("html[data-ready=true]")


def test_bays_are_edited_from_afar(town: Town, tmp_path: Path, open_page: OpenPage) -> None:
    box = CalibratedBox(town.hub, tmp_path, "harbour", "quay-1", "mast")
    box.draw(square("q01", 0.1), square("q02", 0.225), square("q03", 0.35))
    watched = open_page(bypass_csp=True)
    page = town.let_in(watched.page)
    page.goto(f"{town.url}/edges/quay-1")
    page.get_by_role("link", name="Edit the bays of mast").click()
    expect(page.get_by_text("No revisions known yet")).to_be_visible()
    _open_editor(page, box)
    expect(page.locator("#bays .bay")).to_have_count(3)
    expect(page.get_by_role("button", name="Align")).to_have_count(0)
    page.locator("#bays .bay").first.click()
    page.keyboard.press("ArrowRight")
    page.locator("#bays .bay").last.click()
    page.keyboard.press("Delete")
    page.keyboard.press("Control+s")
    expect(page.get_by_text("Saved as revision 2. The box takes it up")).to_be_visible()

    page.get_by_role("link", name="Back to the live view").click()
    rows = page.get_by_role("region", name="Revisions").get_by_role("row")
    first = rows.nth(1)
    expect(first).to_contain_text("waits for the box")
    expect(first).to_contain_text("Removed: q03")
    expect(first).to_contain_text("Changed: q01")
    assert serious_findings(page) == []
    assert box.do_job() == "camera mast: revision 2 is in use"
    expect(first).to_contain_text("taken up")
    assert load_calibration(box.file).bay_ids == ("q01", "q02")

    page.set_viewport_size(PHONE)
    page.emulate_media(color_scheme="dark")
    assert serious_findings(page) == []
    assert page.evaluate("document.documentElement.scrollWidth - innerWidth") <= 0
    rows.nth(2).get_by_role("button", name="Restore").click()
    expect(first).to_contain_text("roll back to revision 1")
    assert box.do_job() == "camera mast: revision 3 is in use"
    assert load_calibration(box.file).bay_ids == ("q01", "q02", "q03")
    assert watched.complaints == []
