"""Faults and remarks as values: the editor, the command line and the loader show the same ones."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum


class Severity(StrEnum):
    """How bad a finding is."""

    ERROR = "error"
    """The calibration must not be used or saved."""
    WARNING = "warning"
    """It works, but bays will be judged worse than they could be."""
    INFO = "info"
    """Something was put right, or is worth knowing."""


class Code(StrEnum):
    """What a finding is about; stable names for tests, the editor and scripts."""

    DUPLICATE_ID = "duplicate_id"
    DUPLICATE_NAME = "duplicate_name"
    RETIRED_ID = "retired_id"
    SELF_CROSSING = "self_crossing"
    TINY = "tiny"
    OUTSIDE = "outside"
    OVERLAP = "overlap"
    COUNTER_CLOCKWISE = "counter_clockwise"
    TOO_SMALL = "too_small"
    HIDDEN = "hidden"
    MASKED = "masked"
    BAD_QUAD = "bad_quad"
    UNKNOWN_LEVEL = "unknown_level"
    NO_BAYS = "no_bays"
    CHECKSUM = "checksum"
    REFERENCE = "reference"
    CLIPPED = "clipped"
    RENAMED = "renamed"
    SKIPPED = "skipped"
    SCALED = "scaled"
    SPLIT = "split"
    MOVING = "moving"
    CLASSES = "classes"
    CUT_OFF = "cut_off"
    DELETED = "deleted"


@dataclass(frozen=True, slots=True)
class Finding:
    """One fault or remark.

    Attributes:
        severity: how bad it is.
        code: what it is about.
        bay: id of the bay; None when it concerns none, or the whole file.
        message: what was expected and what was found, with numbers.
        remedy: what the installer can do about it.
        at_norm: where on the picture, fractions of width and height, when there is one place.
        mask: name of the privacy mask that it concerns.
        area: name of the watched area that it concerns.
        line: id of the counted line that it concerns.
    """

    severity: Severity
    code: Code
    bay: str | None
    message: str
    remedy: str
    at_norm: tuple[float, float] | None = None
    mask: str | None = None
    area: str | None = None
    line: str | None = None

    def __str__(self) -> str:
        """One line: the bay, the fault, the remedy."""
        where = f"bay {self.bay}: " if self.bay is not None else ""
        return f"{where}{self.message} ({self.remedy})"

    def to_json(self) -> dict[str, object]:
        """The finding as JSON: what the page and `calibration check --json` give."""
        return {
            "severity": self.severity.value,
            "code": self.code.value,
            "bay": self.bay,
            "message": self.message,
            "remedy": self.remedy,
            "at_norm": self.at_norm,
            "mask": self.mask,
            "area": self.area,
            "line": self.line,
        }


def errors_of(findings: Iterable[Finding]) -> tuple[Finding, ...]:
    """Those findings that forbid using or saving the calibration."""
    return tuple(finding for finding in findings if finding.severity is Severity.ERROR)
