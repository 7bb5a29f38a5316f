"""A lot that goes on: its truth at any time is what its changes say."""

from __future__ import annotations

import pytest

from city.live_lot import LiveLot
from city.plan import PlannedLot


def lived(lot: PlannedLot, wanted: float, *, seconds: int = 900, seed: int = 2) -> LiveLot:
    live = LiveLot(lot, [bay.said.bay for bay in lot.bays[:10]], seed)
    for second in range(seconds):
        live.step(float(second), float(second + 1), wanted)
    return live


def test_the_truth_follows_from_the_beginning_and_the_changes(high_street: PlannedLot) -> None:
    live = lived(high_street, 0.8)
    state = {bay.said.bay: index < 10 for index, bay in enumerate(high_street.bays)}
    assert dict(live.truth(0.0)) == state
    changes = live.changes(900.0)
    assert changes
    for change in changes:
        assert state[change.bay] is not change.occupied, "a change is one"
        state[change.bay] = change.occupied
        assert live.truth(change.time_s)[change.bay] is change.occupied
        assert live.truth(change.time_s - 0.001)[change.bay] is not change.occupied
    assert dict(live.truth(900.0)) == state
    assert [each.time_s for each in changes] == sorted(each.time_s for each in changes)
    assert live.changes(100.0) == [each for each in changes if each.time_s <= 100.0]


def test_a_bay_that_has_just_changed_is_left_alone(high_street: PlannedLot) -> None:
    last_s: dict[str, float] = {}
    for change in lived(high_street, 0.5).changes(900.0):
        assert change.time_s - last_s.get(change.bay, -100.0) >= 20.0
        last_s[change.bay] = change.time_s


@pytest.mark.parametrize("wanted", [0.1, 0.5, 0.9])
def test_it_becomes_as_full_as_the_demand(high_street: PlannedLot, wanted: float) -> None:
    live = lived(high_street, wanted, seconds=1800)
    shares = [
        sum(live.truth(second).values()) / len(high_street.bays) for second in range(900, 1800, 30)
    ]
    assert sum(shares) / len(shares) == pytest.approx(wanted, abs=0.15)


def test_one_seed_is_one_story(high_street: PlannedLot) -> None:
    first = lived(high_street, 0.6).changes(900.0)
    assert first == lived(high_street, 0.6).changes(900.0)
    assert first != lived(high_street, 0.6, seed=3).changes(900.0)
