"""Changes to a calibration as pure functions: the same ones for the editor and the command line."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from calibration.parsing import explain
from calibration.types import Area, Bay, Calibration, Lot, Mask, ReferencePicture
from telemetry.errors import CalibrationError


def add_bays(calibration: Calibration, bays: Sequence[Bay]) -> Calibration:
    """Append bays to the layout.

    Raises:
        CalibrationError: an id is in use or retired.
    """
    taken = taken_ids(calibration)
    clashing = [bay.id for bay in bays if bay.id in taken]
    if clashing:
        msg = (
            f"camera {calibration.camera}: expected ids that were never used, but got "
            f"{', '.join(clashing[:5])}"
        )
        raise CalibrationError(msg)
    return calibration.model_copy(update={"bays": (*calibration.bays, *bays)})


def taken_ids(calibration: Calibration) -> frozenset[str]:
    """Ids that no new bay may have: those in use and the retired ones."""
    return frozenset({*calibration.bay_ids, *calibration.retired_ids})


def remove_bays(calibration: Calibration, ids: Collection[str]) -> Calibration:
    """Take bays out of the layout; saving retires their ids.

    Raises:
        CalibrationError: there is no such bay.
    """
    _need(calibration, ids)
    kept = tuple(bay for bay in calibration.bays if bay.id not in ids)
    return calibration.model_copy(update={"bays": kept})


def change_bays(
    calibration: Calibration, ids: Collection[str], fields: Mapping[str, Any]
) -> Calibration:
    """Set fields of bays, for instance `{"kind": "ev", "zone": "Z2"}`.

    A new `id` makes the old one retired on saving, so it is allowed for one bay at a time.

    Raises:
        CalibrationError: there is no such bay, or a value has no meaning.
    """
    _need(calibration, ids)
    if "id" in fields and len(ids) != 1:
        msg = f"id: expected one bay to rename, but got {len(ids)}"
        raise CalibrationError(msg)
    changed = tuple(_validated(bay, fields) if bay.id in ids else bay for bay in calibration.bays)
    return calibration.model_copy(update={"bays": changed})


def change_lot(calibration: Calibration, fields: Mapping[str, Any]) -> Calibration:
    """Set facts of the lot, for instance `{"name": "Station North"}`.

    Raises:
        CalibrationError: a value has no meaning.
    """
    try:
        lot = Lot.model_validate({**calibration.lot.model_dump(), **fields})
    except ValidationError as exc:
        raise CalibrationError(explain(exc, fields, "lot")) from exc
    return calibration.model_copy(update={"lot": lot})


def with_reference(calibration: Calibration, picture: Path, folder: Path) -> Calibration:
    """Name the picture that the bays were drawn on.

    Args:
        calibration: what to change.
        picture: the picture's file; it must have the size of `calibration.image_wh`.
        folder: where the calibration file lies; the name is kept relative to it.

    Raises:
        CalibrationError: the picture cannot be read or has another size.
    """
    from calibration.pictures import picture_sha256, read_picture

    height, width = read_picture(picture).shape[:2]
    if (width, height) != calibration.image_wh:
        expected = "x".join(map(str, calibration.image_wh))
        msg = f"{picture}: expected an image of {expected} px, but got {width}x{height}"
        raise CalibrationError(msg)
    resolved, base = picture.resolve(), folder.resolve()
    name = resolved.relative_to(base) if resolved.is_relative_to(base) else resolved
    reference = ReferencePicture(file=name.as_posix(), sha256=picture_sha256(picture))
    return calibration.model_copy(update={"reference": reference})


def put_region(calibration: Calibration, region: Mask | Area) -> Calibration:
    """Hide a part of the picture, or watch an area; the one of the same name is replaced."""
    field = region_field(type(region))
    kept = (item for item in getattr(calibration, field) if item.name != region.name)
    return calibration.model_copy(update={field: (*kept, region)})


def remove_region(calibration: Calibration, kind: type[Mask | Area], name: str) -> Calibration:
    """Take away the mask or watched area of that name.

    Raises:
        CalibrationError: there is none.
    """
    field = region_field(kind)
    kept = tuple(item for item in getattr(calibration, field) if item.name != name)
    if len(kept) == len(getattr(calibration, field)):
        msg = f"{field}: expected one of that name, but got '{name}'"
        raise CalibrationError(msg)
    return calibration.model_copy(update={field: kept})


def region_field(kind: type[Mask | Area]) -> str:
    """Where a calibration keeps its masks, or its watched areas."""
    return "masks" if kind is Mask else "areas"


def _need(calibration: Calibration, ids: Collection[str]) -> None:
    missing = [bay_id for bay_id in ids if bay_id not in calibration.bay_ids]
    if missing:
        msg = (
            f"camera {calibration.camera}: expected bays of this layout, but got "
            f"{', '.join(missing[:5])}"
        )
        raise CalibrationError(msg)


def _validated(bay: Bay, fields: Mapping[str, Any]) -> Bay:
    try:
        return Bay.model_validate({**bay.model_dump(), **fields})
    except ValidationError as exc:
        raise CalibrationError(explain(exc, fields, f"bay {bay.id}")) from exc
