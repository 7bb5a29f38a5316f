"""The calibration artefact: bays of a lot tied to the picture of one camera.

calibration = load_calibration("north.json")
for finding in check_calibration(calibration):
    ...
save_calibration("north.json", changed, author="ina")
"""

from calibration.canonical import checksum_of, seal
from calibration.check import CheckSettings, check_calibration
from calibration.diff import BayChange, ChangeKind, Difference, compare
from calibration.errors import InvalidCalibrationError, RevisionConflictError
from calibration.files import (
    Revision,
    list_revisions,
    load_calibration,
    load_revision,
    read_calibration,
    rollback_calibration,
    save_calibration,
    seal_calibration,
)
from calibration.findings import Code, Finding, Severity, errors_of
from calibration.normalise import normalise_bay, normalise_calibration
from calibration.numbering import Numbering, next_id, number_bays, parse_skip
from calibration.parsing import calibration_from_data, parse_calibration
from calibration.rows import (
    BayTraits,
    RowPlan,
    copy_row,
    row_bays,
    row_quads,
)
from calibration.succession import (
    brought_back,
    format_calibration,
    lost_masks,
    next_revision,
    with_retired,
)
from calibration.types import (
    Area,
    Bay,
    Calibration,
    ControlPoint,
    Line,
    Location,
    Lot,
    Mask,
    ReferencePicture,
    Street,
)

__all__ = [
    "Area",
    "Bay",
    "BayChange",
    "BayTraits",
    "Calibration",
    "ChangeKind",
    "CheckSettings",
    "Code",
    "ControlPoint",
    "Difference",
    "Finding",
    "InvalidCalibrationError",
    "Line",
    "Location",
    "Lot",
    "Mask",
    "Numbering",
    "ReferencePicture",
    "Revision",
    "RevisionConflictError",
    "RowPlan",
    "Severity",
    "Street",
    "brought_back",
    "calibration_from_data",
    "check_calibration",
    "checksum_of",
    "compare",
    "copy_row",
    "errors_of",
    "format_calibration",
    "list_revisions",
    "load_calibration",
    "load_revision",
    "lost_masks",
    "next_id",
    "next_revision",
    "normalise_bay",
    "normalise_calibration",
    "number_bays",
    "parse_calibration",
    "parse_skip",
    "read_calibration",
    "rollback_calibration",
    "row_bays",
    "row_quads",
    "save_calibration",
    "seal",
    "seal_calibration",
    "with_retired",
]
