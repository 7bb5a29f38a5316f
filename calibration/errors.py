"""What can go wrong with a calibration file.

CalibrationError (telemetry.errors)
├── InvalidCalibrationError   it can be read, but bays in it are wrong; carries the findings
└── RevisionConflictError     someone else saved a newer revision meanwhile
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from calibration.findings import Finding
from telemetry.errors import CalibrationError

# An error text lists this many findings; a file with 200 faults is shown by `calibration check`.
_SHOWN = 5


class InvalidCalibrationError(CalibrationError):
    """A calibration that can be read, but must not be used or saved.

    Attributes:
        findings: every fault that stands in the way.
    """

    def __init__(self, source: str, findings: Sequence[Finding]) -> None:
        """Name the source and its first faults."""
        self.findings = tuple(findings)
        lines = [str(finding) for finding in self.findings[:_SHOWN]]
        more = len(self.findings) - len(lines)
        if more > 0:
            lines.append(f"and {more} more")
        super().__init__(f"{source}: expected valid bays, but got: " + "; ".join(lines))


class RevisionConflictError(CalibrationError):
    """The file holds another revision than the one that was edited.

    Attributes:
        expected_revision: the revision that the change was made on.
        found_revision: the revision that the file holds now; 0 when there is no file.
    """

    def __init__(self, path: Path | str, expected_revision: int, found_revision: int) -> None:
        """Say which revision was edited and which is there."""
        self.expected_revision = expected_revision
        self.found_revision = found_revision
        super().__init__(
            f"{path}: expected revision {expected_revision}, but got {found_revision}: someone "
            "else saved it in the meantime. Reload it and repeat the change; nothing was "
            "overwritten."
        )
