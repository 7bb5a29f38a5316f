"""What can go wrong with a bundle of harvested frames."""

from __future__ import annotations

from telemetry.errors import LotsightError


class HarvestError(LotsightError):
    """A bundle of harvested frames is damaged or unsafe, or cannot be read or written."""
