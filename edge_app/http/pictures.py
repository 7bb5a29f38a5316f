"""Pictures of the live view: masked, annotated, encoded once for everybody who looks."""

from __future__ import annotations

import threading
from collections import OrderedDict
from dataclasses import dataclass, replace
from pathlib import Path

import cv2
import numpy as np

from calibration import Calibration, read_calibration
from calibration.reference_files import load_reference
from edge_app.live_state import LiveState, LiveView
from telemetry import CalibrationError, CameraError
from telemetry.gates import PassageDirection
from vision.background import Moving
from vision.draw import DrawOptions, annotate
from vision.geometry import to_pixels
from vision.incidents.draw import draw_incidents
from vision.lanes.draw import draw_lines
from vision.privacy import PrivacySettings, PrivateScene, obscure
from vision.types import Detections, ImageBgr

_CROP_GROW = 0.45
_CROP_LEAST_PX = 96
_CACHE = 24
_GROUND_QUALITY = 85
# Without bays there is no measure of what an image tells: a person is recognised from 125 px/m
# (EN 62676-4), which this has where the view is five metres wide.
_UNMEASURED_WIDTH_PX = 640
OPEN = PrivacySettings(outside=False, bay_px=0, moving=False)
"""No anonymising, for images without people."""


@dataclass(frozen=True, slots=True)
class PictureSettings:
    """How pictures are made for people.

    Attributes:
        max_width_px: wider ones are scaled down.
        jpeg_quality: 1 to 100.
        privacy: what may be made out; the calibration's masks are black in any case.
    """

    max_width_px: int = 1280
    jpeg_quality: int = 82
    privacy: PrivacySettings = OPEN


class PictureMaker:
    """Makes pictures from the live state; safe between threads.

    However many people look, each view is drawn and encoded once.
    """

    def __init__(self, live_state: LiveState, settings: PictureSettings | None = None) -> None:
        self._live_state = live_state
        self._settings = settings or PictureSettings()
        self._cache: OrderedDict[tuple[str, bool], tuple[int, bytes]] = OrderedDict()
        self._locks: dict[tuple[str, bool], threading.Lock] = {}
        self._lock = threading.Lock()
        self.encoded = 0

    def jpeg(self, camera: str, *, overlay: bool) -> tuple[bytes, int]:
        """The latest picture of a camera and the version of its view.

        Raises:
            CameraError: there is none.
        """
        key = (camera, overlay)
        with self._lock:
            making = self._locks.setdefault(key, threading.Lock())
        with making:
            view, version = self._live_state.wait_newer(camera, 0, 0.0)
            with self._lock:
                kept = self._cache.get(key)
            if kept is not None and kept[0] == version:
                return kept[1], version
            data = self._encode(self._draw(_with_frame(view, camera), overlay=overlay))
            with self._lock:
                self.encoded += 1
                self._cache[key] = (version, data)
                while len(self._cache) > _CACHE:
                    self._cache.popitem(last=False)
            return data, version

    def crop(self, camera: str, bay: str) -> bytes:
        """The surroundings of one bay, with its outline.

        Raises:
            CameraError: there is no picture.
            KeyError: there is no such bay.
        """
        view = _with_frame(self._live_state.latest(camera), camera)
        index = [state.bay for state in view.states].index(bay) if view.states else -1
        if index < 0 or view.frame is None:
            raise KeyError(bay)
        image = self._private(view)
        height, width = image.shape[:2]
        polygon = to_pixels(view.polygons_norm[index], (width, height))
        low, high = polygon.min(0), polygon.max(0)
        grow = np.maximum((high - low) * _CROP_GROW, _CROP_LEAST_PX / 4)
        left, top = np.maximum(low - grow, 0).astype(int)
        right, bottom = np.minimum(high + grow, (width, height)).astype(int)
        options = DrawOptions(show_labels=False, show_summary=False)
        drawn = annotate(
            image, [view.polygons_norm[index]], [view.states[index]], view.detections, options
        )
        return self._encode(drawn[top:bottom, left:right])

    def _draw(self, view: LiveView, *, overlay: bool) -> ImageBgr:
        image, scale = self._scaled(self._private(view))
        if not overlay or len(view.polygons_norm) != len(view.states):
            return image
        found = view.detections
        boxes = Detections(found.xyxy_px * np.float32(scale), found.confidence, found.class_id)
        options = DrawOptions(show_summary=False, show_confidence=False)
        drawn = annotate(image, view.polygons_norm, view.states, boxes, options)
        draw_incidents(drawn, self._live_state.incidents(view.camera))
        if view.calibration is not None and view.calibration.lines:
            lines = view.calibration.counted_lines()
            draw_lines(drawn, lines, self._today(view.camera), view.homography)
        return drawn

    def _today(self, camera: str) -> dict[str, dict[PassageDirection, int]]:
        return {
            lane.gate: {
                PassageDirection.IN: lane.today_in,
                PassageDirection.OUT: lane.today_out,
            }
            for lane in self._live_state.lanes(camera)
        }

    def _private(self, view: LiveView) -> ImageBgr:
        """The frame without what people must not see."""
        assert view.frame is not None  # noqa: S101 - checked by the callers
        image = view.frame.image_bgr
        masks = view.calibration.masks if view.calibration is not None else ()
        privacy = self._settings.privacy
        if not masks and privacy == OPEN:
            return image
        scene = PrivateScene(
            view.polygons_norm,
            [np.asarray(mask.polygon, np.float32) for mask in masks],
            view.detections.xyxy_px,
            view.moving,
        )
        return obscure(image, scene, privacy).image_bgr

    def _scaled(self, image: ImageBgr) -> tuple[ImageBgr, float]:
        height, width = image.shape[:2]
        scale = min(self._settings.max_width_px / width, 1.0)
        if scale == 1.0:
            return image, scale
        size = (round(width * scale), round(height * scale))
        return np.asarray(cv2.resize(image, size, interpolation=cv2.INTER_AREA), np.uint8), scale

    def _encode(self, image: ImageBgr) -> bytes:
        options = [cv2.IMWRITE_JPEG_QUALITY, self._settings.jpeg_quality]
        _, data = cv2.imencode(".jpg", image, options)
        return data.tobytes()


def drawing_ground(
    file: Path, view: LiveView | None, privacy: PrivacySettings
) -> tuple[bytes, bool]:
    """What somebody far away may draw bays on: the reference image, else what the camera sees now.

    As sharp as `privacy` allows, but all of it: bays are drawn where none are yet.

    Args:
        file: the camera's calibration file; it need not exist.
        view: what the camera sees.
        privacy: what may be made out.

    Returns:
        A JPEG, and whether it is the reference image.

    Raises:
        CameraError: there is neither.
        CalibrationError: the calibration file is damaged.
    """
    present = read_calibration(file) if file.exists() else None
    reference = _reference(file, present)
    image, moving = (reference, None) if reference is not None else _seen(view, file.stem)
    polygons = present.polygons_norm() if present else []
    masks = [np.asarray(mask.polygon, np.float32) for mask in present.masks] if present else []
    scene = PrivateScene(polygons, masks, moving=moving)
    shown = obscure(image, scene, replace(privacy, outside=False)).image_bgr
    width = shown.shape[1]
    if privacy.bay_px and not polygons and width > _UNMEASURED_WIDTH_PX:
        height = round(shown.shape[0] * _UNMEASURED_WIDTH_PX / width)
        size = (_UNMEASURED_WIDTH_PX, height)
        shown = np.asarray(cv2.resize(shown, size, interpolation=cv2.INTER_AREA), np.uint8)
    _, data = cv2.imencode(".jpg", shown, [cv2.IMWRITE_JPEG_QUALITY, _GROUND_QUALITY])
    return data.tobytes(), reference is not None


def _seen(view: LiveView | None, camera: str) -> tuple[ImageBgr, Moving | None]:
    frame = _with_frame(view, camera).frame
    assert view is not None  # noqa: S101 - `_with_frame` saw to both
    assert frame is not None  # noqa: S101
    return frame.image_bgr, view.moving


def _reference(file: Path, present: Calibration | None) -> ImageBgr | None:
    if present is None or present.reference is None:
        return None
    try:
        return load_reference(file, present)
    except CalibrationError:  # lost or another one: an alarm of the box says so
        return None


def _with_frame(view: LiveView | None, camera: str) -> LiveView:
    if view is None or view.frame is None:
        msg = f"camera {camera}: no image yet"
        raise CameraError(msg)
    return view
