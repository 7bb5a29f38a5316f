"""Pairing rows with columns, one to one."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from vision.types import Ints


def best_pairs(gain: npt.NDArray[Any]) -> tuple[Ints, Ints]:
    """Rows and columns paired one to one, so that the sum of the gains is the greatest.

    Args:
        gain: shape (R, C).

    Returns:
        Row and column of each of the min(R, C) pairs, by row; int64.
    """
    # Half of what a command would need to start, and most never pair anything.
    from scipy.optimize import linear_sum_assignment

    rows, columns = linear_sum_assignment(gain, maximize=True)
    return np.asarray(rows, np.int64), np.asarray(columns, np.int64)
