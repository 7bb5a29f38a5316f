"""What a sign shows: unknown is never free, and every special case has its stated value."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge_app.config import SignConfig
from edge_app.outputs import LotFigures, bay_figures, bays_at
from edge_app.outputs.sign import SignState, face_of
from telemetry import BayState, Layout, LayoutBay, UnknownReason

NOW = datetime(2026, 1, 1, tzinfo=UTC)


def sign(**settings: Any) -> SignConfig:
    return SignConfig(id="entry", mqtt={"topic": "signs/entry"}, **settings)


@pytest.mark.parametrize(
    ("figures", "state", "value", "text"),
    [
        pytest.param(LotFigures(free=12, occupied=3), "spaces", 12, "12", id="spaces"),
        pytest.param(LotFigures(free=2, occupied=3), "full", 1, "VOLL", id="at-its-threshold"),
        pytest.param(LotFigures(occupied=9, closed=1), "full", 1, "VOLL", id="full"),
        pytest.param(LotFigures(closed=4), "closed", 2, "ZU", id="all-closed"),
        pytest.param(LotFigures(), "unknown", 65_535, "--", id="no-bays"),
        pytest.param(LotFigures(unknown=4), "unknown", 65_535, "--", id="nothing-known"),
        pytest.param(LotFigures(free=7, unknown=3), "unknown", 65_535, "--", id="too-much-unknown"),
        pytest.param(LotFigures(free=8, unknown=2), "spaces", 8, "8", id="little-unknown"),
        pytest.param(
            LotFigures(free=99_999, occupied=1), "spaces", 65_535, "65535", id="a-register-holds-it"
        ),
    ],
)
def test_faces(figures: LotFigures, state: str, value: int, text: str) -> None:
    config = sign(full_at=2, full_text="VOLL", closed_text="ZU", full_value=1, closed_value=2,
                  unknown_value=65_535)  # fmt: skip
    face = face_of(config, figures)
    assert (face.state, face.value, face.text) == (state, value, text)


COUNT = st.integers(0, 400)


@given(COUNT, COUNT, COUNT, COUNT, st.floats(0, 1))
def test_a_sign_never_promises_more_than_is_known(
    free: int, occupied: int, unknown: int, closed: int, share: float
) -> None:
    face = face_of(sign(max_unknown_share=share), LotFigures(free, occupied, unknown, closed))
    assert face.value <= free
    if face.state is SignState.FULL:
        assert free == 0
        assert unknown <= share * (free + occupied + unknown)


def state(bay: str, occ: bool | None) -> BayState:
    return BayState(bay, occ, UnknownReason.SENSOR_SILENT if occ is None else None,
                    0.0 if occ is None else 0.9, NOW)  # fmt: skip


def test_bays_count_by_lot_level_and_zone() -> None:
    layout = Layout.of([
        LayoutBay(bay="a", camera="north", lot="p1", level="1", zone="short"),
        LayoutBay(bay="b", camera="north", lot="p1", level="1"),
        LayoutBay(bay="c", camera="sensors", lot="p1", level="2"),
        LayoutBay(bay="d", camera="sensors", lot="p2"),
        LayoutBay(bay="e", camera="sensors", lot="p2"),
    ])  # fmt: skip
    states = [state("a", False), state("b", True), state("c", None), state("d", False)]
    shut = {"d"}

    def figures(**scope: str) -> LotFigures:
        return bay_figures(bays_at(layout, **scope), states, shut)

    assert figures() == LotFigures(free=1, occupied=1, unknown=2, closed=1)
    assert figures(lot="p1") == LotFigures(free=1, occupied=1, unknown=1)
    assert figures(lot="p1", level="1") == LotFigures(free=1, occupied=1)
    assert figures(zone="short") == LotFigures(free=1)
    assert figures(lot="p2") == LotFigures(unknown=1, closed=1), "never heard of is unknown"
    assert figures(lot="p9") == LotFigures()
    assert bay_figures(bays_at(None), [], ()) == LotFigures()
