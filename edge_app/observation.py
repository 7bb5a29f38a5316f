"""What a pass of the network showed, for downstream parts: incidents, harvest, audit.

The pipeline knows none of them; each is a `Observer` that the service hangs onto it.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Protocol

from calibration import Calibration
from telemetry import BayState
from vision.background import Moving
from vision.types import BayEvidence, Floats, Frame, NetworkOutput, NetworkSpec


@dataclass(frozen=True, slots=True)
class Observation:
    """One judged frame.

    Attributes:
        frame: the image.
        calibration: in use; it has at least one bay.
        spec: the network that looked.
        output: what it said.
        polygons_norm: the polygons as used for this image (the view guard may have moved them),
            M of shape (K, 2), in the calibration's order.
        evidence: what this one frame says about the M bays.
        states: the M bays' states after this frame.
        changed: those that this frame changed.
        moving: what moves in this frame; None if not requested.
    """

    frame: Frame
    calibration: Calibration
    spec: NetworkSpec
    output: NetworkOutput = field(repr=False)
    polygons_norm: tuple[Floats, ...] = field(repr=False)
    evidence: BayEvidence = field(repr=False)
    states: tuple[BayState, ...]
    changed: tuple[BayState, ...]
    moving: Moving | None = field(default=None, repr=False)

    @property
    def head_prob(self) -> Floats:
        """What the bay head alone says, for those that hold it against the boxes, shape (M,).

        The evidence where the network has no bay head.
        """
        return self.evidence.prob if self.output.bay_prob is None else self.output.bay_prob


class Observer(Protocol):
    """Goes on from a judged frame."""

    def observe(self, observation: Observation) -> None:
        """Take one judged frame; called in the worker's thread, so it must be quick.

        A fault in an observer is logged and never keeps a state from being recorded.
        """
        ...
