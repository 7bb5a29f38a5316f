"""What changed between two revisions, bay by bay."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum

import numpy as np
from shapely import Polygon as Shape

from calibration.geometry import is_simple, to_pixels
from calibration.types import Area, Bay, Calibration, Line, Mask, Polygon

# What every save changes, and what is shown elsewhere.
_STAMPS = {"revision", "author", "time", "checksum", "note"}
_APART = {"bays", "retired_ids"}


class ChangeKind(StrEnum):
    """What happened to a bay."""

    ADDED = "added"
    REMOVED = "removed"
    CHANGED = "changed"


@dataclass(frozen=True, slots=True)
class BayChange:
    """One bay that differs.

    Attributes:
        kind: what happened to it.
        bay: its id.
        before: as it was; None when it was added.
        after: as it is; None when it was removed.
        details: what differs, in words; empty when added or removed.
        moved_px: how far its outline moved at most, pixels of the new picture; 0 when it did not.
    """

    kind: ChangeKind
    bay: str
    before: Bay | None
    after: Bay | None
    details: tuple[str, ...] = ()
    moved_px: float = 0.0


@dataclass(frozen=True, slots=True)
class Difference:
    """What differs between two calibrations.

    Attributes:
        bays: in the order of the new layout, removed ones last.
        facts: differences that concern no single bay, in words.
        order_changed: whether bays that both have stand in another order.
    """

    bays: tuple[BayChange, ...]
    facts: tuple[str, ...]
    order_changed: bool

    @property
    def is_empty(self) -> bool:
        """Whether the two say the same."""
        return not (self.bays or self.facts or self.order_changed)


def compare(before: Calibration, after: Calibration) -> Difference:
    """Compare two calibrations of one camera; who saved them and when does not count."""
    old = {bay.id: bay for bay in before.bays}
    new = {bay.id: bay for bay in after.bays}
    changes = [
        change
        for bay_id, bay in new.items()
        if (change := _compare_bay(old.get(bay_id), bay, after.image_wh)) is not None
    ]
    removed = [
        BayChange(ChangeKind.REMOVED, bay_id, bay, None)
        for bay_id, bay in old.items()
        if bay_id not in new
    ]
    common_before = [bay_id for bay_id in before.bay_ids if bay_id in new]
    common_after = [bay_id for bay_id in after.bay_ids if bay_id in old]
    return Difference(
        (*changes, *removed), _compare_facts(before, after), common_before != common_after
    )


def _compare_bay(old: Bay | None, new: Bay, image_wh: tuple[int, int]) -> BayChange | None:
    if old is None:
        return BayChange(ChangeKind.ADDED, new.id, None, new)
    if old == new:
        return None
    moved_px = outline_shift_px(old.polygon, new.polygon, image_wh)
    details = [
        f"{name}: {_words(getattr(old, name))} -> {_words(getattr(new, name))}"
        for name in ("kind", "angle", "zone", "level")
        if getattr(old, name) != getattr(new, name)
    ]
    if old.polygon != new.polygon:
        details.insert(0, f"outline moved by up to {moved_px:.1f} px")
    if old.ground_quad != new.ground_quad:
        details.append("ground quad changed")
    return BayChange(ChangeKind.CHANGED, new.id, old, new, tuple(details), moved_px)


def outline_shift_px(old: Polygon, new: Polygon, image_wh: tuple[int, int]) -> float:
    """How far an outline moved at most: the greatest distance of a point to the other outline.

    The Hausdorff distance, which does not depend on which point comes first or how many there are.
    """
    first, second = to_pixels(old, image_wh), to_pixels(new, image_wh)
    if not (is_simple(first) and is_simple(second)):
        return float(np.abs(first.mean(0) - second.mean(0)).max())
    return float(Shape(first).exterior.hausdorff_distance(Shape(second).exterior))


def _compare_facts(before: Calibration, after: Calibration) -> tuple[str, ...]:
    facts = []
    for name in Calibration.model_fields:
        old, new = getattr(before, name), getattr(after, name)
        if name in _STAMPS | _APART or old == new:
            continue
        if name == "lot":
            facts += [
                f"lot {part}: {_words(getattr(old, part))} -> {_words(getattr(new, part))}"
                for part in type(old).model_fields
                if getattr(old, part) != getattr(new, part)
            ]
        elif name in {"masks", "areas"}:
            facts += _compare_regions(name.removesuffix("s"), old, new, after.image_wh)
        elif name == "lines":
            facts += _compare_lines(old, new)
        elif name == "control_points":
            facts.append(f"control points: {len(old)} -> {len(new)}, or moved")
        else:
            facts.append(f"{name.replace('_', ' ')}: {_words(old)} -> {_words(new)}")
    return tuple(facts)


def _compare_regions(
    what: str, old: Sequence[Mask | Area], new: Sequence[Mask | Area], image_wh: tuple[int, int]
) -> Iterator[str]:
    """Masks or areas by name; their order says nothing."""
    before = {region.name: region for region in old}
    after = {region.name: region for region in new}
    for name, region in after.items():
        if name not in before:
            yield f"{what} {name}: added"
        elif region != before[name]:
            moved_px = outline_shift_px(before[name].polygon, region.polygon, image_wh)
            yield f"{what} {name}: outline moved by up to {moved_px:.1f} px"
    yield from (f"{what} {name}: removed" for name in before if name not in after)


def _compare_lines(old: Sequence[Line], new: Sequence[Line]) -> Iterator[str]:
    """Counted lines by id; their order says nothing."""
    before = {line.id: line for line in old}
    for line in new:
        was = before.pop(line.id, None)
        if was is None:
            yield f"line {line.id}: added"
        elif was != line:
            names = [
                name for name in Line.model_fields if getattr(was, name) != getattr(line, name)
            ]
            yield f"line {line.id}: {', '.join(names).replace('_', ' ')} changed"
    yield from (f"line {name}: removed" for name in before)


def _words(value: object) -> str:
    if value is None:
        return "none"
    if isinstance(value, tuple):
        return "x".join(map(str, value)) if value else "none"
    return str(value)
