"""Bays for a judgement: a calibration file, or the bare bays that come with a clip."""

from __future__ import annotations

import json
from pathlib import Path

from calibration import Bay, Calibration, load_calibration
from telemetry import CalibrationError
from vision.geometry import to_norm
from vision.types import as_floats


def read_bays(path: Path) -> Calibration:
    """Read bays from a file.

    Args:
        path: a calibration file, or a JSON object with `width`, `height` and `bays` (lists of
            [x, y] in pixels), such as the `*.bays.json` beside a clip.

    Raises:
        CalibrationError: the file is neither.
    """
    try:
        raw = json.loads(path.read_text(encoding="utf-8"))
    except OSError as exc:
        msg = f"{path}: cannot read this calibration: {exc}"
        raise CalibrationError(msg) from exc
    except ValueError as exc:
        msg = f"{path}: expected JSON: {exc}"
        raise CalibrationError(msg) from exc
    if not isinstance(raw, dict) or "schema_version" in raw or "width" not in raw:
        return load_calibration(path)
    try:
        wh = (int(raw["width"]), int(raw["height"]))
        shapes = [to_norm(as_floats(points), wh).clip(0, 1).tolist() for points in raw["bays"]]
        bays = [Bay(id=str(n), polygon=shape) for n, shape in enumerate(shapes, start=1)]
        return Calibration(camera=path.name.split(".")[0], image_wh=wh, bays=tuple(bays))
    except (KeyError, TypeError, ValueError) as exc:
        msg = f"{path}: expected width, height and bays as lists of [x, y] in pixels: {exc!r}"
        raise CalibrationError(msg) from exc
