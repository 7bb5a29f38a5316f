"""Does the camera still show what was calibrated? Frozen, blind, dark and moved views.

A bay judged on an image that shows something else is a false state, so every frame passes here
first. Small movements are followed: the polygons move with the view. What cannot be trusted is told
as a reason, and the camera's bays become unknown.

Movement is measured against the calibration's reference image. Light changes over a day until too
little of that image is recognised, so the guard also keeps an anchor, a recent image whose
place it knows, and measures from there; whenever the reference itself is recognised again, it is
what counts, so errors do not add up. Most of the time nothing moved at all, which is known for far
less (`view_still`): features are searched for only where that is in doubt.
"""

from __future__ import annotations

import math
import random
import zlib
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import cv2
import numpy as np
import numpy.typing as npt

from telemetry.vocabulary import UnknownReason
from vision.geometry import to_pixels
from vision.types import Floats, Frame, ImageBgr, as_floats
from vision.view_match import (
    LONG_SIDE_PX,
    Fingerprint,
    Matrix,
    SmallGreys,
    agreeing,
    apply_matrix,
    fingerprint,
    match,
    off_bays,
    small_grey,
)
from vision.view_shape import is_cut, same_shape, shape_fault, squeezed, turned_deg
from vision.view_still import Sight, compare, fine_edges, seems_moved, thumbnail

Grey = npt.NDArray[np.uint8]


@dataclass(frozen=True, slots=True)
class GuardSettings:
    """Thresholds and times of the view guard.

    Attributes:
        check_every_s: how often movement is measured while nothing hints at one.
        measure_every_s: longest time for which a view is only seen to be still; half of it at
            least, at random, since the cameras of a box all begin at once.
        suspect_every_s: how often it is measured while something does.
        frozen_after_s: bit-identical frames for this long mean a frozen camera; a still scene has
            sensor noise, and codecs that repeat images send a key frame more often than this.
        dark_level: brightness, 0 to 255, that 98 % of a dark image stay below.
        white_share: share of burnt-out pixels in a blinded image.
        least_contrast: standard deviation of brightness in an image that shows something.
        least_sharpness: fine detail as a share of the reference image's; less is out of focus.
        bad_hold_s: how long an image must be bad before it is reported; a passing headlight is not
            a blind camera.
        still_share: movement of the bays, as a share of the image's diagonal, that is none.
        follow_share: movement that is followed; more needs a person's eye.
        follow_deg: turn that is followed, degrees.
        squeeze_share: how far the corners of an image of another shape may stand from where they
            were, as a share of its sides, for it to be the same view, only squeezed.
        unsure_hold_s: how long a view may be unrecognisable before it counts as moved.
        strong_inliers: places that must agree with the reference for it to count alone.
        still_inliers: places just where they were that prove a view to have stayed; a false match
            lands within 3 px of its place once in 10,000 times.
    """

    check_every_s: float = 10.0
    measure_every_s: float = 120.0
    suspect_every_s: float = 1.0
    frozen_after_s: float = 60.0
    dark_level: float = 24.0
    white_share: float = 0.6
    least_contrast: float = 7.0
    least_sharpness: float = 0.16
    bad_hold_s: float = 3.0
    still_share: float = 0.0007
    follow_share: float = 0.06
    follow_deg: float = 20.0
    squeeze_share: float = 0.02
    unsure_hold_s: float = 60.0
    strong_inliers: int = 45
    still_inliers: int = 6


@dataclass(frozen=True, slots=True)
class ViewReport:
    """What the view guard says of one image.

    Attributes:
        reason: why the image cannot be trusted; None when it can.
        detail: in one sentence, for a technician; empty when all is well.
        homography: 3x3, carries the calibration's normalised points to this image's; None when
            the view stands where it was calibrated.
        shift_px: how far the bays stand from where they were calibrated, pixels of this image;
            None when that is not known.
        is_usable: whether this image may be judged; False also while a fault is suspected but
            not yet told.
    """

    reason: UnknownReason | None = None
    detail: str = ""
    homography: Floats | None = field(default=None, repr=False)
    shift_px: float | None = None
    is_usable: bool = True


@dataclass(frozen=True, slots=True)
class _Fault:
    """What is wrong with an image, and in one sentence."""

    reason: UnknownReason
    detail: str


def for_one_picture(settings: GuardSettings) -> GuardSettings:
    """The same thresholds, with no time to wait for a better image."""
    return replace(settings, frozen_after_s=math.inf, bad_hold_s=0.0, unsure_hold_s=0.0)


class ViewGuard:
    """Guards one camera's view; not thread-safe.

    Args:
        reference_bgr: the image that the bays were drawn on; None takes the first good frame
            instead, so that movements from then on are seen.
        polygons_norm: the calibrated bays; what stands in them is not what the view is known by.
        settings: thresholds and times.
        calibrated_wh: size of the image that the bays were drawn on; one of another shape is
            squeezed, which is harmless, or cut, which is not: the reference image tells. None:
            that of the reference image, if there is one.
    """

    def __init__(
        self,
        reference_bgr: ImageBgr | None,
        polygons_norm: Sequence[Floats],
        settings: GuardSettings | None = None,
        calibrated_wh: tuple[int, int] | None = None,
    ) -> None:
        self._settings = settings or GuardSettings()
        self._polygons = tuple(polygons_norm)
        self._calibrated_wh = calibrated_wh
        if reference_bgr is not None and calibrated_wh is None:
            self._calibrated_wh = (reference_bgr.shape[1], reference_bgr.shape[0])
        self._has_reference = reference_bgr is not None
        self._reshaped_wh: tuple[int, int] | None = None
        self._reference: Fingerprint | None = None
        self._sharpness: float | None = None
        self._anchor: tuple[Fingerprint, Matrix] | None = None
        self._thumb: Floats | None = None
        self._fine: Floats | None = None
        self._measure_by_s = 0.0
        self._postponed: tuple[Grey, float] | None = None
        self._matrix: Matrix = np.eye(3)
        self._begun_s = 0.0
        self._checked_s: float | None = None
        self._sure_s: float | None = None
        self._bad_since_s: float | None = None
        self._same_since: tuple[int, float] | None = None
        if reference_bgr is not None:
            self._take_reference(small_grey(reference_bgr))

    def look(
        self, frame: Frame, *, may_postpone: bool = False, greys: SmallGreys | None = None
    ) -> ViewReport:
        """Judge one frame; frames come in the order of their capture.

        Args:
            frame: of the camera.
            may_postpone: whether a long measurement may be left to `catch_up`, where nothing says
                that the view moved: bays need not wait for what will most likely change nothing.
            greys: of this frame, shared with others; None: made here.
        """
        now_s = frame.captured_mono_s
        grey = (greys or SmallGreys(frame.image_bgr)).at(LONG_SIDE_PX)
        image_wh = (frame.image_bgr.shape[1], frame.image_bgr.shape[0])
        is_reshaped = self._is_reshaped(image_wh)
        if is_reshaped and not self._has_reference:
            return self._other_shape(image_wh)
        if is_reshaped:
            # Squeezed back: a squeezed image is now just like the reference, a cut one is not.
            grey = squeezed(grey, self._calibrated_wh or image_wh)
        self._reshaped_wh = image_wh if is_reshaped else None
        fault = self._frozen(grey, now_s) or self._bad_picture(grey)
        if fault is not None:
            self._bad_since_s = now_s if self._bad_since_s is None else self._bad_since_s
            is_told = (
                fault.reason is UnknownReason.FROZEN
                or now_s - self._bad_since_s >= self._settings.bad_hold_s
            )
            if is_told:
                return ViewReport(fault.reason, fault.detail, is_usable=False)
            return ViewReport(is_usable=False)
        self._bad_since_s = None
        if self._reference is None:
            self._begin_here(grey, now_s)
        elif self._is_due(grey, now_s):
            self._check(grey, now_s, may_postpone=may_postpone)
        return self._report(image_wh, now_s)

    def _is_reshaped(self, image_wh: tuple[int, int]) -> bool:
        return self._calibrated_wh is not None and not same_shape(self._calibrated_wh, image_wh)

    def _other_shape(self, image_wh: tuple[int, int]) -> ViewReport:
        text = shape_fault(self._calibrated_wh or image_wh, image_wh, compared=self._has_reference)
        return ViewReport(UnknownReason.VIEW_MOVED, text, is_usable=False)

    # -- the image itself ----------------------------------------------------------------------

    def _frozen(self, grey: Grey, now_s: float) -> _Fault | None:
        content = zlib.crc32(grey.tobytes())
        if self._same_since is None or self._same_since[0] != content:
            self._same_since = (content, now_s)
            return None
        same_s = now_s - self._same_since[1]
        if same_s < self._settings.frozen_after_s:
            return None
        return _Fault(UnknownReason.FROZEN, f"the image has not changed for {same_s:.0f} s")

    def _bad_picture(self, grey: Grey) -> _Fault | None:
        settings = self._settings
        bright = float(np.percentile(grey[::4, ::4], 98))
        if bright < settings.dark_level:
            return _Fault(
                UnknownReason.DARK, f"98 % of the image is darker than {bright:.0f} of 255"
            )
        white = float((grey >= 250).mean())  # noqa: PLR2004 - burnt out
        if white > settings.white_share:
            return _Fault(UnknownReason.BLIND, f"{100 * white:.0f} % of the image is overexposed")
        contrast = float(cv2.meanStdDev(grey)[1][0, 0])
        if contrast < settings.least_contrast:
            return _Fault(UnknownReason.BLIND, f"nothing visible: contrast {contrast:.1f} of 255")
        if self._sharpness is not None:
            share = _sharpness(grey) / max(self._sharpness, 1e-6)
            if share < settings.least_sharpness:
                return _Fault(
                    UnknownReason.BLIND,
                    f"out of focus: {100 * share:.0f} % of the reference image's detail",
                )
        return None

    # -- movement --------------------------------------------------------------------------------

    def _take_reference(self, grey: Grey) -> None:
        self._reference = off_bays(fingerprint(grey), self._polygons)
        self._sharpness = _sharpness(grey)

    def _begin_here(self, grey: Grey, now_s: float) -> None:
        """Where there is no reference image, the view stands where it is now."""
        self._take_reference(grey)
        self._begun_s = now_s
        self._remember(grey, now_s)

    def _is_due(self, grey: Grey, now_s: float) -> bool:
        """Whether movement must be measured: on schedule, or because a glance says it moved."""
        if self._checked_s is None:
            return True
        since_s = now_s - self._checked_s
        if since_s >= self._settings.check_every_s:
            return True
        if since_s < self._settings.suspect_every_s:
            return False
        return self._sure_s != self._checked_s or (
            self._thumb is not None and seems_moved(self._thumb, thumbnail(grey))
        )

    def _check(self, grey: Grey, now_s: float, *, may_postpone: bool) -> None:
        sight = Sight.UNCLEAR if self._fine is None else compare(self._fine, fine_edges(grey))
        if sight is Sight.STILL and now_s < self._measure_by_s:
            self._checked_s = self._sure_s = now_s
            self._thumb = thumbnail(grey)
            return
        was_sure = self._sure_s is not None and self._sure_s == self._checked_s
        self._postponed = (grey, now_s)
        if not (may_postpone and was_sure and sight is not Sight.MOVED):
            self.catch_up()

    def catch_up(self) -> None:
        """Do what `look` postponed; what is found counts from the next frame on."""
        if self._postponed is None:
            return
        (grey, now_s), self._postponed = self._postponed, None
        if self._checked_s is None:
            self._begun_s = now_s
        self._checked_s = now_s
        self._measure(grey, now_s)

    def _remember(self, grey: Grey, now_s: float) -> None:
        """This is what the view looks like where it is now known to stand."""
        self._checked_s = self._sure_s = now_s
        share = random.uniform(0.5, 1.0)  # noqa: S311 - spreads the work, no secret
        self._measure_by_s = now_s + share * self._settings.measure_every_s
        self._thumb, self._fine = thumbnail(grey), fine_edges(grey)

    def _measure(self, grey: Grey, now_s: float) -> None:
        seen = fingerprint(grey)
        matrix = self._where(seen)
        if matrix is None:
            return
        self._matrix = matrix
        self._remember(grey, now_s)
        moved = [apply_matrix(polygon, matrix) for polygon in self._polygons]
        self._anchor = (off_bays(seen, moved), matrix)

    def _where(self, seen: Fingerprint) -> Matrix | None:
        """From the reference's points to the current image's; None where it is not recognised."""
        direct = None if self._reference is None else match(self._reference, seen)
        if direct is not None and direct.inliers >= self._settings.strong_inliers:
            return direct.matrix
        if self._anchor is not None:
            anchor, before = self._anchor
            step = match(anchor, seen)
            if step is not None and (direct is None or step.inliers > direct.inliers):
                matrix = step.matrix @ before
                return np.asarray(matrix / matrix[2, 2], np.float64)
        if direct is not None:
            return direct.matrix
        # Too little is recognised to say where the view went, by night with a reference of the day;
        # but a few places just where they were are more than chance, so it went nowhere.
        if self._reference is not None:
            still = agreeing(self._reference, seen, self._matrix)
            return self._matrix if still >= self._settings.still_inliers else None
        return None

    def _report(self, image_wh: tuple[int, int], now_s: float) -> ViewReport:
        settings = self._settings
        if self._sure_s != self._checked_s:
            begin_s = self._begun_s if self._sure_s is None else self._sure_s
            if now_s - begin_s >= settings.unsure_hold_s:
                if self._reshaped_wh is not None:
                    return self._other_shape(self._reshaped_wh)
                since = f" for {now_s - begin_s:.0f} s" if settings.unsure_hold_s else ""
                text = f"the calibrated view has not been recognised{since}"
                return ViewReport(UnknownReason.VIEW_MOVED, text, is_usable=False)
            return self._followed(image_wh, is_usable=False)
        return self._followed(image_wh, is_usable=True)

    def _followed(self, image_wh: tuple[int, int], *, is_usable: bool) -> ViewReport:
        settings = self._settings
        shift_px = _shift_px(self._polygons, self._matrix, image_wh)
        share = shift_px / float(np.hypot(*image_wh))
        turn_deg = turned_deg(self._matrix, image_wh)
        if abs(turn_deg) > settings.follow_deg:
            return ViewReport(
                UnknownReason.VIEW_MOVED,
                f"the view is rotated by {abs(turn_deg):.0f} degrees",
                shift_px=round(shift_px, 1),
                is_usable=False,
            )
        if self._reshaped_wh is not None and is_cut(self._matrix, settings.squeeze_share):
            return self._other_shape(self._reshaped_wh)
        if share > settings.follow_share:
            return ViewReport(
                UnknownReason.VIEW_MOVED,
                f"the view moved by {shift_px:.0f} px, more than bays can follow",
                shift_px=round(shift_px, 1),
                is_usable=False,
            )
        if share <= settings.still_share:
            return ViewReport(shift_px=round(shift_px, 1), is_usable=is_usable)
        return ViewReport(
            detail=f"the view moved by {shift_px:.0f} px; the bays follow",
            homography=as_floats(self._matrix),
            shift_px=round(shift_px, 1),
            is_usable=is_usable,
        )


def _sharpness(grey: Grey) -> float:
    """Mean detail of the image at a quarter of its size: sensor noise is no detail there."""
    small = cv2.resize(grey, None, fx=0.25, fy=0.25, interpolation=cv2.INTER_AREA)
    return float(np.abs(cv2.Laplacian(small, cv2.CV_32F)).mean())


def _shift_px(polygons: Sequence[Floats], matrix: Matrix, image_wh: tuple[int, int]) -> float:
    """Median movement of the bays' corners (of the image's corners where there are no bays)."""
    frame = as_floats([[0.1, 0.1], [0.9, 0.1], [0.9, 0.9], [0.1, 0.9]])
    points = np.concatenate(polygons) if polygons else frame
    moved = to_pixels(apply_matrix(points, matrix) - points, image_wh)
    return float(np.median(np.hypot(moved[:, 0], moved[:, 1])))
