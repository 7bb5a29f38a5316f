"""Vehicles counted over lines drawn in a camera's picture.

`line` knows when a path passes over a line, `tracker` follows vehicles from frame to frame, and
`counter` says which of them passed which way.
"""

from vision.lanes.counter import LaneCounter, LaneSettings, LinePassage
from vision.lanes.line import NOT_COUNTED, CountedLine, LineSide
from vision.lanes.plan import LONG_SIDE_PX, lane_plan
from vision.lanes.tracker import Track, Tracker, TrackerSettings

__all__ = [
    "LONG_SIDE_PX",
    "NOT_COUNTED",
    "CountedLine",
    "LaneCounter",
    "LaneSettings",
    "LinePassage",
    "LineSide",
    "Track",
    "Tracker",
    "TrackerSettings",
    "lane_plan",
]
