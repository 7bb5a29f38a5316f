"""The image that every model is shown when it is opened: a rendered lot with twelve cars.

`scripts/render_probe_picture` regenerates both files.
"""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from vision.probe import KnownPicture

FOLDER = Path(__file__).parent / "probe"


@cache
def probe_picture() -> KnownPicture:
    """The image, and where its vehicles stand."""
    import cv2

    from vision.probe import KnownPicture

    encoded = np.frombuffer((FOLDER / "lot.jpg").read_bytes(), np.uint8)
    image = np.asarray(cv2.imdecode(encoded, cv2.IMREAD_COLOR), np.uint8)
    boxes = json.loads((FOLDER / "lot.json").read_text(encoding="utf-8"))["vehicles_norm"]
    return KnownPicture(image, np.asarray(boxes, np.float32))
