"""A simulated lot: rendered cars arrive, park and leave, and the truth is known exactly."""

from vision.simulator.sample import Sample, make_sample, render_sample

__all__ = ["Sample", "make_sample", "render_sample"]
