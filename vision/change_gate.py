"""Is this frame worth a pass of the network? Nothing changes in a car park for most of its time.

Each bay's own pixels are compared with those of the last frame that the network judged, after
levelling brightness and contrast of both, so that a cloud or the camera's exposure is no change.
What the gate misses, a heartbeat pass finds; while a bay is about to change state every frame
passes, since a hold time needs frames to end.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum

import cv2
import numpy as np
import numpy.typing as npt

from vision.geometry import extents, to_pixels
from vision.types import Floats, Frame, ImageBgr, as_floats
from vision.view_match import SmallGreys

PATCH = 12
"""Cells per side of a bay's patch: a person covers one or two, a car most."""
WORK_SIDE_PX = 640


@dataclass(frozen=True, slots=True)
class GateSettings:
    """Thresholds and times of the change gate.

    Attributes:
        heartbeat_s: longest time without a pass.
        least_change: levelled difference of a bay's patch that counts, in standard deviations of
            the patch; 0.35 is a correlation of about 0.94.
        noise_level: brightness, 0 to 255, that sensor noise and codecs move a cell by; bare asphalt
            has hardly more contrast than that.
        global_share: share of the bays that change together in a global change (lamps, rain).
        global_every_s: shortest time between passes while global changes continue.
    """

    heartbeat_s: float = 30.0
    least_change: float = 0.35
    noise_level: float = 9.0
    global_share: float = 0.6
    global_every_s: float = 2.0


class Finding(Enum):
    """What a look at an image found."""

    NOTHING = "nothing"
    CHANGED = "changed"
    """A bay changed."""
    EVERYTHING = "everything"
    """Most bays changed at once: lamps, rain, a cloud's edge."""
    HEARTBEAT = "heartbeat"
    """Nothing changed, but the last pass was long ago."""
    FIRST = "first"
    """There is nothing to compare with: the first image, or other bays."""


class ChangeGate:
    """Decides for one camera which frames the network judges; not thread-safe.

    Args:
        settings: thresholds and times.
        first_heartbeat_share: the first heartbeat comes after this share of its time, 0 to 1, so
            that the cameras of a box, which all begin at once, do not beat in the same second.
    """

    def __init__(
        self, settings: GateSettings | None = None, first_heartbeat_share: float = 1.0
    ) -> None:
        self._settings = settings or GateSettings()
        self._heartbeat_s = self._settings.heartbeat_s * first_heartbeat_share
        self._judged: Floats | None = None
        self._judged_s = 0.0
        self._looked: Floats | None = None
        self._looked_s = 0.0

    def wants(
        self,
        frame: Frame,
        polygons_norm: Sequence[Floats],
        *,
        settling: bool,
        greys: SmallGreys | None = None,
    ) -> bool:
        """Decide on one frame; one that is wanted counts as judged.

        Args:
            frame: of the camera, in the order of capture.
            polygons_norm: where the bays are in this frame.
            settling: whether a bay is about to change state (`EvidenceFilter.is_settling`).
            greys: of this frame, shared with others; None: made here.
        """
        found = self.look(frame, polygons_norm, greys)
        if found is Finding.NOTHING and not settling:
            return False
        self.judged()
        return True

    def look(
        self, frame: Frame, polygons_norm: Sequence[Floats], greys: SmallGreys | None = None
    ) -> Finding:
        """Compare one frame with the last one that was judged; `judged` makes it that one.

        Args:
            frame: of the camera, in the order of capture.
            polygons_norm: where the bays are in this frame.
            greys: of this frame, shared with others; None: made here.
        """
        grey = (greys or SmallGreys(frame.image_bgr)).at(WORK_SIDE_PX)
        self._looked = _patches(grey, polygons_norm)
        self._looked_s = frame.captured_mono_s
        return self._find(self._looked, self._looked_s)

    def judged(self) -> None:
        """The network judged the frame that was looked at last."""
        if self._judged is not None and self._looked_s - self._judged_s >= self._heartbeat_s:
            self._heartbeat_s = self._settings.heartbeat_s
        self._judged, self._judged_s = self._looked, self._looked_s

    def _find(self, patches: Floats, now_s: float) -> Finding:
        if self._judged is None or self._judged.shape != patches.shape:
            return Finding.FIRST
        changed = patch_change(self._judged, patches, self._settings.noise_level)
        is_changed = changed >= self._settings.least_change
        since_s = now_s - self._judged_s
        if len(is_changed) > 1 and is_changed.mean() >= self._settings.global_share:
            if since_s >= self._settings.global_every_s:
                return Finding.EVERYTHING
        elif is_changed.any():
            return Finding.CHANGED
        return Finding.HEARTBEAT if since_s >= self._heartbeat_s else Finding.NOTHING


def bay_patches(image_bgr: ImageBgr, polygons_norm: Sequence[Floats]) -> Floats:
    """Small grey images of the bays' bounding boxes, shape (M, PATCH, PATCH), 0 to 255."""
    return _patches(SmallGreys(image_bgr).at(WORK_SIDE_PX), polygons_norm)


def _patches(grey: npt.NDArray[np.uint8], polygons_norm: Sequence[Floats]) -> Floats:
    height, width = grey.shape
    patches = np.zeros((len(polygons_norm), PATCH, PATCH), np.float32)
    boxes = extents([to_pixels(polygon, (width, height)) for polygon in polygons_norm])
    low = np.clip(np.floor(boxes[:, :2]), 0, [width - 1, height - 1]).astype(int)
    high = np.clip(np.ceil(boxes[:, 2:]), low + 1, [width, height]).astype(int)
    for index, ((left, top), (right, bottom)) in enumerate(zip(low, high, strict=True)):
        crop = grey[top:bottom, left:right]
        patches[index] = cv2.resize(crop, (PATCH, PATCH), interpolation=cv2.INTER_AREA)
    return patches


def patch_change(before: Floats, now: Floats, noise_level: float) -> Floats:
    """How much each patch changed beyond brightness and contrast, shape (M,).

    The mean absolute difference of the levelled patches: 0 for the same thing in another light,
    about 1.1 for unrelated things. Contrast below `noise_level` is not enlarged.
    """

    def levelled(patches: Floats) -> Floats:
        flat = patches.reshape(len(patches), PATCH * PATCH)
        spread = np.maximum(flat.std(1, keepdims=True), noise_level)
        return as_floats((flat - flat.mean(1, keepdims=True)) / spread)

    return as_floats(np.abs(levelled(now) - levelled(before)).mean(1))
