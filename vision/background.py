"""What moves before a camera, found without a detector: people by the bays, passing vehicles.

Each camera has an image of its standing scene, small and grey. What differs from it is moving, or
has not stood for long. How large that is beside the bay next to it tells a person from a vehicle;
what it is need not be known to make it coarse (`vision.privacy`).

The scene follows the light by so many levels a second (sigma-delta, Manzanera and Richefeu 2007),
by the clock and not by frames. A whole image that becomes brighter, darker or flatter is levelled
first, so a cloud or the camera's exposure moves nothing; each place has its own noise, so rain,
snow and codecs do not either; a camera that sways is followed. What stands as it is for a minute
becomes part of the scene.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import TypeVar

import cv2
import numpy as np
import numpy.typing as npt

from vision.geometry import nearest_bay, polygon_area, to_pixels
from vision.types import Floats, as_floats

Grey = npt.NDArray[np.uint8]
_Picture = TypeVar("_Picture", Grey, Floats)

_LEAST_VARIANCE = 25.0
_GAIN_LIMITS = (0.4, 2.5)
_LEAST_STILL_SHARE = 0.2
_MOST = 0.5
_BAYS_COMPARED = 8
_START_NOISE_LEVELS = 3.0
_SWAY_SHARE = 0.02
_EXPLAINED = 0.6
_MOST_SWAY_PX = 6.0


@dataclass(frozen=True, slots=True)
class SceneSettings:
    """Thresholds and times of the standing scene.

    Attributes:
        shrink: by which the small grey image is made smaller still, about 210 px wide.
        rate_levels_per_s: by which the scene follows the light, of 255.
        still_s: what stays unchanged for this long becomes part of the scene.
        gap_s: after a longer time without images the scene is learnt again.
        least_levels: least difference that is movement.
        noise_factor: how many times a place's mean noise is movement.
        noise_s: time in which a place's noise is learnt.
        most_noise_levels: more noise is not believed, or a busy path would hide who walks there.
        global_share: where more of the image differs, the scene is another one.
        moved_share: how far the bays may move, as a share of the width, within one scene.
        person_share: of the area of the bay next to it that a person takes at most.
        join_share: gaps closed within a thing, as a share of a bay's side.
        young_s: what changed within so long moves now.
        trail_s: what comes to light within so long after a vehicle passed is no person.
        settle_s: what is still in a bay for this long is part of a vehicle.
    """

    shrink: int = 3
    rate_levels_per_s: float = 1.0
    still_s: float = 60.0
    gap_s: float = 30.0
    least_levels: float = 7.0
    noise_factor: float = 3.0
    noise_s: float = 30.0
    most_noise_levels: float = 7.0
    global_share: float = 0.5
    moved_share: float = 0.005
    person_share: float = 0.3
    join_share: float = 0.15
    young_s: float = 1.0
    trail_s: float = 3.0
    settle_s: float = 8.0


@dataclass(frozen=True, slots=True)
class Moving:
    """What moves in one image; arrays are read-only, so it may go from thread to thread.

    Attributes:
        people: 255 where a thing smaller than a vehicle moves, shape (h, w), uint8; h and w may be
            any, the image's proportions count.
        vehicles_norm: boxes of larger things, x_min, y_min, x_max, y_max, fractions, shape (N, 4).
    """

    people: Grey = field(repr=False)
    vehicles_norm: Floats = field(repr=False)

    def __post_init__(self) -> None:
        """Reject invalid boxes."""
        if self.people.ndim != 2 or self.vehicles_norm.shape[1:] != (4,):  # noqa: PLR2004
            msg = (
                "people and vehicles must have shapes (h, w), (N, 4), but got "
                f"{self.people.shape}, {self.vehicles_norm.shape}"
            )
            raise ValueError(msg)
        self.people.setflags(write=False)
        self.vehicles_norm.setflags(write=False)


class BackgroundModel:
    """Finds what moves before one camera; not thread-safe, what it gives is.

    Args:
        settings: thresholds and times.
    """

    def __init__(self, settings: SceneSettings | None = None) -> None:
        self._settings = settings or SceneSettings()
        self._state: _State | None = None
        self._bays: Sequence[Floats] = ()
        self._person_px: Floats = np.zeros((0, 0), np.float32)
        self._in_bay = np.zeros((0, 0), np.bool_)
        self._close: Grey = np.ones((1, 1), np.uint8)

    def look(self, grey: Grey, now_s: float, polygons_norm: Sequence[Floats]) -> Moving:
        """Compare one image with the scene, and learn from it.

        Args:
            grey: small image of the frame, shape (h, w); `vision.view_match.SmallGreys`.
            now_s: when it was captured, monotonic; images come in that order.
            polygons_norm: M bays as they lie in this image, each (K, 2), fractions. Without bays
                everything that moves counts as people.
        """
        settings = self._settings
        size = (max(grey.shape[1] // settings.shrink, 1), max(grey.shape[0] // settings.shrink, 1))
        small = as_floats(cv2.resize(grey, size, interpolation=cv2.INTER_AREA).astype(np.float32))
        state = self._state
        if (
            state is None
            or state.scene.shape != small.shape
            or now_s - state.seen_s > settings.gap_s
            or self._has_moved(polygons_norm)
        ):
            return self._begin(small, now_s, polygons_norm)
        mask, sway_px = state.differs(small, now_s, settings)
        if not mask.any():
            return _nothing(small.shape)
        if cv2.countNonZero(mask) > settings.global_share * mask.size:
            return self._begin(small, now_s, polygons_norm)
        return self._sorted(state, mask, sway_px)

    # -- inside ----------------------------------------------------------------------------------

    def _begin(self, small: Floats, now_s: float, polygons_norm: Sequence[Floats]) -> Moving:
        self._state = _State(small, now_s)
        height, width = small.shape
        self._bays = polygons_norm
        areas = [_area_from_above(to_pixels(bay, (width, height))) for bay in polygons_norm]
        if areas:
            most = as_floats(areas) * self._settings.person_share
            self._person_px = nearest_bay(polygons_norm, (width, height), most)
            close_px = round(float(np.median(areas)) ** 0.5 * self._settings.join_share)
        else:
            self._person_px, close_px = np.full((height, width), np.inf, np.float32), 1
        inside = np.zeros((height, width), np.uint8)
        for bay in polygons_norm:
            outline = [np.round(to_pixels(bay, (width, height))).astype(np.int32)]
            cv2.fillPoly(inside, outline, (1,))
        self._in_bay = inside > 0
        self._close = np.ones((max(close_px, 1),) * 2, np.uint8)
        return _nothing(small.shape)

    def _has_moved(self, polygons_norm: Sequence[Floats]) -> bool:
        before = self._bays
        if polygons_norm is before:
            return False
        if len(polygons_norm) != len(before):
            return True
        # A view moves as a whole, so a few bays tell.
        some = slice(None, None, max(len(before) // _BAYS_COMPARED, 1))
        shifts = [
            float(np.abs(a - b).max()) if a.shape == b.shape else 1.0
            for a, b in zip(polygons_norm[some], before[some], strict=True)
        ]
        return bool(shifts) and float(np.median(shifts)) > self._settings.moved_share

    def _sorted(self, state: _State, mask: Grey, sway_px: Floats) -> Moving:
        """Tell people from vehicles by their size, what moves now apart from what stands by now."""
        settings = self._settings
        people = np.zeros(mask.shape, np.uint8)
        boxes = []
        young = _where(state.age_s < settings.young_s) & mask
        for part, moves in ((young, True), (mask & ~young, False)):
            if not part.any():
                continue
            whole = cv2.morphologyEx(part, cv2.MORPH_CLOSE, self._close)
            count, labels, stats, _ = cv2.connectedComponentsWithStats(whole)
            for index in range(1, count):
                left, top, wide, high, area_px = (int(each) for each in stats[index])
                place = (slice(top, top + high), slice(left, left + wide))
                thing = labels[place] == index
                if area_px > float(self._person_px[place][thing].mean()):
                    if moves:
                        boxes.append((left, top, left + wide, top + high))
                        state.vehicle_s[place][thing] = state.seen_s - state.began_s
                elif moves or not self._is_vehicle_part(state, place, thing):
                    people[place][thing] = 255
        if people.any():
            cv2.dilate(people, np.ones((3, 3), np.uint8), people)
        height, width = mask.shape
        # Found where the scene has them; the image has them beside that.
        found = as_floats(boxes).reshape(-1, 2, 2) + sway_px
        boxes_norm = as_floats((found / (width, height)).clip(0, 1)).reshape(-1, 4)
        return Moving(shifted(people, np.round(sway_px)), boxes_norm)

    def _is_vehicle_part(
        self, state: _State, place: tuple[slice, slice], thing: npt.NDArray[np.bool_]
    ) -> bool:
        """Whether a small thing is what a vehicle left, or a part of one that came to stand."""
        settings = self._settings
        age_s = state.age_s[place][thing]
        since_s = state.seen_s - state.began_s - age_s
        left = state.vehicle_s[place][thing] >= since_s - settings.trail_s
        settled = self._in_bay[place][thing] & (age_s >= settings.settle_s)
        return bool((left | settled).mean() >= _MOST)


class _State:
    """The scene as it stands, and how long what differs has stood; arrays of shape (h, w)."""

    def __init__(self, small: Floats, now_s: float) -> None:
        self.began_s = self.seen_s = now_s
        self.scene = small
        self.noise = np.full_like(small, _START_NOISE_LEVELS)
        self.candidate = small.copy()
        self.age_s = np.zeros_like(small)
        self.vehicle_s = np.full_like(small, -np.inf)
        self._still = np.full(small.shape, 255, np.uint8)

    def differs(self, small: Floats, now_s: float, settings: SceneSettings) -> tuple[Grey, Floats]:
        """Where an image differs from the scene, 255 there, and how far it is shifted, pixels.

        The scene learns from it.
        """
        took_s, self.seen_s = now_s - self.seen_s, now_s
        scene = levelled(self.scene, small, self._still)
        least = as_floats(np.maximum(self.noise * settings.noise_factor, settings.least_levels))
        small, sway_px = steadied(small, scene, least)
        off = np.abs(small - scene)
        mask = _calm(off > least)
        # How long each place has looked as it does.
        changed = _calm(np.abs(small - self.candidate) > least)
        cv2.copyTo(small, changed, self.candidate)
        self.age_s += np.float32(took_s)
        self.age_s[changed > 0] = 0
        stood = _where(self.age_s >= settings.still_s) & mask
        # Where nothing differs, follow the light.
        step = np.float32(settings.rate_levels_per_s * took_s)
        near = as_floats(np.clip(small, scene - step, scene + step))
        cv2.copyTo(near, ~mask, scene)
        share = min(took_s / settings.noise_s, 1.0)
        most = settings.most_noise_levels
        learnt = self.noise * (1 - share) + np.minimum(off, 2 * most) * share
        self.noise = as_floats(np.minimum(learnt, most))
        if stood.any():
            scene[stood > 0] = small[stood > 0]
            self.noise[stood > 0] = _START_NOISE_LEVELS
            mask &= ~stood
        self.scene = scene
        self._still = ~mask
        return mask, sway_px


def steadied(small: Floats, scene: Floats, least: Floats) -> tuple[Floats, Floats]:
    """An image moved to where the scene has what it shows, and how far it was shifted, x and y.

    A camera on a mast sways by a few pixels, and each edge with it: that is no movement. The shift
    is found by phase correlation, which a large vehicle may lead astray; so it counts only where
    it explains much of what differs.
    """
    nowhere = np.zeros(2, np.float32)
    differing = np.count_nonzero(np.abs(small - scene) > least)
    if differing < _SWAY_SHARE * small.size:
        return small, nowhere
    found, _ = cv2.phaseCorrelate(scene, small, _window(scene.shape))
    sway_px = as_floats(found)
    if float(np.abs(sway_px).max()) > _MOST_SWAY_PX:
        return small, nowhere
    moved = shifted(small, -sway_px)
    left = np.count_nonzero(np.abs(moved - scene) > least)
    return (moved, sway_px) if left < _EXPLAINED * differing else (small, nowhere)


def shifted(picture: _Picture, by_px: Floats) -> _Picture:
    """An image shifted by x and y pixels; its edges are repeated."""
    if not by_px.any():
        return picture
    matrix = as_floats([[1, 0, by_px[0]], [0, 1, by_px[1]]])
    size_wh = (picture.shape[1], picture.shape[0])
    made = cv2.warpAffine(picture, matrix, size_wh, borderMode=cv2.BORDER_REPLICATE)
    return np.asarray(made, picture.dtype)


@lru_cache(maxsize=8)
def _window(shape: tuple[int, int]) -> Floats:
    return as_floats(cv2.createHanningWindow(shape[::-1], cv2.CV_32F))


def levelled(scene: Floats, small: Floats, still: Grey) -> Floats:
    """The scene in the brightness and contrast of an image, a new array.

    Args:
        scene: shape (h, w).
        small: the image, likewise.
        still: 255 where nothing moved last; only there they are compared, in every other pixel.
    """
    weight = (still[::2, ::2] > 0).astype(np.float32).ravel()
    before, now = scene[::2, ::2].ravel(), small[::2, ::2].ravel()
    total = float(weight.sum())
    if total < _LEAST_STILL_SHARE * weight.size:
        weight[:], total = 1, float(weight.size)
    weighted = before * weight
    mean_before, mean_now = float(weighted.sum()) / total, float(now @ weight) / total
    variance = float(weighted @ before) / total - mean_before**2
    gain = (float(weighted @ now) / total - mean_before * mean_now) / max(variance, _LEAST_VARIANCE)
    gain = min(max(gain, _GAIN_LIMITS[0]), _GAIN_LIMITS[1])
    return as_floats(cv2.addWeighted(scene, gain, scene, 0, mean_now - gain * mean_before))


def _where(condition: npt.NDArray[np.bool_]) -> Grey:
    """255 where it holds."""
    return condition.view(np.uint8) * np.uint8(255)


def _calm(condition: npt.NDArray[np.bool_]) -> Grey:
    """255 where it holds in most of a place's 3 x 3 neighbours."""
    return np.asarray(cv2.medianBlur(_where(condition), 3), np.uint8)


def _nothing(shape: tuple[int, ...]) -> Moving:
    return Moving(np.zeros(shape, np.uint8), np.zeros((0, 4), np.float32))


def _area_from_above(polygon_px: Floats) -> float:
    """Area of a bay as if seen from above: what stands upright is not foreshortened as it is.

    Bays are about twice as long as wide; so half the square of the longer side, or the area if
    that is more.
    """
    (_, (wide, high), _) = cv2.minAreaRect(polygon_px)
    return max(polygon_area(polygon_px), max(wide, high) ** 2 / 2)
