"""Nothing drawn is lost, nothing invalid is saved, nobody overwrites anybody."""

from __future__ import annotations

import json
from typing import Any

import pytest
from playwright.sync_api import Browser

from calibration import load_calibration
from calibration.editor import EditorSession
from tests.calibration.editor.pages import file_of

pytestmark = [pytest.mark.chromium, pytest.mark.slow]


def test_draft_survives_a_reload(hands: Any, lot: Any) -> None:
    hands.press("r")
    hands.lay_out_row(lot.rows[0], 6)
    drawn = hands.bays()
    hands.page.reload()
    hands.page.wait_for_selector("html[data-ready=true]")
    assert hands.bays() == drawn
    # Undo still works: the draft came back as one step.
    hands.press("Control+z")
    assert hands.count() == 0


def test_draft_survives_another_browser(
    browser: Browser, hands: Any, lot: Any, open_page: Any, hands_of: Any
) -> None:
    hands.press("r")
    hands.lay_out_row(lot.rows[0], 6)
    drawn = hands.bays()
    hands.wait_kept()
    hands.page.close()
    other = hands_of(open_page())  # a fresh profile: nothing in its own store
    assert other.count() == 0
    other.page.get_by_role("button", name="Restore").click()
    assert other.bays() == drawn


def test_draft_survives_a_server_that_dies(
    session: EditorSession, lot: Any, serving: Any, browser: Browser, hands_of: Any
) -> None:
    context = browser.new_context(viewport={"width": 1280, "height": 800})
    page = context.new_page()
    with serving(session) as url:
        page.goto(url)
        page.wait_for_selector("html[data-ready=true]")
        hands = hands_of(page)
        hands.press("r")
        hands.lay_out_row(lot.rows[0], 4)
        hands.wait_kept()
    # The server is gone; drawing goes on, and the page says where the draft is.
    hands.lay_out_row(lot.rows[1], 4)
    page.wait_for_selector("#draft-state[data-state=offline]", state="attached")
    assert hands.count() == 8
    kept = page.evaluate(
        "() => Object.entries(localStorage).filter(([key]) => key.startsWith('lotsight-draft'))"
        ".map(([, draft]) => JSON.parse(draft).document.bays.length)"
    )
    assert kept == [8]
    context.close()
    drafts = session.drafts.all()
    assert len(drafts) == 1
    assert len(drafts[0].document["bays"]) == 4


def test_draft_goes_when_it_is_saved(hands: Any, lot: Any, session: EditorSession) -> None:
    hands.press("r")
    hands.lay_out_row(lot.rows[0], 6)
    hands.wait_kept()
    assert len(session.drafts.all()) == 1
    hands.save(1)
    hands.page.wait_for_function(
        "() => Object.keys(localStorage).every((key) => !key.startsWith('lotsight-draft'))"
    )
    hands.page.wait_for_function("() => fetch('api/_/session').then((a) => a.json())"
                                 ".then((s) => s.drafts.length === 0)")  # fmt: skip


def test_two_tabs_join_instead_of_overwriting(
    hands: Any, lot: Any, session: EditorSession, open_page: Any, hands_of: Any
) -> None:
    hands.press("r")
    hands.lay_out_row(lot.rows[0], 5)
    hands.save(1)
    hands.press("v", "Escape")
    other = hands_of(open_page(hands.page.context))
    centres = {bay: _centre(points) for bay, points in hands.bays().items()}

    # Both change A01, differently; the other one also deletes A05.
    other.click(centres["A01"])
    other.details.get_by_label("Kind").select_option("ev")
    other.click(centres["A05"])
    other.press("Delete")
    other.save(2)
    hands.click(centres["A01"])
    hands.details.get_by_label("Kind").select_option("disabled")
    hands.click(centres["A02"])
    hands.details.get_by_label("Kind").select_option("loading")
    hands.press("Control+s")

    dialog = hands.page.get_by_role("dialog")
    dialog.wait_for()
    assert "Revision 2 was saved in the meantime" in dialog.inner_text()
    assert load_calibration(file_of(session)).revision == 2, "nothing was overwritten"
    assert dialog.locator("li").count() == 1
    assert "A01" in dialog.locator("li").inner_text()
    dialog.get_by_label("Theirs").check()
    dialog.get_by_role("button", name="Merge both").click()
    hands.save(3)
    saved = load_calibration(file_of(session))
    kinds = {bay.id: str(bay.kind) for bay in saved.bays}
    assert kinds == {"A01": "ev", "A02": "loading", "A03": "standard", "A04": "standard"}


def _centre(points: list[list[float]]) -> tuple[float, float]:
    return (sum(p[0] for p in points) / len(points), sum(p[1] for p in points) / len(points))


def test_tabs_keep_drafts_apart(
    hands: Any, lot: Any, session: EditorSession, open_page: Any, hands_of: Any
) -> None:
    hands.press("r")
    hands.lay_out_row(lot.rows[0], 3)
    hands.wait_kept()
    other = hands_of(open_page(hands.page.context))
    assert other.page.locator(".offer").count() == 0, "a draft of a living tab is not offered"
    other.press("r")
    other.lay_out_row(lot.rows[1], 4)
    other.wait_kept()
    sizes = sorted(len(draft.document["bays"]) for draft in session.drafts.all())
    assert sizes == [3, 4]
    hands.page.reload()
    hands.page.wait_for_selector("html[data-ready=true]")
    assert hands.count() == 3


def test_invalid_is_shown_with_place_and_remedy_and_not_saved(
    hands: Any, lot: Any, session: EditorSession
) -> None:
    hands.press("r")
    hands.lay_out_row(lot.rows[2], 8)
    hands.press("v", "Escape")
    bays = hands.bays()
    # The same id twice, and an outline that crosses itself.
    hands.click(_centre(bays["A02"]))
    hands.details.get_by_label("Id", exact=True).fill("A01")
    hands.details.get_by_label("Id", exact=True).blur()
    hands.click(_centre(bays["A07"]))
    corner = bays["A07"][0]
    hands.page.keyboard.down("Alt")
    hands.drag(corner, (bays["A07"][2][0] + 60, bays["A07"][2][1] - 30))
    hands.page.keyboard.up("Alt")
    hands.page.get_by_role("tab", name="Problems").click()
    hands.page.wait_for_selector(".finding >> text=self crossing")
    findings = hands.page.locator(".finding").all_inner_texts()
    assert any("Bay A01: duplicate id" in f and "a unique id" in f for f in findings)
    assert any("Bay A07: self crossing" in f and "in order around" in f for f in findings)
    hands.press("Control+s")
    hands.page.wait_for_selector(".toast.error")
    assert not file_of(session).exists()
    # A click on a finding goes to its place.
    zoom = hands.page.inner_text("#zoom-level")
    hands.page.locator(".finding", has_text="A07").first.click()
    assert hands.selected() == ["A07"]
    assert hands.page.inner_text("#zoom-level") != zoom
    # Mended by undo, it can be saved.
    hands.press("Control+z", "Control+z")
    hands.save(1)
    assert load_calibration(file_of(session)).bay_ids == tuple(f"A0{n}" for n in range(1, 9))


def test_hint_while_a_bad_shape_is_in_hand(hands: Any) -> None:
    hands.press("p")
    for point in [(300, 300), (400, 300), (300, 360)]:
        hands.click(point)
    hands.page.mouse.move(*hands.screen((400, 360)))
    hands.page.wait_for_selector("#hint:not([hidden])")
    assert "crosses itself" in hands.page.inner_text("#hint")


def test_author_and_foreign_changes_are_kept(hands: Any, lot: Any, session: EditorSession) -> None:
    """What the page does not edit (masks, control points) stays in the file."""
    hands.press("r")
    hands.lay_out_row(lot.rows[0], 3)
    hands.save(1)
    from calibration import Mask, save_calibration

    present = load_calibration(file_of(session))
    mask = Mask(name="house", polygon=((0.0, 0.0), (0.1, 0.0), (0.1, 0.1)))
    save_calibration(file_of(session), present.model_copy(update={"masks": (mask,)}), author="otto")
    hands.page.reload()
    hands.page.wait_for_selector("html[data-ready=true]")
    hands.press("r")
    hands.lay_out_row(lot.rows[1], 3)
    hands.save(3)
    saved = json.loads(file_of(session).read_text())
    assert saved["masks"][0]["name"] == "house"
    assert saved["author"] == "ina"
    assert len(saved["bays"]) == 6
