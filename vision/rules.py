"""Which occupancy rule goes with which network."""

from __future__ import annotations

from vision.assignment import OverlapRule
from vision.bay_boxes import BayBoxRule
from vision.bay_head import BayHeadRule
from vision.fusion import FusionRule
from vision.types import NetworkSpec, OccupancyRule


def rule_for(spec: NetworkSpec) -> OccupancyRule:
    """The network's own judgement of bays where it has one, else overlap of vehicles with bays.

    Where the network comes with weights for it, its judgement is fused with its boxes.
    """
    if spec.method == "bay_head":
        return BayHeadRule() if spec.fusion is None else FusionRule(spec.fusion)
    return BayBoxRule() if spec.method == "bay_boxes" else OverlapRule()
