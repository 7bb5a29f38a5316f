"""Pure vision, no input or output: from an image and bays to states of bays."""

from __future__ import annotations

import importlib
import typing

if typing.TYPE_CHECKING:
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

_MODULES = {
    "OverlapRule": "assignment",
    "OverlapSettings": "assignment",
    "BayHeadRule": "bay_head",
    "ChangeGate": "change_gate",
    "GateSettings": "change_gate",
    "DetectorSettings": "detector",
    "OnnxDetector": "detector",
    "EvidenceFilter": "evidence",
    "EvidenceSettings": "evidence",
    "InputPlan": "input_size",
    "plan_input": "input_size",
    "BayJudge": "judge",
    "BayShapes": "judge",
    "Detector": "judge",
    "Judgement": "judge",
    "judge_bays": "judge",
    "rule_for": "rules",
    "SessionSettings": "session",
    "BayEvidence": "types",
    "BoxLayout": "types",
    "Detections": "types",
    "Floats": "types",
    "Frame": "types",
    "ImageBgr": "types",
    "Ints": "types",
    "NetworkOutput": "types",
    "NetworkSpec": "types",
    "OccupancyRule": "types",
    "GuardSettings": "view_guard",
    "ViewGuard": "view_guard",
    "ViewReport": "view_guard",
}


def __getattr__(name: str) -> object:
    """Import lazily: a caller that needs only the types does not load ONNX Runtime."""
    if name not in _MODULES:
        msg = f"module 'vision' has no attribute '{name}'"
        raise AttributeError(msg)
    return getattr(importlib.import_module(f"vision.{_MODULES[name]}"), name)
