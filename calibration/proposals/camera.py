"""The camera, from nothing but vehicles: cars are all about as large.

First from the boxes alone, with one of a few lenses; then, once vehicles stand in rows, again so
that rows come out straight and evenly spaced, which boxes say little about.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.optimize import minimize

from calibration.geometry import Doubles
from calibration.pose import GroundCamera
from calibration.proposals.footprints import NO_PLACE, box_costs, place_vehicles
from vision.types import Detections, Ints

# Focal length over image width, and distortion: a plain lens, a wide one, an action camera.
LENSES = ((0.9, 0.0), (0.6, -0.25), (0.45, -0.55))
PITCH_M = 2.6
"""Usual distance of neighbouring bays, metres."""
# Cuboids and boxes differ by about 15 % in size; beyond, a box counts as wrong rather than far off.
_SIZE_SPREAD = 0.15
_HEIGHT_M, _HEIGHT_SPREAD = 8.0, 0.8
_ROLL_SPREAD_RAD = 0.06
_FIT_YAWS = np.radians(np.arange(0, 180, 15))
_TILTS_DEG = (12, 22, 35, 50, 65, 88)
_HEIGHTS_M = (4.0, 8.0, 16.0, 40.0)
_LEAST_TILT_RAD, _MOST_TILT_RAD = 0.05, 1.65
_STRONGEST, _WEAKEST = -0.75, 0.02
_IMPOSSIBLE = 1e3
_CURVE_FROM = 6
"""Rows of so many vehicles may be curved."""


@dataclass(frozen=True, slots=True)
class Vehicles:
    """Boxes to reason about.

    Attributes:
        boxes_px: shape (N, 4).
        weights: how sure each is, shape (N,).
        frames: number of the frame that shows each best, shape (N,); all 0 for one image.
    """

    boxes_px: Doubles
    weights: Doubles
    frames: Ints

    def __len__(self) -> int:
        """How many."""
        return len(self.weights)

    def pick(self, which: npt.ArrayLike) -> Vehicles:
        """Some of them, by mask or index."""
        chosen = np.asarray(which)
        return Vehicles(self.boxes_px[chosen], self.weights[chosen], self.frames[chosen])

    @classmethod
    def of_frame(cls, detections: Detections) -> Vehicles:
        """Those of one image."""
        count = len(detections)
        return cls(
            detections.xyxy_px.astype(np.float64).reshape(-1, 4),
            detections.confidence.astype(np.float64),
            np.zeros(count, np.int64),
        )


def fit_camera(vehicles: Vehicles, image_wh: tuple[int, int]) -> GroundCamera:
    """The camera for which cars under the boxes are as large as cars are.

    Lens, tilt, roll and height by least robust cost, from a grid of starts; of what the boxes leave
    open (height and focal length trade off when looking straight down) usual values are preferred.
    """
    best: tuple[float, GroundCamera] | None = None
    for lens in LENSES:

        def cost(values: Doubles, lens: tuple[float, float] = lens) -> float:
            return _box_objective(values, vehicles, image_wh, lens)

        starts = [
            np.array([np.radians(tilt), 0.0, np.log(height), 0.0])
            for tilt in _TILTS_DEG
            for height in _HEIGHTS_M
        ]
        starts.sort(key=cost)
        for start in starts[:2]:
            value, found = _simplex(cost, start, (0.12, 0.05, 0.2, 0.1), 250)
            if best is None or value < best[0]:
                best = value, _camera(found, image_wh, lens)
    assert best is not None  # noqa: S101 - LENSES is not empty
    return best[1]


def _camera(values: Doubles, image_wh: tuple[int, int], lens: tuple[float, float]) -> GroundCamera:
    tilt, roll, log_height, log_focal = (float(value) for value in values)
    focal_px = image_wh[0] * lens[0] * float(np.exp(log_focal))
    return GroundCamera(image_wh, focal_px, tilt, roll, float(np.exp(log_height)), lens[1])


def _box_objective(
    values: Doubles, vehicles: Vehicles, image_wh: tuple[int, int], lens: tuple[float, float]
) -> float:
    if not _LEAST_TILT_RAD < values[0] < _MOST_TILT_RAD:
        return _IMPOSSIBLE
    costs, _ = box_costs(_camera(values, image_wh, lens), vehicles.boxes_px, _FIT_YAWS)
    least = costs.min(1)
    fit = float((vehicles.weights * _robust(least / _SIZE_SPREAD**2)).sum())
    unusual = (
        (values[1] / _ROLL_SPREAD_RAD) ** 2
        + ((values[2] - np.log(_HEIGHT_M)) / _HEIGHT_SPREAD) ** 2
        + (values[3] / 0.12) ** 2
    )
    return fit / float(vehicles.weights.sum()) + 0.25 * float(unusual) / len(vehicles)


def _robust(squares: Doubles) -> Doubles:
    """Geman and McClure's cost: squares near 0, 1 for whatever is far off."""
    return np.asarray(squares / (squares + 1), np.float64)


def _simplex(
    cost: Callable[[Doubles], float], start: Doubles, spread: Sequence[float], evaluations: int
) -> tuple[float, Doubles]:
    found = minimize(
        cost,
        start,
        method="Nelder-Mead",
        options={
            "maxfev": evaluations,
            "xatol": 1e-3,
            "fatol": 5e-4,
            "initial_simplex": np.vstack([start, start + np.diag(spread)]),
        },
    )
    return float(found.fun), np.asarray(found.x, np.float64)


def refine_camera(
    camera: GroundCamera,
    vehicles: Vehicles,
    rows: Sequence[Sequence[int]],
    yaws_rad: Sequence[float],
) -> GroundCamera:
    """The camera for which, beside, vehicles of a row stand in line, square to it and evenly.

    Args:
        camera: where to start.
        vehicles: all of them.
        rows: which of them form rows of three or more.
        yaws_rad: direction of the vehicles of each row.
    """
    start = np.array(
        [
            camera.tilt_rad,
            camera.roll_rad,
            np.log(camera.height_m),
            np.log(camera.focal_px / camera.image_wh[0]),
            camera.distortion,
        ]
    )
    members = [vehicles.pick(row) for row in rows]
    trust = np.array([0.15, np.inf, 0.25, 0.12, 0.12])

    def built(values: Doubles) -> GroundCamera:
        tilt, roll, log_height, log_focal, distortion = (float(value) for value in values)
        focal_px = camera.image_wh[0] * float(np.exp(log_focal))
        height_m = float(np.exp(log_height))
        return GroundCamera(camera.image_wh, focal_px, tilt, roll, height_m, distortion)

    def cost(values: Doubles) -> float:
        if not (_LEAST_TILT_RAD < values[0] < _MOST_TILT_RAD and _STRONGEST < values[4] < _WEAKEST):
            return _IMPOSSIBLE
        now = built(values)
        away = (((values - start) / trust) ** 2).sum() + (values[1] / _ROLL_SPREAD_RAD) ** 2
        rows_cost = sum(_row_cost(now, m, yaw) for m, yaw in zip(members, yaws_rad, strict=True))
        return rows_cost + 0.5 * float(away)

    return built(_simplex(cost, start, (0.05, 0.03, 0.1, 0.06, 0.06), 150)[1])


def _row_cost(camera: GroundCamera, vehicles: Vehicles, yaw_rad: float) -> float:
    impossible = NO_PLACE * len(vehicles)
    places, _ = place_vehicles(camera, vehicles.boxes_px, np.array([yaw_rad]))
    if not np.isfinite(places).all():
        return impossible
    yaw = _square_to(places[:, 0], yaw_rad)
    costs, places = box_costs(camera, vehicles.boxes_px, np.array([yaw]), steps=3)
    ground = places[:, 0]
    if not np.isfinite(ground).all():
        return impossible
    along, depth = along_and_depth(ground, yaw)
    order = np.argsort(along)
    along, depth = along[order], depth[order]
    steps = np.diff(along)
    counts = np.maximum(1, np.round(steps / PITCH_M))
    uneven = ((steps - PITCH_M * counts) / (0.25 * np.sqrt(counts))) ** 2
    curve = np.polyfit(along, depth, 2 if len(along) >= _CURVE_FROM else 1)
    out_of_line = ((depth - np.polyval(curve, along)) / 0.4) ** 2
    size = float((vehicles.weights * _robust(costs[:, 0] / _SIZE_SPREAD**2)).sum())
    return size + 0.7 * float(_robust(uneven).sum()) + 0.5 * float(_robust(out_of_line).sum())


def _square_to(places_m: Doubles, yaw_rad: float) -> float:
    """The direction square to the line through places, if that is near the one supposed."""
    run = np.linalg.svd(places_m - places_m.mean(0))[2][0]
    turn = half_turn(float(np.arctan2(run[1], run[0])) + np.pi / 2 - yaw_rad)
    # A greater angle means angled bays, whose cars do not stand square to their row.
    return yaw_rad + float(np.clip(turn, -0.35, 0.35)) if abs(turn) < 0.45 else yaw_rad  # noqa: PLR2004


def half_turn(angle_rad: float) -> float:
    """An angle between directions without sense, from -pi/2 to pi/2."""
    return (angle_rad + np.pi / 2) % np.pi - np.pi / 2


def along_and_depth(places_m: Doubles, yaw_rad: float) -> tuple[Doubles, Doubles]:
    """Coordinates across and along the vehicles' long axis: along the row, and in its depth."""
    axis = np.array([np.cos(yaw_rad), np.sin(yaw_rad)])
    return places_m @ np.array([-axis[1], axis[0]]), places_m @ axis
