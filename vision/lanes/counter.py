"""Vehicles counted over drawn lines.

A vehicle is counted once its foot is clearly beyond the line, by a share of its own size, and its
path passed over the line on the way. So a box that trembles on the line says nothing, a car that
stands on it counts once when it goes on, and one that goes round the line's end never. A car that
reverses counts back: having been counted in it is counted out, and one that turned before it was
clearly beyond counts not at all. Two abreast are two tracks and count twice.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from telemetry.gates import PassageDirection
from vision.lanes.line import CountedLine, Doubles, crossings, distance_to
from vision.lanes.tracker import Track, Tracker, TrackerSettings
from vision.types import Detections, Floats
from vision.view_match import apply_matrix

_MOTORCYCLE = "motorcycle"


@dataclass(frozen=True, slots=True)
class LaneSettings:
    """How vehicles are counted.

    Attributes:
        upright: a box so many times as high as it is wide may be a person, ...
        unsure: ... and is one if the network is less sure than this of it, on average: it knows
            vehicles only, and gives people faint boxes. A motorcycle is as narrow, and counts.
        beyond: how far past the line a vehicle must be, share of its box's size (the side of the
            square of the same area).
        tracker: how boxes become tracks.
    """

    upright: float = 2.0
    unsure: float = 0.5
    beyond: float = 0.15
    tracker: TrackerSettings = field(default_factory=TrackerSettings)


@dataclass(frozen=True, slots=True)
class LinePassage:
    """A vehicle passed over a line.

    Attributes:
        line: the line's id.
        direction: which way.
        time_s: when its foot was on the line, in the clock of the frames.
        vehicle: its class, by vote of its boxes.
        confidence: mean of its boxes.
        track: the vehicle's number at this camera.
    """

    line: str
    direction: PassageDirection
    time_s: float
    vehicle: str
    confidence: float
    track: int


@dataclass(slots=True)
class _Path:
    """One vehicle's way over one line."""

    foot: Doubles
    seen_s: float
    net: int = 0
    counted: int = 0
    passed_s: float = 0.0


class LaneCounter:
    """Counts the vehicles of one camera. Not thread-safe.

    Args:
        lines: to count over.
        settings: how.
    """

    def __init__(self, lines: Sequence[CountedLine], settings: LaneSettings | None = None) -> None:
        self.lines = tuple(lines)
        self._settings = settings or LaneSettings()
        self._tracker = Tracker(self._settings.tracker)
        self._paths: dict[tuple[int, str], _Path] = {}

    @property
    def tracks(self) -> tuple[Track, ...]:
        """The vehicles that are followed now."""
        return self._tracker.tracks

    def clear(self) -> None:
        """Forget all vehicles: the view is another, or was not seen for long."""
        self._tracker.clear()
        self._paths.clear()

    def update(
        self,
        found: Detections,
        classes: Mapping[int, str],
        image_wh: tuple[int, int],
        time_s: float,
        homography: Floats | None = None,
    ) -> list[LinePassage]:
        """Take in one frame.

        Args:
            found: vehicles, pixels.
            classes: class index to name.
            image_wh: width and height of the picture, pixels.
            time_s: when it was captured, monotonic.
            homography: how the view has moved since the lines were drawn, shape (3, 3), see
                `ViewReport`; None: not at all.
        """
        seen = self._tracker.update(found, time_s)
        alive = {track.id for track in self._tracker.tracks}
        self._paths = {key: path for key, path in self._paths.items() if key[0] in alive}
        passed = []
        for line in self.lines:
            points = line.points_norm
            if homography is not None:
                points = apply_matrix(points, homography.astype(np.float64))
            points_px = points.astype(np.float64) * image_wh
            for track in seen:
                passed += self._follow(line, points_px, track, classes)
        return sorted(passed, key=lambda each: each.time_s)

    def _follow(
        self, line: CountedLine, points_px: Doubles, track: Track, classes: Mapping[int, str]
    ) -> list[LinePassage]:
        foot = track.foot_px
        path = self._paths.get((track.id, line.id))
        if path is None:
            first = track.first_foot_px, track.first_s
            path = self._paths[track.id, line.id] = _Path(*first)
        net, share = crossings(points_px, path.foot, foot)
        if net:
            path.net += net
            path.passed_s = path.seen_s + share * (track.seen_s - path.seen_s)
        path.foot, path.seen_s = foot, track.seen_s
        if path.net == path.counted:
            return []
        if distance_to(points_px, foot) < self._settings.beyond * track.size_px:
            return []
        to_left, count = path.net > path.counted, abs(path.net - path.counted)
        path.counted = path.net
        vehicle = classes[track.class_id]
        if not line.counts(vehicle) or self._is_person(track, vehicle):
            return []
        passage = LinePassage(
            line=line.id,
            direction=line.direction(to_left),
            time_s=path.passed_s,
            vehicle=vehicle,
            confidence=round(track.confidence, 4),
            track=track.id,
        )
        return [passage] * count

    def _is_person(self, track: Track, vehicle: str) -> bool:
        return (
            vehicle != _MOTORCYCLE
            and track.confidence < self._settings.unsure
            and track.upright > self._settings.upright
        )
