"""Whether the memory of a soaked box is flat: a line through means of five minutes each."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from scipy import stats

BLOCK_S = 300.0
LEAST_BLOCKS = 4
"""A line through fewer has no interval worth telling."""


def memory(samples: Sequence[Any], warm_up_s: float) -> dict[str, object]:
    """Slope of the resident memory with its 95 % interval, MiB an hour."""
    block_s = min(BLOCK_S, max(1.0, (samples[-1].at_s - warm_up_s) / 6))
    blocks: dict[int, list[Any]] = {}
    for one in samples:
        if one.at_s >= warm_up_s:
            blocks.setdefault(int((one.at_s - warm_up_s) // block_s), []).append(one)
    hours = [float(np.mean([s.at_s for s in block])) / 3600 for block in blocks.values()]
    mib = [float(np.mean([s.rss_mib for s in block])) for block in blocks.values()]
    if len(mib) < LEAST_BLOCKS:
        return {
            "most_mib": round(max(s.rss_mib for s in samples), 1),
            "block_means_mib": [round(each, 1) for each in mib],
            "verdict": "too short to tell",
        }
    line = stats.linregress(hours, mib)
    half = float(stats.t.ppf(0.975, len(hours) - 2) * line.stderr)
    low, high = float(line.slope) - half, float(line.slope) + half
    return {
        "first_mib": round(mib[0], 1), "last_mib": round(mib[-1], 1),
        "most_mib": round(max(s.rss_mib for s in samples), 1),
        "slope_mib_per_h": round(float(line.slope), 1),
        "slope_95": [round(low, 1), round(high, 1)],
        "block_means_mib": [round(each, 1) for each in mib],
        "verdict": "grows" if low > 0 else "flat" if high >= 0 else "shrinks",
    }  # fmt: skip
