"""What all importers share: a document, the shapes found in it, and how they become bays."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NoReturn

from pydantic import ValidationError

from calibration.findings import Code, Finding, Severity
from calibration.numbering import Numbering, number_bays
from calibration.parsing import explain, parse_json
from calibration.tidy import tidy_bay
from calibration.types import Bay, ControlPoint
from telemetry.errors import CalibrationError
from telemetry.words import BayKind, is_identifier

_LEAST_POINTS = 3
_LARGEST_SIDE = 100_000
_LARGEST = 1e9


@dataclass(frozen=True, slots=True)
class Document:
    """A file to import from.

    Attributes:
        path: where it lies, for errors.
        content: its bytes.
        image_wh: width and height in pixels of the picture it was drawn on; None: the file says it,
            or does not need it.
        item: which picture or camera of several in the file.
        start: the first id, for bays that have no name in the file.
        control_points: of the calibration, for formats that keep places on Earth.
    """

    path: Path
    content: bytes
    image_wh: tuple[int, int] | None = None
    item: str | None = None
    start: str = "B001"
    control_points: tuple[ControlPoint, ...] = ()

    def json(self) -> Any:
        """The content as JSON.

        Raises:
            CalibrationError: it is none; names line and column.
        """
        return parse_json(self.content, str(self.path))

    def text(self) -> str:
        """The content as text.

        Raises:
            CalibrationError: it is not UTF-8.
        """
        try:
            return self.content.decode("utf-8-sig")
        except UnicodeDecodeError as exc:
            self.fail(f"byte {exc.start}", "UTF-8 text", f"byte 0x{exc.object[exc.start]:02x}")

    def need_image_wh(self) -> tuple[int, int]:
        """The picture's size, where the format keeps pixels and does not say of what picture.

        Raises:
            CalibrationError: it was not given.
        """
        if self.image_wh is None:
            self.fail(
                "picture size",
                "width and height, since this format keeps pixels (--size 1280x720 or --image)",
                "none",
            )
        return self.image_wh

    def fail(self, place: str, expected: str, got: object) -> NoReturn:
        """Refuse the file.

        Raises:
            CalibrationError: always.
        """
        text = got if isinstance(got, str) else repr(got)
        shown = text if len(text) <= 60 else f"{text[:60]}..."  # noqa: PLR2004 - one line's worth
        msg = f"{self.path}: {place}: expected {expected}, but got {shown}"
        raise CalibrationError(msg)

    def choose(self, known: Sequence[str], what: str) -> str:
        """The item asked for, or the only one there is.

        Raises:
            CalibrationError: it is not there, or there are several and none was asked for.
        """
        listed = ", ".join(known[:8]) + (", ..." if len(known) > 8 else "")  # noqa: PLR2004
        if self.item is None and len(known) == 1:
            return known[0]
        if self.item is None:
            self.fail(what, f"a choice of one (--item) of {len(known)}: {listed or 'none'}", "none")
        if self.item not in known:
            self.fail(what, f"one of {listed or 'none'}", self.item)
        return self.item


@dataclass(frozen=True, slots=True)
class Shape:
    """One outline found in a file.

    Attributes:
        place: where in the file, for errors.
        points: pairs of numbers as they stand there.
        name: its name there, if it has one.
        kind: who the bay is meant for, where the file says it.
    """

    place: str
    points: Sequence[Sequence[float]]
    name: str | None = None
    kind: BayKind = BayKind.STANDARD


@dataclass(frozen=True, slots=True)
class Imported:
    """What an import found.

    Attributes:
        bays: with valid, distinct ids; outlines tidied, but not yet checked against each other.
        image_wh: the picture's size, if the file or the caller said it.
        findings: what was renamed, turned, clipped or left out.
    """

    bays: tuple[Bay, ...]
    image_wh: tuple[int, int] | None
    findings: tuple[Finding, ...] = ()


def points_of(document: Document, place: str, value: Any) -> list[tuple[float, float]]:
    """A list of [x, y] pairs from parsed JSON.

    Raises:
        CalibrationError: it is none, or has fewer than three points.
    """
    if not isinstance(value, list) or len(value) < _LEAST_POINTS:
        document.fail(place, "a list of 3 or more points", value)
    points = []
    for index, pair in enumerate(value):
        numbers = pair if isinstance(pair, list) else [pair]
        if len(numbers) != 2 or not all(_is_number(number) for number in numbers):  # noqa: PLR2004
            document.fail(f"{place}[{index}]", "a point [x, y]", pair)
        points.append((float(numbers[0]), float(numbers[1])))
    return points


def pairs_of(document: Document, place: str, flat: Sequence[Any]) -> list[tuple[float, float]]:
    """Pairs from a flat list x1, y1, x2, y2, ... of numbers.

    Raises:
        CalibrationError: it has an odd count, fewer than three points, or something else in it.
    """
    if len(flat) % 2 or len(flat) < 2 * _LEAST_POINTS:
        document.fail(place, "an even count of 6 or more numbers", f"{len(flat)} numbers")
    for index, number in enumerate(flat):
        if not _is_number(number):
            document.fail(f"{place}[{index}]", "a number", number)
    return [(float(x), float(y)) for x, y in zip(flat[::2], flat[1::2], strict=True)]


def _is_number(value: object) -> bool:
    # No picture is a billion pixels wide; what is larger, infinite or not a number is a fault.
    return isinstance(value, int | float) and not isinstance(value, bool) and abs(value) < _LARGEST


def size_of(document: Document, place: str, value: Mapping[str, Any]) -> tuple[int, int]:
    """Width and height of a picture from the keys `width` and `height`.

    Raises:
        CalibrationError: they are not two whole numbers above 0.
    """
    width, height = value.get("width"), value.get("height")
    for key, side in (("width", width), ("height", height)):
        if not is_side(side):
            document.fail(f"{place}{key}", "a whole number of pixels above 0", side)
    return int(str(width)), int(str(height))


def is_side(value: object) -> bool:
    """Whether a value can be a picture's width or height in pixels."""
    return isinstance(value, int) and not isinstance(value, bool) and 0 < value <= _LARGEST_SIDE


def to_bays(
    document: Document,
    shapes: Sequence[Shape],
    scale_wh: tuple[int, int],
    image_wh: tuple[int, int] | None,
    findings: Sequence[Finding] = (),
) -> Imported:
    """Make bays of the shapes: names become ids, numbers fractions, outlines are tidied.

    Args:
        document: where they come from.
        shapes: what was found.
        scale_wh: what coordinates are divided by: the picture's size, or (1, 1).
        image_wh: the picture's size, if it is known.
        findings: what the importer has to say already.

    Raises:
        CalibrationError: an outline is of no possible form.
    """
    ids, renamed = _ids_of(document, shapes)
    said = [*findings, *renamed]
    bays: list[Bay] = []
    for bay_id, shape in zip(ids, shapes, strict=True):
        points = tuple((x / scale_wh[0], y / scale_wh[1]) for x, y in shape.points)
        data = {"id": bay_id, "polygon": points, "kind": shape.kind}
        try:
            bay, tidied = tidy_bay(Bay.model_validate(data))
        except ValidationError as exc:
            place = f"{document.path}: {shape.place}"
            raise CalibrationError(explain(exc, data, place)) from exc
        bays.append(bay)
        said.extend(tidied)
    return Imported(tuple(bays), image_wh or document.image_wh, tuple(said))


def _ids_of(
    document: Document, shapes: Sequence[Shape]
) -> tuple[tuple[str, ...], tuple[Finding, ...]]:
    """Distinct valid ids: the shapes' own names where they have such, else numbers."""
    numbers = iter(number_bays(Numbering(start=document.start), 2 * len(shapes)))
    names = {shape.name for shape in shapes if shape.name is not None}
    free = (number for number in numbers if number not in names)
    used: set[str] = set()
    ids: list[str] = []
    findings: list[Finding] = []
    for shape in shapes:
        wanted = _as_identifier(shape.name) if shape.name is not None else next(free)
        bay_id, count = wanted, 2
        while bay_id in used:
            bay_id, count = f"{wanted[:58]}.{count}", count + 1
        if shape.name is not None and bay_id != shape.name:
            message = f"'{shape.name}' became '{bay_id}', since ids are distinct and of A-Z a-z 0-9"
            findings.append(
                Finding(Severity.INFO, Code.RENAMED, bay_id, message, "rename it if you like")
            )
        used.add(bay_id)
        ids.append(bay_id)
    return tuple(ids), tuple(findings)


def _as_identifier(name: str) -> str:
    if is_identifier(name):
        return name
    cleaned = re.sub(r"[^A-Za-z0-9_.-]+", "_", name).lstrip("_.-")[:58]
    return cleaned or "bay"


def skipped(place: str, reason: str) -> Finding:
    """A finding for something in the file that is no bay."""
    return Finding(
        Severity.WARNING, Code.SKIPPED, None, f"{place} was left out: {reason}", "draw it if needed"
    )
