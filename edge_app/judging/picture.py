"""One picture: what the network says of every bay, with no memory of other frames."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from calibration import Calibration
from telemetry import BayState, CalibrationError, UnknownReason
from vision import BayJudge, Detections, Detector, ImageBgr, InputPlan, Judgement, NetworkSpec
from vision.draw import DrawOptions, annotate
from vision.judge import NO_BAYS, BayShapes
from vision.types import BayEvidence, Floats, Frame
from vision.view_guard import ViewGuard, ViewReport

EVEN_ODDS = 0.5
MIN_VEHICLE_CONFIDENCE = 0.25
"""Fainter boxes help to judge bays, but would litter a picture."""


@dataclass(frozen=True, slots=True)
class PictureReport:
    """What was found in one picture.

    Attributes:
        states: one for each bay.
        evidence: of the bays, as the rule gave it.
        detections: vehicles, pixels of the picture.
        plan: how the picture went through the network.
        view: what the view guard says of it.
        polygons_norm: the bays' polygons in this picture.
    """

    states: tuple[BayState, ...]
    evidence: BayEvidence
    detections: Detections
    plan: InputPlan
    view: ViewReport
    polygons_norm: tuple[Floats, ...] = field(repr=False)

    def as_dict(self, spec: NetworkSpec) -> dict[str, Any]:
        """For JSON."""
        return {
            "input": self.plan.describe(),
            "view": view_as_dict(self.view),
            "counts": count_states(self.states),
            "bays": [
                {**state_as_dict(state), "prob": round(float(prob), 4)}
                for state, prob in zip(self.states, self.evidence.prob, strict=True)
            ],
            "vehicles": vehicles_as_list(self.detections, spec),
        }


class PictureJudge:
    """A network, the bays of one camera and the guard of its view.

    Args:
        detector: the network.
        calibration: the bays.
        guard: of the camera's view; None: pictures are taken for the calibrated view.
    """

    def __init__(
        self, detector: Detector, calibration: Calibration, guard: ViewGuard | None = None
    ) -> None:
        self.calibration = calibration
        self.guard = guard
        self._judge = BayJudge(detector, calibration.shapes())

    @property
    def spec(self) -> NetworkSpec:
        """The network that judges."""
        return self._judge.spec

    def view(self, frame: Frame) -> ViewReport:
        """What the guard says of a frame, as in the service."""
        return ViewReport() if self.guard is None else self.guard.look(frame)

    def bays_in(self, view: ViewReport) -> BayShapes:
        """The bays where the view stands now."""
        return self._judge.bays.moved(view.homography)

    def look(self, image_bgr: ImageBgr, view: ViewReport | None = None) -> Judgement:
        """Run the network and the rule on one picture.

        Raises:
            ModelError: the network failed.
        """
        return self._judge.judge(image_bgr, self.bays_in(view or ViewReport()))

    def vehicles(self, image_bgr: ImageBgr, plan: InputPlan) -> Detections:
        """Only the vehicles of a picture, on an input of one's own choice.

        Raises:
            ModelError: the network failed.
        """
        detector = self._judge.detector
        return detector.detect(image_bgr, NO_BAYS.quads_norm, plan).detections

    def judge(self, image_bgr: ImageBgr, utc: datetime | None = None) -> PictureReport:
        """Judge one picture by itself: each bay is what its probability says, or `unsure`.

        Raises:
            CalibrationError: the picture does not show the calibrated view, or nothing at all.
        """
        utc = utc or datetime.now(UTC)
        view = self.view(Frame(self.calibration.camera, image_bgr, 0.0, utc, 1))
        if view.reason is not None:
            msg = f"camera '{self.calibration.camera}': {view.reason}: {view.detail}"
            raise CalibrationError(msg)
        said = self.look(image_bgr, view)
        band = (self.spec.abstain_low, self.spec.abstain_high)
        unseen = said.evidence.unseen
        states = [
            _state(bay, float(prob), band, utc)
            if (reason := unseen.get(index)) is None
            else BayState(bay, None, reason, 0.0, utc)
            for index, (bay, prob) in enumerate(
                zip(self.calibration.bay_ids, said.evidence.prob, strict=True)
            )
        ]
        return PictureReport(
            states=tuple(states),
            evidence=said.evidence,
            detections=said.output.detections,
            plan=said.plan,
            view=view,
            polygons_norm=tuple(self.bays_in(view).polygons_norm),
        )


def draw_states(
    image_bgr: ImageBgr,
    polygons_norm: Sequence[Floats],
    states: Sequence[BayState],
    detections: Detections | None,
    caption: str,
) -> ImageBgr:
    """Draw states, and vehicles if given, over the picture."""
    options = DrawOptions(caption=caption)
    found = None if detections is None else sure_vehicles(detections)
    return annotate(image_bgr, polygons_norm, states, found, options)


def view_as_dict(view: ViewReport) -> dict[str, Any]:
    """What the guard says, for JSON."""
    return {"reason": view.reason, "detail": view.detail, "shift_px": view.shift_px}


def sure_vehicles(detections: Detections) -> Detections:
    """The vehicles that are worth showing."""
    keep = detections.confidence >= MIN_VEHICLE_CONFIDENCE
    return Detections(
        detections.xyxy_px[keep], detections.confidence[keep], detections.class_id[keep]
    )


def count_states(states: tuple[BayState, ...]) -> dict[str, int]:
    """How many bays are occupied, free and unknown."""
    return {
        "occupied": sum(state.occ is True for state in states),
        "free": sum(state.occ is False for state in states),
        "unknown": sum(state.occ is None for state in states),
    }


def state_as_dict(state: BayState) -> dict[str, Any]:
    """A state for JSON, without its time."""
    return {"bay": state.bay, "occ": state.occ, "reason": state.reason, "conf": state.conf}


def vehicles_as_list(detections: Detections, spec: NetworkSpec) -> list[dict[str, Any]]:
    """The vehicles worth showing, for JSON."""
    found = sure_vehicles(detections)
    return [
        {
            "class": spec.classes[int(index)],
            "conf": round(float(conf), 4),
            "xyxy_px": [round(float(side), 1) for side in box],
        }
        for box, conf, index in zip(found.xyxy_px, found.confidence, found.class_id, strict=True)
    ]


def _state(bay: str, prob: float, band: tuple[float, float], utc: datetime) -> BayState:
    if band[0] < prob < band[1]:
        return BayState(bay, None, UnknownReason.UNSURE, 0.0, utc)
    occupied = prob >= EVEN_ODDS
    return BayState(bay, occupied, None, round(prob if occupied else 1 - prob, 4), utc)
