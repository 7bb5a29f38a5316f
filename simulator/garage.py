"""Multi-storey car parks: every level a lot of its own under a ceiling, with pillars and lamps."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from simulator.camera import Camera, look_at
from simulator.layout import Lane, LotLayout, Rect, RowPlan
from simulator.light import Lamp, Light, Weather, make_light
from simulator.mesh import Mesh, joined, make_mesh
from telemetry.vocabulary import BayAngle

PIECE_M = 0.8
"""Walls and ceilings are cut into pieces: one that reaches behind the camera is not drawn."""
_PILLAR_M = 0.45
_BAYS_BETWEEN_PILLARS = 3
_LAMP_BGR = (5.2, 5.8, 6.0)
_CONCRETE = (0.40, 0.42, 0.43)
_PAINTED = (0.52, 0.54, 0.55)
_SCATTERED = (0.012, 0.014, 0.014)
"""Radiance of the ceiling from light that the floor throws back."""


def garage_layout(rng: np.random.Generator, level: str = "") -> LotLayout:
    """One level: two rows along a lane between walls, pillars at every third bay.

    Args:
        rng: chooses sizes.
        level: put before the bays' ids, such as `P1-`.
    """
    bay_wl = (float(rng.uniform(2.35, 2.6)), float(rng.uniform(4.9, 5.2)))
    count = _BAYS_BETWEEN_PILLARS * int(rng.integers(2, 5))
    width = float(rng.uniform(5.8, 6.8))
    ceiling = float(rng.uniform(2.6, 3.1))
    row = RowPlan(f"{level}A", 0, 0, False, count, BayAngle.PERPENDICULAR, 90.0, bay_wl, 0)
    row = replace(row, x_min_m=-row.pitch_m() * count / 2)
    bays = [*row.bays(), *replace(row, prefix=f"{level}B", edge_y_m=width, up=True).bays()]
    depth, half = row.depth_m(), row.pitch_m() * count / 2
    return LotLayout(
        bays=tuple(bays),
        lanes=(Lane(width / 2, width, -half - 9.0, half + 9.0),),
        paved_m=(-half - 8.0, -depth - 0.3, half + 8.0, width + depth + 0.3),
        islands_m=(),
        trees=(),
        posts=(),
        walls=(),
        line_bgr=(0.78, 0.80, 0.80) if rng.random() < 0.6 else (0.10, 0.55, 0.70),  # noqa: PLR2004
        line_style="sides",
        pillars_m=_pillars(row, width),
        ceiling_m=ceiling,
    )


def multi_storey(seed: int, levels: int) -> tuple[LotLayout, ...]:
    """The levels of one car park, bottom to top, their bays' ids told apart by `P1-`, `P2-`, ...

    Raises:
        ValueError: there is no level.
    """
    if levels < 1:
        msg = f"expected at least one level, but got {levels}"
        raise ValueError(msg)
    # The same draw for each: levels of a car park are alike but for their ids.
    return tuple(
        garage_layout(np.random.default_rng(seed), f"P{number + 1}-") for number in range(levels)
    )


def _pillars(row: RowPlan, width_m: float) -> tuple[Rect, ...]:
    """Between every third pair of bays, set back from the lane."""
    half = _PILLAR_M / 2
    xs = [
        row.x_min_m + index * row.pitch_m()
        for index in range(0, row.count + 1, _BAYS_BETWEEN_PILLARS)
    ]
    return tuple(
        (x - half, y - half, x + half, y + half) for x in xs for y in (-0.7, width_m + 0.7)
    )


def garage_light(layout: LotLayout) -> Light:
    """Lamps below the ceiling, in two rows along the lane, and no sky."""
    x0, y0, x1, y1 = layout.paved_m
    height = (layout.ceiling_m or 3.0) - 0.12
    rows = (y0 + (y1 - y0) * 0.28, y0 + (y1 - y0) * 0.72)
    lamps = tuple(
        Lamp((float(x), y, height), _LAMP_BGR) for x in np.arange(x0 + 3, x1 - 1, 6.0) for y in rows
    )
    return make_light(Weather.INDOOR, 0.0, 45.0, lamps)


def garage_camera(rng: np.random.Generator, layout: LotLayout, image_wh: tuple[int, int]) -> Camera:
    """A wide lens just under the ceiling, in a corner or over the lane."""
    x0, _, x1, _ = layout.paved_m
    height = (layout.ceiling_m or 3.0) - 0.35
    lane = layout.lanes[0]
    place = (
        float(rng.uniform(x0 + 1.0, x0 + 5.0)),
        float(rng.uniform(lane.y_m - 2.2, lane.y_m + 2.2)),
    )
    target = (place[0] + float(rng.uniform(7, 12)), lane.y_m + float(rng.uniform(-1.5, 1.5)))
    if rng.random() < 0.5:  # noqa: PLR2004 - as often from the other end
        place, target = (x0 + x1 - place[0], place[1]), (x0 + x1 - target[0], target[1])
    camera = look_at((*place, height), target, image_wh, float(rng.uniform(85, 105)))
    return replace(camera, k1=float(rng.uniform(-0.22, -0.05)))


def shell_mesh(layout: LotLayout) -> Mesh:
    """Ceiling and walls, seen from inside."""
    x0, y0, x1, y1 = layout.paved_m
    top = layout.ceiling_m or 3.0
    xs, ys = np.arange(x0, x1, PIECE_M), np.arange(y0, y1, PIECE_M)
    pieces = [
        [(a, b, top), (min(a + PIECE_M, x1), b, top),
         (min(a + PIECE_M, x1), min(b + PIECE_M, y1), top), (a, min(b + PIECE_M, y1), top)]
        for a in xs for b in ys
    ]  # fmt: skip
    ceiling = make_mesh(np.array(pieces), np.array([0.0, 0.0, -1.0]), _CONCRETE)
    ceiling.glow_bgr[:] = _SCATTERED
    along = [
        ([(a, y, 0), (min(a + PIECE_M, x1), y, 0), (min(a + PIECE_M, x1), y, top), (a, y, top)], n)
        for a in xs for y, n in ((y0, (0.0, 1.0, 0.0)), (y1, (0.0, -1.0, 0.0)))
    ]  # fmt: skip
    across = [
        ([(x, b, 0), (x, min(b + PIECE_M, y1), 0), (x, min(b + PIECE_M, y1), top), (x, b, top)], n)
        for b in ys for x, n in ((x0, (1.0, 0.0, 0.0)), (x1, (-1.0, 0.0, 0.0)))
    ]  # fmt: skip
    sides = [*along, *across]
    walls = make_mesh(
        np.array([piece for piece, _ in sides]), np.array([n for _, n in sides]), _PAINTED
    )
    return joined([ceiling, walls])
