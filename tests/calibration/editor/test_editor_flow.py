"""The whole job in real Chromium: 60 bays drawn, saved, checked, reopened, edited, rolled back."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import jsonschema
import numpy as np
import pytest
from playwright.sync_api import Browser
from shapely import Polygon

from calibration import check_calibration, errors_of, list_revisions, load_calibration
from calibration.editor import ClipPictures, EditorSession, StillPicture
from calibration.json_schema import json_schema
from tests.calibration.editor.pages import file_of

pytestmark = [pytest.mark.chromium, pytest.mark.slow]


def draw_sixty(hands: Any, lot: Any) -> None:
    hands.press("r")
    for index, corners in enumerate(lot.rows):
        hands.lay_out_row(corners, lot.count if index == 0 else None)


def test_sixty_bays_from_empty_to_rolled_back(
    hands: Any, lot: Any, session: EditorSession, open_page: Any, hands_of: Any
) -> None:
    draw_sixty(hands, lot)
    assert hands.count() == 60
    hands.save(1)

    saved = load_calibration(file_of(session))
    jsonschema.validate(json.loads(file_of(session).read_text()), json_schema())
    assert saved.bay_ids == tuple(f"{row}{n:02d}" for row in "ABCD" for n in range(1, 16))
    assert errors_of(check_calibration(saved)) == ()
    assert saved.author == "ina"
    assert saved.reference is not None
    drawn = [np.asarray(bay.polygon) * saved.image_wh for bay in saved.bays]
    worst = max(_distance(a, b) for a, b in zip(drawn, lot.bays_px, strict=True))
    assert worst < 2.5, "the row tool puts every bay on its painted lines"

    second = hands_of(open_page())
    assert list(second.bays()) == list(saved.bay_ids)
    _edit(second, lot)
    second.save(2)
    changed = load_calibration(file_of(session))
    assert "C05" not in changed.bay_ids
    assert "C05" in changed.retired_ids
    assert changed.bay("A01").kind == "disabled"
    assert _distance(
        np.asarray(changed.bay("D08").polygon) * changed.image_wh,
        np.asarray(saved.bay("D08").polygon) * saved.image_wh,
    ) == pytest.approx(20, abs=1.5)

    second.page.get_by_role("tab", name="History").click()
    second.page.get_by_role("button", name="Restore this revision").click()
    second.page.wait_for_function(
        "() => document.getElementById('revision').textContent === 'Revision 3'"
    )
    assert second.count() == 60
    back = load_calibration(file_of(session))
    assert back.bays == saved.bays
    assert back.retired_ids == ()
    assert [revision.number for revision in list_revisions(file_of(session))] == [1, 2, 3]


def _edit(hands: Any, lot: Any) -> None:
    """Delete one bay, undo, redo; move another; make a third one a disabled bay."""
    hands.click(lot.bays_px[34].mean(axis=0))
    assert hands.selected() == ["C05"]
    hands.press("Delete")
    assert hands.count() == 59
    hands.press("Control+z")
    assert hands.count() == 60
    hands.press("Control+Shift+z")
    assert hands.count() == 59
    bay = lot.bays_px[52]
    hands.click(bay.mean(axis=0))
    hands.page.keyboard.down("Alt")
    hands.drag(bay.mean(axis=0), np.add(bay.mean(axis=0), (12, 16)))
    hands.page.keyboard.up("Alt")
    hands.click(lot.bays_px[0].mean(axis=0))
    hands.details.get_by_label("Kind").select_option("disabled")


def _distance(a: Any, b: Any) -> float:
    """Largest distance from a corner of one outline to the nearest of the other."""
    return float(max(np.linalg.norm(np.asarray(b) - point, axis=1).min() for point in a))


def test_bay_panel_lot_and_levels_reach_the_file(
    hands: Any, lot: Any, session: EditorSession
) -> None:
    hands.press("r")
    hands.lay_out_row(lot.rows[0], 5)
    page = hands.page
    page.get_by_role("tab", name="Lot").click()
    page.get_by_role("region", name="Lot").get_by_label("Name").fill("Station North")
    page.get_by_label("Kind of place").select_option("on_street")
    page.get_by_label("Latitude").fill("48.1402")
    page.get_by_label("Longitude").fill("11.5580")
    page.get_by_label("Levels").fill("P1, G")
    page.get_by_label("Levels").blur()
    hands.press("v")
    hands.click(np.add(lot.bays_px[0].mean(axis=0), (30, 0)))
    details = hands.details
    details.get_by_label("Id", exact=True).fill("VIP-7")
    details.get_by_label("Id", exact=True).blur()
    details.get_by_label("Kind", exact=True).select_option("ev")
    details.get_by_label("Angle").select_option("angled")
    details.get_by_label("Zone").fill("Z1")
    details.get_by_label("Zone").blur()
    details.get_by_label("Level", exact=True).select_option("P1")
    hands.save(1)
    saved = load_calibration(file_of(session))
    bay = saved.bay("VIP-7")
    assert (bay.kind, bay.angle, bay.zone, bay.level) == ("ev", "angled", "Z1", "P1")
    assert saved.lot.name == "Station North"
    assert saved.lot.street == "on_street"
    assert saved.lot.levels == ("P1", "G")
    assert saved.lot.location is not None
    assert saved.lot.location.lat_deg == pytest.approx(48.1402)


def test_live_check_agrees_with_the_cars_drawn(hands: Any, lot: Any) -> None:
    draw_sixty(hands, lot)
    hands.press("v", "Escape", "l")
    hands.page.wait_for_function(
        "() => document.querySelectorAll('#bays .occupied, #bays .free').length === 60"
    )
    seen = hands.page.locator("#bays .bay").evaluate_all(
        "(bays) => bays.map((bay) => bay.classList.contains('occupied'))"
    )
    assert seen == lot.taken
    assert hands.page.inner_text("#count-occupied") == str(sum(lot.taken))
    # It follows the drawing: a bay moved off its car is free.
    car = lot.taken.index(True)
    bay = lot.bays_px[car]
    hands.drag(bay.mean(axis=0), np.add(bay.mean(axis=0), (0, -70)))
    hands.page.wait_for_function(
        "(n) => document.getElementById('count-occupied').textContent === String(n)",
        arg=sum(lot.taken) - 1,
    )


def test_diff_against_the_last_revision(hands: Any, lot: Any) -> None:
    hands.press("r")
    hands.lay_out_row(lot.rows[0], 5)
    hands.save(1)
    hands.press("v", "Escape")
    first = next(iter(hands.bays().values()))
    hands.click(np.mean(first, axis=0))
    hands.press("2", "ArrowDown", "ArrowDown", "ArrowDown")
    hands.page.get_by_role("tab", name="History").click()
    changes = hands.page.locator(".changes li")
    assert changes.all_inner_texts() == ["~\nA01\nkind standard → disabled, moved 3.0 px"]
    hands.page.get_by_role("button", name="Show on the image").click()
    hands.page.wait_for_selector("#compare .before", state="attached")
    assert hands.page.locator("#compare .before").count() == 1


def test_proposals_are_accepted_edited_and_rejected(
    hands: Any, lot: Any, session: EditorSession
) -> None:
    hands.press("f")
    page = hands.page
    page.wait_for_selector("#proposals .proposal", state="attached")
    count = sum(lot.taken)
    assert page.locator("#proposals .proposal").count() == count
    hands.press("y")  # the first one becomes a bay, chosen, so that it can be changed at once
    assert list(hands.bays()) == ["A01"]
    assert hands.selected() == ["A01"]
    hands.press("n")
    page.wait_for_function(
        "(n) => document.querySelectorAll('#proposals .proposal').length === n", arg=count - 2
    )
    hands.press("Control+z")  # a rejected one comes back
    assert page.locator("#proposals .proposal").count() == count - 1
    # Proposals are part of the draft.
    page.reload()
    page.wait_for_selector("html[data-ready=true]")
    assert page.locator("#proposals .proposal").count() == count - 1
    page.get_by_role("tab", name="Found").click()
    assert page.locator("#tab-history").bounding_box()["x"] < 1280 - 40, "no tab is cut off"
    page.get_by_label("Show from").fill("0.8")
    sure = page.locator("#proposals .proposal").count()
    assert 0 < sure < count - 1
    page.get_by_role("button", name=f"Accept {sure}", exact=True).click()
    assert hands.count() == 1 + sure
    page.get_by_label("Show from").fill("0")
    page.get_by_role("button", name="Accept all").click()
    assert hands.count() == count
    assert page.locator("#proposals .proposal").count() == 0
    hands.save(1)
    saved = load_calibration(file_of(session))
    assert len(saved.bays) == count
    centres = np.array([np.mean(bay.polygon, axis=0) * saved.image_wh for bay in saved.bays])
    for bay, taken in zip(lot.bays_px, lot.taken, strict=True):
        off = np.linalg.norm(centres - bay.mean(axis=0), axis=1).min()
        assert (off < 6) == taken


def test_command_line_can_begin_with_proposals(open_page: Any, lot: Any) -> None:
    page = open_page(query="?propose=1")
    assert page.locator("#proposals .proposal").count() == sum(lot.taken)


def test_cameras_of_a_box_are_chosen(
    session: EditorSession,
    lot_picture: Path,
    tmp_path: Path,
    serving: Any,
    browser: Browser,
    hands_of: Any,
) -> None:
    south = EditorSession("south", StillPicture(lot_picture), tmp_path / "south.json")
    with serving(session, south, home="../", applies=True) as url, browser.new_page() as page:
        page.goto(url)
        page.wait_for_selector("html[data-ready=true]")
        page.get_by_label("Camera", exact=True).select_option("south")
        page.wait_for_url("**/?camera=south")
        page.wait_for_selector("html[data-ready=true]")
        assert page.get_by_label("Camera", exact=True).input_value() == "south"
        hands = hands_of(page)
        hands.press("p")
        hands.drag((300, 300), (400, 400))
        hands.save(1)
        assert page.get_by_role("button", name="Save and apply").count() == 1
        assert page.get_by_label("Back to the live view").get_attribute("href") == "../"
    assert load_calibration(file_of(south)).camera == "south"
    assert not file_of(session).exists()


def test_import_and_export(hands: Any, tmp_path: Path) -> None:
    file = tmp_path / "bounding_boxes.json"
    file.write_text(
        json.dumps([{"points": [[100, 100], [160, 100], [160, 200], [100, 200]]},
                    {"points": [[170, 100], [230, 100], [230, 200], [170, 200]]}])
    )  # fmt: skip
    page = hands.page
    page.get_by_role("button", name="Import and export").click()
    page.get_by_label("File", exact=True).set_input_files(file)
    page.get_by_role("button", name="Import bays").click()
    page.wait_for_function("() => document.querySelectorAll('#bays .bay').length === 2")
    page.get_by_role("button", name="Import and export").click()
    page.get_by_label("Export format").select_option("coco")
    with page.expect_download() as download:
        page.get_by_role("button", name="Download").click()
    exported = json.loads(Path(download.value.path()).read_text())
    assert download.value.suggested_filename == "north.coco.json"
    assert [a["bbox"] for a in exported["annotations"]] == [
        [100.0, 100.0, 60.0, 100.0],
        [170.0, 100.0, 60.0, 100.0],
    ]


CVAT = """<?xml version="1.0" encoding="utf-8"?>
<annotations><version>1.1</version><image id="0" name="a.jpg" width="1280" height="720">
<polygon label="bay" points="100,300;200,300;200,400;100,400"><attribute name="id">A1</attribute>
</polygon><polygon label="bay" points="210,300;310,300;310,400;210,400">
<attribute name="id">A2</attribute></polygon>
<polyline label="kerb" points="0,500;1280,500"></polyline></image></annotations>"""


def test_import_from_a_drawing_tool_tells_what_it_leaves_out(hands: Any, tmp_path: Path) -> None:
    file = tmp_path / "annotations.xml"
    file.write_text(CVAT)
    page = hands.page
    page.get_by_role("button", name="Import and export").click()
    page.get_by_label("File", exact=True).set_input_files(file)
    page.get_by_text("Details missing from the file").click()
    page.get_by_label("Labels of the bays").fill("bay")
    page.get_by_role("button", name="Import bays").click()
    page.wait_for_function("() => document.querySelectorAll('#bays .bay').length === 2")
    assert {"A1", "A2"} <= set(page.inner_text("body").split())
    page.get_by_text("skipped").first.wait_for()
    assert "1 skipped: <polyline> has no outline (polyline 3)" in page.inner_text("body")


@pytest.mark.data
def test_the_columns_of_the_top_view_clip(
    shared_data: Path, tmp_path: Path, serving: Any, browser: Browser, hands_of: Any
) -> None:
    """63 bays of a real lot, in six columns, from a clip with its slider."""
    folder = shared_data / "video"
    bays = json.loads((folder / "carpark_topview.bays.json").read_text())["bays"]
    columns = [
        sorted((bay for bay in bays if abs(bay[0][0] - x) < 15), key=lambda bay: bay[0][1])[:count]
        for x, count in ((48, 12), (165, 12), (402, 8), (513, 8), (751, 12), (909, 11))
    ]
    session = EditorSession(
        "top", ClipPictures(folder / "carpark_topview.mp4"), tmp_path / "top.json"
    )
    with (
        serving(session) as url,
        browser.new_context(viewport={"width": 1280, "height": 800}) as ctx,
    ):
        page = ctx.new_page()
        page.goto(url)
        page.wait_for_selector("html[data-ready=true]")
        hands = hands_of(page)
        hands.press("r")
        for column in columns:
            points = np.asarray(column, float).reshape(-1, 2)
            (left, top), (right, bottom) = points.min(axis=0), points.max(axis=0)
            corners = [(left, top), (left, bottom), (right, bottom), (right, top)]
            hands.lay_out_row(corners, len(column))
        hands.save(1)
        page.get_by_label("Position in the clip, seconds").fill("7")
        assert "7.0 / 14." in page.inner_text("#clip output")
    saved = load_calibration(file_of(session))
    assert len(saved.bays) == 63
    drawn = [Polygon(np.asarray(bay.polygon) * saved.image_wh) for bay in saved.bays]
    for bay in (bay for column in columns for bay in column):
        true = Polygon(bay)
        best = max(true.intersection(d).area / true.union(d).area for d in drawn)
        assert best > 0.75
