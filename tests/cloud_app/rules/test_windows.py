"""Windows: what fires and ends, whatever the times at which somebody looks."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cloud_app.rules.errors import RuleError
from cloud_app.rules.windows import NEW, Spell, Window, advance, due_ms, step
from cloud_app.rules.words import Change, WindowKind

FIRED, ENDED = Change.FIRED, Change.ENDED
FOR = Window(WindowKind.FOR, 60)
RATE = Window(WindowKind.RATE, 60, 3)
ABSENCE = Window(WindowKind.ABSENCE, 60)

Changes = list[tuple[Change, int]]


def play(window: Window, looks: list[tuple[int, bool]], end_s: int, polls: list[int]) -> Changes:
    """What happens; at the times of `polls` somebody looks though nothing was seen."""
    spell = NEW
    found: Changes = []
    moments = sorted([(at, holds) for at, holds in looks] + [(at, None) for at in polls], key=_at)
    for at, holds in [*moments, (end_s, None)]:
        done = (
            advance(window, spell, at * 1000)
            if holds is None
            else step(window, spell, at * 1000, holds=holds)
        )
        spell, found = done.spell, [*found, *done.changes]
    return found


def _at(look: tuple[int, bool | None]) -> int:
    return look[0]


@pytest.mark.parametrize(
    ("window", "looks", "told"),
    [
        pytest.param(Window(), [(1, True), (2, True), (3, False)],
                     [(FIRED, 1), (FIRED, 2), (ENDED, 3)], id="each event"),
        pytest.param(FOR, [(0, True), (30, False), (40, True), (70, True)], [(FIRED, 100)],
                     id="for: it began anew"),
        pytest.param(FOR, [(0, True), (90, False)], [(FIRED, 60), (ENDED, 90)],
                     id="for: seen only when it was over"),
        pytest.param(FOR, [(0, True), (59, False)], [], id="for: not long enough"),
        pytest.param(RATE, [(0, True), (30, True), (59, True)], [(FIRED, 59), (ENDED, 60)],
                     id="rate"),
        pytest.param(RATE, [(0, True), (30, True), (60, True)], [], id="rate: too slow"),
        pytest.param(RATE, [(0, True), (1, False), (2, True), (3, True), (50, True)],
                     [(FIRED, 3), (ENDED, 62)], id="rate: one more keeps it on"),
        pytest.param(ABSENCE, [(0, True), (50, True), (120, False), (130, True)],
                     [(FIRED, 110), (ENDED, 130), (FIRED, 190)], id="absence"),
    ],
)  # fmt: skip
def test_what_happens(
    window: Window, looks: list[tuple[int, bool]], told: list[tuple[Change, int]]
) -> None:
    found = play(window, looks, 1000, [])
    assert found == [(change, at * 1000) for change, at in told]


LOOKS = st.lists(st.tuples(st.integers(0, 500), st.booleans()), max_size=12).map(
    lambda looks: sorted(dict(looks).items())
)


@settings(max_examples=60, deadline=None)
@given(
    window=st.sampled_from([Window(), FOR, RATE, ABSENCE]),
    looks=LOOKS,
    polls=st.lists(st.integers(0, 700), max_size=12),
)
def test_it_does_not_matter_how_often_somebody_looks(
    window: Window, looks: list[tuple[int, bool]], polls: list[int]
) -> None:
    found = play(window, looks, 1000, [])
    assert play(window, looks, 1000, polls) == found
    # In order, and except for single events never twice the same.
    assert all(a[1] <= b[1] for a, b in pairwise(found))
    if window.kind is not WindowKind.NONE:
        assert all(a[0] is not b[0] for a, b in pairwise(found))


def test_what_lasts_fires_once() -> None:
    spell = step(Window(), NEW, 1000, holds=True, is_state=True).spell
    assert step(Window(), spell, 2000, holds=True, is_state=True).changes == ()
    assert step(Window(), spell, 2000, holds=True).changes == ((FIRED, 2000),)


def test_a_spell_is_kept_as_it_is() -> None:
    spell = Spell(on=True, since_ms=1, fired_ms=2, met_ms=(3, 4), sent_ms=5)
    assert Spell.from_json(spell.to_json()) == spell
    assert due_ms(RATE, spell) == 60_003


@pytest.mark.parametrize(
    ("kind", "span_s", "count"),
    [(WindowKind.NONE, 5, 1), (WindowKind.FOR, 0, 1), (WindowKind.RATE, 5, 1),
     (WindowKind.ABSENCE, 5, 2), (WindowKind.FOR, 32 * 86_400, 1)],
)  # fmt: skip
def test_windows_that_are_none(kind: WindowKind, span_s: int, count: int) -> None:
    with pytest.raises(RuleError, match="but got"):
        Window(kind, span_s, count)
