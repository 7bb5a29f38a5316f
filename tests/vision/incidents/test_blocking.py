"""How far a neighbour reaches into a bay: cuboids of known places, seen by known cameras."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime

import numpy as np
import pytest

from telemetry import BayAngle, BayState, Blocked, BlockKind, BlockSource, UnknownReason
from tests.vision.incidents.test_findings import CAMERAS, WH, WIDE, Place, box_of, in_bay, row
from vision.incidents import (
    BlockFilter,
    BlockSettings,
    FindingSettings,
    LotGround,
    neighbour_reach,
    place,
)
from vision.types import Detections, Floats

T0 = datetime(2026, 1, 1, tzinfo=UTC)
CAR = (4.4, 1.8, 1.5)


def shares(view: str, places: list[Place], taken: set[int]) -> Floats:
    """Share of each of seven bays that neighbours cover."""
    camera = CAMERAS[view]
    polygons = row(camera)
    ground = LotGround.of(polygons, [BayAngle.PERPENDICULAR] * len(polygons))
    boxes = np.stack([box_of(camera, each, CAR) for each in places])
    found = Detections(boxes, np.full(len(boxes), 0.9, np.float32), np.zeros(len(boxes), np.int64))
    prob = np.array([0.97 if i in taken else 0.03 for i in range(len(polygons))], np.float32)
    placed = place(found, prob, ground, FindingSettings())
    return neighbour_reach(placed, prob, ground, WH, BlockSettings()).share


def moved(index: int, by_m: float) -> Place:
    x, y, heading = in_bay(index)
    return (x + by_m, y, heading)


@pytest.mark.parametrize("view", ["across", "steep"])
def test_a_car_over_the_line_blocks_the_bay_beside_it(view: str) -> None:
    others = [in_bay(i) for i in (0, 1, 6)]
    found = shares(view, [*others, moved(3, 0.9)], {0, 1, 3, 6})
    covered = (
        0.9 + CAR[1] / 2 - WIDE / 2
    ) / WIDE  # 0.22; boxes show the body, which leans outwards
    assert covered <= found[4] <= covered + 0.2
    assert found[4] >= BlockSettings().enter_share
    assert found[[2, 5]].max() < BlockSettings().leave_share, "the other free ones"


@pytest.mark.parametrize("view", CAMERAS)
def test_cars_in_their_bays_block_nothing(view: str) -> None:
    taken = [0, 1, 3, 6]
    found = shares(view, [moved(i, 0.15) for i in taken], set(taken))
    assert found[[2, 4, 5]].max() < BlockSettings().leave_share, "the free ones"


def test_of_bays_that_run_aslant_in_the_image_nothing_is_said() -> None:
    found = shares("aslant", [in_bay(0), in_bay(1), in_bay(6), moved(3, 1.05)], {0, 1, 3, 6})
    ground = LotGround.of(row(CAMERAS["aslant"]), [BayAngle.PERPENDICULAR] * 7)
    x, y = ground.across_px[4]
    assert 2 * abs(x * y) / (x * x + y * y) > BlockSettings().steepest
    assert found[4] == 0


def state(occ: bool | None) -> BayState:
    return BayState("a", occ, None if occ is not None else UnknownReason.OCCLUDED, 0.0, T0)


def said(
    looks: Sequence[tuple[float, bool | None, float]], known: dict[str, Blocked] | None = None
) -> list[tuple[float, bool]]:
    """When the word changes; looks: time, state, share."""
    filtered = BlockFilter(BlockSettings(hold_s=60.0))
    filtered.restore(known or {})
    changes = []
    for time_s, occ, share in looks:
        changed = filtered.look([state(occ)], np.array([share], np.float32), time_s)
        changes += [(time_s, blocked is not None) for blocked in changed.values()]
    return changes


def test_a_block_begins_and_ends_after_the_hold_time() -> None:
    over = [(t * 10.0, False, 0.3) for t in range(10)]
    between = [(100 + t * 10.0, False, 0.15) for t in range(20)]
    gone = [(300 + t * 10.0, False, 0.0) for t in range(10)]
    assert said([*over, *between, *gone]) == [(60.0, True), (360.0, False)]


def test_one_look_that_sees_it_otherwise_starts_the_hold_time_again() -> None:
    looks = [(t * 10.0, False, 0.0 if t == 5 else 0.3) for t in range(13)]
    assert said(looks) == [(120.0, True)]


def test_a_bay_that_is_used_is_not_blocked_and_an_unknown_one_keeps_its_word() -> None:
    over = [(t * 10.0, False, 0.3) for t in range(8)]
    assert said([*over, (80.0, True, 0.3)]) == [(60.0, True), (80.0, False)]
    unknown = [(80.0 + t * 10.0, None, 0.0) for t in range(20)]
    assert said([*over, *unknown]) == [(60.0, True)]


def test_after_a_restart_the_word_ends_like_any_other() -> None:
    known = {
        "a": Blocked(kind=BlockKind.NEIGHBOUR, conf=0.9, by=BlockSource.CAMERA, share=0.3),
        "b": Blocked(kind=BlockKind.SNOW, conf=1.0, by=BlockSource.PERSON),
    }
    assert said([(t * 30.0, False, 0.0) for t in range(4)], known) == [(60.0, False)]


def test_the_word_says_how_much_is_covered() -> None:
    filtered = BlockFilter(BlockSettings(hold_s=10.0))
    for time_s in (0.0, 5.0):
        assert not filtered.look([state(False)], np.array([0.25], np.float32), time_s)
    blocked = filtered.look([state(False)], np.array([0.25], np.float32), 10.0)["a"]
    assert blocked is not None
    assert (blocked.kind, blocked.by, blocked.share) == (
        BlockKind.NEIGHBOUR, BlockSource.CAMERA, 0.25,
    )  # fmt: skip
    assert 0.8 < blocked.conf < 0.98


def test_settings_that_contradict_themselves() -> None:
    with pytest.raises(ValueError, match=r"leave_share < enter_share"):
        BlockSettings(enter_share=0.1, leave_share=0.2)
