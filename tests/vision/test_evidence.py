"""The evidence filter: seconds, not frames; thresholds, holds, doubt, and why a bay is unknown."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from telemetry import BayState, UnknownReason
from vision.evidence import EvidenceFilter, EvidenceSettings
from vision.types import BayEvidence, NetworkSpec, as_floats

START = datetime(2026, 1, 1, tzinfo=UTC)
Scene = Callable[[float], tuple[float, float]]
"""Time to probability and quality of the one bay."""


def at(time_s: float) -> datetime:
    return START + timedelta(seconds=time_s)


def run(
    scene: Scene, until_s: float, fps: float = 5.0, config: EvidenceSettings | None = None
) -> list[tuple[float, BayState]]:
    """Feed one bay; return each change with the time it came out."""
    one = EvidenceFilter(["a"], config, start_utc=START)
    changes = []
    for step in range(int(until_s * fps) + 1):
        time_s = step / fps
        prob, quality = scene(time_s)
        evidence = BayEvidence(as_floats([prob]), as_floats([quality]))
        changes += [(time_s, state) for state in one.update(evidence, time_s, at(time_s))]
    return changes


def steps(*parts: tuple[float, float]) -> Scene:
    """A scene of parts (until_s, prob), all of full quality."""
    return lambda time_s: (next(prob for until, prob in parts if time_s < until), 1.0)


def occupancy(changes: list[tuple[float, BayState]]) -> list[bool | None]:
    return [state.occ for _, state in changes]


def test_a_bay_is_known_within_a_second() -> None:
    [(time_s, state)] = run(lambda _: (0.95, 1.0), 20)
    assert time_s <= 1.0
    assert state.occ is True
    assert state.since == START
    assert state.conf == pytest.approx(0.95, abs=1e-3)


def test_a_car_parks_and_leaves() -> None:
    changes = run(steps((10, 0.03), (60, 0.97), (99, 0.03)), 90)
    assert occupancy(changes) == [False, True, False]
    (_, _), (parked_s, parked), (left_s, left) = changes
    config = EvidenceSettings()
    assert 10 + config.enter_hold_s <= parked_s <= 10 + config.enter_hold_s + 3
    assert 60 + config.leave_hold_s <= left_s <= 60 + config.leave_hold_s + 3
    # The new state begins when the belief turned, not when the hold time ended.
    assert 10 <= (parked.since - START).total_seconds() <= 13
    assert 60 <= (left.since - START).total_seconds() <= 63


@pytest.mark.parametrize("fps", [1, 5, 25])
def test_a_car_that_drives_through_does_not_occupy(fps: float) -> None:
    assert occupancy(run(steps((10, 0.03), (13, 0.97), (99, 0.03)), 60, fps)) == [False]


@pytest.mark.parametrize("fps", [1, 5, 25])
def test_a_person_who_walks_past_does_not_free(fps: float) -> None:
    assert occupancy(run(steps((10, 0.97), (13, 0.1), (99, 0.97)), 60, fps)) == [True]


def test_single_wrong_frames_do_nothing() -> None:
    def flicker(time_s: float) -> tuple[float, float]:
        return (0.02 if round(time_s * 5) % 7 == 3 else 0.97), 1.0

    assert occupancy(run(flicker, 120)) == [True]


PROBS = st.sampled_from([0.02, 0.1, 0.25, 0.5, 0.75, 0.9, 0.98])


@settings(deadline=None, max_examples=25)
@given(st.lists(st.tuples(PROBS, PROBS, st.sampled_from([15.0, 25.0])), min_size=1, max_size=3))
def test_frame_rate_does_not_matter(scenes: list[tuple[float, float, float]]) -> None:
    """The same scene at 1, 5 and 25 frames a second gives the same changes at the same times."""
    # A second of one thing, then long of another. Nothing lasts nearly as long as a hold time: that
    # may count or not, as a frame is taken just before or just after its end.
    parts = [(15.0, 0.02)]
    for blink, steady, length_s in scenes:
        parts += [(1.0, blink), (length_s, steady)]
    parts.append((1e9, 0.02))
    ends = np.cumsum([length for length, _ in parts])
    scene = steps(*zip(ends.tolist(), [prob for _, prob in parts], strict=True))
    config = EvidenceSettings(doubt_s=1000)
    until_s = float(ends[-2]) + 15
    slow, usual, fast = (run(scene, until_s, fps, config) for fps in (1, 5, 25))
    assert occupancy(slow) == occupancy(usual) == occupancy(fast)
    for (at_1, state_1), (at_5, state_5), (at_25, state_25) in zip(slow, usual, fast, strict=True):
        assert at_1 == pytest.approx(at_25, abs=2.0)
        assert at_5 == pytest.approx(at_25, abs=0.5)
        since = [state.since.timestamp() for state in (state_1, state_5, state_25)]
        assert max(since) - min(since) <= 2.0


@pytest.mark.parametrize("fps", [1, 2, 5, 25, 60])
def test_a_change_comes_at_the_same_second_at_any_frame_rate(fps: float) -> None:
    changes = run(steps((10, 0.03), (999, 0.97)), 40, fps)
    assert changes[1][0] == pytest.approx(15.3, abs=1 / fps + 0.6)


def test_a_slow_camera_decides_at_the_second_frame() -> None:
    changes = run(steps((100, 0.03), (999, 0.97)), 400, fps=1 / 30)
    assert [(time_s, state.occ) for time_s, state in changes] == [(30, False), (150, True)]
    assert changes[1][1].since == at(120)


def test_quality_weighs() -> None:
    strong = run(lambda t: (0.03, 1.0) if t < 10 else (0.97, 1.0), 60)
    weak = run(lambda t: (0.03, 1.0) if t < 10 else (0.97, 0.2), 60)
    assert occupancy(strong) == occupancy(weak) == [False, True]
    assert weak[1][0] > strong[1][0] + 2


def test_steady_doubt_becomes_unsure_and_ends_with_evidence() -> None:
    config = EvidenceSettings(abstain_low=0.35, abstain_high=0.65)
    changes = run(steps((10, 0.95), (60, 0.5), (99, 0.95)), 90, config=config)
    assert occupancy(changes) == [True, None, True]
    time_s, unsure = changes[1]
    assert unsure.reason is UnknownReason.UNSURE
    assert unsure.conf == 0
    assert 10 + config.doubt_s <= time_s <= 10 + config.doubt_s + 4
    assert changes[2][0] >= 60 + config.enter_hold_s


def test_a_belief_that_contradicts_the_state_becomes_unsure() -> None:
    # 0.6 is not enough to occupy, but a bay is not free when it is more likely occupied.
    changes = run(steps((10, 0.05), (999, 0.6)), 60)
    assert occupancy(changes) == [False, None]


def test_no_decision_since_the_start_becomes_unsure() -> None:
    [(time_s, state)] = run(lambda _: (0.5, 1.0), 60)
    assert state.reason is UnknownReason.UNSURE
    assert time_s == pytest.approx(EvidenceSettings().doubt_s, abs=0.3)


def test_without_usable_evidence_a_bay_becomes_occluded_and_recovers() -> None:
    changes = run(lambda t: (0.95, 0.0 if 10 <= t < 100 else 1.0), 120)
    assert occupancy(changes) == [True, None, True]
    assert changes[1][1].reason is UnknownReason.OCCLUDED
    assert changes[1][0] == pytest.approx(10 + EvidenceSettings().occluded_s, abs=0.5)
    assert changes[2][0] == pytest.approx(100.6, abs=0.3)


def test_hold_times_need_evidence() -> None:
    # One frame says occupied, then nothing is seen: a hold time must not end by itself.
    changes = run(lambda t: (0.03, 1.0) if t < 10 else (0.99, 1.0 if t < 11 else 0.0), 60)
    assert occupancy(changes) == [False]


def feed(one: EvidenceFilter, prob: list[float], time_s: float) -> list[BayState]:
    evidence = BayEvidence(as_floats(prob), np.ones(len(prob), np.float32))
    return one.update(evidence, time_s, at(time_s))


def known(*probs: float) -> EvidenceFilter:
    one = EvidenceFilter([f"b{n}" for n in range(len(probs))], start_utc=START)
    for step in range(10):
        feed(one, list(probs), step / 5)
    return one


def test_mark_unknown_tells_changes_once_and_forgets() -> None:
    one = known(0.95, 0.05)
    changed = one.mark_unknown(UnknownReason.CAMERA_LOST, 3, at(3))
    assert [(s.bay, s.reason, s.since) for s in changed] == [
        ("b0", UnknownReason.CAMERA_LOST, at(3)),
        ("b1", UnknownReason.CAMERA_LOST, at(3)),
    ]
    assert one.mark_unknown(UnknownReason.CAMERA_LOST, 4, at(4)) == []
    assert feed(one, [0.05, 0.05], 5) == []
    [first, second] = feed(one, [0.05, 0.05], 5.6)
    assert (first.occ, second.occ) == (False, False)
    assert first.since == at(5)


def test_mark_unknown_of_some_bays() -> None:
    one = known(0.95, 0.05, 0.95)
    [state] = one.mark_unknown(UnknownReason.OCCLUDED, 3, at(3), bays=["b1"])
    assert state.bay == "b1"
    assert [s.occ for s in one.states()] == [True, None, True]


def test_restored_states_stay_until_the_evidence_has_held() -> None:
    one = EvidenceFilter(["a", "b"], start_utc=at(100))
    stored = BayState("a", True, None, 0.93, at(7))
    one.restore([stored, BayState("gone", False, None, 0.9, at(1))])
    assert one.states()[0] == stored
    assert one.states()[1].reason is UnknownReason.STARTING
    changes = []
    for step in range(60):
        changes += [(step / 5, s) for s in feed(one, [0.05, 0.05], 100 + step / 5)]
    assert [(s.bay, s.occ) for _, s in changes] == [("b", False), ("a", False)]
    assert changes[1][0] >= EvidenceSettings().leave_hold_s


def test_a_bay_that_changed_during_a_restart_keeps_the_gate_open_from_the_first_frame() -> None:
    one = EvidenceFilter(["a"], start_utc=at(100))
    one.restore([BayState("a", True, None, 0.99, at(7))])
    assert not one.is_settling()
    feed(one, [0.04], 100)
    assert one.is_settling()
    feed(one, [0.98], 100.2)
    assert not one.is_settling()


def test_confidence_follows_the_belief_of_a_known_state() -> None:
    one = known(0.95)
    for step in range(10, 40):
        feed(one, [0.75], step / 5)
    [state] = one.states()
    assert state.occ is True
    assert state.conf == pytest.approx(0.75, abs=0.01)
    assert state.since == START


def test_settling_tells_the_change_gate_to_keep_looking() -> None:
    one = EvidenceFilter(["a"], start_utc=START)
    settling = []
    for step in range(101):
        feed(one, [0.03 if step < 50 else 0.97], step / 5)
        settling.append(one.is_settling())
    assert settling[0], "not known yet"
    assert not any(settling[10:50]), "known and at rest"
    assert all(settling[55:70]), "on its way to occupied"
    assert not any(settling[85:]), "there"


def test_an_unsure_bay_does_not_keep_the_gate_open() -> None:
    one = EvidenceFilter(["a"], start_utc=START)
    for step in range(100):
        feed(one, [0.5], step / 5)
    assert one.states()[0].reason is UnknownReason.UNSURE
    assert not one.is_settling()


def test_evidence_for_another_number_of_bays_is_refused() -> None:
    one = known(0.9, 0.1)
    with pytest.raises(ValueError, match="expected evidence for 2 bays"):
        feed(one, [0.9], 9)


def test_bay_ids_must_differ() -> None:
    with pytest.raises(ValueError, match="bay ids must differ"):
        EvidenceFilter(["a", "a"], start_utc=START)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"enter_prob": 0.3, "leave_prob": 0.4}, "leave_prob < enter_prob"),
        ({"enter_prob": 1.0}, "< 1"),
        ({"abstain_low": 0.6, "abstain_high": 0.4}, "abstain_low <= abstain_high"),
        ({"memory_s": 0.0}, "memory_s must be positive"),
        ({"enter_hold_s": -1.0}, "enter_hold_s must not be negative"),
    ],
)
def test_settings_that_contradict_themselves(changes: dict[str, float], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        EvidenceSettings(**changes)


def test_settings_take_the_band_of_the_network(make_spec: Callable[..., NetworkSpec]) -> None:
    config = EvidenceSettings.for_network(make_spec(abstain_low=0.3, abstain_high=0.7))
    assert (config.abstain_low, config.abstain_high) == (0.3, 0.7)
