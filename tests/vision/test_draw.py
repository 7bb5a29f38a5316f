"""Annotated pictures: right colour in the right place, at any size, and nothing breaks."""

from __future__ import annotations

from datetime import UTC, datetime

import numpy as np
import pytest

from telemetry import BayState, UnknownReason
from vision.draw import FREE, OCCUPIED, UNKNOWN, DrawOptions, annotate, colour_of, unit_px
from vision.labels import fit_label, polygon_centroid, short_ids, text_width_px
from vision.types import Detections, Floats, as_floats

NOW = datetime(2026, 1, 1, tzinfo=UTC)
BARE = DrawOptions(show_labels=False, show_summary=False)


def state(bay: str, occ: bool | None, conf: float = 0.97) -> BayState:
    reason = UnknownReason.UNSURE if occ is None else None
    return BayState(bay, occ, reason, 0.0 if occ is None else conf, NOW)


def square(left: float, top: float, side: float) -> Floats:
    return as_floats(
        [[left, top], [left + side, top], [left + side, top + side], [left, top + side]]
    )


THREE = [square(0.05, 0.1, 0.25), square(0.37, 0.1, 0.25), square(0.7, 0.1, 0.25)]
STATES = [state("A1", True), state("A2", False), state("A3", None)]


@pytest.mark.parametrize("size_wh", [(320, 240), (1280, 720), (3840, 2160)])
def test_every_state_is_tinted_in_its_colour(size_wh: tuple[int, int]) -> None:
    width, height = size_wh
    grey = np.full((height, width, 3), 128, np.uint8)
    drawn = annotate(grey, THREE, STATES, options=BARE)
    assert drawn.shape == grey.shape
    for polygon, one in zip(THREE[:2], STATES[:2], strict=True):
        x, y = (polygon.mean(0) * size_wh).astype(int)
        tint = drawn[y, x].astype(int) - 128
        wanted = np.array(colour_of(one)) - 128
        assert (np.sign(tint[np.abs(wanted) > 20]) == np.sign(wanted[np.abs(wanted) > 20])).all()
    assert (drawn[height - 2 :] == 128).all(), "nothing outside the bays"
    assert (grey == 128).all(), "the given picture is left as it is"


def test_unknown_is_hatched() -> None:
    grey = np.full((720, 1280, 3), 90, np.uint8)
    drawn = annotate(grey, THREE[2:], STATES[2:], options=BARE)
    row = drawn[180, 930:1180, 0]
    assert len(np.unique(row)) >= 2, "stripes"


def test_colours_differ_in_lightness_too() -> None:
    # Colour-blind people, and grey prints, need more than hue between occupied and unknown.
    light = [0.114 * b + 0.587 * g + 0.299 * r for b, g, r in (OCCUPIED, FREE, UNKNOWN)]
    assert light[2] - max(light[:2]) > 50


def test_summary_strip_is_below_and_even() -> None:
    picture = np.zeros((480, 640, 3), np.uint8)
    drawn = annotate(picture, THREE, STATES, options=DrawOptions(caption="north"))
    strip = drawn[480:]
    assert strip.shape[0] % 2 == 0
    assert strip.shape[0] >= 16
    assert (strip == np.array(OCCUPIED, np.uint8)).all(2).any()
    assert strip[:, 450:].max() > 100, "the caption stands at the right"


def test_a_caption_that_does_not_fit_is_cut() -> None:
    picture = np.zeros((480, 640, 3), np.uint8)
    drawn = annotate(picture, THREE, STATES, options=DrawOptions(caption="x" * 500))
    assert drawn.shape[1] == 640


def test_vehicles_are_marked_at_their_corners() -> None:
    picture = np.zeros((200, 200, 3), np.uint8)
    found = Detections(as_floats([[50, 60, 150, 160]]), as_floats([0.9]), np.zeros(1, np.int64))
    drawn = annotate(picture, [], [], found, BARE)
    assert drawn[60, 50].max() > 100
    assert drawn[60, 100].max() == 0, "the middle of the edge stays clear"


def test_no_bays_and_bays_beyond_the_rim() -> None:
    picture = np.zeros((100, 160, 3), np.uint8)
    assert annotate(picture, [], []).shape[1] == 160
    outside = [square(-0.2, -0.2, 0.3), square(0.95, 0.95, 0.3), square(1.5, 1.5, 0.1)]
    annotate(picture, outside, [state(f"B{n}", True) for n in range(3)])


def test_a_state_for_each_bay_is_expected() -> None:
    with pytest.raises(ValueError, match="a state for each of 3 bays, but got 2"):
        annotate(np.zeros((10, 10, 3), np.uint8), THREE, STATES[:2])


def test_labels_shrink_to_what_fits() -> None:
    wide, narrow, tiny = (
        as_floats(square(0, 0, 1) * as_floats([width, 80])) for width in (200, 62, 12)
    )
    one = state("A12", True)
    assert fit_label(wide, one, 1.0, True).text == "A12 97%"
    assert fit_label(wide, one, 1.0, False).text == "A12"
    assert fit_label(narrow, one, 1.0, True).text == "A12"
    assert fit_label(tiny, one, 1.0, True).text == ""
    far = state("deck-2-A12", True)
    assert fit_label(narrow, far, 1.0, True, "A12").text == "A12"
    assert fit_label(narrow, far, 1.0, True).text == ""


def test_short_ids_leave_out_what_all_share() -> None:
    assert short_ids(["P2-A1", "P2-A2", "P2-B1"]) == ("A1", "A2", "B1")
    assert short_ids(["deck.2-01", "deck.2-02"]) == ("01", "02")
    assert short_ids(["deck-1-01", "deck-2-01"]) == ("1-01", "2-01")
    assert short_ids(["A01", "A02"]) == ("A01", "A02"), "no word in common"
    assert short_ids(["A-1", "A-1"]) == ("1", "1")
    assert short_ids(["a-", "a-b"]) == ("a-", "a-b")
    assert short_ids(["P2-A1"]) == ("P2-A1",)
    assert short_ids([]) == ()


def test_unit_grows_with_the_picture() -> None:
    assert unit_px(1280, 720) == pytest.approx(1)
    assert unit_px(3840, 2160) == pytest.approx(3)
    assert unit_px(64, 64) == pytest.approx(0.6)


def test_text_width_grows_with_text_and_size() -> None:
    assert text_width_px("AB", 20) > text_width_px("A", 20) > 0
    assert text_width_px("A", 40) > text_width_px("A", 20)


@pytest.mark.parametrize(
    ("polygon", "centre"),
    [
        pytest.param([[0, 0], [4, 0], [4, 2], [0, 2]], [2, 1], id="rectangle"),
        pytest.param([[1, 1], [3, 3], [5, 5]], [3, 3], id="no area"),
    ],
)
def test_centroid(polygon: list[list[float]], centre: list[float]) -> None:
    assert polygon_centroid(as_floats(polygon)).tolist() == pytest.approx(centre)
