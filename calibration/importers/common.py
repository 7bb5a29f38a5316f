"""What all importers share: the shapes found in a document, and how they become bays."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from pydantic import ValidationError

from calibration.findings import Code, Finding, Severity
from calibration.importers.document import Document, printable
from calibration.importers.ids import distinct_ids
from calibration.normalise import normalise_bay
from calibration.parsing import explain
from calibration.types import Bay
from telemetry.errors import CalibrationError
from telemetry.vocabulary import BayKind

Points = list[tuple[float, float]]
_LEAST_POINTS = 3
_LARGEST_SIDE = 100_000
_LARGEST = 1e9
_SHOWN_PLACES = 3
# Two images of one view may differ by as much in shape: sides are whole, and often even, numbers.
_SAME_ASPECT = 0.01


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
class LeftOut:
    """Something in the file that becomes no bay.

    Attributes:
        place: where in the file.
        reason: why, as the end of a sentence; alike for what is skipped for one reason.
    """

    place: str
    reason: str


@dataclass(frozen=True, slots=True)
class Imported:
    """What an import found.

    Attributes:
        bays: with valid, distinct ids; outlines tidied, but not yet checked against each other.
        image_wh: the image's size, if the file or the caller said it.
        findings: what was renamed, turned, clipped or skipped.
    """

    bays: tuple[Bay, ...]
    image_wh: tuple[int, int] | None
    findings: tuple[Finding, ...] = field(default=())

    @property
    def left_out(self) -> tuple[Finding, ...]:
        """What the file has that became no bay: a finding for each reason, with the count."""
        return tuple(finding for finding in self.findings if finding.code is Code.SKIPPED)


def no_outline(form: str) -> str:
    """Why a drawing of this form is skipped."""
    article = "an" if form[:1] in set("aeiou") else "a"
    return f"{article} {form[:20]} has no outline"


def is_number(value: object) -> bool:
    """Whether a value can be a coordinate."""
    # No image is a billion pixels wide; what is larger, infinite or not a number is a fault.
    return isinstance(value, int | float) and not isinstance(value, bool) and abs(value) < _LARGEST


def points_of(document: Document, place: str, value: Any) -> Points:
    """A list of [x, y] pairs from parsed JSON; {"x", "y"} does as well.

    Raises:
        CalibrationError: it is invalid, or has fewer than three points.
    """
    if not isinstance(value, list) or len(value) < _LEAST_POINTS:
        document.fail(place, "a list of 3 or more points", value)
    return [_point(document, f"{place}[{index}]", pair) for index, pair in enumerate(value)]


def _point(document: Document, place: str, pair: Any) -> tuple[float, float]:
    numbers = [pair.get("x"), pair.get("y")] if isinstance(pair, Mapping) else pair
    if not isinstance(numbers, list) or len(numbers) != 2 or not all(map(is_number, numbers)):  # noqa: PLR2004
        document.fail(place, "a point [x, y]", pair)
    return float(numbers[0]), float(numbers[1])


def pairs_of(document: Document, place: str, flat: Sequence[Any]) -> Points:
    """Pairs from a flat list x1, y1, x2, y2, ... of numbers.

    Raises:
        CalibrationError: it has an odd count, fewer than three points, or something else in it.
    """
    if len(flat) % 2 or len(flat) < 2 * _LEAST_POINTS:
        document.fail(place, "an even count of 6 or more numbers", f"{len(flat)} numbers")
    for index, number in enumerate(flat):
        if not is_number(number):
            document.fail(f"{place}[{index}]", "a number", number)
    return [(float(x), float(y)) for x, y in zip(flat[::2], flat[1::2], strict=True)]


def numbers_of(document: Document, place: str, value: Any, keys: Sequence[str]) -> list[float]:
    """Numbers under keys of an object.

    Raises:
        CalibrationError: it is not a pair, or one of them is missing or not a number.
    """
    mapping = mapping_of(document, place, value)
    for key in keys:
        if not is_number(mapping.get(key)):
            document.fail(f"{place}.{key}".lstrip("."), "a number", mapping.get(key))
    return [float(mapping[key]) for key in keys]


def mapping_of(document: Document, place: str, value: Any) -> Mapping[str, Any]:
    """A JSON object.

    Raises:
        CalibrationError: it is invalid.
    """
    if not isinstance(value, Mapping):
        document.fail(place or "the file", "an object", value)
    return value


def list_of(document: Document, place: str, value: Any) -> list[Any]:
    """A JSON list.

    Raises:
        CalibrationError: it is invalid.
    """
    if not isinstance(value, list):
        document.fail(place, "a list", value)
    return value


def size_of(document: Document, place: str, value: Mapping[str, Any]) -> tuple[int, int]:
    """Width and height of an image from the keys `width` and `height`.

    Raises:
        CalibrationError: they are not two whole numbers above 0.
    """
    width, height = value.get("width"), value.get("height")
    for key, side in (("width", width), ("height", height)):
        if not is_side(side):
            document.fail(f"{place}{key}", "a whole number of pixels above 0", side)
    return int(str(width)), int(str(height))


def is_side(value: object) -> bool:
    """Whether a value can be an image's width or height in pixels."""
    return isinstance(value, int) and not isinstance(value, bool) and 0 < value <= _LARGEST_SIDE


def to_bays(
    document: Document,
    found: Iterable[Shape | LeftOut],
    scale_wh: tuple[int, int],
    image_wh: tuple[int, int] | None,
    findings: Sequence[Finding] = (),
) -> Imported:
    """Make bays of the shapes: names become ids, numbers fractions, outlines are tidied.

    Args:
        document: where they come from.
        found: what the file has; shapes without an area are skipped here.
        scale_wh: what coordinates are divided by: the image's size, or (1, 1).
        image_wh: the image's size, if it is known.
        findings: what the importer has to say already.

    Raises:
        CalibrationError: an outline is of no possible form.
    """
    items = [_without_flat(item) for item in found]
    shapes = [item for item in items if isinstance(item, Shape)]
    ids, renamed = distinct_ids([shape.name for shape in shapes], document.start)
    said = [*findings, *_tell(item for item in items if isinstance(item, LeftOut)), *renamed]
    bays: list[Bay] = []
    for bay_id, shape in zip(ids, shapes, strict=True):
        points = tuple((x / scale_wh[0], y / scale_wh[1]) for x, y in shape.points)
        data = {"id": bay_id, "polygon": points, "kind": shape.kind}
        try:
            bay, tidied = normalise_bay(Bay.model_validate(data))
        except ValidationError as exc:
            place = printable(f"{document.path}: {shape.place}")
            raise CalibrationError(explain(exc, data, place)) from exc
        bays.append(bay)
        said.extend(tidied)
    return Imported(tuple(bays), image_wh or document.image_wh, tuple(said))


def _without_flat(item: Shape | LeftOut) -> Shape | LeftOut:
    if isinstance(item, LeftOut) or all(
        len(set(axis)) > 1 for axis in zip(*item.points, strict=True)
    ):
        return item
    return LeftOut(item.place, "it has no area")


def _tell(items: Iterable[LeftOut]) -> list[Finding]:
    """One finding for each reason."""
    places: dict[str, list[str]] = {}
    for item in items:
        places.setdefault(item.reason, []).append(item.place)
    return [_left_out(reason, where) for reason, where in places.items()]


def _left_out(reason: str, places: Sequence[str]) -> Finding:
    listed = ", ".join(places[:_SHOWN_PLACES])
    more = ", ..." if len(places) > _SHOWN_PLACES else ""
    message = printable(f"{len(places)} skipped: {reason} ({listed}{more})")
    return Finding(Severity.WARNING, Code.SKIPPED, None, message, "draw it if needed")


def fit_to(
    imported: Imported, image_wh: tuple[int, int] | None, source: str, *, stretch: bool = False
) -> Imported:
    """Bays drawn on one size of an image, for an image of another size.

    Args:
        imported: as it came from the file.
        image_wh: of the camera's image; None: the file's is taken.
        source: the file, for errors.
        stretch: the caller's word that both show the same view though their shapes differ.

    Returns:
        The same bays, which are fractions, with `image_wh` and a finding where the sizes differ.

    Raises:
        CalibrationError: the shapes differ, so the bays were drawn on another view.
    """
    theirs = imported.image_wh
    if image_wh is None or theirs is None or theirs == image_wh:
        return imported
    drawn, ours = ("x".join(map(str, wh)) for wh in (theirs, image_wh))
    aspect = (theirs[0] * image_wh[1]) / (theirs[1] * image_wh[0])
    if not stretch and abs(aspect - 1) > _SAME_ASPECT:
        msg = (
            f"{source}: image size: expected bays drawn on an image with the aspect ratio of "
            f"{ours}, but got {drawn}; if it shows the same view, stretched, pass --stretch"
        )
        raise CalibrationError(msg)
    message = f"bays drawn on {drawn} were scaled to the image's {ours}"
    said = Finding(Severity.INFO, Code.SCALED, None, message, "check that they fit")
    return replace(imported, image_wh=image_wh, findings=(said, *imported.findings))
