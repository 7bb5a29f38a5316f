"""The rules that a calibration must keep, each finding with its place and remedy."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np
from shapely import Polygon as Shape
from shapely import STRtree

from calibration.findings import Code, Finding, Severity
from calibration.geometry import Doubles, is_simple, signed_area, to_pixels
from calibration.types import Area, Bay, Calibration, Mask, Polygon


@dataclass(frozen=True, slots=True)
class CheckSettings:
    """Thresholds of the checks.

    Attributes:
        least_side_px: an outline narrower than this in the picture it was drawn on is a slip of the
            hand: no camera tells a car from the ground on it.
        overlap_error: share of the smaller of two bays that lies in the other, above which they
            cannot be two bays.
        overlap_warning: the same share, above which a car in one may be taken for one in the other.
        masked_warning: share of a bay under privacy masks above which it cannot be judged well.
    """

    least_side_px: float = 4.0
    overlap_error: float = 0.5
    overlap_warning: float = 0.2
    masked_warning: float = 0.1


def check_calibration(
    calibration: Calibration, settings: CheckSettings | None = None
) -> tuple[Finding, ...]:
    """Look for everything that is wrong or doubtful with the bays, masks and watched areas.

    Returns:
        Findings in layout order; an empty tuple means that nothing is wrong. Those of severity
        `error` forbid saving.
    """
    settings = settings or CheckSettings()
    findings = [
        *_check_ids(calibration),
        *_check_outlines(calibration, settings),
        *_check_overlaps(calibration, settings),
        *_check_regions(calibration, settings),
        *_check_hidden_bays(calibration, settings),
        *_check_levels(calibration),
    ]
    order = {bay_id: index for index, bay_id in enumerate(calibration.bay_ids)}
    findings.sort(key=lambda finding: order.get(finding.bay or "", -1))
    return tuple(findings)


def _check_ids(calibration: Calibration) -> Iterator[Finding]:
    if not calibration.bays:
        yield Finding(
            Severity.WARNING, Code.NO_BAYS, None, "expected bays, but got none", "draw a bay"
        )
    retired = set(calibration.retired_ids)
    for bay_id, count in Counter(calibration.bay_ids).items():
        if count > 1:
            yield Finding(
                Severity.ERROR,
                Code.DUPLICATE_ID,
                bay_id,
                f"expected one bay of this id, but got {count}",
                "give each bay a unique id",
            )
        if bay_id in retired:
            yield Finding(
                Severity.ERROR,
                Code.RETIRED_ID,
                bay_id,
                "expected a new id, but got that of a deleted bay, whose history would be mixed in",
                "choose an id that was never used, or roll back to restore the deleted bay",
            )


def _check_outlines(calibration: Calibration, settings: CheckSettings) -> Iterator[Finding]:
    for bay in calibration.bays:
        yield from check_outline(bay.id, bay.polygon, calibration.image_wh, settings)
        if bay.ground_quad is not None and not is_simple(to_pixels(bay.ground_quad, (1, 1))):
            yield Finding(
                Severity.ERROR,
                Code.BAD_QUAD,
                bay.id,
                "expected a ground quad that does not cross itself, but got one that does",
                "give its corners in order around the bay",
                bay.ground_quad[0],
            )


def check_outline(
    bay_id: str, polygon: Polygon, image_wh: tuple[int, int], settings: CheckSettings
) -> Iterator[Finding]:
    """Check one outline by itself: crossing, size, place, direction."""
    points_px = to_pixels(polygon, image_wh)
    centre = (float(np.mean([x for x, _ in polygon])), float(np.mean([y for _, y in polygon])))
    outside = [(x, y) for x, y in polygon if not (0 <= x <= 1 and 0 <= y <= 1)]
    if outside:
        x, y = outside[0]
        yield Finding(
            Severity.ERROR,
            Code.OUTSIDE,
            bay_id,
            f"expected points between 0 and 1, but got {len(outside)} outside, first ({x}, {y})",
            "move them into the image, or leave the bay to a camera that sees all of it",
            (min(max(x, 0.0), 1.0), min(max(y, 0.0), 1.0)),
        )
    side_px = _narrowest_px(points_px)
    if side_px < settings.least_side_px:
        yield Finding(
            Severity.ERROR,
            Code.TINY,
            bay_id,
            f"expected at least {settings.least_side_px:g} px across, but got {side_px:.1f} px",
            "draw it larger, or delete it",
            centre,
        )
    elif not is_simple(points_px):
        yield Finding(
            Severity.ERROR,
            Code.SELF_CROSSING,
            bay_id,
            "expected an outline that does not cross or touch itself, but got one that does",
            "put its points in order around the bay",
            centre,
        )
    elif signed_area(points_px) < 0:
        yield Finding(
            Severity.WARNING,
            Code.COUNTER_CLOCKWISE,
            bay_id,
            "expected points clockwise as seen, but got counter-clockwise",
            "nothing to do: saving reverses them",
            centre,
        )


def _narrowest_px(points_px: Doubles) -> float:
    """Shorter side of the rectangle of least area round the outline."""
    box = Shape(points_px).minimum_rotated_rectangle
    if not isinstance(box, Shape):
        return 0.0  # all points on one line
    corners = np.asarray(box.exterior.coords)
    sides = np.linalg.norm(np.diff(corners, axis=0), axis=1)
    return float(sides.min())


def _shape(polygon: Polygon, image_wh: tuple[int, int]) -> Shape:
    """The outline as a valid shape; a crossing one (reported apart) counts with its hull."""
    shape = Shape(to_pixels(polygon, image_wh))
    hull = shape if shape.is_valid else shape.convex_hull
    return hull if isinstance(hull, Shape) else Shape()


def _check_overlaps(calibration: Calibration, settings: CheckSettings) -> Iterator[Finding]:
    shapes = [_shape(bay.polygon, calibration.image_wh) for bay in calibration.bays]
    if not shapes:
        return
    tree = STRtree(shapes)
    left, right = tree.query(shapes, predicate="intersects")
    for first, second in zip(left.tolist(), right.tolist(), strict=True):
        if first < second:
            yield from _overlap(calibration.bays, shapes, (first, second), settings)


def _overlap(
    bays: tuple[Bay, ...], shapes: list[Shape], pair: tuple[int, int], settings: CheckSettings
) -> Iterator[Finding]:
    first, second = pair
    smaller_px2 = min(shapes[first].area, shapes[second].area)
    if smaller_px2 <= 0:
        return
    common = shapes[first].intersection(shapes[second])
    share = common.area / smaller_px2
    if share <= settings.overlap_warning:
        return
    heavy = share > settings.overlap_error
    limit = settings.overlap_error if heavy else settings.overlap_warning
    polygon = bays[second].polygon
    yield Finding(
        Severity.ERROR if heavy else Severity.WARNING,
        Code.OVERLAP,
        bays[second].id,
        f"expected at most {limit:.0%} overlap with another bay, but got {share:.0%} with "
        f"{bays[first].id}",
        "delete one of them" if heavy else "move the edge between them onto the painted line",
        polygon[0],
    )


def _check_regions(calibration: Calibration, settings: CheckSettings) -> Iterator[Finding]:
    """Masks and watched areas: each outline by itself, and one of each name."""
    for regions in (calibration.masks, calibration.areas):
        for name, count in Counter(region.name for region in regions).items():
            if count > 1:
                first = next(region for region in regions if region.name == name)
                yield _of_region(
                    first,
                    Finding(
                        Severity.ERROR,
                        Code.DUPLICATE_NAME,
                        None,
                        f"expected one of this name, but got {count}",
                        "give each a unique name",
                        first.polygon[0],
                    ),
                )
        for region in regions:
            for finding in check_outline("", region.polygon, calibration.image_wh, settings):
                # Which way round its points run means nothing for a mask or an area.
                if finding.code is not Code.COUNTER_CLOCKWISE:
                    yield _of_region(region, finding)


_REGION_REMEDIES = {
    Code.OUTSIDE: "move them into the image; nothing can extend beyond its edge",
    Code.SELF_CROSSING: "put its points in order",
}


def _of_region(region: Mask | Area, finding: Finding) -> Finding:
    """A finding of an outline, said of the mask or area that it belongs to."""
    is_mask = isinstance(region, Mask)
    what = "privacy mask" if is_mask else "watched area"
    return replace(
        finding,
        bay=None,
        message=f"{what} '{region.name}': {finding.message}",
        remedy=_REGION_REMEDIES.get(finding.code, finding.remedy),
        mask=region.name if is_mask else None,
        area=None if is_mask else region.name,
    )


def _check_hidden_bays(calibration: Calibration, settings: CheckSettings) -> Iterator[Finding]:
    masks = [_shape(mask.polygon, calibration.image_wh) for mask in calibration.masks]
    for bay in calibration.bays if masks else ():
        shape = _shape(bay.polygon, calibration.image_wh)
        hidden_px2 = max(shape.intersection(mask).area for mask in masks)
        if shape.area > 0 and hidden_px2 / shape.area > settings.masked_warning:
            yield Finding(
                Severity.WARNING,
                Code.MASKED,
                bay.id,
                f"expected at most {settings.masked_warning:.0%} under a privacy mask, but got "
                f"{hidden_px2 / shape.area:.0%}",
                "shrink the mask, or leave this bay out",
                bay.polygon[0],
            )


def _check_levels(calibration: Calibration) -> Iterator[Finding]:
    known = set(calibration.lot.levels)
    for bay in calibration.bays:
        if bay.level is not None and bay.level not in known:
            yield Finding(
                Severity.ERROR,
                Code.UNKNOWN_LEVEL,
                bay.id,
                f"expected one of the lot's levels ({', '.join(sorted(known)) or 'none given'}), "
                f"but got '{bay.level}'",
                "add the level to the lot, or correct the bay",
            )
