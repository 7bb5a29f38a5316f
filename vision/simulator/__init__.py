"""A simulated lot: rendered cars arrive, park and leave, and the truth is known exactly."""

from vision.simulator.bend import Bend
from vision.simulator.camera import Camera, look_at
from vision.simulator.curved import bent, curved_layout
from vision.simulator.drift import Drift, turn_homography
from vision.simulator.garage import garage_camera, garage_layout, multi_storey
from vision.simulator.layout import LotLayout, demo_layout, random_layout
from vision.simulator.light import Weather
from vision.simulator.lot import Scene, SimulatedLot, demo_scene
from vision.simulator.sample import LotKind, Sample, make_sample, render_sample
from vision.simulator.traffic import Activity, TruthChange
from vision.simulator.truth import boxes_of, label_pixels

__all__ = [
    "Activity",
    "Bend",
    "Camera",
    "Drift",
    "LotKind",
    "LotLayout",
    "Sample",
    "Scene",
    "SimulatedLot",
    "TruthChange",
    "Weather",
    "bent",
    "boxes_of",
    "curved_layout",
    "demo_layout",
    "demo_scene",
    "garage_camera",
    "garage_layout",
    "label_pixels",
    "look_at",
    "make_sample",
    "multi_storey",
    "random_layout",
    "render_sample",
    "turn_homography",
]
