"""Lots of the town's plan."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from city.plan import COUNTED, SCRIPTED, SENSED, PlannedLot, Watch, generated_lot

NOW = datetime(2026, 11, 30, 11, 0, tzinfo=UTC)
"""A Monday."""


def planned(name: str) -> PlannedLot:
    """A lot of the table by its name."""
    return generated_lot(next(spec for spec in SCRIPTED if spec.name == name))


def sensed_lot() -> PlannedLot:
    """The lot with a sensor in each bay."""
    return generated_lot(SENSED[0], Watch.SENSORS)


def counted_lot() -> PlannedLot:
    """The garage that is counted at its gates."""
    return generated_lot(COUNTED[0], Watch.GATES)


@pytest.fixture
def high_street() -> PlannedLot:
    return planned("High Street")


@pytest.fixture
def garage() -> PlannedLot:
    return planned("Guildhall Garage")
