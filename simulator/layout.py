"""Lots: bays, lanes, islands, trees, lamp posts, walls, all in metres on the ground."""

# ruff: noqa: PLR2004 - what is compared here are measures of things, in metres and shares

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np

from simulator.bend import Bend
from simulator.camera import Points
from telemetry.vocabulary import BayAngle, BayKind

Rect = tuple[float, float, float, float]
"""x_min, y_min, x_max, y_max in metres."""


@dataclass(frozen=True, slots=True)
class BaySpot:
    """One painted bay.

    Attributes:
        id: its id.
        centre_m: x and y of its centre.
        heading_rad: direction of a car that drove in nose first.
        length_m: along the heading.
        width_m: across it.
        angle: how it lies to the lane.
        kind: who it is meant for.
        lane: index of the lane that it is entered from.
    """

    id: str
    centre_m: tuple[float, float]
    heading_rad: float
    length_m: float
    width_m: float
    angle: BayAngle
    kind: BayKind
    lane: int

    def corners(self, margin_m: float = 0.0) -> Points:
        """Corners on the ground, metres, shape (4, 2); `margin_m` shrinks them.

        Lane side left, lane side right, far right, far left, as a driver sees it who drives in
        nose first.
        """
        half_l, half_w = self.length_m / 2 - margin_m, self.width_m / 2 - margin_m
        sin, cos = math.sin(self.heading_rad), math.cos(self.heading_rad)
        local = np.array(
            [(-half_l, half_w), (-half_l, -half_w), (half_l, -half_w), (half_l, half_w)]
        )
        return np.asarray(local @ np.array([[cos, sin], [-sin, cos]]) + np.asarray(self.centre_m))


@dataclass(frozen=True, slots=True)
class Lane:
    """A driving lane along x.

    Attributes:
        y_m: its middle.
        width_m: from edge to edge.
        x_min_m: where cars come in.
        x_max_m: where they leave.
    """

    y_m: float
    width_m: float
    x_min_m: float
    x_max_m: float


@dataclass(frozen=True, slots=True)
class Tree:
    """A tree: foot, height and radius of its crown, metres."""

    foot_m: tuple[float, float]
    height_m: float
    radius_m: float


@dataclass(frozen=True, slots=True)
class Post:
    """A lamp post: foot, height, and the direction (rad) in which its arm reaches."""

    foot_m: tuple[float, float]
    height_m: float
    arm_rad: float


@dataclass(frozen=True, slots=True)
class Wall:
    """A building: its ground rectangle, height and colour (BGR reflectance)."""

    rect_m: Rect
    height_m: float
    albedo_bgr: tuple[float, float, float]


@dataclass(frozen=True, slots=True)
class LotLayout:
    """A whole lot.

    Attributes:
        bays: all bays.
        lanes: driving lanes.
        paved_m: the asphalt.
        islands_m: kerbed islands.
        trees: trees.
        posts: lamp posts.
        walls: buildings round it.
        line_bgr: reflectance of the paint.
        line_style: "sides" (two lines a bay), "box" (closed), "tee" (short strokes).
        whole_pads: whether special bays are painted all over, else only behind their symbol.
        pillars_m: footprints of pillars that reach up to the ceiling.
        ceiling_m: height of a ceiling over all of it; None under the open sky.
        plan: of a bent lot, the straight one that traffic is planned on.
        bend: that bent it.
    """

    bays: tuple[BaySpot, ...]
    lanes: tuple[Lane, ...]
    paved_m: Rect
    islands_m: tuple[Rect, ...]
    trees: tuple[Tree, ...]
    posts: tuple[Post, ...]
    walls: tuple[Wall, ...]
    line_bgr: tuple[float, float, float]
    line_style: str
    whole_pads: bool = False
    pillars_m: tuple[Rect, ...] = ()
    ceiling_m: float | None = None
    plan: LotLayout | None = None
    bend: Bend | None = None


@dataclass(frozen=True, slots=True)
class RowPlan:
    """One row of bays to lay out.

    Attributes:
        prefix: of the bays' ids; the number follows.
        x_min_m: where the row begins.
        edge_y_m: the lane-side edge of the row.
        up: whether the bays lie on the +y side of that edge.
        count: how many bays.
        angle: how they lie to the lane.
        turn_deg: for angled bays, between lane and bay, e.g. 60.
        bay_wl_m: width and length of a bay.
        lane: index of the lane.
    """

    prefix: str
    x_min_m: float
    edge_y_m: float
    up: bool
    count: int
    angle: BayAngle
    turn_deg: float
    bay_wl_m: tuple[float, float]
    lane: int

    def depth_m(self) -> float:
        """How deep the row is, across the lane."""
        width, length = self.bay_wl_m
        if self.angle is BayAngle.PARALLEL:
            return width
        turn = math.radians(self.turn_deg)
        return length * math.sin(turn) + width * math.cos(turn)

    def pitch_m(self) -> float:
        """From bay to bay along the lane."""
        width, length = self.bay_wl_m
        if self.angle is BayAngle.PARALLEL:
            return length
        return width / math.sin(math.radians(self.turn_deg))

    def bays(self) -> Iterator[BaySpot]:
        """The bays of the row, along +x."""
        width, length = self.bay_wl_m
        side = 1 if self.up else -1
        turn = 0.0 if self.angle is BayAngle.PARALLEL else math.radians(self.turn_deg)
        for index in range(self.count):
            x = self.x_min_m + (index + 0.5) * self.pitch_m()
            y = self.edge_y_m + side * self.depth_m() / 2
            yield BaySpot(
                id=f"{self.prefix}{index + 1:02d}",
                centre_m=(x, y),
                heading_rad=side * turn,
                length_m=length,
                width_m=width,
                angle=self.angle,
                kind=BayKind.STANDARD,
                lane=self.lane,
            )


def demo_layout() -> LotLayout:
    """The lot of `lotsight demo`: two rows along one lane, a third one behind a planted island."""
    wide = (2.55, 5.0)
    near = RowPlan("A", -9.0, 0.0, False, 7, BayAngle.PERPENDICULAR, 90.0, wide, 0)
    far = RowPlan("B", -15.3, 6.8, True, 12, BayAngle.PERPENDICULAR, 90.0, wide, 0)
    bays = [*near.bays(), *far.bays()]
    kinds = {"A01": BayKind.DISABLED, "B06": BayKind.EV, "B07": BayKind.EV}
    marked = tuple(replace(bay, kind=kinds.get(bay.id, bay.kind)) for bay in bays)
    trees = (
        Tree((-13.0, 13.4), 6.6, 2.3),
        Tree((-4.6, 13.6), 5.9, 2.0),
        Tree((5.2, 13.5), 6.4, 2.2),
        Tree((14.6, 13.6), 7.0, 2.5),
        Tree((-21.0, 9.5), 7.5, 2.9),
        Tree((22.0, 10.0), 7.2, 2.7),
        Tree((-30.0, 17.0), 9.0, 3.4),
        Tree((29.0, 19.0), 9.5, 3.5),
    )
    return LotLayout(
        bays=marked,
        lanes=(Lane(3.4, 6.8, -30.0, 30.0),),
        paved_m=(-60.0, -9.0, 60.0, 11.85),
        islands_m=(
            (-28.0, 11.95, 28.0, 14.8), (-18.0, 7.0, -15.6, 11.6), (15.6, 7.0, 18.0, 11.6),
            (-11.6, -4.9, -9.25, -0.3), (9.1, -4.9, 11.4, -0.3),
        ),
        trees=trees,
        posts=(Post((-9.0, 12.9), 7.5, -math.pi / 2), Post((10.0, 12.9), 7.5, -math.pi / 2)),
        walls=(
            Wall((-26.0, 27.0, 2.0, 38.0), 7.5, (0.42, 0.50, 0.56)),
            Wall((5.0, 29.0, 40.0, 42.0), 10.5, (0.30, 0.34, 0.46)),
        ),
        line_bgr=(0.78, 0.80, 0.80),
        line_style="sides",
    )  # fmt: skip


def random_layout(rng: np.random.Generator) -> LotLayout:
    """Any lot: one to three lanes, perpendicular, angled and parallel rows, islands and trees."""
    lanes: list[Lane] = []
    bays: list[BaySpot] = []
    islands: list[Rect] = []
    bay_wl = (float(rng.uniform(2.3, 2.9)), float(rng.uniform(4.7, 5.6)))
    count = int(rng.integers(6, 19))
    y = 0.0
    back_to_back = rng.random() < 0.6
    for lane in range(int(rng.integers(1, 4))):
        width = float(rng.uniform(5.0, 7.5))
        for up in (False, True):
            plan = _random_row(rng, f"{chr(65 + lane * 2 + up)}", bay_wl, count, lane)
            depth = plan.depth_m()
            if not up:
                edge = y + depth
                y = edge + width
            else:
                edge = y
                y = edge + depth
            if up or lane > 0 or rng.random() < 0.8:
                bays.extend(replace(plan, edge_y_m=edge, up=up).bays())
            if not up:
                lanes.append(Lane(edge + width / 2, width, -60.0, 60.0))
        if not back_to_back or rng.random() < 0.2:
            gap = float(rng.uniform(1.2, 4.0))
            islands.append((-count * 1.6, y + 0.15, count * 1.6, y + gap - 0.15))
            y += gap
    kinds = tuple(BayKind)
    marked = tuple(
        replace(bay, kind=kinds[int(rng.integers(1, 3))]) if rng.random() < 0.06 else bay
        for bay in bays
    )
    half = max(abs(bay.centre_m[0]) for bay in marked) + 4
    line = ((0.78, 0.80, 0.80), (0.10, 0.55, 0.70), (0.55, 0.56, 0.56))[int(rng.integers(0, 3))]
    islands.append((-half - 20, y + 0.3, half + 20, y + 3.0))
    return LotLayout(
        bays=marked,
        lanes=tuple(lanes),
        paved_m=(-70.0, -12.0, 70.0, y + 0.2),
        islands_m=tuple(islands),
        trees=_random_trees(rng, islands, half, y),
        posts=_random_posts(rng, islands, half),
        walls=_random_walls(rng, half, y),
        line_bgr=line,
        line_style=("sides", "box", "tee", "sides")[int(rng.integers(0, 4))],
        whole_pads=count % 2 == 0,
    )


def _random_row(
    rng: np.random.Generator, prefix: str, bay_wl: tuple[float, float], count: int, lane: int
) -> RowPlan:
    pick = rng.random()
    if pick < 0.62:
        plan = RowPlan(prefix, 0, 0, True, count, BayAngle.PERPENDICULAR, 90.0, bay_wl, lane)
    elif pick < 0.85:
        turn = float(rng.choice([45.0, 60.0, 70.0]))
        plan = RowPlan(prefix, 0, 0, True, count, BayAngle.ANGLED, turn, bay_wl, lane)
    else:
        wide = (bay_wl[0] * 0.9, bay_wl[1] + 0.9)
        half = max(count // 2, 3)
        plan = RowPlan(prefix, 0, 0, True, half, BayAngle.PARALLEL, 90.0, wide, lane)
    shift = float(rng.uniform(-2, 2))
    return replace(plan, x_min_m=-plan.pitch_m() * plan.count / 2 + shift)


def _random_trees(
    rng: np.random.Generator, islands: list[Rect], half_m: float, depth_m: float
) -> tuple[Tree, ...]:
    trees: list[Tree] = []
    for x0, y0, x1, y1 in islands:
        for _ in range(int(rng.integers(0, 6))):
            foot = (float(rng.uniform(max(x0, -half_m), min(x1, half_m))), (y0 + y1) / 2)
            height = float(rng.uniform(3.5, 8.0))
            trees.append(Tree(foot, height, height * float(rng.uniform(0.26, 0.38))))
    for _ in range(int(rng.integers(0, 8))):
        foot = (float(rng.uniform(-2.5, 2.5) * half_m), depth_m + float(rng.uniform(5, 20)))
        height = float(rng.uniform(6, 12))
        trees.append(Tree(foot, height, height * float(rng.uniform(0.28, 0.4))))
    return tuple(trees)


def _random_posts(rng: np.random.Generator, islands: list[Rect], half_m: float) -> tuple[Post, ...]:
    posts = []
    for x0, y0, x1, y1 in islands:
        for x in np.arange(max(x0, -half_m) + 3, min(x1, half_m), rng.uniform(12, 22)):
            side = math.pi / 2 * float(rng.choice([-1, 1]))
            posts.append(Post((float(x), (y0 + y1) / 2), float(rng.uniform(5.5, 10)), side))
    return tuple(posts)


def _random_walls(rng: np.random.Generator, half_m: float, depth_m: float) -> tuple[Wall, ...]:
    walls = []
    x = -half_m * 2
    while x < half_m * 2 and rng.random() < 0.85:
        width, gap = float(rng.uniform(9, 30)), float(rng.uniform(2, 12))
        y = depth_m + float(rng.uniform(6, 22))
        tone = float(rng.uniform(0.15, 0.6))
        tint = tone * (1 + rng.normal(0, 0.12, 3) + np.array([-0.12, 0.0, 0.10]))
        blue, green, red = (float(v) for v in np.clip(tint, 0.05, 0.8))
        height = float(rng.uniform(4, 14))
        walls.append(Wall((x, y, x + width, y + 12), height, (blue, green, red)))
        x += width + gap
    return tuple(walls)
