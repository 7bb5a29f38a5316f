"""Commands that change calibration files: each one saves a new revision."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from calibration.commands.common import (
    AuthorOption,
    FileArgument,
    NoteOption,
    PixelsOption,
    author_or_user,
    console,
    counted,
    parse_pair,
    parse_points,
    print_findings,
    save,
    table_of,
)
from calibration.edit import (
    add_bays,
    change_bays,
    change_lot,
    remove_bays,
    taken_ids,
    with_reference,
)
from calibration.files import (
    list_revisions,
    load_calibration,
    rollback_calibration,
    save_calibration,
    seal_calibration,
)
from calibration.importers import ImportFormat, fit_to, import_bays
from calibration.importers.document import TUTORIAL_BOX_WH
from calibration.numbering import next_id
from calibration.parsing import calibration_from_data, parse_size
from calibration.pictures import read_picture
from calibration.types import Calibration, ControlPoint, Location, Street
from telemetry.errors import CalibrationError
from telemetry.vocabulary import BayAngle, BayKind

BaysArgument = Annotated[
    list[str], typer.Argument(help="Bay ids.", show_default=False, metavar="BAY...")
]
ImageOption = Annotated[
    Path | None, typer.Option("--image", help="An image from the camera; becomes the reference.")
]


def new(
    file: FileArgument,
    camera: Annotated[str, typer.Option("--camera", help="Camera id.")],
    image: ImageOption = None,
    size: Annotated[
        str | None, typer.Option("--size", help="Image size, such as 1280x720.")
    ] = None,
    lot: Annotated[str, typer.Option("--lot", help="Name of the lot.")] = "lot",
    author: AuthorOption = None,
) -> None:
    """Begin a calibration file for a camera, without bays."""
    image_wh = _image_wh(image, size)
    if image_wh is None:
        msg = f"{file}: expected the image size (--image or --size 1280x720), but got neither"
        raise CalibrationError(msg)
    data = {"camera": camera, "image_wh": image_wh, "lot": {"name": lot}}
    calibration = calibration_from_data(data, str(file))
    if image is not None:
        calibration = with_reference(calibration, image, file.parent)
    saved = save_calibration(file, calibration, author=author_or_user(author))
    console().print(f"[green]created[/]: {file}, camera {camera}, revision {saved.revision}")


def _image_wh(image: Path | None, size: str | None) -> tuple[int, int] | None:
    if image is not None:
        height, width = read_picture(image).shape[:2]
        return width, height
    return parse_size(size) if size else None


def import_command(  # noqa: PLR0913, PLR0917 - one for each option of the command
    source: Annotated[Path, typer.Argument(help="File of another tool.", show_default=False)],
    into: Annotated[Path, typer.Option("--into", help="Calibration file; created if missing.")],
    file_format: Annotated[
        ImportFormat | None, typer.Option("--format", "-f", help="Detected if not given.")
    ] = None,
    item: Annotated[
        str | None, typer.Option("--item", help="Image or camera, if the file has several.")
    ] = None,
    camera: Annotated[str | None, typer.Option("--camera", help="For a new file.")] = None,
    image: ImageOption = None,
    size: Annotated[
        str | None, typer.Option("--size", help="Image size, such as 1280x720.")
    ] = None,
    start: Annotated[
        str | None, typer.Option("--start", help="First id, for bays without names.")
    ] = None,
    category: Annotated[
        list[str] | None,
        typer.Option("--category", help="Label of the bays, if the file has several; repeatable."),
    ] = None,
    box: Annotated[
        str, typer.Option("--box", help="Size of a bay, for lists of corners (CarParkPos).")
    ] = "x".join(map(str, TUTORIAL_BOX_WH)),
    stretch: Annotated[
        bool,
        typer.Option(
            "--stretch", help="Accept bays drawn on the same view at another aspect ratio."
        ),
    ] = False,
    author: AuthorOption = None,
) -> None:
    """Take bays from another tool's file and add them."""
    present = load_calibration(into) if into.exists() else None
    image_wh = _image_wh(image, size) or (present.image_wh if present else None)
    taken = taken_ids(present) if present else frozenset()
    imported = import_bays(
        source,
        file_format,
        image_wh=image_wh,
        item=item,
        start=start or next_id(taken, "B001"),
        control_points=present.control_points if present else (),
        categories=tuple(category or ()),
        box_wh=parse_size(box),
    )
    imported = fit_to(imported, image_wh, str(source), stretch=stretch)
    if present is None:
        present = _begin(into, camera, image_wh or imported.image_wh)
    if image is not None:
        present = with_reference(present, image, into.parent)
    changed = add_bays(present, imported.bays)
    print_findings(imported.findings)
    said = f"imported {counted(len(imported.bays), 'bay')}"
    save(into, changed, author, f"import of {source.name}", said)


def _begin(path: Path, camera: str | None, image_wh: tuple[int, int] | None) -> Calibration:
    if camera is None or image_wh is None:
        missing = "--camera" if camera is None else "--image or --size 1280x720"
        msg = f"{path}: expected {missing} to create a new file, but got none"
        raise CalibrationError(msg)
    return calibration_from_data({"camera": camera, "image_wh": image_wh}, str(path))


def set_command(  # noqa: PLR0913, PLR0917 - one for each option of the command
    file: FileArgument,
    bays: BaysArgument,
    kind: Annotated[BayKind | None, typer.Option(help="Kind of bay.")] = None,
    angle: Annotated[BayAngle | None, typer.Option(help="Angle to the lane.")] = None,
    zone: Annotated[str | None, typer.Option(help="Zone; '' for none.")] = None,
    level: Annotated[str | None, typer.Option(help="Level; '' for none.")] = None,
    new_id: Annotated[str | None, typer.Option("--id", help="New id; retires the old one.")] = None,
    polygon: Annotated[str | None, typer.Option(help='Outline: "x,y x,y x,y ...".')] = None,
    pixels: PixelsOption = False,
    author: AuthorOption = None,
    note: NoteOption = "",
) -> None:
    """Change bays: kind, angle, zone, level, id, outline."""
    calibration = load_calibration(file)
    fields: dict[str, Any] = {
        name: value
        for name, value in (("kind", kind), ("angle", angle), ("id", new_id))
        if value is not None
    }
    fields |= {k: v or None for k, v in (("zone", zone), ("level", level)) if v is not None}
    if polygon is not None:
        points = parse_points(polygon, calibration.image_wh if pixels else None, None)
        fields["polygon"] = tuple(points)
    if not fields:
        msg = "set: expected one of --kind, --angle, --zone, --level, --id, --polygon, but got none"
        raise CalibrationError(msg)
    if new_id is not None and new_id in taken_ids(calibration):
        msg = f"id: expected an id that was never used, but got {new_id}"
        raise CalibrationError(msg)
    changed = change_bays(calibration, bays, fields)
    save(file, changed, author, note, f"changed {', '.join(bays)}")


def lot_command(  # noqa: PLR0913, PLR0917 - one for each option of the command
    file: FileArgument,
    name: Annotated[str | None, typer.Option(help="Name of the lot.")] = None,
    location: Annotated[str | None, typer.Option(help="Latitude,longitude, WGS84.")] = None,
    street: Annotated[Street | None, typer.Option(help="On-street or off-street.")] = None,
    levels: Annotated[str | None, typer.Option(help="Levels, lowest first: P1,P2.")] = None,
    control: Annotated[
        list[str] | None,
        typer.Option(help="Control point x,y=lat,lon; give 4 or more, which replace earlier ones."),
    ] = None,
    image: ImageOption = None,
    pixels: PixelsOption = False,
    author: AuthorOption = None,
    note: NoteOption = "",
) -> None:
    """Change the lot's facts, the reference image, the control points on the map."""
    calibration = load_calibration(file)
    fields: dict[str, Any] = {}
    if name is not None:
        fields["name"] = name
    if street is not None:
        fields["street"] = street
    if levels is not None:
        fields["levels"] = tuple(part.strip() for part in levels.split(",") if part.strip())
    if location is not None:
        lat_deg, lon_deg = parse_pair(location, "location")
        fields["location"] = {"lat_deg": lat_deg, "lon_deg": lon_deg}
    changed = change_lot(calibration, fields)
    if control:
        scale = calibration.image_wh if pixels else None
        points = [_control_point(text, scale) for text in control]
        changed = calibration_from_data(
            {**changed.model_dump(), "control_points": points}, str(file)
        )
    if image is not None:
        changed = with_reference(changed, image, file.parent)
    save(file, changed, author, note, "changed lot details")


def _control_point(text: str, pixels_of: tuple[int, int] | None) -> ControlPoint:
    image, _, place = text.partition("=")
    point = parse_points(image, pixels_of, 1)[0]
    lat_deg, lon_deg = parse_pair(place, "control point")
    try:
        return ControlPoint(image=point, place=Location(lat_deg=lat_deg, lon_deg=lon_deg))
    except ValueError as exc:
        msg = f"control point: expected x,y=lat,lon, but got '{text}'"
        raise CalibrationError(msg) from exc


def remove(
    file: FileArgument, bays: BaysArgument, author: AuthorOption = None, note: NoteOption = ""
) -> None:
    """Delete bays; their ids are retired and never used again."""
    changed = remove_bays(load_calibration(file), bays)
    save(file, changed, author, note, f"deleted {', '.join(bays)}")


def revisions(file: FileArgument) -> None:
    """List all revisions of a calibration file."""
    found = list_revisions(file)
    if not found:
        msg = f"{file}: expected a calibration file with revisions, but got none"
        raise CalibrationError(msg)
    rows = [
        (
            f"{item.number}{' *' if item.current else ''}",
            f"{item.calibration.time:%Y-%m-%d %H:%M:%S}" if item.calibration.time else "-",
            item.calibration.author,
            str(len(item.calibration.bays)),
            item.calibration.note or "-",
        )
        for item in reversed(found)
    ]
    console().print(table_of(("revision", "time (UTC)", "author", "bays", "note"), rows))


def rollback(
    file: FileArgument,
    revision: Annotated[int, typer.Argument(help="Revision to restore.", show_default=False)],
    author: AuthorOption = None,
) -> None:
    """Bring an earlier revision back, as a new one; also repairs a damaged file."""
    saved = rollback_calibration(file, revision, author=author_or_user(author))
    console().print(
        f"[green]rolled back[/]: {file} is now revision [bold]{saved.revision}[/] with the "
        f"content of {revision}"
    )


def seal(file: FileArgument, author: AuthorOption = None) -> None:
    """Accept a file that was changed by hand: its content becomes the next revision."""
    saved = seal_calibration(file, author=author_or_user(author))
    console().print(f"[green]sealed[/]: {file} is now revision [bold]{saved.revision}[/]")
