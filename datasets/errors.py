"""The error of this package."""

from __future__ import annotations

from telemetry.errors import LotsightError


class DatasetError(LotsightError):
    """A set of labelled images is missing, incomplete or contradicts itself."""


class AnswerNotKeptError(DatasetError):
    """The disk did not take what a reviewer answered."""
