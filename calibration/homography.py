"""Maps between planes: the ground (or a row on it) and the image.

A camera without lens distortion maps the ground to the image by a homography, which keeps
straight lines and cross-ratios; all row geometry rests on that.
"""

from __future__ import annotations

import numpy as np

from calibration.geometry import Doubles
from telemetry.errors import CalibrationError

_POINTS = 4
UNIT_SQUARE: Doubles = np.array([[0, 0], [1, 0], [1, 1], [0, 1]], np.float64)


def fit_homography(source: Doubles, target: Doubles) -> Doubles:
    """The homography that takes `source` points to `target` points, exact for four.

    Direct linear transform on points moved and scaled to unit spread first (Hartley 1997), without
    which pixels and metres of different size make it ill-conditioned.

    Args:
        source: shape (K, 2), K >= 4, no three of four points on one line.
        target: shape (K, 2).

    Returns:
        Shape (3, 3), the last entry 1 where possible.

    Raises:
        CalibrationError: the points do not determine a homography.
    """
    if len(source) < _POINTS or source.shape != target.shape:
        msg = f"expected 4 or more pairs of points, but got {len(source)} and {len(target)}"
        raise CalibrationError(msg)
    from_unit, into_unit = _spread(target)[1], _spread(source)[0]
    src = apply_homography(into_unit, source)
    dst = apply_homography(inverse_of(from_unit), target)
    one, zero = np.ones(len(src)), np.zeros((len(src), 3))
    place = np.column_stack([src, one])
    rows = np.vstack(
        [
            np.hstack([place, zero, -dst[:, :1] * place]),
            np.hstack([zero, place, -dst[:, 1:] * place]),
        ]
    )
    _, singular, right = np.linalg.svd(rows)
    # Nine unknowns up to scale: the eighth singular value vanishes when points are degenerate.
    if singular[_POINTS * 2 - 1] < 1e-9 * singular[0]:
        msg = "expected points of which no three lie on a line, but got degenerate ones"
        raise CalibrationError(msg)
    matrix = from_unit @ right[-1].reshape(3, 3) @ into_unit
    scale = matrix[2, 2] if abs(matrix[2, 2]) > 1e-12 * np.abs(matrix).max() else 1.0
    return np.asarray(matrix / scale, np.float64)


def _spread(points: Doubles) -> tuple[Doubles, Doubles]:
    """The similarity that moves points to the origin at distance sqrt 2, and its inverse."""
    centre = points.mean(axis=0)
    distance = float(np.linalg.norm(points - centre, axis=1).mean())
    scale = np.sqrt(2) / distance if distance > 0 else 1.0
    into = np.array([[scale, 0, -scale * centre[0]], [0, scale, -scale * centre[1]], [0, 0, 1.0]])
    return into, inverse_of(into)


def apply_homography(matrix: Doubles, points: Doubles) -> Doubles:
    """Map points, shape (..., 2), by a homography, shape (3, 3).

    Raises:
        CalibrationError: a point lies on or beyond the horizon, where the ground has no image.
    """
    mapped = np.asarray(points, np.float64) @ matrix[:, :2].T + matrix[:, 2]
    depth = mapped[..., 2:]
    if depth.size and (not np.isfinite(depth).all() or depth.min() * depth.max() <= 0):
        msg = "expected points below the horizon, but got some above it"
        raise CalibrationError(msg)
    return np.asarray(mapped[..., :2] / depth, np.float64)


def inverse_of(matrix: Doubles) -> Doubles:
    """The map back, shape (3, 3)."""
    return np.asarray(np.linalg.inv(matrix), np.float64)


def square_to_quad(quad: Doubles) -> Doubles:
    """The homography from the unit square to a convex quad, shape (4, 2).

    Corner (0, 0) goes to the first corner, (1, 0), (1, 1) and (0, 1) to the next ones.

    Raises:
        CalibrationError: the quad is not convex, so it cannot be an image of a rectangle.
    """
    edges = np.roll(quad, -1, axis=0) - quad
    turns = edges[:, 0] * np.roll(edges[:, 1], -1) - edges[:, 1] * np.roll(edges[:, 0], -1)
    size = float(np.abs(edges).max()) ** 2
    if not (turns > 1e-9 * size).all() and not (turns < -1e-9 * size).all():
        corners = ", ".join(f"({x:.4g}, {y:.4g})" for x, y in quad)
        msg = f"expected four corners of a convex quadrilateral, but got {corners}"
        raise CalibrationError(msg)
    return fit_homography(UNIT_SQUARE, quad)
