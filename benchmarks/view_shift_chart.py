"""The steps of the view-shift benchmark as a chart: accuracy without and with the guard, as SVG."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

WIDTH, HEIGHT, LEFT, TOP, GAP_X, GAP_Y = 240, 130, 54, 60, 36, 64
LOW = 0.4
LINES = (
    ("accuracy_without", "#c0392b", "accuracy, bays stay where they were drawn"),
    ("accuracy_told", "#0b63b0", "accuracy of the states told with the guard"),
    ("told", "#999", "share of bays still told with the guard"),
)


def draw_chart(tables: dict[str, list[dict[str, Any]]]) -> str:
    """A row of panels for each set, a panel for each movement; steps evenly spaced."""
    kinds = [
        k for k in dict.fromkeys(r["movement"] for r in next(iter(tables.values()))) if k != "still"
    ]
    width = LEFT + len(kinds) * (WIDTH + GAP_X)
    height = TOP + len(tables) * (HEIGHT + GAP_Y)
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" '
        'font-family="sans-serif" font-size="12" fill="#333">'
        f'<rect width="{width}" height="{height}" fill="#fff"/>'
    ]
    for number, (_, colour, text) in enumerate(LINES):
        x = LEFT + 330 * number
        parts.append(
            f'<line x1="{x}" x2="{x + 24}" y1="16" y2="16" stroke="{colour}" stroke-width="3"/>'
        )
        parts.append(f'<text x="{x + 30}" y="20">{text}</text>')
    for row, (name, table) in enumerate(tables.items()):
        for column, kind in enumerate(kinds):
            corner = (LEFT + column * (WIDTH + GAP_X), TOP + row * (HEIGHT + GAP_Y))
            rows = [r for r in table if r["movement"] in {"still", kind}]
            parts += _panel(rows, corner, f"{name}: {kind}, {rows[-1]['unit']}")
    return "\n".join([*parts, "</svg>\n"])


def _panel(rows: Sequence[dict[str, Any]], corner: tuple[float, float], title: str) -> list[str]:
    left, top = corner
    parts = [
        f'<text x="{left}" y="{top - 6}">{title}</text>',
        f'<rect x="{left}" y="{top}" width="{WIDTH}" height="{HEIGHT}" fill="none" stroke="#bbb"/>',
    ]
    for percent in (40, 60, 80, 100):
        y = _y(percent / 100, top)
        parts.append(f'<text x="{left - 4}" y="{y + 4:.0f}" text-anchor="end">{percent}</text>')
        parts.append(
            f'<line x1="{left}" x2="{left + WIDTH}" y1="{y:.1f}" y2="{y:.1f}" stroke="#eee"/>'
        )
    for number, row in enumerate(rows):
        x = _x(number, len(rows), left)
        parts.append(
            f'<text x="{x:.0f}" y="{top + HEIGHT + 15}" text-anchor="middle">{row["step"]:g}</text>'
        )
    for key, colour, _ in LINES:
        spots = [
            f"{_x(n, len(rows), left):.1f},{_y(row[key], top):.1f}"
            for n, row in enumerate(rows)
            if row[key] is not None
        ]
        parts.append(
            f'<polyline points="{" ".join(spots)}" fill="none" stroke="{colour}" stroke-width="2"/>'
        )
    return parts


def _x(number: int, count: int, left: float) -> float:
    return left + 12 + (WIDTH - 24) * number / max(1, count - 1)


def _y(value: float, top: float) -> float:
    return top + HEIGHT * (1 - (max(value, LOW) - LOW) / (1 - LOW))
