"""Bays in which a car would be hidden behind others: under 70 % of it would be seen.

The rule of installers (Swarm's, for one): of a car in any bay at least 70 % must be visible with
cars in the bays around it. A camera is fitted to the bays themselves, which are about as
large everywhere; cars are cuboids on them.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.optimize import least_squares
from shapely import MultiPoint, union_all
from shapely import Polygon as Shape
from shapely.geometry.base import BaseGeometry

from calibration.findings import Code, Finding, Severity
from calibration.geometry import Doubles, to_pixels
from calibration.pose import GroundCamera, ground_points
from calibration.types import Calibration
from telemetry.vocabulary import BayAngle

LEAST_VISIBLE = 0.7
# A bay's usual width and depth, metres, by angle; parallel bays are long and narrow.
_BAY_M = {
    BayAngle.PERPENDICULAR: (2.5, 5.0),
    BayAngle.ANGLED: (2.5, 5.0),
    BayAngle.PARALLEL: (2.1, 5.8),
}
_CAR_HEIGHT_M = 1.5
_CAR_SHARE = 0.85
"""A car takes up this share of a bay's width and depth."""
_LEAST_BAYS = 4
_MOST_MISFIT = 0.25
"""Root mean square of log size ratios; above it the bays are no ground rectangles (contours of
cars, say), and nothing can be said."""


@dataclass(frozen=True, slots=True)
class Visibility:
    """How much of a car would be seen in each bay.

    Attributes:
        shares: 0 to 1 in layout order; None where the bays do not tell the camera.
        misfit: how far the bays differ in size on the fitted ground.
    """

    shares: tuple[float, ...] | None
    misfit: float


def check_visibility(calibration: Calibration) -> tuple[Finding, ...]:
    """A warning for each bay in which less than 70 % of a car would be seen."""
    shares = bay_visibility(calibration).shares or ()
    return tuple(
        Finding(
            Severity.WARNING,
            Code.HIDDEN,
            bay.id,
            f"expected {LEAST_VISIBLE:.0%} of a car to be visible with the neighbouring bays "
            f"full, but got about {share:.0%}",
            "mount the camera higher, or leave this bay to another camera",
            bay.polygon[0],
        )
        for bay, share in zip(calibration.bays, shares, strict=False)
        if share < LEAST_VISIBLE
    )


def bay_visibility(calibration: Calibration) -> Visibility:
    """How much of a car would be seen in each bay, with cars in all others."""
    if len(calibration.bays) < _LEAST_BAYS:
        return Visibility(None, float("inf"))
    quads_px = to_pixels(calibration.quads_norm(), calibration.image_wh).reshape(-1, 4, 2)
    sizes_m = np.array([_BAY_M[bay.angle] for bay in calibration.bays])
    camera, misfit = fit_camera_to_bays(quads_px, sizes_m, calibration.image_wh)
    ground = camera.to_plane(quads_px)
    if misfit > _MOST_MISFIT or not np.isfinite(ground).all():
        return Visibility(None, misfit)
    cars = [_outline(camera, corners, _CAR_HEIGHT_M) for corners in ground]
    far_m = np.linalg.norm(ground.mean(1), axis=1)
    picture = Shape(
        [(0, 0), (w := calibration.image_wh[0], 0), (w, h := calibration.image_wh[1]), (0, h)]
    )
    shares = []
    for index, car in enumerate(cars):
        nearer = [
            cars[other]
            for other in np.flatnonzero(far_m < far_m[index] - 0.1)
            if cars[other].intersects(car)
        ]
        seen = car.intersection(picture).difference(union_all(nearer))
        shares.append(float(seen.area / car.area) if car.area > 0 else 0.0)
    return Visibility(tuple(shares), misfit)


def fit_camera_to_bays(
    quads_px: Doubles, sizes_m: Doubles, image_wh: tuple[int, int]
) -> tuple[GroundCamera, float]:
    """The camera for which all bays are rectangles of their usual size.

    Args:
        quads_px: shape (M, 4, 2).
        sizes_m: usual width and depth of each bay, shape (M, 2), metres.
        image_wh: the image's width and height, pixels.

    Returns:
        The camera, and the root mean square of log size ratios that is left.
    """

    def built(values: Doubles) -> GroundCamera:
        tilt, roll, log_height, log_focal, distortion = (float(value) for value in values)
        focal_px = image_wh[0] * float(np.exp(log_focal))
        return GroundCamera(image_wh, focal_px, tilt, roll, float(np.exp(log_height)), distortion)

    def residuals(values: Doubles) -> Doubles:
        ratios, angles = _shape_errors(built(values).to_plane(quads_px), sizes_m)
        usual = [values[1] / 0.05, (values[3] + 0.4) / 0.4, (values[4] + 0.1) / 0.3]
        return np.concatenate([ratios.ravel() / 0.1, angles.ravel() / 0.3, usual])

    low, high = [0.05, -0.3, 0.3, -1.5, -0.75], [1.6, 0.3, 4.5, 1.5, 0.0]
    fits = [
        least_squares(
            residuals,
            [np.radians(tilt), 0, np.log(8), -0.4, -0.1],
            bounds=(low, high),
            loss="soft_l1",
            max_nfev=60,
        )
        for tilt in (15, 35, 60, 85)
    ]
    camera = built(min(fits, key=lambda fit: float(fit.cost)).x)
    ratios, _ = _shape_errors(camera.to_plane(quads_px), sizes_m)
    return camera, float(np.sqrt(np.median(ratios**2)))


def _shape_errors(ground_m: Doubles, sizes_m: Doubles) -> tuple[Doubles, Doubles]:
    """Log ratios of width and depth, shape (M, 2); cosines of the corners, shape (M, 4)."""
    edges = np.roll(ground_m, -1, 1) - ground_m
    lengths = np.linalg.norm(edges, axis=-1)
    pairs = np.stack([lengths[:, 0] + lengths[:, 2], lengths[:, 1] + lengths[:, 3]], 1) / 2
    with np.errstate(invalid="ignore", divide="ignore"):
        ratios = np.log(np.sort(pairs, 1) / sizes_m)
        cosines = (edges * np.roll(edges, -1, 1)).sum(-1) / (lengths * np.roll(lengths, -1, 1))
    return np.nan_to_num(ratios, nan=3, posinf=3, neginf=-3), np.nan_to_num(cosines, nan=1)


def _outline(camera: GroundCamera, corners_m: Doubles, height_m: float) -> BaseGeometry:
    """A cuboid on a bay as seen: the hull of its eight corners."""
    base = corners_m.mean(0) + (corners_m - corners_m.mean(0)) * _CAR_SHARE
    points = np.concatenate([ground_points(base), ground_points(base, height_m)])
    seen = camera.project(points)
    seen = seen[np.isfinite(seen).all(1)]
    return MultiPoint(seen).convex_hull if len(seen) else Shape()
