"""How wrong a forecast is likely to be, from what is known when it is made.

A lot that is unlike usual is harder to forecast than one that is as always, noon harder than night.
Intervals are made of errors in this measure (locally weighted conformal prediction; Lei et al.,
JASA 113, 2018, section 5.2), so they are wide where they must be and narrow elsewhere.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from cloud_app.analytics.demand import MINUTES_A_DAY, Slots
from cloud_app.analytics.forecast.features import Rows
from cloud_app.analytics.forecast.regression import Floats

_FEATURES = 8
# Of the mean error: no forecast is surer than that.
_LEAST_SHARE = 0.3
_RIDGE = 1.0


@dataclass(frozen=True, slots=True, eq=False)
class Difficulty:
    """Expected size of the errors of one horizon.

    Attributes:
        weights: (8,), of what is known at the origin.
        least: the smallest, share of the capacity.
    """

    weights: Floats
    least: float

    @classmethod
    def even(cls) -> Difficulty:
        """All are as hard: bounds are shares of the capacity."""
        return cls(np.zeros(_FEATURES), 1.0)

    @classmethod
    def learn(
        cls, rows: Mapping[str, Rows], error: Mapping[str, Floats], slots: Slots
    ) -> Difficulty:
        """From forecasts that came due, by lot: least squares of the sizes of their errors."""
        size = np.abs(np.concatenate([error[lot] for lot in rows]))
        if not len(size):
            return cls.even()
        found = np.concatenate([_features(each, slots) for each in rows.values()])
        spread = found.std(axis=0) + 1e-9
        spread[0] = 1.0
        scaled = found / spread
        square = scaled.T @ scaled + _RIDGE * np.eye(_FEATURES)
        weights = np.linalg.solve(square, scaled.T @ size) / spread
        return cls(weights, max(_LEAST_SHARE * float(size.mean()), 1e-6))

    def of(self, rows: Rows, slots: Slots) -> Floats:
        """(n,), of each row."""
        size: Floats = np.maximum(_features(rows, slots) @ self.weights, self.least)
        return size


def _features(rows: Rows, slots: Slots) -> Floats:
    """(n, 8): how unlike usual it is, how full the target, the time of day.

    Inputs 0, 3, 1 and 8: how far now and the last hours are from usual, how that changed in the
    last slot, and how far the usual share moves until the target.
    """
    angle = 2 * np.pi * (slots.first_min + rows.slot * slots.step_min) / MINUTES_A_DAY
    unlike = np.abs(rows.inputs[:, [0, 3, 1, 8]]).T
    made: Floats = np.stack(
        [
            np.ones(len(rows)), *unlike, rows.usual * (1 - rows.usual), np.sin(angle), np.cos(angle)
        ],
        axis=1,
    )  # fmt: skip
    return made
