"""How a network's box output is read: which readings its shape allows, and which its numbers do.

Exports of one family differ in what they write and say nothing of it: objectness or not, boxes as
centre and size or as corners, in pixels or as fractions, boxes along either axis. Read in the wrong
way, most give no vehicle at all, so every bay would be free. Therefore an output is read only if
exactly one reading agrees with its shape, the number of classes and the numbers that it gives for a
image; what stays ambiguous has to be specified by the user.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import product

import numpy as np

from vision.boxes import class_scores, pairwise_iou, rows_of, to_corners_px
from vision.types import BoxForm, BoxFormat, BoxLayout, Coordinates, Floats, as_floats

_SURE = 0.1
"""Confidence from which a box counts as found: a tenth of it is background in any network."""
_LEAST_SHARE = 0.9
"""Of the boxes must look like boxes; of anchors that see nothing, a few may be odd."""
_SLACK = 0.05
"""Of the input's side: so far outside may the centre of a box lie that is not sure."""
_FRACTIONS_TO = 2.0
"""No box in fractions reaches beyond, and boxes in pixels always do."""
_ENOUGH_BOXES = 3
"""So many boxes that could all be corners, are: as centre and size each would have to be wider than
twice its distance from the rim."""
_MATCHES = 0.5
_LISTS = frozenset({BoxLayout.YOLO_END2END, BoxLayout.YOLOV7_END2END})
"""Layouts of boxes that are suppressed already; `rows_of` makes their rows alike."""
_NUMBERS = {
    BoxLayout.YOLO_RAW: (4, 1),
    BoxLayout.YOLOV5: (5, 1),
    BoxLayout.YOLO_END2END: (6, 0),
    BoxLayout.YOLOV7_END2END: (7, 0),
}
"""Numbers of a box: so many, and so many more for each class."""


@dataclass(frozen=True, slots=True)
class FormatHints:
    """What is known of an output without looking at it; None: not known.

    Attributes:
        layout: the numbers of a box.
        form: of its first four.
        coordinates: their unit.
    """

    layout: BoxLayout | None = None
    form: BoxForm | None = None
    coordinates: Coordinates | None = None

    def allows(self, reading: BoxFormat) -> bool:
        """Whether a reading matches the hints."""
        return (
            self.layout in {None, reading.layout}
            and self.form in {None, reading.form}
            and self.coordinates in {None, reading.coordinates}
        )

    def __str__(self) -> str:
        """For display; empty if nothing is specified."""
        return ", ".join(part for part in (self.layout, self.form, self.coordinates) if part)


@dataclass(frozen=True, slots=True)
class Look:
    """The output of a network for one image.

    Attributes:
        output: shape (N, A, B), or (K, 7) for the list of a whole batch; the first image counts.
        class_count: how many classes the network knows.
        input_wh: size of its input, pixels.
        vehicles_px: boxes of the vehicles in the image, shape (V, 4), pixels of the input.
    """

    output: Floats
    class_count: int
    input_wh: tuple[int, int]
    vehicles_px: Floats


def numbers_of(layout: BoxLayout, class_count: int) -> int:
    """How many numbers a layout has for a box."""
    base, each = _NUMBERS[layout]
    return base + each * class_count


def readings_of_shape(shape: Sequence[object], class_count: int) -> list[BoxFormat]:
    """Every reading that a shape allows; sizes that are no numbers (symbolic) allow any."""
    found = []
    for layout, form, coordinates in product(BoxLayout, BoxForm, Coordinates):
        wanted = numbers_of(layout, class_count)
        for axis, of_numbers in _axes(layout, len(shape)):
            size = shape[of_numbers]
            if size == wanted or not isinstance(size, int):
                found.append(BoxFormat(layout, form, coordinates, axis))
    return found


def _axes(layout: BoxLayout, rank: int) -> list[tuple[int, int]]:
    """Pairs of the axes along which the boxes and their numbers can lie."""
    if layout is BoxLayout.YOLOV7_END2END:
        return [(0, 1)] if rank == 2 else []  # noqa: PLR2004 - (boxes, numbers)
    if layout is BoxLayout.YOLO_END2END:
        return [(1, 2)] if rank == 3 else []  # noqa: PLR2004 - lists are rows in all exports
    return [(1, 2), (2, 1)] if rank == 3 else []  # noqa: PLR2004 - (batch, boxes, numbers)


def find_format(look: Look, hints: FormatHints, *, is_usual: bool) -> BoxFormat:
    """Choose the one reading of an output.

    Args:
        look: what the network gave for a test image.
        hints: what the user says; a reading that differs is out.
        is_usual: whether the maker is known to write boxes as `BoxFormat.usual` says; it decides
            where the numbers leave it open, as when nothing is found.

    Raises:
        ValueError: no reading agrees, or more than one does; the text says what was seen.
    """
    readings = readings_of_shape(look.output.shape, look.class_count)
    if not readings:
        raise ValueError(_no_shape(look))
    faults = {reading: fault_of(look, reading) for reading in readings if hints.allows(reading)}
    left = [reading for reading, fault in faults.items() if not fault]
    if not left:
        raise ValueError(_no_reading(look, hints, faults))
    sure = [reading for reading in left if _finds(look, reading)]
    for choices in (
        sure or left,
        [reading for reading in sure if _matches(look, reading)],
        [reading for reading in sure if _differ_in_layout(sure) and _lies_as_usual(reading)],
        [reading for reading in (sure or left) if is_usual and _is_usual(reading)],
    ):
        if len(choices) == 1:
            return choices[0]
    seen = "finds nothing in the test image" if not sure else f"finds {_shown(look, sure[0])}"
    msg = (
        f"the box output of shape {_shape(look)} {seen}, and can be read as "
        f"{' or as '.join(f'({reading})' for reading in sure or left)}; say which it is"
    )
    raise ValueError(msg)


def _is_usual(reading: BoxFormat) -> bool:
    return _usual_words(reading) == 2  # noqa: PLR2004 - both


def _usual_words(reading: BoxFormat) -> int:
    usual = BoxFormat.usual(reading.layout)
    return (reading.form is usual.form) + (reading.coordinates is usual.coordinates)


def _differ_in_layout(readings: Sequence[BoxFormat]) -> bool:
    """Whether they give the same boxes: of two classes only the first was seen."""
    return len({(one.form, one.coordinates, one.boxes_axis) for one in readings}) == 1


def _lies_as_usual(reading: BoxFormat) -> bool:
    return reading.boxes_axis == BoxFormat.usual(reading.layout).boxes_axis


def fault_of(look: Look, reading: BoxFormat) -> str:
    """Why an output cannot be read in a way; empty if it can."""
    rows = filled_rows(rows_of(look.output, 1, reading)[0], reading)
    if len(rows) == 0:
        return (
            ""
            if reading.layout in _LISTS
            else ("it is empty, which only a list of detections can be")
        )
    return contradiction(rows, reading, look.class_count) or _odd_boxes(rows, reading, look)


def filled_rows(rows: Floats, reading: BoxFormat) -> Floats:
    """Rows that are boxes: lists of a fixed length end with empty places."""
    # The class of an empty place is 0 or -1.
    numbers = rows[:, :5] if reading.layout in _LISTS else rows
    return as_floats(rows[(numbers != 0).any(1)])


def contradiction(rows: Floats, reading: BoxFormat, class_count: int) -> str:
    """What makes it impossible that rows are read rightly; empty if nothing does.

    Args:
        rows: boxes of one image, shape (K, numbers), K >= 1.
        reading: how they are read.
        class_count: how many classes the network knows.
    """
    if not np.isfinite(rows).all():
        return "it contains NaN or infinity"
    return _score_fault(rows, reading, class_count) or _unit_fault(rows, reading)


def _score_fault(rows: Floats, reading: BoxFormat, class_count: int) -> str:
    scores = rows[:, 4:]
    if reading.layout in _LISTS:
        scores, classes = rows[:, 4:5], rows[:, 5]
        if (classes != np.rint(classes)).any():
            return f"its class column holds no whole numbers ({classes[_worst(classes)]:.3g})"
        if classes.min() < 0 or classes.max() >= class_count:
            return f"its class column goes to {classes.max():.0f}, with {class_count} classes"
    elif class_count > 1 and np.isin(scores[:, -1], (0, 1)).all() and scores[:, -1].any():
        return "its last score is 0 or 1 in every box, as a class is"
    if scores.min() < -0.01 or scores.max() > 1.01:  # noqa: PLR2004 - rounding of small floats
        return f"its scores go from {scores.min():.3g} to {scores.max():.3g}, not from 0 to 1"
    return ""


def _unit_fault(rows: Floats, reading: BoxFormat) -> str:
    reach = float(np.abs(rows[:, :4]).max())
    if reading.coordinates is Coordinates.PIXELS and reach <= _FRACTIONS_TO:
        return f"its boxes only reach {reach:.3g}, as fractions do"
    if reading.coordinates is Coordinates.FRACTIONS and reach > _FRACTIONS_TO:
        return f"its boxes reach {reach:.0f}, as pixels do"
    return ""


def _worst(classes: Floats) -> int:
    return int(np.abs(classes - np.rint(classes)).argmax())


def _odd_boxes(rows: Floats, reading: BoxFormat, look: Look) -> str:
    four = rows[:, :4]
    ordered = (four[:, 2:] >= four[:, :2]).all(1)
    if reading.form is BoxForm.CORNERS:
        if ordered.mean() < _LEAST_SHARE:
            return "the second corner of its boxes precedes the first"
    elif (four[:, 2:] < 0).any(1).mean() > 1 - _LEAST_SHARE:
        return "its boxes have negative sizes"
    elif ordered.all() and len(rows) >= _ENOUGH_BOXES:
        return "all its boxes are corners in order"
    boxes, scores = _best(look, reading)
    centre = (boxes[:, :2] + boxes[:, 2:]) / 2 / as_floats(look.input_wh)
    for slack, counts in ((_SLACK, scores >= 0), (0.0, scores >= _SURE)):
        inside = as_floats(((centre >= -slack) & (centre <= 1 + slack)).all(1))
        if counts.any() and inside[counts].mean() < _LEAST_SHARE:
            width, height = look.input_wh
            return f"its boxes lie outside the input of {width}x{height} px"
    return ""


def _best(look: Look, reading: BoxFormat) -> tuple[Floats, Floats]:
    """Boxes in pixels, and the confidence of each."""
    rows = filled_rows(rows_of(look.output, 1, reading)[0], reading)
    scores = class_scores(rows, reading.layout, range(look.class_count)).max(1, initial=0.0)
    return to_corners_px(rows[:, :4], reading, look.input_wh), scores


def _finds(look: Look, reading: BoxFormat) -> bool:
    return bool((_best(look, reading)[1] >= _SURE).any())


def vehicles_found(look: Look, reading: BoxFormat) -> int:
    """How many of the vehicles in the image were found, whatever they were called."""
    boxes, scores = _best(look, reading)
    found = boxes[scores >= _SURE]
    if len(found) == 0 or len(look.vehicles_px) == 0:
        return 0
    return int((pairwise_iou(look.vehicles_px, found).max(1) >= _MATCHES).sum())


def _matches(look: Look, reading: BoxFormat) -> bool:
    return vehicles_found(look, reading) >= max(1, _MATCHES * len(look.vehicles_px))


def _shape(look: Look) -> tuple[int, ...]:
    return tuple(look.output.shape)


def _shown(look: Look, reading: BoxFormat) -> str:
    boxes, scores = _best(look, reading)
    count = int((scores >= _SURE).sum())
    return f"{count} boxes such as {[round(float(side), 1) for side in boxes[scores.argmax()]]}"


def _no_shape(look: Look) -> str:
    wanted = ", ".join(f"{numbers_of(layout, look.class_count)} ({layout})" for layout in BoxLayout)
    return (
        f"expected a box output with, for {look.class_count} classes, one of these many numbers a "
        f"box: {wanted}, but got shape {_shape(look)}; are the class names complete?"
    )


def _no_reading(look: Look, hints: FormatHints, faults: dict[BoxFormat, str]) -> str:
    if not faults:
        fit = sorted({reading.layout for reading in readings_of_shape(
            look.output.shape, look.class_count)})  # fmt: skip
        return (
            f"expected boxes as specified ({hints}), but the output of shape {_shape(look)} with "
            f"{look.class_count} classes can only be {', '.join(fit)}"
        )
    seen = "; ".join(f"({reading}): {fault}" for reading, fault in _closest(faults).items())
    head = f"expected boxes as specified ({hints}), but" if str(hints) else "no known layout fits:"
    return f"{head} the output of shape {_shape(look)} is not {seen}"


def _closest(faults: dict[BoxFormat, str]) -> dict[BoxFormat, str]:
    """One reading of each layout: the usual one where it is there, which says most to a reader."""
    usual_last = sorted(faults, key=_usual_words)
    chosen = {reading.layout: reading for reading in usual_last}
    return {reading: faults[reading] for reading in chosen.values()}
