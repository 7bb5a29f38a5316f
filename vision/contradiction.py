"""Bays on which the bay head and the boxes contradict each other for long.

In one frame that is common, and the weights of `vision.fusion` settle most of it: where they end
up sure, they are right. On the rest one bay in six is wrong, and since a bay looks alike from one
hour to the next, it stays wrong. Such a bay becomes unknown (`unsure`) while the contradiction
lasts, and a person is asked to judge it by eye; see `vision.bay_bias` for what the answer does.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from telemetry.vocabulary import UnknownReason
from vision.types import BayEvidence, Floats

Bools = npt.NDArray[np.bool]
HEAD_SURE, BOXES_SURE = 0.7, 0.7
"""Probability from which on each of the two says something."""
SETTLED_BELOW, SETTLED_ABOVE = 0.03, 0.9
"""The two together are sure beyond these: no error in 436 bays of the sets that may be trained on,
against 23 in 142 between them."""
_LONGEST_STEP_S = 120.0
"""Longer pauses between looks say nothing of what was in between."""


def contradicts(head: Floats, boxes: Floats, both: Floats) -> Bools:
    """Where head and boxes contradict each other and the two together settle nothing.

    Args:
        head: probability of "occupied" by the bay head, shape (M,).
        boxes: by the boxes.
        both: by their fusion.
    """
    apart = (head > HEAD_SURE) & (boxes < 1 - BOXES_SURE)
    apart |= (head < 1 - HEAD_SURE) & (boxes > BOXES_SURE)
    return np.asarray(apart & (both > SETTLED_BELOW) & (both < SETTLED_ABOVE), np.bool)


@dataclass(frozen=True, slots=True)
class ContradictionSettings:
    """When a contradiction lasts.

    Attributes:
        memory_s: time constant of the share of time that a bay is contradictory.
        enter_share: from this share of time on it is lasting: after about `memory_s` without a
            pause.
        leave_share: below it no longer is.
    """

    memory_s: float = 600.0
    enter_share: float = 0.6
    leave_share: float = 0.2


class ContradictionWatch:
    """Which of a camera's bays are contradictory for long; not thread-safe.

    Args:
        bay_ids: in the order of the evidence.
        settings: thresholds.
    """

    def __init__(
        self, bay_ids: Sequence[str], settings: ContradictionSettings | None = None
    ) -> None:
        self._bay_ids = tuple(bay_ids)
        self._settings = settings or ContradictionSettings()
        self._share = np.zeros(len(bay_ids))
        self._lasts = np.zeros(len(bay_ids), np.bool)
        self._looked_s: float | None = None

    def look(
        self, evidence: BayEvidence, mono_s: float, answered: Collection[str] = ()
    ) -> BayEvidence:
        """Take in one frame.

        Args:
            evidence: of all bays.
            mono_s: monotonic time of the frame, seconds.
            answered: bays that a person has judged; they are never made unknown here.

        Returns:
            The evidence without the bays on which a contradiction lasts.
        """
        if evidence.contradicted is None:
            return evidence
        passed_s = 0.0 if self._looked_s is None else mono_s - self._looked_s
        self._looked_s = mono_s
        step = 1 - math.exp(-min(passed_s, _LONGEST_STEP_S) / self._settings.memory_s)
        self._share += step * (evidence.contradicted - self._share)
        self._lasts |= self._share >= self._settings.enter_share
        self._lasts &= self._share >= self._settings.leave_share
        self._lasts &= np.array([bay not in answered for bay in self._bay_ids], np.bool)
        unsure = np.flatnonzero(self._lasts & evidence.contradicted & (evidence.quality > 0))
        return evidence.without(dict.fromkeys(unsure.tolist(), UnknownReason.UNSURE))

    def lasting(self) -> tuple[str, ...]:
        """The bays that a person should judge, in order."""
        return tuple(bay for bay, lasts in zip(self._bay_ids, self._lasts, strict=True) if lasts)
