"""Pure vision, no input or output: from a picture and bays to states of bays."""

from vision.assignment import OverlapRule, OverlapSettings
from vision.bay_head import BayHeadRule
from vision.change_gate import ChangeGate, GateSettings
from vision.detector import DetectorSettings, OnnxDetector
from vision.evidence import EvidenceFilter, EvidenceSettings
from vision.input_size import InputPlan, plan_input
from vision.rules import rule_for
from vision.session import SessionSettings
from vision.types import (
    BayEvidence,
    BoxLayout,
    Detections,
    Detector,
    Floats,
    Frame,
    ImageBgr,
    Ints,
    NetworkOutput,
    NetworkSpec,
    OccupancyRule,
)
from vision.view_guard import GuardSettings, ViewGuard, ViewReport

__all__ = [
    "BayEvidence",
    "BayHeadRule",
    "BoxLayout",
    "ChangeGate",
    "Detections",
    "Detector",
    "DetectorSettings",
    "EvidenceFilter",
    "EvidenceSettings",
    "Floats",
    "Frame",
    "GateSettings",
    "GuardSettings",
    "ImageBgr",
    "InputPlan",
    "Ints",
    "NetworkOutput",
    "NetworkSpec",
    "OccupancyRule",
    "OnnxDetector",
    "OverlapRule",
    "OverlapSettings",
    "SessionSettings",
    "ViewGuard",
    "ViewReport",
    "plan_input",
    "rule_for",
]
