"""People who walk by."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from simulator.bend import Bend
from simulator.light import Bgr
from simulator.scenery import person_mesh
from simulator.stage import Actor, Stage

_STEP_HZ = 0.95
"""Full strides a second at a walk of 1.3 m/s."""


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody who walks to and fro between two spots.

    Attributes:
        start_m: x and y where the walk begins.
        end_m: x and y where it ends.
        begins_s: when.
        speed_mps: metres a second.
        height_m: of the body.
        shirt_bgr: reflectance.
        trousers_bgr: reflectance.
    """

    start_m: tuple[float, float]
    end_m: tuple[float, float]
    begins_s: float
    speed_mps: float
    height_m: float
    shirt_bgr: Bgr
    trousers_bgr: Bgr

    @property
    def ends_s(self) -> float:
        """When the walk is over."""
        return self.begins_s + math.dist(self.start_m, self.end_m) / self.speed_mps

    def paint(self, stage: Stage, time_s: float, bend: Bend | None = None) -> Actor | None:
        """The person at a time, None when not there or out of the picture; on a bent lot, bent."""
        if not self.begins_s <= time_s <= self.ends_s:
            return None
        share = (time_s - self.begins_s) / max(self.ends_s - self.begins_s, 1e-6)
        x = self.start_m[0] + (self.end_m[0] - self.start_m[0]) * share
        y = self.start_m[1] + (self.end_m[1] - self.start_m[1]) * share
        heading = math.atan2(self.end_m[1] - self.start_m[1], self.end_m[0] - self.start_m[0])
        stride = math.sin(2 * math.pi * _STEP_HZ * (time_s - self.begins_s))
        mesh = person_mesh(self.height_m, stride, self.shirt_bgr, self.trousers_bgr)
        if bend is not None:
            (x, y), heading = bend.place((x, y), heading)
        return stage.paint(mesh.placed((x, y), heading))


def make_person(
    rng: np.random.Generator, start_m: tuple[float, float], end_m: tuple[float, float], at_s: float
) -> Person:
    """A person with clothes and pace of their own."""
    shirt = rng.uniform(0.02, 0.5, 3)
    dark = rng.uniform(0.015, 0.10, 3)
    return Person(
        start_m,
        end_m,
        at_s,
        float(rng.uniform(1.1, 1.6)),
        float(rng.normal(1.72, 0.09)),
        (float(shirt[0]), float(shirt[1]), float(shirt[2])),
        (float(dark[0]), float(dark[1]), float(dark[2])),
    )


def random_person(rng: np.random.Generator, stage: Stage) -> list[Actor]:
    """Somebody anywhere on the lot, in mid-stride; empty when out of the picture."""
    corners = np.concatenate([bay.corners() for bay in stage.layout.bays])
    x, y = rng.uniform(corners.min(0), corners.max(0))
    turn = float(rng.uniform(0, 2 * math.pi))
    end = (float(x + math.cos(turn) * 4), float(y + math.sin(turn) * 4))
    person = make_person(rng, (float(x), float(y)), end, 0.0)
    actor = person.paint(stage, float(rng.uniform(0, 1)))
    return [] if actor is None else [actor]
