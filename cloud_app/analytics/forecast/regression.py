"""Least absolute deviations with a ridge, by iteratively reweighted least squares.

Absolute deviations, since a forecast is judged by its mean absolute error and a match day or a
closed road must not bend every other day. Source of the method: Schlossmacher, An iterative
technique for absolute deviations curve fitting, JASA 68 (1973).
"""

from __future__ import annotations

from typing import TypeAlias

import numpy as np
import numpy.typing as npt

Floats: TypeAlias = npt.NDArray[np.float64]

_ROUNDS = 25
# Below this a deviation weighs no more, as its weight would grow without bound: a share of 0.3 %.
_SMALLEST = 0.003


def fit_absolute(
    inputs: Floats, target: Floats, weights: Floats, *, ridge: float, prior: Floats | None = None
) -> Floats:
    """Coefficients that make the weighted sum of absolute deviations small.

    Args:
        inputs: (n, k).
        target: (n,).
        weights: (n,), of each row.
        ridge: how strongly the coefficients are held to `prior`, in rows' worth.
        prior: (k,); zero by default.

    Returns:
        (k,).
    """
    scale = inputs.std(axis=0) + 1e-9
    scaled = inputs / scale
    held = np.zeros(scaled.shape[1]) if prior is None else prior * scale
    penalty = ridge * np.eye(scaled.shape[1])
    reweighted = weights
    coefficients = held
    for _ in range(_ROUNDS):
        weighted = scaled.T * reweighted
        # Rows weigh 1 / deviation: the ridge is in the same measure at a deviation of one per cent.
        coefficients = np.linalg.solve(
            weighted @ scaled + 100 * penalty, weighted @ target + 100 * ridge * held
        )
        deviation = np.abs(target - scaled @ coefficients)
        reweighted = weights / np.maximum(deviation, _SMALLEST)
    fitted: Floats = coefficients / scale
    return fitted
