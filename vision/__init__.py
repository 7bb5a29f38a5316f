"""Pure vision, no input or output: from a picture and bays to states of bays."""

from vision.assignment import OverlapRule, OverlapSettings
from vision.bay_head import BayHeadRule
from vision.change_gate import ChangeGate, GateSettings
from vision.detector import DetectorSettings, OnnxDetector
from vision.evidence import EvidenceFilter, EvidenceSettings
from vision.input_size import InputPlan, plan_input
from vision.judge import BayJudge, BayShapes, Detector, Judgement, judge_bays
from vision.rules import rule_for
from vision.session import SessionSettings
from vision.types import (
    BayEvidence,
    BoxLayout,
    Detections,
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
    "BayJudge",
    "BayShapes",
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
    "Judgement",
    "NetworkOutput",
    "NetworkSpec",
    "OccupancyRule",
    "OnnxDetector",
    "OverlapRule",
    "OverlapSettings",
    "SessionSettings",
    "ViewGuard",
    "ViewReport",
    "judge_bays",
    "plan_input",
    "rule_for",
]
