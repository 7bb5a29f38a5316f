"""The calibration artefact: bays of a lot tied to the picture of one camera.

calibration = load_calibration("north.json")
for finding in check_calibration(calibration):
    ...
save_calibration("north.json", changed, author="ina")
"""

from calibration.canonical import checksum_of, seal
from calibration.check import CheckSettings, check_calibration
from calibration.errors import InvalidCalibrationError, RevisionConflictError
from calibration.files import (
    Revision,
    format_calibration,
    list_revisions,
    load_calibration,
    load_revision,
    read_calibration,
    rollback_calibration,
    save_calibration,
)
from calibration.findings import Code, Finding, Severity, errors_of
from calibration.parsing import parse_calibration
from calibration.tidy import tidy_bay, tidy_calibration
from calibration.types import (
    Bay,
    Calibration,
    ControlPoint,
    Location,
    Lot,
    Mask,
    ReferencePicture,
    Street,
)

__all__ = [
    "Bay",
    "Calibration",
    "CheckSettings",
    "Code",
    "ControlPoint",
    "Finding",
    "InvalidCalibrationError",
    "Location",
    "Lot",
    "Mask",
    "ReferencePicture",
    "Revision",
    "RevisionConflictError",
    "Severity",
    "Street",
    "check_calibration",
    "checksum_of",
    "errors_of",
    "format_calibration",
    "list_revisions",
    "load_calibration",
    "load_revision",
    "parse_calibration",
    "read_calibration",
    "rollback_calibration",
    "save_calibration",
    "seal",
    "tidy_bay",
    "tidy_calibration",
]
