"""Drawing by pointer, by keys alone, and by finger."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from calibration import load_calibration
from calibration.editor import EditorSession
from tests.calibration.editor.pages import file_of

pytestmark = [pytest.mark.chromium, pytest.mark.slow]

SQUARE = [(400.0, 340.0), (520.0, 340.0), (520.0, 400.0), (400.0, 400.0)]


def draw(hands: Any, points: Any) -> None:
    hands.press("p")
    for point in points:
        hands.click(point)
    hands.press("v")


def near(a: Any, b: Any, within: float = 1.5) -> bool:
    return bool(np.abs(np.asarray(a) - np.asarray(b)).max() < within)


def test_polygon_by_clicks_and_by_dragging(hands: Any) -> None:
    draw(hands, SQUARE)
    assert near(hands.bays()["A01"], SQUARE)
    hands.press("p")
    hands.drag((600, 340), (700, 400))
    assert near(hands.bays()["A02"], [(600, 340), (700, 340), (700, 400), (600, 400)])


def test_corner_edge_and_bay_are_dragged(hands: Any) -> None:
    draw(hands, SQUARE)
    hands.click((460, 370))
    hands.drag(SQUARE[2], (550, 420))
    assert near(hands.bays()["A01"][2], (550, 420))
    hands.drag((430, 340), (430, 320))  # the upper edge, beside its middle handle
    assert near(hands.bays()["A01"][:2], [(400, 320), (520, 320)])
    before = np.asarray(hands.bays()["A01"])
    hands.drag((440, 360), (540, 380))
    assert near(hands.bays()["A01"], np.add(before, (100, 20)))
    hands.press("Control+z")
    assert near(hands.bays()["A01"], before)


def test_corners_are_added_and_removed(hands: Any) -> None:
    draw(hands, SQUARE)
    hands.click((460, 370))
    hands.drag((460, 340), (460, 325))  # the middle handle of the upper edge
    assert len(hands.bays()["A01"]) == 5
    hands.page.mouse.dblclick(*hands.screen((400, 370)))  # on the left edge
    assert len(hands.bays()["A01"]) == 6
    hands.page.mouse.dblclick(*hands.screen((460, 325)))  # the corner again
    assert len(hands.bays()["A01"]) == 5


def test_neighbours_share_their_divider(hands: Any) -> None:
    hands.press("p")
    hands.drag((400, 340), (500, 400))
    hands.press("p")
    hands.drag((503, 342), (600, 397))  # a little off: it snaps to the neighbour's corners
    bays = hands.bays()
    assert near(bays["A02"][0], bays["A01"][1], 0.01)
    hands.press("v")
    hands.click((450, 370))
    hands.drag((500, 340), (515, 335))
    bays = hands.bays()
    assert near(bays["A01"][1], (515, 335))
    assert near(bays["A02"][0], (515, 335)), "one divider, two bays"
    hands.page.keyboard.down("Alt")
    hands.drag((515, 335), (525, 330))
    hands.page.keyboard.up("Alt")
    bays = hands.bays()
    assert near(bays["A01"][1], (525, 330))
    assert near(bays["A02"][0], (515, 335)), "Alt sets them apart"


def test_many_are_selected_and_moved_together(hands: Any, lot: Any) -> None:
    hands.press("r")
    hands.lay_out_row(lot.rows[0], 5)
    hands.press("v", "Escape")
    before = hands.bays()
    hands.drag((150, 60), (560, 230))
    assert hands.selected() == ["A01", "A02"]
    a04 = np.mean(before["A04"], axis=0)
    hands.page.keyboard.down("Shift")
    hands.click(a04)
    hands.page.keyboard.up("Shift")
    assert hands.selected() == ["A01", "A02", "A04"]
    hands.press("Shift+ArrowUp", "ArrowLeft")
    after = hands.bays()
    for bay in ("A01", "A02", "A04"):
        assert near(after[bay], np.add(before[bay], (-1, -10)), 0.1)
    assert after["A03"] == before["A03"]
    hands.press("Control+a", "3")
    assert hands.page.locator("#bays .kind-ev").count() == 5


def test_zoom_and_pan_keep_the_place_under_the_pointer(hands: Any) -> None:
    place = (500.0, 400.0)
    at = hands.screen(place)
    hands.page.mouse.move(*at)
    hands.page.mouse.wheel(0, -400)
    hands.settle()
    assert near(hands.screen(place), at, 1.0)
    assert hands.page.inner_text("#zoom-level") != "66 %"
    hands.page.keyboard.down("Space")
    hands.page.mouse.down()
    hands.page.mouse.move(at[0] + 80, at[1] + 30)
    hands.page.mouse.up()
    hands.page.keyboard.up("Space")
    assert near(hands.screen(place), (at[0] + 80, at[1] + 30), 1.5)
    hands.press("0")
    assert near(hands.screen(place), at, 0.5)


def test_row_dividers_angles_and_double_rows(hands: Any, lot: Any) -> None:
    page = hands.page
    hands.press("r")
    for corner in lot.rows[3]:
        hands.click(corner)
    page.get_by_label("Bays in the row").fill("4")
    handle = page.locator("#draft .divider").nth(1)
    box = handle.bounding_box()
    x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
    page.mouse.move(x, y)
    page.mouse.down()
    page.mouse.move(x + 40, y, steps=4)
    page.mouse.up()
    page.get_by_text("Angled, double, numbering").click()
    page.get_by_label("Rows").select_option("2")
    page.get_by_label("Skip").fill("3")
    page.get_by_label("Second row numbered backwards").check()
    page.get_by_label("Number from the far end").check()
    page.get_by_role("button", name="Create 8 bays").click()
    bays = hands.bays()
    assert sorted(bays) == ["A01", "A02", "A04", "A05", "A06", "A07", "A08", "A09"]
    # The far end of the first line is A01; the second line begins beneath the near end.
    assert bays["A01"][0][0] > bays["A05"][0][0]
    assert np.mean(bays["A06"], axis=0)[0] == pytest.approx(np.mean(bays["A05"], axis=0)[0], abs=40)
    middle = bays["A02"][0][0]
    assert middle > 650, "the middle divider was dragged to the right"


def test_copy_along_the_lot_keeps_the_perspective(hands: Any, lot: Any) -> None:
    hands.press("r")
    hands.lay_out_row(lot.rows[3], 15)
    near_row = np.asarray(hands.bays()["A01"])
    hands.press("v", "Control+a", "Control+d")
    hands.click((640, 320))
    hands.press("Enter")
    bays = hands.bays()
    assert len(bays) == 30
    copy = np.asarray(bays["B01"])
    width = np.ptp(near_row[:, 0]), np.ptp(copy[:, 0])
    assert width[1] < 0.9 * width[0], "farther away is smaller"


def test_all_by_keys(hands: Any, session: EditorSession) -> None:
    """A bay and a row are drawn, changed and saved without a pointer."""
    page = hands.page
    page.locator("#stage").focus()
    hands.press("p")
    steps = [[], ["ArrowRight"] * 6, ["ArrowDown"] * 5, ["ArrowLeft"] * 6]
    for keys in steps:
        hands.press(*keys, "Enter")
    assert hands.count() == 1
    bay = hands.bays()["A01"]
    hands.press("v", "c", "c", "ArrowUp", "ArrowUp", "Shift+ArrowRight")
    moved = hands.bays()["A01"]
    assert near(moved[1], np.add(bay[1], (10, -2)), 0.1)
    assert near(moved[0], bay[0], 0.1)
    hands.press("Escape", "2", "r")
    for keys in (
        ["Shift+ArrowDown"] * 2,
        ["ArrowRight"] * 18,
        ["ArrowDown"] * 4,
        ["ArrowLeft"] * 18,
    ):
        hands.press(*keys, "Enter")
    page.wait_for_function("() => document.activeElement.type === 'number'")
    page.keyboard.type("6")
    hands.press("Enter")
    assert hands.count() == 7
    hands.press("v", ".", ".", "Delete", "Control+s")
    page.wait_for_function("() => document.getElementById('revision').textContent === 'Revision 1'")
    saved = load_calibration(file_of(session))
    assert len(saved.bays) == 6
    assert saved.bays[0].kind == "disabled"
    hands.press("?")
    assert "Lay out a row" in page.get_by_role("dialog").inner_text()
    hands.press("Escape")
    assert page.get_by_role("dialog").count() == 0


@pytest.fixture
def fingers(open_page: Any, hands_of: Any) -> Any:
    return hands_of(open_page(viewport={"width": 1024, "height": 768}, has_touch=True))


def test_by_finger(fingers: Any, lot: Any) -> None:
    page = fingers.page
    page.locator("#do-row").tap()
    for corner in lot.rows[2]:
        page.touchscreen.tap(*fingers.screen(corner))
    page.get_by_role("button", name="Create 10 bays").tap()
    assert fingers.count() == 10
    page.locator("#do-select").tap()
    places = {bay: np.mean(points, axis=0) for bay, points in fingers.bays().items()}
    page.touchscreen.tap(*fingers.screen(places["A02"]))
    assert fingers.selected() == ["A02"]
    page.locator("#do-multi").tap()
    page.touchscreen.tap(*fingers.screen(places["A04"]))
    assert fingers.selected() == ["A02", "A04"]


def test_two_fingers_zoom_and_draw_nothing(fingers: Any) -> None:
    before = fingers.page.inner_text("#zoom-level")
    session = fingers.page.context.new_cdp_session(fingers.page)

    def touch(kind: str, *points: tuple[float, float]) -> None:
        places = [{"x": x, "y": y, "id": i} for i, (x, y) in enumerate(points)]
        session.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": places})

    fingers.page.locator("#do-polygon").tap()
    touch("touchStart", (400, 300))
    touch("touchStart", (400, 300), (500, 300))
    for spread in range(10, 101, 10):
        touch("touchMove", (400 - spread, 300), (500 + spread, 300))
    touch("touchEnd")
    fingers.settle()
    assert fingers.page.inner_text("#zoom-level") != before
    assert fingers.page.locator("#draft .draft-point").count() == 0
