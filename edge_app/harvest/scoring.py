"""What a label of a frame would be worth, told on the box from what the network said of it.

The signs and how they are joined are those of the label queue (`datasets.labelling.scoring`): the
margin between the two classes, disagreement of the two heads, and what happened on the box. The
queue looks again with a newer network; here it is only decided which frames are kept for it.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np

from edge_app.observation import Observation
from harvest import HarvestReason
from telemetry import UnknownReason
from vision.assignment import OverlapRule
from vision.change_gate import bay_patches, patch_change
from vision.types import Floats, as_floats
from vision.view_match import small_grey

FLAP_WINDOW_S = 900.0
FLAP_CHANGES = 4
"""Changes of one bay within the window: no car parks and leaves twice in a quarter of an hour."""
LIGHT_CHANGE = 25.0
"""Levels of brightness, 0 to 255, between two lights: clouds move it by less, lamps and dusk by
more."""
SAME_PATCH = 0.35
"""Below this change of every bay two frames show the same, see `GateSettings.least_change`."""
NOISE_LEVEL = 9.0
_LIGHT_SIDE_PX = 64
_FROM_ALARM = frozenset(
    {
        UnknownReason.CAMERA_LOST,
        UnknownReason.FROZEN,
        UnknownReason.BLIND,
        UnknownReason.DARK,
        UnknownReason.VIEW_MOVED,
        UnknownReason.MODEL_ERROR,
    }
)
# Boxes alone err far more often than the bay head does, and mostly by themselves.
_WEIGHTS: Mapping[HarvestReason, float] = {
    HarvestReason.UNCERTAIN: 1.0,
    HarvestReason.DISAGREEMENT: 0.6,
    HarvestReason.FLAPPING: 0.7,
    HarvestReason.LIGHT_CHANGED: 0.5,
    HarvestReason.AFTER_ALARM: 0.5,
}
_NAMED_FROM = 0.25
"""A sign weaker than this, of 1, is not named as a reason."""


@dataclass(frozen=True, slots=True)
class Worth:
    """What a frame is worth.

    Attributes:
        score: 0 to 1.
        reasons: weightiest first; empty where nothing speaks for it.
    """

    score: float
    reasons: tuple[HarvestReason, ...]


@dataclass(frozen=True, slots=True)
class FrameSignature:
    """What tells two frames of a camera apart.

    Attributes:
        patches: of the bays, see `vision.change_gate`.
        light: mean brightness, 0 to 255.
    """

    patches: Floats = field(repr=False)
    light: float

    def repeats(self, other: FrameSignature) -> bool:
        """Whether the other shows the same in the same light."""
        if self.patches.shape != other.patches.shape or self.is_other_light(other):
            return False
        change = patch_change(other.patches, self.patches, NOISE_LEVEL)
        return bool((change < SAME_PATCH).all())

    def is_other_light(self, other: FrameSignature) -> bool:
        """Whether the light differs by more than a cloud."""
        return abs(self.light - other.light) >= LIGHT_CHANGE


class FlapCounter:
    """How often each bay of one camera changed lately."""

    def __init__(self) -> None:
        self._changes: dict[str, deque[float]] = {}

    def note(self, observation: Observation) -> None:
        """Take in the changes of one frame."""
        now_s = observation.frame.captured_mono_s
        for state in observation.changed:
            self._changes.setdefault(state.bay, deque(maxlen=FLAP_CHANGES)).append(now_s)

    def is_flapping(self, now_s: float) -> bool:
        """Whether any bay changed again and again."""
        return any(
            len(times) == FLAP_CHANGES and now_s - times[0] <= FLAP_WINDOW_S
            for times in self._changes.values()
        )


def signature_of(observation: Observation) -> FrameSignature:
    """What tells a frame from others."""
    patches = bay_patches(observation.frame.image_bgr, observation.polygons_norm)
    return FrameSignature(
        patches, float(small_grey(observation.frame.image_bgr, _LIGHT_SIDE_PX).mean())
    )


def box_probs(observation: Observation) -> Floats | None:
    """Probability of occupied from vehicle boxes alone, shape (M,); None: the network has no other.

    The rule that judges stock networks without a bay head.
    """
    if not observation.spec.has_bay_head:
        return None
    height, width = observation.frame.image_bgr.shape[:2]
    rule = OverlapRule()
    return rule.judge(observation.output, list(observation.polygons_norm), (width, height)).prob


def worth_of(
    observation: Observation, boxes: Floats | None, *, other_light: bool, flapping: bool
) -> Worth:
    """Worth of one frame.

    Args:
        observation: the judged frame, with one bay at least.
        boxes: of `box_probs`.
        other_light: whether its light is none of those seen lately.
        flapping: whether a bay changed again and again.
    """
    prob = observation.evidence.prob
    returned = any(state.reason in _FROM_ALARM for state in observation.states)
    signs = {
        HarvestReason.UNCERTAIN: float((1 - np.abs(2 * prob - 1)).max()),
        HarvestReason.DISAGREEMENT: _contradiction(observation.head_prob, boxes),
        HarvestReason.FLAPPING: float(flapping),
        HarvestReason.LIGHT_CHANGED: float(other_light),
        HarvestReason.AFTER_ALARM: float(returned),
    }
    parts = {reason: _WEIGHTS[reason] * sign for reason, sign in signs.items()}
    ranked = sorted(parts, key=lambda reason: -parts[reason])
    return Worth(
        score=float(1 - np.prod([1 - part for part in parts.values()])),
        reasons=tuple(reason for reason in ranked if parts[reason] >= _NAMED_FROM),
    )


def _contradiction(prob: Floats, boxes: Floats | None) -> float:
    """Largest difference of the two heads on a bay of which they say opposite things."""
    if boxes is None:
        return 0.0
    opposite = (prob >= 0.5) != (boxes >= 0.5)  # noqa: PLR2004 - even odds
    return float(as_floats(np.abs(prob - boxes) * opposite).max())
