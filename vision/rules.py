"""Which occupancy rule goes with which network."""

from __future__ import annotations

from vision.assignment import OverlapRule
from vision.bay_head import BayHeadRule
from vision.types import NetworkSpec, OccupancyRule


def rule_for(spec: NetworkSpec) -> OccupancyRule:
    """The bay head's own judgement where there is one, else overlap of boxes with bays."""
    return BayHeadRule() if spec.has_bay_head else OverlapRule()
