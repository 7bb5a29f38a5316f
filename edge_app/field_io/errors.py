"""What goes wrong between the box and the devices of its lot."""

from __future__ import annotations

from telemetry import LotsightError


class FieldError(LotsightError):
    """A device at the lot, or the local broker before it, did not do what it was asked."""
