"""A simulated lot: rendered cars arrive, park and leave, and the truth is known exactly."""

from simulator.bend import Bend
from simulator.camera import Camera, look_at
from simulator.curved import bent, curved_layout
from simulator.drift import Drift, turn_homography
from simulator.garage import garage_camera, garage_layout, multi_storey
from simulator.layout import LotLayout, demo_layout, random_layout
from simulator.light import Weather
from simulator.lot import Scene, SimulatedLot, demo_scene
from simulator.sample import LotKind, Sample, make_sample, render_sample
from simulator.traffic import Activity, TruthChange
from simulator.truth import boxes_of, label_pixels

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
