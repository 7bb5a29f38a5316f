"""Properties of the reconciliation: what holds whatever the sources say."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sensors.reconcile import Role, SourceKind, SourceState, Why, reconcile, weight_of

NOW_MS = 10_000_000


@st.composite
def words(draw: st.DrawFn, source: str = "s") -> SourceState:
    occ = draw(st.sampled_from([True, False, None]))
    heard_ms = draw(st.integers(0, NOW_MS))
    return SourceState(
        source=source,
        kind=draw(st.sampled_from(SourceKind)),
        occ=occ,
        reason=None if occ is not None else draw(st.sampled_from(["dark", "sensor_fault"])),
        since_ms=draw(st.integers(0, heard_ms)),
        heard_ms=heard_ms,
        until_ms=draw(st.none() | st.integers(heard_ms, 2 * NOW_MS)),
        conf=draw(st.none() | st.floats(0, 1)),
        reliability=draw(st.none() | st.floats(0, 1)),
    )


@st.composite
def bays(draw: st.DrawFn) -> list[SourceState]:
    return [draw(words(f"s-{n}")) for n in range(draw(st.integers(0, 5)))]


@settings(max_examples=100, deadline=None)
@given(bays(), st.randoms(use_true_random=False))
def test_the_order_of_words_does_not_matter(states: list[SourceState], source: object) -> None:
    shuffled = list(states)
    source.shuffle(shuffled)  # type: ignore[attr-defined]
    assert reconcile(states, NOW_MS) == reconcile(shuffled, NOW_MS)


@settings(max_examples=100, deadline=None)
@given(bays())
def test_a_stale_word_decides_nothing(states: list[SourceState]) -> None:
    fresh = [each for each in states if each.is_fresh(NOW_MS)]
    with_stale, without = reconcile(states, NOW_MS), reconcile(fresh, NOW_MS)
    assert (with_stale.occ, with_stale.believed) == (without.occ, without.believed)
    assert (with_stale.conf, with_stale.differs) == (without.conf, without.differs)


@settings(max_examples=100, deadline=None)
@given(bays())
def test_unknown_only_from_unknown_and_known_only_from_the_known(
    states: list[SourceState],
) -> None:
    verdict = reconcile(states, NOW_MS)
    known = {each.occ for each in states if each.is_fresh(NOW_MS)} - {None}
    assert (verdict.occ is None) == (not known)
    assert (verdict.reason is None) == (verdict.occ is not None)
    # Never averaged: the state is a source's own word.
    assert verdict.occ is None or verdict.occ in known
    assert verdict.differs == (len(known) > 1)


@settings(max_examples=100, deadline=None)
@given(bays())
def test_every_verdict_explains_itself(states: list[SourceState]) -> None:
    """From what is shown alone anybody can work out the state again."""
    verdict = reconcile(states, NOW_MS)
    assert [word.state for word in verdict.words] == sorted(states, key=lambda each: each.source)
    believed = [word for word in verdict.words if word.role is Role.BELIEVED]
    assert [word.state for word in believed] == ([verdict.believed] if verdict.believed else [])
    for word in verdict.words:
        assert (word.role is Role.STALE) == (not word.state.is_fresh(NOW_MS))
        if word.role in {Role.BELIEVED, Role.AGREES}:
            assert word.state.occ is verdict.occ
        if word.role is Role.OVERRULED:
            assert word.state.occ is not verdict.occ
            assert word.state.occ is not None
    if verdict.why is Why.OUTWEIGHS:
        for_it, against = (
            sum(word.weight for word in verdict.words if word.role in roles)
            for roles in ({Role.BELIEVED, Role.AGREES}, {Role.OVERRULED})
        )
        # With equal weights the bay is occupied.
        assert for_it > against - 1e-9
        assert for_it > against or verdict.occ is True
        assert verdict.conf >= 0.5
    if verdict.why is Why.BY_HAND:
        assert verdict.believed is not None
        assert verdict.believed.kind is SourceKind.MANUAL
    assert 0 <= verdict.conf <= 1


@settings(max_examples=100, deadline=None)
@given(words(), st.floats(0, 1), st.floats(0, 1))
def test_a_source_that_proved_worse_never_weighs_more(
    state: SourceState, one: float, other: float
) -> None:
    low, high = sorted((one, other))
    worse, better = (replace(state, reliability=share) for share in (low, high))
    assert weight_of(worse, NOW_MS) <= weight_of(better, NOW_MS) + 1e-9
    assert weight_of(worse, NOW_MS) >= 0


def said(source: str, occ: bool | None, **more: object) -> SourceState:
    facts: dict[str, object] = {
        "kind": SourceKind.SENSOR, "reason": None if occ is not None else "sensor_fault",
        "since_ms": 1, "heard_ms": NOW_MS, **more,
    }  # fmt: skip
    return SourceState(source, occ=occ, **facts)  # type: ignore[arg-type]


CAMERA = {"kind": SourceKind.CAMERA}


@pytest.mark.parametrize(
    ("states", "occ", "believed", "why"),
    [
        pytest.param([], None, None, Why.NO_SOURCE, id="nothing"),
        pytest.param([said("s", None)], None, None, Why.NONE_KNOWS, id="one that does not know"),
        pytest.param(
            [said("s", True, until_ms=5, heard_ms=1)], None, None, Why.NONE_FRESH, id="silent"
        ),
        pytest.param([said("s", False)], False, "s", Why.ONLY_ONE, id="one"),
        pytest.param(
            [said("s", False), said("c", None, **CAMERA)], False, "s", Why.ONLY_ONE,
            id="the camera is blind",
        ),
        pytest.param(
            [said("s", False), said("c", True, conf=0.97, **CAMERA)], True, "c", Why.OUTWEIGHS,
            id="a sure camera",
        ),
        pytest.param(
            [said("s", False), said("c", True, conf=0.6, **CAMERA)], False, "s", Why.OUTWEIGHS,
            id="an unsure camera",
        ),
        pytest.param(
            [said("s", False, reliability=0.995), said("c", True, conf=0.95, **CAMERA)],
            False, "s", Why.OUTWEIGHS, id="a sensor that proved good",
        ),
        pytest.param(
            [said("s", False, reliability=0.4), said("c", True, conf=0.6, **CAMERA)],
            True, "c", Why.OUTWEIGHS, id="a sensor that is wrong every other time",
        ),
        pytest.param(
            [said("a", False), said("b", True)], True, "b", Why.OUTWEIGHS, id="a tie is occupied"
        ),
        pytest.param(
            [said("s", False), said("p", True, kind=SourceKind.MANUAL), said("c", False, **CAMERA)],
            True, "p", Why.BY_HAND, id="by hand",
        ),
        pytest.param(
            [
                said("s", False),
                said("p", True, kind=SourceKind.MANUAL, heard_ms=1, until_ms=NOW_MS),
            ],
            False, "s", Why.ONLY_ONE, id="by hand, and over",
        ),
    ],
)  # fmt: skip
def test_the_rule(
    states: list[SourceState], occ: bool | None, believed: str | None, why: Why
) -> None:
    verdict = reconcile(states, NOW_MS)
    assert (verdict.occ, verdict.why) == (occ, why)
    assert (verdict.believed.source if verdict.believed else None) == believed


def test_the_reason_is_that_of_the_last_who_spoke() -> None:
    silent = said("s", True, heard_ms=1, until_ms=NOW_MS - 5)
    away = said("c", True, heard_ms=1, until_ms=NOW_MS - 9, **CAMERA)
    assert reconcile([silent, away], NOW_MS).reason == "sensor_silent"
    assert reconcile([replace(silent, until_ms=NOW_MS - 20), away], NOW_MS).reason == "camera_lost"
    assert reconcile([silent, said("d", None)], NOW_MS).reason == "sensor_fault"


@pytest.mark.parametrize(
    "wrong", [{"occ": None, "reason": None}, {"occ": True, "reason": "dark"}, {"conf": 1.2}]
)
def test_words_that_contradict_themselves_are_refused(wrong: dict[str, object]) -> None:
    with pytest.raises(ValueError, match="s: "):
        replace(said("s", True), **wrong)  # type: ignore[arg-type]
