"""Bays that no vehicle can use, since the one beside them stands over the line.

The footprint of a vehicle that has a bay of its own is cut with the bay beside it, and measured in
that bay's own ground: what share of its width is covered. A painted bay is 2.5 m wide and a car
1.8 m, so with a fifth gone nobody can get out of a car in what is left. Such a bay is free, and is
told to be blocked beside that, with a hold time either way as for states.

Thresholds are from `benchmarks/blocked.py`: renders with exact ground truth, and false alarms on
every labelled set.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import cv2
import numpy as np
import shapely

from telemetry.messages import Blocked
from telemetry.vocabulary import BayState, BlockKind, BlockSource
from vision.incidents.ground import LotGround
from vision.incidents.placing import NO_BAY, Bools, Ints, Placed, is_cut
from vision.types import Floats

_SQUARE: Floats = np.array([(0, 0), (1, 0), (1, 1), (0, 1)], np.float32)


@dataclass(frozen=True, slots=True)
class BlockSettings:
    """When a neighbour blocks a bay.

    Attributes:
        enter_share: of the bay's width covered from which on it is blocked.
        leave_share: below which it no longer is.
        hold_s: how long it must be so, either way, seconds.
        taken_prob: the neighbour's own bay is surely occupied.
        at_home: least share of the neighbour's footprint in its own bay.
        along: least share of the bay's length over which it is covered.
        least_bay_px: nothing is said of smaller bays (root of the area).
        steepest: largest |sin 2a| of the angle a between the row and the image's axes. Boxes lie
            along the axes: of a car that stands aslant in the image they show the diagonal, which
            says little about its sides.
    """

    enter_share: float = 0.2
    leave_share: float = 0.12
    hold_s: float = 60.0
    taken_prob: float = 0.7
    at_home: float = 0.4
    along: float = 0.5
    least_bay_px: float = 40.0
    steepest: float = 0.5

    def __post_init__(self) -> None:
        """Reject settings under which a bay would be blocked and not blocked at once."""
        if not 0 < self.leave_share < self.enter_share < 1:
            msg = (
                "expected 0 < leave_share < enter_share < 1, but got "
                f"{self.leave_share}, {self.enter_share}"
            )
            raise ValueError(msg)


@dataclass(frozen=True, slots=True)
class Reach:
    """How far neighbours reach into M bays.

    Attributes:
        share: of each bay's width that is covered, 0 where nothing is, shape (M,).
        vehicle: index of the one that reaches farthest, in the detections; -1: none, shape (M,).
    """

    share: Floats
    vehicle: Ints


def neighbour_reach(
    placed: Placed,
    bay_prob: Floats,
    ground: LotGround,
    image_wh: tuple[int, int],
    settings: BlockSettings,
) -> Reach:
    """Measure how far each vehicle reaches into the bays beside its own.

    Args:
        placed: the vehicles of a frame.
        bay_prob: probability that each bay is occupied, shape (M,).
        ground: the bays.
        image_wh: the image's width and height, pixels.
        settings: thresholds.
    """
    reach = Reach(np.zeros(len(ground), np.float32), np.full(len(ground), -1, np.int64))
    if not len(placed.vehicle):
        return reach
    at_home = placed.share[np.arange(len(placed.home)), placed.home]
    usable = placed.fits & (placed.home != NO_BAY) & (at_home >= settings.at_home)
    usable &= (bay_prob[placed.home] >= settings.taken_prob) & ~is_cut(placed.xyxy_px, image_wh)
    beside = ground.neighbours[placed.home] & (placed.share > 0) & usable[:, None]
    beside &= _is_measurable(ground, settings)[None]
    for row, bay in zip(*np.nonzero(beside), strict=True):
        share = _covered(placed.corners_px[row], ground, int(bay), int(placed.home[row]), settings)
        if share > reach.share[bay]:
            reach.share[bay], reach.vehicle[bay] = share, placed.vehicle[row]
    return reach


def _is_measurable(ground: LotGround, settings: BlockSettings) -> Bools:
    across = ground.across_px
    length = np.maximum((across**2).sum(1), 1e-9)
    slant = 2 * np.abs(across[:, 0] * across[:, 1]) / length  # |sin 2a|
    big = shapely.area(ground.shapes) >= settings.least_bay_px**2
    return np.asarray(big & (slant < settings.steepest), bool)


def _covered(
    corners_px: Floats, ground: LotGround, bay: int, home: int, settings: BlockSettings
) -> float:
    """Share of a bay's width that a footprint covers, where it is over the line."""
    own = shapely.difference(ground.shapes[bay], ground.shapes[home])  # outlines may overlap
    common = shapely.intersection(shapely.Polygon(corners_px.astype(np.float64)), own)
    if not isinstance(common, shapely.Polygon) or common.is_empty:
        return 0.0
    to_bay = cv2.getPerspectiveTransform(ground.quads_px[bay], _SQUARE)
    points = shapely.get_coordinates(common)[None]
    across_along = cv2.perspectiveTransform(points, to_bay)[0]
    inside = shapely.Polygon(across_along)
    along = float(np.ptp(across_along[:, 1]))
    return inside.area / along if along >= settings.along else 0.0


@dataclass(slots=True)
class _Track:
    """What is known of one bay: since when the evidence has been against the present word."""

    share: float = 0.0
    against_from_s: float | None = None
    blocked: bool = False


class BlockFilter:
    """Which bays neighbours block, from looks; not thread-safe, one for each camera."""

    def __init__(self, settings: BlockSettings | None = None) -> None:
        self._settings = settings or BlockSettings()
        self._tracks: dict[str, _Track] = {}

    def restore(self, blocked: Mapping[str, Blocked]) -> None:
        """Go on with what a camera said before a restart."""
        self._tracks = {
            bay: _Track(each.share or self._settings.enter_share, blocked=True)
            for bay, each in blocked.items()
            if each.by is BlockSource.CAMERA
        }

    def look(
        self, states: Sequence[BayState], share: Floats, mono_s: float
    ) -> dict[str, Blocked | None]:
        """Take in one frame.

        Args:
            states: of the M bays now.
            share: see `Reach`, shape (M,).
            mono_s: monotonic time of the frame, seconds.

        Returns:
            The bays whose word changed: why they are blocked, or None.
        """
        settings, changed = self._settings, dict[str, Blocked | None]()
        for state, seen in zip(states, share.tolist(), strict=True):
            track = self._tracks.setdefault(state.bay, _Track())
            if state.occ is None:
                track.against_from_s = None
                continue  # nothing is known of it, so nothing begins and nothing ends
            reach = 0.0 if state.occ else seen
            is_against = (
                reach < settings.leave_share if track.blocked else reach >= settings.enter_share
            )
            if not is_against:
                track.against_from_s = None
            elif track.against_from_s is None:
                track.against_from_s, track.share = mono_s, reach
            if track.against_from_s is None:
                continue
            if track.blocked and state.occ:  # a vehicle uses it
                held_s = settings.hold_s
            else:
                held_s = mono_s - track.against_from_s
                track.share += (reach - track.share) / 2
            if held_s >= settings.hold_s:
                track.blocked, track.against_from_s = not track.blocked, None
                changed[state.bay] = _neighbour(track.share) if track.blocked else None
        return changed


# Log-odds that the neighbour really covers 0.15 of the width, where a share is measured; fitted by
# benchmarks/blocked.py on renders.
_CONF_BIAS, _CONF_GAIN = -3.13, 22.4


def _neighbour(share: float) -> Blocked:
    conf = 1 / (1 + math.exp(-(_CONF_BIAS + _CONF_GAIN * share)))
    return Blocked(
        kind=BlockKind.NEIGHBOUR,
        conf=round(conf, 4),
        by=BlockSource.CAMERA,
        share=round(min(max(share, 0.0), 1.0), 4),
    )
