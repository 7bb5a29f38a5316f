"""Bays for a judgement: a calibration file, or another tool's bays."""

from __future__ import annotations

import logging
from pathlib import Path

from calibration import Calibration, calibration_from_data, load_calibration
from calibration.files import read_bytes
from calibration.importers import Document, import_bays
from calibration.importers.ids import as_identifier
from calibration.references import view_guard
from telemetry.errors import CalibrationError
from vision.view_guard import GuardSettings, ViewGuard, for_one_picture

_log = logging.getLogger(__name__)


def read_bays(path: Path, image_wh: tuple[int, int]) -> Calibration:
    """Read bays from a calibration file or from any file that `lotsight calibration import` takes.

    Args:
        path: the file, e.g. `north.json`, `bounding_boxes.json` or `*.bays.json`.
        image_wh: size of the image, for formats that keep pixels and no size.

    Raises:
        CalibrationError: the file cannot be read, is of no known format, or its bays are wrong.
    """
    if is_calibration(path):
        return load_calibration(path)
    imported = import_bays(path, image_wh=image_wh)
    for finding in imported.left_out:
        _log.warning("%s: %s", path, finding)
    data = {
        "camera": as_identifier(path.name.split(".")[0]),
        "image_wh": imported.image_wh or image_wh,
        "bays": imported.bays,
    }
    return calibration_from_data(data, str(path))


def is_calibration(path: Path) -> bool:
    """Whether a file is one of ours, whatever is wrong with it, and not another tool's."""
    if path.suffix.lower() != ".json":
        return False
    try:
        data = Document(path, read_bytes(path)).json()
    except CalibrationError:  # the next reader reports what is wrong
        return False
    return isinstance(data, dict) and "schema_version" in data


def guard_of(path: Path, calibration: Calibration, *, is_clip: bool) -> ViewGuard:
    """The guard of the view that `read_bays` read from `path`, with the service's thresholds.

    A still image is checked by itself; in a clip faults may pass, as at a camera.
    """
    settings = GuardSettings()
    return view_guard(path, calibration, settings if is_clip else for_one_picture(settings))
