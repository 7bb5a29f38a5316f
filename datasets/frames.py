"""One labelled image: the form in memory of every set, whatever its files look like."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from datetime import datetime
from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt

from datasets.errors import DatasetError
from telemetry.errors import CameraError
from vision.image_file import decode_image
from vision.types import Floats, ImageBgr, as_floats

Bools = npt.NDArray[np.bool]
State = bool | None
"""Of a bay: occupied, free, or None if unknown."""
CORNERS_AT_LEAST = 3


@dataclass(frozen=True, slots=True)
class Origin:
    """Where images and labels come from, and what may be done with them.

    Attributes:
        source: who made them, e.g. `PKLot, Almeida et al. 2015`; empty where not known.
        licence: as stated there, SPDX where possible, e.g. `CC-BY-4.0`; empty where not stated.
    """

    source: str = ""
    licence: str = ""


UNKNOWN_ORIGIN = Origin()


@dataclass(frozen=True, slots=True)
class Vehicle:
    """A vehicle's box.

    Attributes:
        xyxy_norm: x_min, y_min, x_max, y_max, fractions of width and height.
        kind: as the set calls it, e.g. `car`.
    """

    xyxy_norm: tuple[float, float, float, float]
    kind: str = "car"

    def __post_init__(self) -> None:
        """Reject a box without an area.

        Raises:
            DatasetError: its sides are not in order, or no numbers.
        """
        left, top, right, bottom = self.xyxy_norm
        if not (left < right and top < bottom and np.isfinite(self.xyxy_norm).all()):
            msg = f"vehicle: expected x_min < x_max and y_min < y_max, but got {self.xyxy_norm}"
            raise DatasetError(msg)


@dataclass(frozen=True, slots=True, eq=False)
class LotFrame:
    """One labelled image; it is decoded lazily.

    Attributes:
        set_name: of the set, e.g. `acpds`.
        split: of the set, e.g. `valid`; empty where the set is not split.
        path: of the image.
        polygons_norm: M bays, each (K, 2), fractions of width and height.
        states: ground truth of M bays; None if unknown.
        bay_ids: names of the bays; their numbers in the image where the set has none.
        camera: where the set says; else empty.
        lot: likewise.
        weather: likewise.
        time_local: where the set says; the sets give no time zone.
        vehicles: boxes, where the set has some.
        image_wh: width and height in pixels, where the set says.
        origin: source and licence, where they are known.
    """

    set_name: str
    split: str
    path: Path
    polygons_norm: tuple[Floats, ...] = field(repr=False)
    states: tuple[State, ...] = field(repr=False)
    bay_ids: tuple[str, ...] = field(repr=False)
    camera: str = ""
    lot: str = ""
    weather: str = ""
    time_local: datetime | None = None
    vehicles: tuple[Vehicle, ...] = field(default=(), repr=False)
    image_wh: tuple[int, int] | None = None
    origin: Origin = UNKNOWN_ORIGIN

    def __post_init__(self) -> None:
        """Reject what contradicts itself.

        Raises:
            DatasetError: a bay has no outline, no state or no name.
        """
        count = len(self.polygons_norm)
        if len(self.states) != count:
            msg = f"expected an occupancy for each of {count} bays, but got {len(self.states)}"
            raise DatasetError(msg)
        if len(self.bay_ids) != count:
            msg = f"expected a name for each of {count} bays, but got {len(self.bay_ids)}"
            raise DatasetError(msg)
        for bay, polygon in zip(self.bay_ids, self.polygons_norm, strict=True):
            check_outline(bay, polygon)
        if self.image_wh is not None and min(self.image_wh) <= 0:
            msg = f"expected an image of at least one pixel, but got {self.image_wh}"
            raise DatasetError(msg)

    @property
    def key(self) -> str:
        """Set, split and file, unique over all sets."""
        return f"{self.set_name}/{self.split}/{self.path.name}"

    @property
    def view(self) -> str:
        """Set, lot and camera, as far as the set names them: what is judged as one camera."""
        return "/".join(filter(None, (self.set_name, self.lot, self.camera)))

    @property
    def occupied(self) -> Bools:
        """Which bays are surely occupied, shape (M,)."""
        return np.array([state is True for state in self.states], np.bool)

    @property
    def known(self) -> Bools:
        """Which bays have a truth, shape (M,)."""
        return np.array([state is not None for state in self.states], np.bool)

    def with_known_bays(self) -> LotFrame:
        """The same image with those bays only whose truth is known: for judging and training."""
        if None not in self.states:
            return self
        keep = np.flatnonzero(self.known)
        return replace(
            self,
            polygons_norm=tuple(self.polygons_norm[i] for i in keep),
            states=tuple(self.states[i] for i in keep),
            bay_ids=tuple(self.bay_ids[i] for i in keep),
        )

    def read(self) -> ImageBgr:
        """Decode the image, turned as its EXIF orientation says.

        Raises:
            DatasetError: it is missing, no image, or not a whole one.
        """
        return read_picture(self.path)

    def size_wh(self) -> tuple[int, int]:
        """Width and height in pixels; the image is decoded where the set does not say.

        Raises:
            DatasetError: it is missing or no image.
        """
        return self.image_wh or picture_size_wh(self.path)


def with_origin(frames: Iterable[LotFrame], origin: Origin) -> list[LotFrame]:
    """The same images; where source or licence is not said, this one."""
    return [
        replace(
            frame,
            origin=Origin(
                frame.origin.source or origin.source, frame.origin.licence or origin.licence
            ),
        )
        for frame in frames
    ]


def read_picture(path: Path) -> ImageBgr:
    """Decode an image, turned as its EXIF orientation says.

    Raises:
        DatasetError: it is missing, no image, or not a whole one.
    """
    try:
        return decode_image(path.read_bytes(), str(path))
    except OSError as exc:
        msg = f"{path}: cannot read the image: {exc.strerror}"
        raise DatasetError(msg) from exc
    except CameraError as exc:
        raise DatasetError(str(exc)) from exc


def picture_size_wh(path: Path) -> tuple[int, int]:
    """Width and height of an image in pixels, upright; one that is cut off tells them as well.

    Raises:
        DatasetError: it is missing or no image.
    """
    image = cv2.imread(str(path), cv2.IMREAD_COLOR)
    if image is None:
        msg = f"{path}: image is missing or cannot be decoded"
        raise DatasetError(msg)
    return image.shape[1], image.shape[0]


def polygon_of(bay: str, roi: npt.ArrayLike) -> Floats:
    """A bay's outline, shape (K, 2), from a list of corners.

    Raises:
        DatasetError: it is no list of three or more pairs of finite numbers.
    """
    try:
        polygon = as_floats(roi)
    except (TypeError, ValueError, OverflowError) as exc:
        msg = f"bay {bay}: expected corners [x, y], but got {str(roi)[:60]}"
        raise DatasetError(msg) from exc
    check_outline(bay, polygon)
    return polygon


def check_outline(bay: str, polygon: Floats) -> None:
    """Reject an outline that is none.

    Raises:
        DatasetError: it has fewer than three corners, or a corner that is no place.
    """
    shape = polygon.shape
    if len(shape) != 2 or shape[1] != 2 or shape[0] < CORNERS_AT_LEAST:  # noqa: PLR2004
        msg = f"bay {bay}: expected corners of shape (K, 2), K > 2, but got {shape}"
        raise DatasetError(msg)
    if not np.isfinite(polygon).all():
        msg = f"bay {bay}: expected finite corners, but got {polygon.tolist()}"
        raise DatasetError(msg)
