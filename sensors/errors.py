"""What goes wrong with readings of sensors and gates."""

from __future__ import annotations

from telemetry.errors import LotsightError


class SensorError(LotsightError):
    """A message of a sensor, gate or network server cannot be used; the text says why."""
