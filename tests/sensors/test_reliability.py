"""What a source is worth, learned from spells of disagreement."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from benchmarks.sources import Plan, simulate
from sensors.reconcile import SourceKind, SourceState
from sensors.reliability import LATE_MS, LIES_AT, Checks, Lesson, Trust, Watch, watch

HOUR_MS = 3_600_000


def step(before: Watch | None, now_ms: int, **said: bool | None) -> tuple[Watch, list[Lesson]]:
    kinds = {"camera": SourceKind.CAMERA, "person": SourceKind.MANUAL}
    states = [
        SourceState(
            name, kinds.get(name, SourceKind.SENSOR), occ, None if occ is not None else "dark",
            now_ms, now_ms,
        )
        for name, occ in said.items()
    ]  # fmt: skip
    return watch(before, states, now_ms)


def wrong_ms(lessons: list[Lesson]) -> dict[str, float]:
    found: dict[str, float] = {}
    for each in lessons:
        found[each.source] = found.get(each.source, 0.0) + each.checks.wrong_ms
    return found


def test_who_left_and_came_back_alone_was_wrong() -> None:
    now, _ = step(None, 0, camera=False, s=False)
    now, _ = step(now, HOUR_MS, camera=False, s=True)
    assert (now.differ_ms, now.movers) == (HOUR_MS, frozenset({"s"}))
    _, lessons = step(now, 2 * HOUR_MS, camera=False, s=False)
    found = wrong_ms(lessons)
    assert found["s"] + found["camera"] == pytest.approx(HOUR_MS)
    assert found["s"] > 0.9 * HOUR_MS


def test_who_stood_still_through_many_spells_is_stuck() -> None:
    now, _ = step(None, 0, camera=True, s=True)
    shares = []
    for n in range(1, 12):
        now, _ = step(now, (2 * n - 1) * HOUR_MS, camera=False, s=True)
        now, lessons = step(now, 2 * n * HOUR_MS, camera=True, s=True)
        shares.append(wrong_ms(lessons)["s"] / HOUR_MS)
    assert shares[0] < 0.5
    assert shares[-1] > 0.9
    assert shares == sorted(shares)


def test_of_three_the_two_that_agree_are_right() -> None:
    now, _ = step(None, 0, camera=True, s=False, t=True)
    _, lessons = step(now, HOUR_MS, camera=True, s=True, t=True)
    found = wrong_ms(lessons)
    assert found["s"] > 0.9 * HOUR_MS > found["t"]


def test_lateness_is_no_error_and_people_teach_nothing() -> None:
    now, _ = step(None, 0, camera=False, s=False, person=True)
    assert set(now.said) == {"camera", "s"}
    now, _ = step(now, HOUR_MS, camera=True, s=False)
    now, lessons = step(now, HOUR_MS + LATE_MS, camera=True, s=True)
    assert sum(wrong_ms(lessons).values()) == 0
    # One that does not know is not checked, and is not blamed.
    now, lessons = step(now, 2 * HOUR_MS, camera=None, s=True)
    now, lessons = step(now, 3 * HOUR_MS, camera=None, s=False)
    assert lessons == []


@settings(max_examples=100, deadline=None)
@given(
    st.lists(
        st.tuples(
            st.integers(-10, HOUR_MS),
            st.dictionaries(
                st.sampled_from(["camera", "s", "t"]), st.sampled_from([True, False, None])
            ),
        ),
        max_size=20,
    )
)
def test_blame_never_exceeds_what_was_checked(
    steps: list[tuple[int, dict[str, bool | None]]],
) -> None:
    now: Watch | None = None
    at_ms, sums = HOUR_MS, dict[str, Trust]()
    for later_ms, said in steps:
        at_ms += later_ms
        now, lessons = step(now, at_ms, **said)
        for each in lessons:
            assert each.checks.checked_ms >= 0
            assert each.checks.wrong_ms >= 0
            sums[each.source] = sums.get(each.source, Trust(each.kind)).plus(each.checks, 1)
    for trust in sums.values():
        assert 0 <= trust.reliability <= 1
        assert trust.long.wrong_ms <= trust.long.checked_ms + 1e-6


def test_what_was_learned_fades() -> None:
    bad = Trust(SourceKind.SENSOR).plus(Checks(100 * HOUR_MS, 30 * HOUR_MS, 20), HOUR_MS)
    assert bad.lies
    later = bad.plus(Checks(400 * HOUR_MS), HOUR_MS + 60 * 24 * HOUR_MS)
    assert not later.lies
    assert later.reliability > bad.reliability


@pytest.mark.parametrize(
    ("errors", "minutes", "is_named"),
    [
        pytest.param([1.0], 600, False, id="one very long error is no habit"),
        pytest.param([1.0, 6.0], 150, True, id="two long ones within half a day"),
        pytest.param([1.0, 4.0, 8.0], 20, True, id="three within eight hours"),
        pytest.param([1.0, 11.0, 21.0], 20, False, id="three within a day"),
        pytest.param([1.0, 8.0, 15.0, 22.0], 20, True, id="four within a day"),
        pytest.param([1.0, 25.0, 49.0, 73.0], 20, False, id="one a day"),
        pytest.param([1.0, 100.0], 150, False, id="two long ones within days"),
    ],
)
def test_how_often_is_too_often(errors: list[float], minutes: float, *, is_named: bool) -> None:
    trust, error = Trust(SourceKind.SENSOR), Checks(0.0, minutes * 60_000, 1.0)
    named = False
    for quarter in range(4 * 110):
        if quarter / 4 in errors:
            trust = trust.plus(error, quarter * HOUR_MS // 4)
            named |= trust.lies
        trust = trust.plus(Checks(HOUR_MS / 4), quarter * HOUR_MS // 4)
    assert named is is_named
    # Days without an error clear it.
    assert not trust.lies


def test_an_error_that_may_be_another_sources_speaks_less_against_a_sensor() -> None:
    speaks = [Checks(0.0, HOUR_MS / 4 * share, share).evidence for share in (0.05, 0.5, 0.95)]
    assert 0 < speaks[0] < speaks[1] < speaks[2]
    assert Checks(24 * HOUR_MS).evidence < 0


def test_one_that_was_good_for_a_year_and_turns_bad_is_named_within_a_day() -> None:
    trust = Trust(SourceKind.SENSOR)
    hour = 1
    for hour in range(1, 24 * 200):
        trust = trust.plus(Checks(HOUR_MS), hour * HOUR_MS)
    good = trust.reliability
    assert not trust.lies
    for later in range(1, 25):
        # A tenth of each hour, in spells of half an hour.
        trust = trust.plus(Checks(HOUR_MS, HOUR_MS / 10, 0.2), (hour + later) * HOUR_MS)
    assert trust.lies
    assert trust.reliability < 0.95 < good


@pytest.mark.parametrize(
    "plan",
    [
        pytest.param(Plan("", 1, bays=12, days=2), id="one lies 10 % of the time"),
        pytest.param(Plan("", 12, bays=12, days=2), id="all lie"),
        pytest.param(Plan("", 0, stuck=1, bays=12, days=2), id="one is stuck"),
    ],
)
def test_the_reconciled_state_beats_either_source_alone(plan: Plan) -> None:
    """The short form of benchmarks/sources.py."""
    score = simulate(plan, 7)
    assert score.reconciled > max(score.camera, score.sensor)
    assert not score.falsely[LIES_AT]
    if plan.liars <= 1:
        assert list(score.named_h[LIES_AT]) == [0]
        assert score.named_h[LIES_AT][0] <= 24
