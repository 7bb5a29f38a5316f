"""Vehicles of one camera followed from frame to frame, a few times a second.

The method is ByteTrack's (Zhang et al. 2022): boxes go to the predicted boxes of known vehicles,
the sure ones first, then the faint ones to vehicles that are left, so that a half hidden car keeps
its track and no faint box begins one. Prediction is SORT's (Bewley et al. 2016) Kalman filter of
constant velocity, over seconds instead of frames, since frames come irregularly. At a few frames a
second a car moves by its own length: boxes are compared with a rim round them (Yang et al. 2023,
"Hard to Track Objects with Irregular Motions and Similar Appearances"), wide while nothing is known
of a vehicle's speed.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from vision.boxes import box_area, suppress
from vision.lanes.line import Doubles
from vision.pairing import best_pairs
from vision.types import Detections

_OVER = 0.7
"""Boxes that share this much of the narrower one's width lie one on the other."""
_STANDS_HEIGHTS_S = 0.1
"""A vehicle that moves by less than this share of its box's height a second stands."""


@dataclass(frozen=True, slots=True)
class TrackerSettings:
    """How boxes become tracks.

    Attributes:
        sure: confidence from which a box may begin a track and is given out first.
        faint: boxes below it are passed over.
        max_iou: of two boxes that overlap by more the less sure one is another view of the same
            vehicle; below that of bays, where parked cars hide each other.
        same_ground: of two boxes whose lower edges lie one on the other, nearer than this share of
            the lower box's height, the larger one is dropped: no two vehicles stand on the same
            ground, but the network draws boxes round a car and those that queue behind it.
        foot_gate: a box whose foot is farther than so many standard deviations from where a
            vehicle's is expected is not its box, however much they overlap.
        least_hits: boxes that make a track a vehicle.
        longest_gap_s: a moving vehicle that was not seen for longer is given up, ...
        longest_stand_s: ... one that stood still after so long: in a queue cars hide each other.
        newborn_rim: rim of the boxes while a vehicle's speed is unknown, share of the box's sides.
        rim: the same once it is known.
        least_overlap: boxes with rims that overlap by less are not one vehicle.
        faint_overlap: the same for faint boxes, as in ByteTrack: a part of a hidden car, or a box
            round two, must not take a vehicle's track away.
        position_noise: how far a box's edges jump by themselves, share of the box's height.
        acceleration: how fast a vehicle's speed changes, box heights per second squared.
    """

    sure: float = 0.4
    faint: float = 0.1
    max_iou: float = 0.6
    same_ground: float = 0.15
    foot_gate: float = 8.0
    least_hits: int = 2
    longest_gap_s: float = 1.5
    longest_stand_s: float = 20.0
    newborn_rim: float = 0.6
    rim: float = 0.15
    least_overlap: float = 0.3
    faint_overlap: float = 0.5
    position_noise: float = 0.04
    acceleration: float = 2.5


@dataclass(slots=True)
class Track:
    """One vehicle.

    Attributes:
        id: unlike that of any other track of this tracker.
        box: where it was last seen, x_min, y_min, x_max, y_max, pixels, shape (4,).
        seen_s: when that was.
        first_foot_px: its foot where it was seen first, shape (2,).
        first_s: when that was.
        hits: how many boxes it had.
        votes: confidence summed up for each class.
    """

    id: int
    box: Doubles
    seen_s: float
    first_foot_px: Doubles
    first_s: float
    state: Doubles = field(repr=False)
    spread: Doubles = field(repr=False)
    at_s: float
    hits: int = 1
    confidence: float = 0.0
    votes: Counter[int] = field(default_factory=Counter)

    @property
    def height_px(self) -> float:
        """Of its box."""
        return max(float(self.box[3] - self.box[1]), 1.0)

    @property
    def upright(self) -> float:
        """How many times as high as wide it is, smoothed."""
        width, height = self.state[0, 2:]
        return float(max(height, 1.0) / max(width, 1.0))

    @property
    def size_px(self) -> float:
        """Side of the square of its box's area."""
        sides = np.maximum(self.box[2:] - self.box[:2], 1.0)
        return float(np.sqrt(sides.prod()))

    @property
    def foot_px(self) -> Doubles:
        """The middle of the box's lower edge, shape (2,).

        It is the one point of a box that lies on the ground, where lines are drawn: its middle
        hangs in the air, and meets the ground behind the vehicle by an amount that depends on how
        tall it is.
        """
        return _foot(self.box)

    @property
    def class_id(self) -> int:
        """The class that most of its boxes, by confidence, agree on."""
        return self.votes.most_common(1)[0][0]

    @property
    def stands(self) -> bool:
        """Whether it moves by next to nothing."""
        return bool(np.abs(self.velocity()).max() < _STANDS_HEIGHTS_S * self.height_px)

    def velocity(self) -> Doubles:
        """Of the foot, pixels per second, shape (2,)."""
        return self.state[1, :2]

    def predicted(self) -> Doubles:
        """The box as it is expected now."""
        x, low, *sides = self.state[0]
        # A side that jumps looks like one that shrinks fast.
        least = np.maximum((self.box[2:] - self.box[:2]) / 2, 2.0)
        width, height = np.maximum(sides, least)
        return np.array([x - width / 2, low - height, x + width / 2, low])


class Tracker:
    """The vehicles of one camera. Not thread-safe.

    Args:
        settings: how boxes become tracks.
    """

    def __init__(self, settings: TrackerSettings | None = None) -> None:
        self._settings = settings or TrackerSettings()
        self._tracks: list[Track] = []
        self._next = 1

    @property
    def tracks(self) -> tuple[Track, ...]:
        """All that are followed, those included that are hidden now."""
        return tuple(self._tracks)

    def clear(self) -> None:
        """Forget all vehicles: what comes next is another view."""
        self._tracks.clear()

    def update(self, found: Detections, time_s: float) -> list[Track]:
        """Take in the boxes of one frame.

        Args:
            found: vehicles, pixels.
            time_s: when the frame was captured, monotonic; one that is not later than the frame
                before is passed over.

        Returns:
            The tracks that have a box in this frame and are vehicles by now.
        """
        if self._tracks and time_s <= max(track.at_s for track in self._tracks):
            return []
        settings = self._settings
        boxes = found.xyxy_px.astype(np.float64)
        kept = suppress(found.xyxy_px, found.confidence, settings.max_iou)
        # Of two sure boxes on the same ground the smaller one has one vehicle in it.
        is_faint = found.confidence[kept] < settings.sure
        kept = kept[np.lexsort((box_area(found.xyxy_px[kept]), is_faint))]
        kept = kept[_on_own_ground(boxes[kept], settings.same_ground)]
        sure = [int(i) for i in kept if found.confidence[i] >= settings.sure]
        faint = [int(i) for i in kept if settings.faint <= found.confidence[i] < settings.sure]
        for track in self._tracks:
            self._predict(track, time_s)
        seen: list[Track] = []
        waiting = list(self._tracks)
        limits = (settings.least_overlap, settings.faint_overlap)
        for chosen, least_overlap in zip((sure, faint), limits, strict=True):
            pairs = self._pairs(waiting, boxes[chosen], least_overlap)
            for row, column in pairs:
                index = chosen[column]
                self._hit(waiting[row], boxes[index], found, index)
                seen.append(waiting[row])
            taken = {row for row, _ in pairs}
            waiting = [track for row, track in enumerate(waiting) if row not in taken]
            if chosen is sure:
                used = {sure[column] for _, column in pairs}
                fresh = [index for index in sure if index not in used]
        self._tracks = [track for track in self._tracks if not self._is_gone(track, time_s)]
        for index in fresh:
            self._tracks.append(self._begin(boxes[index], found, index, time_s))
        return [track for track in seen if track.hits >= settings.least_hits]

    # -- inside ----------------------------------------------------------------------------------

    def _pairs(
        self, tracks: Sequence[Track], boxes: Doubles, least_overlap: float
    ) -> list[tuple[int, int]]:
        if not tracks or not len(boxes):
            return []
        settings = self._settings
        rims = np.array(
            [settings.newborn_rim if track.hits == 1 else settings.rim for track in tracks]
        )
        overlap = _overlaps(np.stack([track.predicted() for track in tracks]), boxes, rims)
        overlap[_feet_off(tracks, boxes, settings.position_noise) > settings.foot_gate] = 0.0
        # To stay without a box costs as much as the poorest pair. Were it dearer, a vehicle would
        # leave its own box for a poor one, only so that another one gets any.
        rows, columns = best_pairs(np.maximum(overlap, least_overlap))
        return [
            (int(row), int(column))
            for row, column in zip(rows, columns, strict=True)
            if overlap[row, column] >= least_overlap
        ]

    def _begin(self, box: Doubles, found: Detections, index: int, time_s: float) -> Track:
        state = np.stack([_measured(box), np.zeros(4)])
        height = max(box[3] - box[1], 1.0)
        # Nothing is known of its speed: several box heights a second either way.
        spread = np.zeros((2, 2, 4))
        spread[0, 0] = (self._settings.position_noise * height) ** 2
        spread[1, 1] = [(4 * height) ** 2, (4 * height) ** 2, height**2, height**2]
        track = Track(self._next, box, time_s, _foot(box), time_s, state, spread, time_s)
        track.confidence = float(found.confidence[index])
        track.votes[int(found.class_id[index])] += found.confidence[index]
        self._next += 1
        return track

    def _predict(self, track: Track, time_s: float) -> None:
        """Constant velocity, white acceleration; the four coordinates are independent."""
        if track.seen_s < track.at_s:  # hidden: what is small noise a frame would grow without end
            track.state[1, 2:] = 0.0
            if track.stands:
                track.state[1] = 0.0
        passed_s, track.at_s = time_s - track.at_s, time_s
        drift = (self._settings.acceleration * track.height_px) ** 2
        step = np.array([[1.0, passed_s], [0.0, 1.0]])
        noise = drift * np.array(
            [[passed_s**4 / 4, passed_s**3 / 2], [passed_s**3 / 2, passed_s**2]]
        )
        track.state = step @ track.state
        track.spread = np.einsum("ij,jkc,lk->ilc", step, track.spread, step) + noise[..., None]

    def _hit(self, track: Track, box: Doubles, found: Detections, index: int) -> None:
        variance = (self._settings.position_noise * track.height_px) ** 2
        gain = track.spread[:, 0] / (track.spread[0, 0] + variance)
        track.state = track.state + gain * (_measured(box) - track.state[0])
        track.spread = track.spread - gain[:, None] * track.spread[0]
        track.box, track.seen_s = box, track.at_s
        track.hits += 1
        confidence = float(found.confidence[index])
        track.confidence += (confidence - track.confidence) / track.hits
        track.votes[int(found.class_id[index])] += found.confidence[index]

    def _is_gone(self, track: Track, time_s: float) -> bool:
        settings = self._settings
        hidden_s = time_s - track.seen_s
        if track.hits < settings.least_hits:
            return hidden_s > settings.longest_gap_s / 2
        return hidden_s > (settings.longest_stand_s if track.stands else settings.longest_gap_s)


def _foot(box: Doubles) -> Doubles:
    return np.array([(box[0] + box[2]) / 2, box[3]])


def _on_own_ground(boxes: Doubles, share: float) -> npt.NDArray[np.bool_]:
    """Which boxes stand where no earlier one does; shapes (N, 4) and (N,)."""
    sides, low = boxes[:, 2:] - boxes[:, :2], boxes[:, 3]
    over = np.minimum(boxes[:, None, 2], boxes[None, :, 2])
    over -= np.maximum(boxes[:, None, 0], boxes[None, :, 0])
    is_over = over > _OVER * np.minimum(sides[:, None, 0], sides[None, :, 0])
    near = share * np.minimum(sides[:, None, 1], sides[None, :, 1])
    clash = is_over & (np.abs(low[:, None] - low[None]) <= near)
    alive = np.ones(len(boxes), bool)
    for row in range(len(boxes)):
        if alive[row]:
            alive[row + 1 :] &= ~clash[row, row + 1 :]
    return alive


def _feet_off(tracks: Sequence[Track], boxes: Doubles, position_noise: float) -> Doubles:
    """How far each box's foot is from each track's expected one, standard deviations, (N, M)."""
    states = np.stack([track.state[0] for track in tracks])
    spread = np.stack([track.spread[0, 0] for track in tracks])
    spread += [[(position_noise * track.height_px) ** 2] for track in tracks]
    feet = np.stack([(boxes[:, 0] + boxes[:, 2]) / 2, boxes[:, 3]], 1)
    off = (feet[None] - states[:, None, :2]) ** 2 / spread[:, None, :2]
    return np.asarray(np.sqrt(off.sum(2)))


def _measured(box: Doubles) -> Doubles:
    """Foot and sides of a box: its upper edge jumps where others stand behind it."""
    return np.concatenate([_foot(box), box[2:] - box[:2]])


def _overlaps(a: Doubles, b: Doubles, rims: Doubles) -> Doubles:
    """Overlap of boxes with rims, shapes (N, 4), (M, 4), (N,); gives (N, M).

    Intersection over union, of the boxes or of their lower parts, whichever is more: the network
    draws a box now round a car, now round it and those behind it.
    """
    first, second = a[:, None], b[None]
    first_high, second_high = first[..., 3] - first[..., 1], second[..., 3] - second[..., 1]
    least, rim = np.minimum(first_high, second_high), rims[:, None]
    whole = _overlap(first, second, first_high, second_high, rim)
    return np.maximum(whole, _overlap(first, second, least, least, rim))


def _overlap(a: Doubles, b: Doubles, a_high: Doubles, b_high: Doubles, rim: Doubles) -> Doubles:
    """Intersection over union of the lower parts of boxes, so high."""
    a_wide, b_wide = a[..., 2] - a[..., 0], b[..., 2] - b[..., 0]
    wide = np.minimum(a[..., 2] + rim * a_wide, b[..., 2] + rim * b_wide)
    wide -= np.maximum(a[..., 0] - rim * a_wide, b[..., 0] - rim * b_wide)
    high = np.minimum(a[..., 3] + rim * a_high, b[..., 3] + rim * b_high)
    high -= np.maximum(a[..., 3] - (1 + rim) * a_high, b[..., 3] - (1 + rim) * b_high)
    shared = np.clip(wide, 0, None) * np.clip(high, 0, None)
    union = (1 + 2 * rim) ** 2 * (a_wide * a_high + b_wide * b_high) - shared
    return np.asarray(shared / np.maximum(union, 1e-9))
