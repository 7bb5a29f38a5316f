"""How each vehicle of one frame stands to the bays: in one, over two, before them, outside.

In an oblique view boxes extend over empty bays, so a box alone proves nothing. Three
things are asked together: the footprint (see `ground`), what the network says of the bays
themselves, and whether a bay has its own vehicle. A vehicle that explains why a bay is
occupied stands in it; a bay that is free, or has its own vehicle, is not straddled.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt
import shapely
from shapely.geometry.base import BaseGeometry

from telemetry.vocabulary import BayKind, IncidentKind
from vision.geometry import to_norm
from vision.incidents.ground import LotGround
from vision.pairing import best_pairs
from vision.types import Detections, Floats

NO_BAY = -1
_EDGE = 0.004
_NEIGHBOURS = 3
_NEIGHBOURHOOD = 2.5
Bools = npt.NDArray[np.bool]
Ints = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class FindingSettings:
    """Thresholds of one frame; shares are of the vehicle's footprint.

    Attributes:
        min_confidence: boxes less sure than this are skipped.
        max_misfit: boxes that fit no car on this ground by more are skipped (two cars in one
            box, half a car); see `Footprints.misfit`.
        home: least share in a bay to be counted as its vehicle.
        outside: a vehicle with more than this in all bays together is not outside.
        in_area: least share within a watched area to be counted as standing in it.
        half: least share in each of two bays to straddle them; a quarter is a car that stands about
            0.8 m off the middle of its bay.
        both: least share in the two bays together.
        even: the same while one of the two bays is surely occupied (`taken_prob`) and the other
            with less than `free_prob`: then the vehicle may stand in the first and only lean over
            the second. Over a line the network may well call both bays free, each holds half a car.
        free_prob: see `even`.
        taken_prob: see `even`.
        least_bay_px: nothing is said of vehicles beside smaller bays (root of the area): far rows
            hide each other, one box spans two cars, and footprints are a matter of few pixels.
        front: least share before a bay to be in its way.
        kinds: what to look for.
        allowed: vehicle classes that may use a kind of bay; a kind that is not named takes all.
    """

    min_confidence: float = 0.4
    max_misfit: float = 0.6
    home: float = 0.15
    outside: float = 0.25
    in_area: float = 0.7
    half: float = 0.25
    both: float = 0.65
    even: float = 0.4
    free_prob: float = 0.35
    taken_prob: float = 0.9
    least_bay_px: float = 40.0
    front: float = 0.25
    kinds: frozenset[IncidentKind] = frozenset(IncidentKind)
    allowed: Mapping[BayKind, frozenset[str]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Lot:
    """What does not change about a camera's bays from frame to frame.

    Attributes:
        bay_ids: M ids.
        kinds: who each bay is meant for.
        ground: their measures, in pixels of the image.
        areas: where no vehicle may stand outside a bay: name and shape, pixels.
        image_wh: the image's width and height, pixels.
    """

    bay_ids: tuple[str, ...]
    kinds: tuple[BayKind, ...]
    ground: LotGround
    areas: tuple[tuple[str, BaseGeometry], ...]
    image_wh: tuple[int, int]


@dataclass(frozen=True, slots=True)
class Finding:
    """What is wrong with how a vehicle stands.

    Attributes:
        kind: what it is.
        bays: those concerned, the most concerned first; empty when none is.
        area: name of the watched area, for vehicles outside bays.
    """

    kind: IncidentKind
    bays: tuple[str, ...]
    area: str | None = None


@dataclass(frozen=True, slots=True)
class Sighting:
    """One vehicle of one frame.

    Attributes:
        box_norm: x_min, y_min, x_max, y_max as fractions of the image.
        confidence: of the box.
        vehicle: class of the vehicle, as the network calls it.
        bay: the bay it stands in; None when it stands in none, or in two.
        finding: what is wrong; None when nothing is.
    """

    box_norm: tuple[float, float, float, float]
    confidence: float
    vehicle: str
    bay: str | None
    finding: Finding | None


def sightings(
    detections: Detections,
    classes: Sequence[str],
    bay_prob: Floats,
    lot: Lot,
    settings: FindingSettings,
) -> list[Sighting]:
    """Look at every vehicle of a frame.

    Args:
        detections: vehicles, pixels of the image.
        classes: the class of each of them, in words.
        bay_prob: probability that each bay is occupied, shape (M,).
        lot: the bays.
        settings: thresholds.

    Returns:
        The vehicles that are sure enough, in the order of the detections.
    """
    keep = np.flatnonzero(detections.confidence >= settings.min_confidence)
    boxes = detections.xyxy_px[keep]
    if not len(lot.ground) or not len(boxes):
        return []
    footprints = lot.ground.footprints(boxes)
    fits = footprints.misfit <= settings.max_misfit
    share = _shares(footprints.corners_px, lot.ground)
    lean = _lean(footprints.corners_px, _homes(share, bay_prob, settings.home), fits, lot.ground)
    corners_px = footprints.corners_px - lean[:, None]
    share = _shares(corners_px, lot.ground)
    home = _homes(share, bay_prob, settings.home)
    shapes = np.asarray(shapely.polygons(corners_px.astype(np.float64)), object)
    frame = _Frame(lot, settings, share, home, bay_prob, shapes)
    corners = to_norm(boxes.reshape(-1, 2, 2), lot.image_wh).reshape(-1, 4)
    # The position of a vehicle cut by the image edge is unknown.
    cut = (np.abs(corners[:, [0, 2, 3]] - 0.5) > 0.5 - _EDGE).any(1)
    near = shapely.area(lot.ground.shapes[lot.ground.nearest(boxes)]) >= settings.least_bay_px**2
    usable = np.asarray(fits & ~cut & near, bool)
    found = []
    for row, place in enumerate(keep):
        vehicle = classes[int(place)]
        finding = frame.finding(row, vehicle) if usable[row] else None
        bay = None if home[row] == NO_BAY else lot.bay_ids[home[row]]
        left, top, right, bottom = (float(side) for side in corners[row])
        box = (left, top, right, bottom)
        found.append(Sighting(box, float(detections.confidence[place]), vehicle, bay, finding))
    return found


def _shares(corners_px: Floats, ground: LotGround) -> Floats:
    """Share of each footprint in each bay, shape (N, M)."""
    shapes = np.asarray(shapely.polygons(corners_px.astype(np.float64)), object)
    # Only pairs whose bounding boxes meet are worth an intersection of polygons.
    mine, theirs = shapely.bounds(shapes), shapely.bounds(ground.shapes)
    meet = (mine[:, None, :2] < theirs[None, :, 2:]).all(2)
    meet &= (mine[:, None, 2:] > theirs[None, :, :2]).all(2)
    row, bay = np.nonzero(meet)
    share = np.zeros(meet.shape, np.float32)
    common = shapely.area(shapely.intersection(shapes[row], ground.shapes[bay]))
    share[row, bay] = common / np.maximum(shapely.area(shapes[row]), 1e-9)
    return share


def _lean(corners_px: Floats, home: Ints, fits: Bools, ground: LotGround) -> Floats:
    """How far footprints around each vehicle lie beside the middle of their bays, shape (N, 2).

    Near the edge of a wide view bodies lean sideways, and so do their boxes, all of one
    neighbourhood alike. What the neighbours have in common is therefore the camera's doing; a
    vehicle that stands badly differs from them. With few neighbours nothing is taken off.
    """
    lean = np.zeros((len(corners_px), 2), np.float32)
    sure = np.flatnonzero((home != NO_BAY) & fits)
    middles = corners_px.mean(1)
    sizes = ground.sizes_px()
    apart = (middles[sure] - ground.centres_px[home[sure]]) / sizes[home[sure], None]
    for row, middle in enumerate(middles):
        others = np.flatnonzero(sure != row)
        if len(others) < _NEIGHBOURS:
            continue
        far = np.linalg.norm(middles[sure[others]] - middle, axis=1)
        near = others[np.argsort(far)[: 2 * _NEIGHBOURS]]
        size = float(np.median(sizes[home[sure[near]]]))
        near = near[np.linalg.norm(middles[sure[near]] - middle, axis=1) < _NEIGHBOURHOOD * size]
        if len(near) >= _NEIGHBOURS:
            lean[row] = np.median(apart[near], axis=0) * size
    return lean


def _homes(share: Floats, bay_prob: Floats, least: float) -> Ints:
    """The bay of each vehicle, one to one, NO_BAY where there is none, shape (N,).

    A bay that is surely occupied has a vehicle somewhere, so it goes before one that is free.
    """
    score = share * (0.25 + bay_prob[None])
    rows, columns = best_pairs(score)
    home = np.full(len(share), NO_BAY, np.int64)
    real = share[rows, columns] >= least
    home[rows[real]] = columns[real]
    return home


@dataclass(frozen=True, slots=True)
class _Frame:
    """One frame's vehicles against the bays."""

    lot: Lot
    settings: FindingSettings
    share: Floats
    home: Ints
    bay_prob: Floats
    shapes: npt.NDArray[np.object_]

    def finding(self, row: int, vehicle: str) -> Finding | None:
        """What is wrong with one vehicle; the first that holds, only of the wanted kinds."""
        wanted = self.settings.kinds
        straddles = self._straddling(row)
        if straddles is not None:
            return straddles if IncidentKind.STRADDLING in wanted else None
        if self.share[row].sum() <= self.settings.outside:
            outside = self._outside(row)
            return outside if outside is not None and outside.kind in wanted else None
        bay = int(self.home[row])
        if bay == NO_BAY or IncidentKind.WRONG_USE not in wanted:
            return None
        allowed = self.settings.allowed.get(self.lot.kinds[bay])
        if allowed is None or vehicle in allowed:
            return None
        return Finding(IncidentKind.WRONG_USE, (self.lot.bay_ids[bay],))

    def _straddling(self, row: int) -> Finding | None:
        shares = self.share[row]
        if len(shares) < 2:  # noqa: PLR2004 - two bays
            return None
        pair = np.argsort(-shares)[:2]
        settings = self.settings
        covers = shares[pair].min() >= settings.half and shares[pair].sum() >= settings.both
        can_be = self.lot.ground.neighbours[pair[0], pair[1]] and not self._is_told_apart(pair)
        if not (covers and can_be):
            return None
        others = np.delete(self.share[:, pair], row, axis=0)
        if others.size and others.max() >= settings.home:
            return None  # the second bay has its own vehicle, partly visible
        ids = self.lot.bay_ids
        return Finding(IncidentKind.STRADDLING, (ids[pair[0]], ids[pair[1]]))

    def _is_told_apart(self, pair: Ints) -> bool:
        """Whether the network is sure that the vehicle stands in one bay of two."""
        prob = self.bay_prob[pair]
        settings = self.settings
        return bool(prob.max() >= settings.taken_prob and prob.min() < settings.free_prob)

    def _outside(self, row: int) -> Finding | None:
        shape = self.shapes[row]
        least = self.settings.in_area * shape.area
        areas = (n for n, area in self.lot.areas if shape.intersection(area).area >= least)
        area = next(areas, None)
        if area is None:
            return None
        barred: list[tuple[float, str]] = []
        near = np.linalg.norm(
            self.lot.ground.centres_px - np.asarray(shape.centroid.coords[0]), axis=1
        )
        for bay in np.argsort(near)[:8]:
            parts = (front.intersection(shape).area for front in self.lot.ground.fronts(int(bay)))
            part = max(parts) / shape.area
            if part >= self.settings.front:
                barred.append((-part, self.lot.bay_ids[int(bay)]))
        bays = tuple(name for _, name in sorted(barred))
        kind = IncidentKind.DOUBLE_PARKING if bays else IncidentKind.OUTSIDE_BAY
        return Finding(kind, bays, area or None)
