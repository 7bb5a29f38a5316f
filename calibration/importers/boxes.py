"""Boxes as the tools keep them, as four corners."""

from __future__ import annotations

from math import cos, radians, sin

Corners = list[tuple[float, float]]


def box(left: float, top: float, width: float, height: float) -> Corners:
    """Four corners, clockwise from the top left."""
    right, bottom = left + width, top + height
    return [(left, top), (right, top), (right, bottom), (left, bottom)]


def turned(corners: Corners, angle_deg: float, about: tuple[float, float] | None = None) -> Corners:
    """Corners turned clockwise as seen (y down), in pixels, about a point or the box's middle."""
    middle = about or tuple(sum(axis) / len(corners) for axis in zip(*corners, strict=True))
    x0, y0 = middle
    along, across = cos(radians(angle_deg)), sin(radians(angle_deg))
    return [
        (x0 + (x - x0) * along - (y - y0) * across, y0 + (x - x0) * across + (y - y0) * along)
        for x, y in corners
    ]
