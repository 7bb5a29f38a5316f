"""Curved lots: rows of bays round a bend, as in front of stadiums, in loops and on ramps."""

# ruff: noqa: PLR2004 - what is compared here are measures of things, in metres and shares

from __future__ import annotations

from dataclasses import replace

import numpy as np

from simulator.bend import Bend
from simulator.layout import BaySpot, Lane, LotLayout, Post, RowPlan, Tree, Wall
from telemetry.vocabulary import BayAngle

_ROW_PREFIXES = "ABCDEF"


def bent(plan: LotLayout, bend: Bend) -> LotLayout:
    """A straight plan, bent: everything of it stands on the bent ground, traffic keeps the plan.

    Islands are left out; their kerbs are straight.
    """
    return replace(
        plan,
        bays=tuple(_bent_bay(bay, bend) for bay in plan.bays),
        islands_m=(),
        trees=tuple(replace(tree, foot_m=bend.point(tree.foot_m)) for tree in plan.trees),
        posts=tuple(_bent_post(post, bend) for post in plan.posts),
        plan=plan,
        bend=bend,
    )


def _bent_bay(bay: BaySpot, bend: Bend) -> BaySpot:
    centre, heading = bend.place(bay.centre_m, bay.heading_rad)
    return replace(bay, centre_m=centre, heading_rad=heading)


def _bent_post(post: Post, bend: Bend) -> Post:
    foot, arm = bend.place(post.foot_m, post.arm_rad)
    return replace(post, foot_m=foot, arm_rad=arm)


def curved_layout(rng: np.random.Generator) -> LotLayout:
    """One or two lanes round a bend of 22 to 60 m, perpendicular and parallel rows on both sides.

    Args:
        rng: chooses all of it.
    """
    radius = float(np.exp(rng.uniform(np.log(22.0), np.log(60.0))))
    bay_wl = (float(rng.uniform(2.35, 2.75)), float(rng.uniform(4.8, 5.4)))
    count = min(int(rng.integers(7, 16)), int(radius * 1.6 / bay_wl[0]))
    bays: list[BaySpot] = []
    lanes: list[Lane] = []
    posts: list[Post] = []
    y = 0.0
    for index in range(int(rng.integers(1, 3))):
        width = float(rng.uniform(5.6, 7.2))
        for up in (False, True):
            row = _row(rng, _ROW_PREFIXES[2 * index + up], bay_wl, count, index)
            edge = y + width if up else y + row.depth_m()
            bays.extend(replace(row, edge_y_m=edge, up=up).bays())
            if not up:
                y = edge
                lanes.append(Lane(edge + width / 2, width, -radius * 1.2, radius * 1.2))
            else:
                y = edge + row.depth_m()
        step = float(rng.uniform(12, 18))
        posts += [
            Post((float(x), y + 0.5), float(rng.uniform(6, 9)), -np.pi / 2)
            for x in np.arange(-radius * 0.7, radius * 0.7, step)
        ]
        y += float(rng.uniform(0.6, 1.4))
    trees = tuple(
        Tree((float(x), y + float(rng.uniform(4, 9))), height, height * 0.33)
        for x, height in zip(
            np.arange(-radius * 0.8, radius * 0.8, float(rng.uniform(8, 16))),
            rng.uniform(4.5, 8.5, 40).tolist(),
            strict=False,
        )
    )
    height = float(rng.uniform(5, 12))
    behind = Wall((-40.0, y + 24.0, 40.0, y + 34.0), height, (0.4, 0.45, 0.5))
    plan = LotLayout(
        bays=tuple(bays),
        lanes=tuple(lanes),
        paved_m=(-radius * 1.3, -4.0, radius * 1.3, y + 1.2),
        islands_m=(),
        trees=trees,
        posts=tuple(posts),
        walls=(behind,),
        line_bgr=(0.78, 0.80, 0.80),
        line_style=("sides", "box", "tee")[int(rng.integers(0, 3))],
    )  # fmt: skip
    return bent(plan, Bend(radius))


def _row(
    rng: np.random.Generator, prefix: str, bay_wl: tuple[float, float], count: int, lane: int
) -> RowPlan:
    if rng.random() < 0.75:
        row = RowPlan(prefix, 0, 0, True, count, BayAngle.PERPENDICULAR, 90.0, bay_wl, lane)
    else:
        along = (bay_wl[0] * 0.92, bay_wl[1] + 1.0)
        row = RowPlan(prefix, 0, 0, True, max(count // 2, 3), BayAngle.PARALLEL, 90.0, along, lane)
    return replace(row, x_min_m=-row.pitch_m() * row.count / 2)
