"""What counts in an audit, when it looks, what it makes of it."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

import pytest

from telemetry import BayState, UnknownReason
from tests.edge_app.audit.bench import SPEC, Bench


def _unknown(bay: str, since: datetime) -> BayState:
    return BayState(bay, None, UnknownReason.OCCLUDED, 0.0, since)


def test_states_that_all_opinions_share_are_confirmed() -> None:
    bench = Bench()
    bench.watch(1000)
    found = bench.auditor.estimate("north")
    assert found is not None
    assert 6 <= found.looks <= 11, "one in 100 s, at random moments"
    assert found.bays == 2 * found.looks
    assert found.accuracy == found.high == 1.0
    assert found.low < 0.9, "few looks prove little"
    assert bench.alarms.standing() == ()
    since = bench.auditor.since("north")
    assert since is not None
    assert since > bench.since


def test_the_second_look_is_enlarged_and_mirrored() -> None:
    bench = Bench()
    bench.watch(200)
    plan = bench.network.plans[0]
    assert plan is not None
    assert plan.input_wh == (864, 640)
    x = bench.network.quads[0][..., 0]
    assert sorted(x[0].tolist()) == pytest.approx([0.7, 0.7, 0.9, 0.9])


def test_states_that_all_others_contradict_raise_an_alarm_that_ends() -> None:
    bench = Bench(window_s=3000.0)
    wrong = tuple(replace(state, occ=not state.occ) for state in bench.states)
    right, bench.states = bench.states, wrong
    bench.watch(1500)
    found = bench.auditor.estimate("north")
    assert found is not None
    assert found.accuracy == 0
    [alarm] = bench.alarms.standing()
    assert alarm.name == "audit-north"
    assert "95 %" in alarm.detail
    bench.states = right
    bench.watch(6000)
    assert bench.alarms.standing() == (), "old looks fall out of the window"


def test_a_bay_that_changes_after_the_look_does_not_count() -> None:
    bench = Bench()
    for _ in range(400):
        bench.watch(1)
        free = BayState("a", not bench.states[0].occ, None, 0.98, bench.clock.utc())
        bench.states = (free, bench.states[1])
    found = bench.auditor.estimate("north")
    assert found is not None
    assert found.bays == found.looks, "only b counts"


def test_unknown_bays_make_no_claim() -> None:
    bench = Bench()
    bench.states = (bench.states[0], _unknown("b", bench.since))
    bench.watch(500)
    found = bench.auditor.estimate("north")
    assert found is not None
    assert found.bays == found.looks


def test_a_busy_box_is_not_audited_and_queues_one_look_only() -> None:
    bench = Bench()
    for _ in range(500):
        bench.clock.advance(1.0)
        bench.look()
    assert len(bench.idle) == 1
    assert bench.auditor.estimate("north") is None


def test_no_picture_is_kept_but_the_newest_while_the_box_is_busy_and_none_afterwards() -> None:
    bench = Bench()
    for _ in range(500):
        bench.clock.advance(1.0)
        bench.look()
    assert [number for number, image in enumerate(bench.images) if image() is not None] == [499]
    bench.idle.popleft()()
    assert len(bench.network.plans) == 1, "a second opinion waits for what its bays do next"
    assert all(image() is None for image in bench.images)


def test_costly_looks_are_spaced_by_the_budget() -> None:
    bench = Bench(budget_share=0.01)
    bench.network.takes_s = 5.0
    bench.watch(2600)
    assert len(bench.network.plans) <= 6, "5 s each, 1 % of the time"


def test_the_same_seed_looks_at_the_same_moments() -> None:
    def moments(seed: int) -> list[float]:
        bench, found = Bench(seed=seed), []
        for _ in range(600):
            before = len(bench.network.plans)
            bench.watch(1)
            if len(bench.network.plans) > before:
                found.append(bench.clock.mono_s())
        return found

    assert moments(1) == moments(1) != moments(2)


def test_another_network_starts_anew() -> None:
    bench = Bench()
    bench.watch(600)
    assert bench.auditor.estimate("north") is not None
    bench.network.spec = replace(SPEC, sha256="1" * 64)
    bench.watch(1)
    assert bench.auditor.estimate("north") is None


def test_a_camera_that_was_away_meanwhile_is_not_counted() -> None:
    bench = Bench()
    while not bench.network.plans:
        bench.watch(1)
    bench.clock.advance(500.0)
    bench.watch(1)
    assert bench.auditor.estimate("north") is None
