"""One picture: what the network says of every bay, with no memory of other frames."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from calibration import Calibration
from telemetry import BayState, CalibrationError, UnknownReason
from vision import BayJudge, Detections, Detector, ImageBgr, InputPlan, Judgement, NetworkSpec
from vision.draw import DrawOptions, annotate
from vision.types import BayEvidence

EVEN_ODDS = 0.5
MAX_ASPECT_ERROR = 0.02
"""A camera's sub-stream may crop a pixel row; more than this is another view."""
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
    """

    states: tuple[BayState, ...]
    evidence: BayEvidence
    detections: Detections
    plan: InputPlan

    def as_dict(self, spec: NetworkSpec) -> dict[str, Any]:
        """For JSON."""
        return {
            "input": self.plan.describe(),
            "counts": count_states(self.states),
            "bays": [
                {**state_as_dict(state), "prob": round(float(prob), 4)}
                for state, prob in zip(self.states, self.evidence.prob, strict=True)
            ],
            "vehicles": vehicles_as_list(self.detections, spec),
        }


class PictureJudge:
    """A network and the bays of one camera."""

    def __init__(self, detector: Detector, calibration: Calibration) -> None:
        self.calibration = calibration
        self._judge = BayJudge(detector, calibration.shapes())

    @property
    def spec(self) -> NetworkSpec:
        """The network that judges."""
        return self._judge.spec

    def look(self, image_bgr: ImageBgr) -> Judgement:
        """Run the network and the rule on one picture.

        Raises:
            CalibrationError: the picture has another shape than the one that was calibrated.
            ModelError: the network failed.
        """
        check_aspect(self.calibration, (image_bgr.shape[1], image_bgr.shape[0]))
        return self._judge.judge(image_bgr)

    def judge(self, image_bgr: ImageBgr, utc: datetime | None = None) -> PictureReport:
        """Judge one picture by itself: each bay is what its probability says, or `unsure`."""
        said = self.look(image_bgr)
        utc = utc or datetime.now(UTC)
        band = (self.spec.abstain_low, self.spec.abstain_high)
        states = [
            _state(bay, float(prob), band, utc)
            for bay, prob in zip(self.calibration.bay_ids, said.evidence.prob, strict=True)
        ]
        return PictureReport(tuple(states), said.evidence, said.output.detections, said.plan)

    def draw(
        self,
        image_bgr: ImageBgr,
        states: tuple[BayState, ...],
        detections: Detections | None,
        caption: str,
    ) -> ImageBgr:
        """Draw states, and vehicles if given, over the picture."""
        options = DrawOptions(caption=caption)
        found = None if detections is None else sure_vehicles(detections)
        return annotate(image_bgr, list(self._judge.bays.polygons_norm), states, found, options)


def check_aspect(calibration: Calibration, image_wh: tuple[int, int]) -> None:
    """Refuse a picture that cannot be of the calibrated view.

    Raises:
        CalibrationError: its sides have another ratio.
    """
    expected = calibration.image_wh[0] / calibration.image_wh[1]
    if abs(image_wh[0] / image_wh[1] / expected - 1) > MAX_ASPECT_ERROR:
        msg = (
            f"camera '{calibration.camera}': expected a picture shaped like "
            f"{calibration.image_wh[0]}x{calibration.image_wh[1]}, which was calibrated, but got "
            f"{image_wh[0]}x{image_wh[1]}"
        )
        raise CalibrationError(msg)


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
