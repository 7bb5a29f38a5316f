"""A simulated lot: rendered cars arrive, park and leave, and the truth is known exactly."""

from vision.simulator.camera import Camera, look_at
from vision.simulator.layout import LotLayout, demo_layout, random_layout
from vision.simulator.light import Weather
from vision.simulator.lot import Scene, SimulatedLot, demo_scene
from vision.simulator.sample import Sample, make_sample, render_sample
from vision.simulator.traffic import Activity, TruthChange

__all__ = [
    "Activity",
    "Camera",
    "LotLayout",
    "Sample",
    "Scene",
    "SimulatedLot",
    "TruthChange",
    "Weather",
    "demo_layout",
    "demo_scene",
    "look_at",
    "make_sample",
    "random_layout",
    "render_sample",
]
