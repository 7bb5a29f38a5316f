"""Where images come from: bundles of an edge box, labelled sets of any format, plain folders."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from calibration import load_calibration
from calibration.pictures import PICTURE_SUFFIXES
from datasets.errors import DatasetError
from datasets.formats import detect_set, read_set
from datasets.labelling.pool import PoolFrame, from_bundle, from_lot, from_pictures
from datasets.lots import data_root, parse_set, read_lot
from harvest import is_bundle, read_bundle


def read_sources(
    sources: Sequence[str], calibration: Path | None, data: Path | None
) -> list[PoolFrame]:
    """Read sources of any kind; images are not decoded yet.

    Args:
        sources: as the command takes them.
        calibration: bays of plain images.
        data: folder of named sets; by default `LOTSIGHT_DATA`.

    Raises:
        DatasetError: a source is of no known kind, or damaged.
        CalibrationError: the calibration is wrong.
        HarvestError: a bundle is damaged or unsafe.
    """
    return [frame for source in sources for frame in _read(source, calibration, data)]


def _read(source: str, calibration: Path | None, data: Path | None) -> list[PoolFrame]:
    path = Path(source)
    if is_bundle(path):
        return from_bundle(read_bundle(path))
    if path.is_dir() and calibration is not None:
        return _plain(path, calibration)
    if path.exists():
        if detect_set(path) is None:
            msg = (
                f"{path}: expected a harvest bundle or a labelled set of a known format; for "
                "plain images pass the bays with --calibration"
            )
            raise DatasetError(msg)
        return [from_lot(frame) for frame in read_set(path).frames]
    root = data or data_root()
    return [
        from_lot(frame)
        for name, split in parse_set(source, root)
        for frame in read_lot(root / name, split)
    ]


def _plain(folder: Path, calibration: Path) -> list[PoolFrame]:
    pictures = sorted(p for p in folder.iterdir() if p.suffix.lower() in PICTURE_SUFFIXES)
    if not pictures:
        msg = f"{folder}: expected images ({', '.join(sorted(PICTURE_SUFFIXES))}), but got none"
        raise DatasetError(msg)
    return from_pictures(pictures, load_calibration(calibration))
