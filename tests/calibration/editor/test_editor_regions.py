"""Privacy masks and watched areas in real Chromium: drawn, saved, reopened, changed, deleted."""

from __future__ import annotations

import json
from typing import Any

import cv2
import jsonschema
import numpy as np
import pytest

from calibration import Mask, load_calibration, save_calibration
from calibration.editor import EditorSession
from calibration.json_schema import json_schema
from tests.calibration.editor.pages import file_of

pytestmark = [pytest.mark.chromium, pytest.mark.slow]

HOUSE = [(0.0, 0.0), (500.0, 0.0), (500.0, 90.0), (0.0, 90.0)]
LANE = [(40.0, 345.0), (640.0, 350.0), (1240.0, 345.0), (1240.0, 395.0), (40.0, 395.0)]


def regions(hands: Any) -> dict[str, Any]:
    """Outlines of masks and areas on the picture, `mask house` and the like, pixels."""
    hands.settle()
    found = hands.page.evaluate(
        """() => [...document.querySelectorAll('#regions .region')].map((region) => [
          `${region.classList.contains('mask') ? 'mask' : 'area'} ${region.dataset.region}`,
          region.querySelector('.line').getAttribute('points').split(' ')
            .map((p) => p.split(',').map(Number)),
        ])"""
    )
    return {name: np.asarray(points) for name, points in found}


def selected(hands: Any) -> list[str]:
    hands.settle()
    found = hands.page.locator("#regions .region.selected")
    return list(found.evaluate_all("(all) => all.map((region) => region.dataset.region)"))


def details(hands: Any) -> Any:
    return hands.page.get_by_role("region", name="Selected mask, area or line")


def rename(hands: Any, name: str) -> None:
    field = details(hands).get_by_label("Name")
    field.fill(name)
    field.blur()


def draw(hands: Any, key: str, points: Any, name: str | None = None) -> None:
    """Click the corners, leave the pointer anywhere, Enter; then its name."""
    hands.press(key)
    for point in points:
        hands.click(point)
    hands.page.mouse.move(*hands.screen((700, 640)))
    hands.press("Enter")
    if name is not None:
        rename(hands, name)


def near(a: Any, b: Any, within: float = 1.5) -> bool:
    return bool(np.abs(np.asarray(a) - np.asarray(b)).max() < within)


def test_drawn_saved_reopened_changed_undone_deleted(
    hands: Any, lot: Any, session: EditorSession, open_page: Any, hands_of: Any
) -> None:
    hands.press("b")
    hands.drag((-30, -20), (500, 90))  # over the rim: a mask ends where the picture does
    rename(hands, "house")
    draw(hands, "a", LANE, "fire lane")
    assert near(regions(hands)["mask house"], HOUSE)
    assert near(regions(hands)["area fire lane"], LANE)
    hands.press("r")
    hands.lay_out_row(lot.rows[2], 15)
    hands.save(1)

    saved = load_calibration(file_of(session))
    jsonschema.validate(json.loads(file_of(session).read_text()), json_schema())
    assert [mask.name for mask in saved.masks] == ["house"]
    assert [area.name for area in saved.areas] == ["fire lane"]
    assert near(np.multiply(saved.masks[0].polygon, saved.image_wh), HOUSE)
    assert near(np.multiply(saved.areas[0].polygon, saved.image_wh), LANE)
    assert saved.reference is not None
    reference = cv2.imread(str(file_of(session).parent / saved.reference.file))
    assert reference is not None
    assert reference[5:80, 10:490].max() < 12, "the reference was taken with the mask"
    hands.page.wait_for_function(
        "() => document.querySelector('#picture').href.baseVal.endsWith('v=1')"
    )

    second = hands_of(open_page())
    assert {name: points.tolist() for name, points in regions(second).items()} == {
        name: points.tolist() for name, points in regions(hands).items()
    }
    assert second.page.locator("#save").is_disabled(), "what was reopened is what was saved"
    change(second)
    second.save(2)
    changed = load_calibration(file_of(session))
    assert changed.masks == ()
    (lane,) = changed.areas
    assert len(lane.polygon) == 6
    assert near(np.multiply(lane.polygon[0], changed.image_wh), (60, 355))
    assert changed.bays == saved.bays


def change(hands: Any) -> None:
    """Reshape and move the area, undo and redo; delete the mask, by undo and again."""
    hands.press("v")
    hands.click((300, 370))
    assert selected(hands) == ["fire lane"]
    before = regions(hands)["area fire lane"]
    hands.drag(before[3], (1200, 390))
    assert near(regions(hands)["area fire lane"][3], (1200, 390))
    hands.press("Control+z")
    assert near(regions(hands)["area fire lane"], before, 0.01)
    middle = np.mean([before[3], before[4]], axis=0)
    hands.drag(middle, np.add(middle, (0, -12)))  # the middle handle of the lower edge
    assert len(regions(hands)["area fire lane"]) == 6
    hands.drag((300, 372), (320, 382))
    assert near(regions(hands)["area fire lane"][0], np.add(before[0], (20, 10)))
    hands.press("Control+z")
    assert near(regions(hands)["area fire lane"][0], before[0], 0.01)
    hands.press("Control+Shift+z")
    hands.click((250, 50))
    assert selected(hands) == ["house"]
    hands.press("Delete")
    assert "mask house" not in regions(hands)
    hands.press("Control+z")
    assert near(regions(hands)["mask house"], HOUSE)
    hands.click((250, 50))
    details(hands).get_by_role("button", name="Delete").click()
    assert list(regions(hands)) == ["area fire lane"]


def test_sixty_bays_stay_at_hand_under_an_area(hands: Any, lot: Any) -> None:
    hands.press("r")
    for index, corners in enumerate(lot.rows):
        hands.lay_out_row(corners, lot.count if index == 0 else None)
    draw(hands, "a", [(5, 100), (1275, 100), (1275, 710), (5, 710)], "all")
    hands.press("v", "Escape")
    before = regions(hands)["area all"]
    hands.click(lot.bays_px[34].mean(axis=0))
    assert hands.selected() == ["C05"], "a bay in it is clicked"
    bay = hands.bays()["C05"]
    hands.page.keyboard.down("Alt")
    hands.drag(np.mean(bay, axis=0), np.add(np.mean(bay, axis=0), (4, 6)))
    hands.page.keyboard.up("Alt")
    assert near(hands.bays()["C05"], np.add(bay, (4, 6)))
    hands.drag((30, 350), (330, 540))  # a frame that begins in the area
    assert hands.selected()[0] == "C01"
    assert selected(hands) == []
    assert near(regions(hands)["area all"], before, 0.01), "and the area stays where it is"
    hands.click((640, 360))
    assert selected(hands) == ["all"]
    hands.press("Control+a")
    assert len(hands.selected()) == 60
    assert selected(hands) == []
    page = hands.page
    page.get_by_role("tab", name="Areas").click()
    page.get_by_label("Lock").check()
    hands.click((300, 365))
    assert selected(hands) == [], "locked, clicks pass through"
    assert hands.selected() == []
    page.get_by_role("option", name="all").click()
    assert selected(hands) == ["all"]
    hands.press("o")
    assert regions(hands) == {}
    assert not page.get_by_label("Show on the image").is_checked()
    assert page.locator("#handles .handle").count() == 0


def test_by_keys_alone(hands: Any, session: EditorSession) -> None:
    page = hands.page
    page.locator("#stage").focus()
    hands.press("b")
    for keys in ([], ["ArrowRight"] * 6, ["ArrowDown"] * 5, ["ArrowLeft"] * 6):
        hands.press(*keys, "Enter")
    hands.press("Enter")  # where the last corner lies: closed
    mask = regions(hands)["mask mask 1"]
    assert len(mask) == 4
    hands.press("v", "c", "c", "ArrowUp", "Shift+ArrowRight")
    moved = regions(hands)["mask mask 1"]
    assert near(moved[1], np.add(mask[1], (10, -1)), 0.1)
    assert near(moved[[0, 2, 3]], mask[[0, 2, 3]], 0.1)
    hands.press("Escape")
    for _ in range(80):
        hands.press("Shift+ArrowUp")  # to the rim and no farther
    assert regions(hands)["mask mask 1"][:, 1].min() == pytest.approx(0, abs=0.01)
    hands.press("a")
    for keys in ([], ["ArrowRight"] * 8, ["ArrowDown"] * 8):
        hands.press(*keys, "Enter")
    hands.press("Enter", "v")
    assert selected(hands) == ["area 1"]
    hands.press(".")
    assert selected(hands) == ["mask 1"]
    hands.press(",")
    assert selected(hands) == ["area 1"]
    hands.press("Delete", "Control+s")
    page.wait_for_function("() => document.getElementById('revision').textContent === 'Revision 1'")
    saved = load_calibration(file_of(session))
    assert ([mask.name for mask in saved.masks], saved.areas) == (["mask 1"], ())
    hands.press("?")
    help_text = page.get_by_role("dialog").inner_text()
    assert "Draw a privacy mask" in help_text
    assert "Draw a watched area" in help_text


def test_by_finger(open_page: Any, hands_of: Any) -> None:
    page = open_page(viewport={"width": 390, "height": 844}, has_touch=True)
    fingers = hands_of(page)
    page.locator("#do-area").tap()
    corners = [(200, 200), (1000, 220), (1000, 420), (200, 400)]
    for corner in [*corners, corners[0]]:
        page.touchscreen.tap(*fingers.screen(corner))
        page.wait_for_timeout(400)  # two taps at once would be a double tap
    page.locator("#do-select").tap()
    assert near(regions(fingers)["area area 1"], corners, 12)
    page.touchscreen.tap(*fingers.screen((1150, 600)))
    assert selected(fingers) == []
    page.touchscreen.tap(*fingers.screen((600, 300)))
    assert selected(fingers) == ["area 1"]


def test_faults_are_told_at_once_and_forbid_saving(hands: Any, session: EditorSession) -> None:
    page = hands.page
    hands.press("a")
    hands.click((200, 200))
    hands.click((600, 200))
    hands.press("Enter")  # the pointer is still there: an outline of two corners
    assert "3 corners or more; so far there are 2" in page.inner_text("#toasts")
    assert regions(hands) == {}
    hands.click((300, 300))
    page.mouse.move(*hands.screen((500, 100)))
    page.wait_for_selector("#hint:not([hidden])")
    assert "crosses itself" in page.inner_text("#hint")
    hands.click((500, 100))
    hands.press("Enter")
    draw(hands, "a", [(700, 200), (900, 200), (900, 300)], "area 1")
    page.get_by_role("tab", name="Problems").click()
    page.wait_for_selector(".finding >> text=duplicate name")
    findings = page.locator(".finding").all_inner_texts()
    assert any("Area area 1: self crossing" in f and "in order" in f for f in findings)
    assert any("Area area 1: duplicate name" in f and "a unique name" in f for f in findings)
    assert page.locator("#regions .region.error").count() == 2
    hands.press("Control+s")
    page.wait_for_selector(".toast.error")
    assert not file_of(session).exists()
    page.locator(".finding", has_text="self crossing").first.click()
    assert selected(hands) == ["area 1"]
    hands.press("Control+z", "Control+z")  # the name, the second area
    hands.press("0")
    hands.drag((500, 100), (200, 320))
    page.wait_for_function("() => !document.querySelector('#tab-problems .badge.bad')")
    hands.save(1)
    assert len(load_calibration(file_of(session)).areas[0].polygon) == 4


def test_two_people_change_one_mask(
    hands: Any, session: EditorSession, open_page: Any, hands_of: Any
) -> None:
    hands.press("b")
    hands.drag((100, 100), (300, 200))
    hands.save(1)
    hands.press("v", "Escape")
    other = hands_of(open_page(hands.page.context))
    other.click((200, 150))
    other.drag((200, 150), (240, 150))
    draw(other, "a", [(700, 500), (900, 500), (900, 600)], "lane")
    other.save(2)
    hands.click((200, 150))
    hands.press("ArrowUp")
    draw(hands, "b", [(700, 20), (900, 20), (900, 90)], "gate")
    hands.press("Control+s")
    dialog = hands.page.get_by_role("dialog")
    dialog.wait_for()
    assert "Mask mask 1" in dialog.locator("li").inner_text()
    dialog.get_by_label("Theirs").check()
    dialog.get_by_role("button", name="Merge both").click()
    hands.save(3)
    saved = load_calibration(file_of(session))
    masks = {mask.name: np.multiply(mask.polygon, saved.image_wh) for mask in saved.masks}
    assert sorted(masks) == ["gate", "mask 1"]
    assert near(masks["mask 1"][0], (140, 100))
    assert [area.name for area in saved.areas] == ["lane"]
    hands.page.get_by_role("tab", name="History").click()
    hands.page.get_by_role("button", name="Compare").last.click()
    hands.page.wait_for_selector(".changes li")
    changes = hands.page.locator(".changes li").all_inner_texts()
    assert sorted(text.split("\n")[:2] for text in changes) == [
        ["+", "Area lane"],
        ["+", "Mask gate"],
        ["~", "Mask mask 1"],
    ]


def test_drafts_keep_them_and_old_drafts_take_none_away(hands: Any, session: EditorSession) -> None:
    draw(hands, "a", LANE, "lane")
    hands.wait_kept()
    drawn = regions(hands)
    hands.page.reload()
    hands.page.wait_for_selector("html[data-ready=true]")
    assert regions(hands)["area lane"].tolist() == drawn["area lane"].tolist()
    hands.press("p")
    hands.drag((300, 500), (400, 600))
    hands.save(1)
    # A draft from before masks and areas could be drawn, on a file that has both by now.
    present = load_calibration(file_of(session))
    mask = Mask(name="house", polygon=((0.0, 0.0), (0.1, 0.0), (0.1, 0.1)))
    save_calibration(file_of(session), present.model_copy(update={"masks": (mask,)}), author="otto")
    hands.page.reload()
    hands.page.wait_for_selector("html[data-ready=true]")
    hands.press("p")
    hands.drag((500, 500), (600, 600))
    hands.wait_kept()
    hands.page.evaluate(
        """() => {
          const key = Object.keys(localStorage).find((k) => k.startsWith('lotsight-draft'));
          const draft = JSON.parse(localStorage.getItem(key));
          delete draft.document.masks;
          delete draft.document.areas;
          addEventListener('pagehide', () => localStorage.setItem(key, JSON.stringify(draft)));
        }"""
    )
    hands.page.reload()
    hands.page.wait_for_selector("html[data-ready=true]")
    assert hands.count() == 2
    assert sorted(regions(hands)) == ["area lane", "mask house"]
