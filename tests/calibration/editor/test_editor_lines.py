"""Counted lines in real Chromium: drawn, turned, named, saved, reopened, moved, deleted."""

from __future__ import annotations

import json
from typing import Any

import jsonschema
import numpy as np
import pytest

from calibration import load_calibration
from calibration.editor import EditorSession
from calibration.json_schema import json_schema
from tests.calibration.editor.pages import file_of
from vision.lanes import LineSide

pytestmark = [pytest.mark.chromium, pytest.mark.slow]

ENDS = [(200.0, 300.0), (900.0, 340.0)]


def drawn(hands: Any) -> dict[str, np.ndarray[Any, Any]]:
    """Points of the lines on the picture, pixels, and the arrow's angle, degrees, as a last row."""
    hands.settle()
    found = hands.page.evaluate(
        """() => [...document.querySelectorAll('#regions .region.line')].map((line) => [
          line.dataset.region,
          line.querySelector('.line').getAttribute('points').split(' ')
            .map((p) => p.split(',').map(Number)),
          Number(line.querySelector('.arrow path').getAttribute('transform').match(/-?[0-9.]+/)[0]),
        ])"""
    )
    return {name: np.array([*points, (angle, angle)]) for name, points, angle in found}


def test_a_line_is_drawn_turned_named_saved_and_reopened(
    hands: Any, lot: Any, session: EditorSession, open_page: Any, hands_of: Any
) -> None:
    hands.press("r")
    hands.lay_out_row(lot.rows[2], 15)
    hands.press("k")
    for point in ENDS:
        hands.click(point)
    hands.page.mouse.move(*hands.screen((700, 640)))
    hands.press("Enter")
    along = np.degrees(np.arctan2(40, 700))
    assert np.allclose(drawn(hands)["line-1"][:2], ENDS, atol=1.5)
    assert drawn(hands)["line-1"][2, 0] == pytest.approx(along - 90, abs=0.5), "in is to the left"
    details = hands.page.get_by_role("region", name="Selected mask, area or line")
    name = details.get_by_label("Name")
    name.fill("main gate")
    name.blur()
    assert "line-1" in drawn(hands), "an id has no blank"
    name.fill("main-gate")
    name.blur()
    details.get_by_label("Counted").fill("Car, bus")
    details.get_by_label("Counted").blur()
    hands.press("v")
    hands.press("x")
    assert drawn(hands)["main-gate"][2, 0] == pytest.approx(along + 90, abs=0.5)
    hands.press("Control+z")
    assert drawn(hands)["main-gate"][2, 0] == pytest.approx(along - 90, abs=0.5)
    hands.press("Control+Shift+z")
    hands.save(1)

    saved = load_calibration(file_of(session))
    jsonschema.validate(json.loads(file_of(session).read_text()), json_schema())
    (line,) = saved.lines
    assert (line.id, line.in_side, line.classes) == ("main-gate", LineSide.RIGHT, ("car", "bus"))
    assert np.allclose(np.multiply(line.points, saved.image_wh), ENDS, atol=1.5)

    second = hands_of(open_page())
    assert np.allclose(drawn(second)["main-gate"], drawn(hands)["main-gate"])
    second.press("v")
    second.click((550, 320))  # on the stroke, which is what can be hit of a line
    second.drag(ENDS[1], (1000, 380))
    assert np.allclose(drawn(second)["main-gate"][1], (1000, 380), atol=1.5)
    second.press("Control+z")
    second.drag((550, 320), (550, 400))  # the middle handle makes a bend
    assert len(drawn(second)["main-gate"]) == 4
    second.press("Delete")
    second.press("Delete")
    assert drawn(second) == {}
    second.press("Control+z")
    assert list(drawn(second)) == ["main-gate"]


def test_a_line_is_drawn_by_keys_alone_and_problems_name_it(
    hands: Any, session: EditorSession
) -> None:
    hands.press("k")
    hands.press("Enter")
    for _ in range(3):
        hands.press("ArrowRight")
    hands.press("Enter")
    hands.press("Enter")
    (points,) = drawn(hands).values()
    assert points[1, 0] > points[0, 0]
    assert points[1, 1] == points[0, 1]
    (first,) = drawn(hands)
    hands.press("k")
    hands.drag((800, 100), (1000, 140))
    assert np.allclose(drawn(hands)["line-2"][:2], [(800, 100), (1000, 140)], atol=1.5)
    name = hands.page.get_by_role("region", name="Selected mask, area or line").get_by_label("Name")
    name.fill(first)
    name.blur()
    hands.page.get_by_role("tab", name="Problems").click()
    hands.page.get_by_text(f"counted line '{first}': expected one of this id").wait_for()
    assert "blocked" in (hands.page.locator("#save").get_attribute("class") or "")
