"""Bays from other tools' files: `import_bays(Path("bounding_boxes.json"), image_wh=(1280, 720))`.

Each form is one function from a `Document` to an `Imported`; a new one is a function, a row in
`IMPORTERS`, and a case in `detect`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TypedDict, Unpack

from calibration.files import read_bytes
from calibration.importers.coco import import_coco
from calibration.importers.common import Imported, LeftOut, Shape, fit_to
from calibration.importers.corners import import_corners
from calibration.importers.cvat import import_cvat
from calibration.importers.detect import EXPECTED, ImportFormat, detect_format
from calibration.importers.document import Document
from calibration.importers.frigate import import_frigate
from calibration.importers.geojson import import_geojson
from calibration.importers.label_studio import import_label_studio
from calibration.importers.labelme import import_labelme
from calibration.importers.mask import import_mask
from calibration.importers.pklot import import_pklot
from calibration.importers.plain import import_acpds, import_bays_json
from calibration.importers.regions import import_regions
from calibration.importers.roboflow import import_roboflow
from calibration.importers.rows import import_rows
from calibration.importers.supervisely import import_supervisely
from calibration.importers.via import import_via
from calibration.importers.voc import import_voc
from calibration.types import ControlPoint

# labelme keeps the image itself in its file, and COCO the bays of a whole set.
LARGEST_IMPORT_BYTES = 256 * 1024 * 1024


class About(TypedDict, total=False):
    """What a file does not say of itself; see `Document`."""

    image_wh: tuple[int, int] | None
    item: str | None
    start: str
    control_points: tuple[ControlPoint, ...]
    categories: tuple[str, ...]
    box_wh: tuple[int, int]


IMPORTERS: Mapping[ImportFormat, Callable[[Document], Imported]] = {
    ImportFormat.ULTRALYTICS: import_regions,
    ImportFormat.BAYS_JSON: import_bays_json,
    ImportFormat.ACPDS: import_acpds,
    ImportFormat.COCO: import_coco,
    ImportFormat.ROBOFLOW: import_roboflow,
    ImportFormat.PKLOT: import_pklot,
    ImportFormat.FRIGATE: import_frigate,
    ImportFormat.GEOJSON: import_geojson,
    ImportFormat.CVAT: import_cvat,
    ImportFormat.LABELME: import_labelme,
    ImportFormat.VIA: import_via,
    ImportFormat.LABEL_STUDIO: import_label_studio,
    ImportFormat.SUPERVISELY: import_supervisely,
    ImportFormat.COORDINATES: import_regions,
    ImportFormat.ROWS: import_rows,
    ImportFormat.CORNERS: import_corners,
    ImportFormat.MASK: import_mask,
    ImportFormat.VOC: import_voc,
}


def import_bays(
    path: Path, file_format: ImportFormat | None = None, **about: Unpack[About]
) -> Imported:
    """Take bays from another tool's file.

    Args:
        path: the file.
        file_format: what it is; None: found out from its content.
        about: what the file does not say, as in `Document`: `image_wh` for formats that keep
            pixels, `item` to choose an image or camera of several, `start` of the ids for bays
            without names, `control_points` for places on Earth, `categories` of the bays, `box_wh`
            for lists of corners.

    Raises:
        CalibrationError: the file cannot be read or is not of that format; names the place in it.
    """
    return import_document(
        Document(path, read_bytes(path, LARGEST_IMPORT_BYTES), **about), file_format
    )


def import_document(document: Document, file_format: ImportFormat | None = None) -> Imported:
    """Take bays from a document in memory, as from an upload; see `import_bays`.

    Raises:
        CalibrationError: it is not of that format; names the place in it.
    """
    return IMPORTERS[file_format or detect_format(document)](document)


__all__ = [
    "EXPECTED",
    "IMPORTERS",
    "Document",
    "ImportFormat",
    "Imported",
    "LeftOut",
    "Shape",
    "detect_format",
    "fit_to",
    "import_bays",
    "import_document",
]
