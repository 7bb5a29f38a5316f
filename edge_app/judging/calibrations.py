"""Bays for a judgement: a calibration file, or another tool's bays."""

from __future__ import annotations

from pathlib import Path

from calibration import Calibration, load_calibration
from calibration.files import read_bytes
from calibration.importers import Document, import_bays
from calibration.references import view_guard
from vision.view_guard import GuardSettings, ViewGuard, for_one_picture


def read_bays(path: Path, image_wh: tuple[int, int]) -> Calibration:
    """Read bays from a calibration file or from any file that `lotsight calibration import` takes.

    Args:
        path: the file, e.g. `north.json`, `bounding_boxes.json` or `*.bays.json`.
        image_wh: size of the picture, for formats that keep pixels and no size.

    Raises:
        CalibrationError: the file cannot be read, is of no known format, or its bays are wrong.
    """
    if is_calibration(path):
        return load_calibration(path)
    imported = import_bays(path, image_wh=image_wh)
    return Calibration(
        camera=path.name.split(".")[0],
        image_wh=imported.image_wh or image_wh,
        bays=imported.bays,
    )


def is_calibration(path: Path) -> bool:
    """Whether a file is one of ours, whatever is wrong with it, and not another tool's."""
    if path.suffix.lower() != ".json":
        return False
    data = Document(path, read_bytes(path)).json()
    return isinstance(data, dict) and "schema_version" in data


def guard_of(path: Path, calibration: Calibration, *, is_clip: bool) -> ViewGuard:
    """The guard of the view that `read_bays` read from `path`, with the service's thresholds.

    A still picture is checked by itself; in a clip faults may pass, as at a camera.
    """
    settings = GuardSettings()
    return view_guard(path, calibration, settings if is_clip else for_one_picture(settings))
