from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime

import pytest
from hypothesis import settings

from calibration import Bay, Calibration, Lot

# A busy machine makes any example slow once; the properties are about results, not speed.
settings.register_profile("lotsight", deadline=None)
settings.load_profile("lotsight")

NOW_UTC = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)


def rectangle(
    left: float, top: float, width: float = 0.08, height: float = 0.2
) -> tuple[tuple[float, float], ...]:
    """A clockwise rectangle, fractions of the picture."""
    right, bottom = left + width, top + height
    return ((left, top), (right, top), (right, bottom), (left, bottom))


@pytest.fixture
def make_calibration() -> Callable[..., Calibration]:
    """A valid calibration with `count` bays A01, A02, ... side by side."""

    def make(count: int = 3, **fields: object) -> Calibration:
        bays = tuple(
            Bay(id=f"A{i + 1:02d}", polygon=rectangle(0.02 + 0.09 * i, 0.3)) for i in range(count)
        )
        base = Calibration(
            camera="north", image_wh=(1280, 720), lot=Lot(name="Station North"), bays=bays
        )
        return base.model_copy(update=fields)

    return make


@pytest.fixture
def now_utc() -> datetime:
    """A time for saving."""
    return NOW_UTC
