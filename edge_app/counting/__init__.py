"""Counted lanes: a camera whose calibration has lines is read faster, and counts over them."""

from edge_app.counting.lanes import CameraLanes, LaneOutlets, PassageListener
from edge_app.counting.watch import LaneWatch

__all__ = ["CameraLanes", "LaneOutlets", "LaneWatch", "PassageListener"]
