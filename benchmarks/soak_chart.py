"""A small chart of a soak: memory, waiting events, descriptors and threads over time, as SVG."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

WIDTH, HEIGHT, LEFT, GAP, TOP = 720, 90, 64, 34, 26
PANELS = (
    ("rss_mib", "resident memory, MiB"),
    ("outbox_rows", "events waiting"),
    ("fds", "file descriptors"),
    ("threads", "threads"),
)


def draw_chart(samples: Sequence[dict[str, Any]], outages: Sequence[tuple[float, float]]) -> str:
    """Panels one below the other; grey bands are the times without a broker."""
    end_s = max(each["at_s"] for each in samples)
    total = TOP + len(PANELS) * (HEIGHT + GAP) + 20
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {LEFT + WIDTH + 20} {total}" '
        'font-family="sans-serif" font-size="12" fill="#333">'
        f'<rect width="{LEFT + WIDTH + 20}" height="{total}" fill="#fff"/>'
    ]
    for number, (key, title) in enumerate(PANELS):
        top = TOP + number * (HEIGHT + GAP)
        parts += _panel([(s["at_s"], float(s[key])) for s in samples], end_s, top, title, outages)
    low = TOP + len(PANELS) * (HEIGHT + GAP) - 12
    for minute in range(0, int(end_s // 60) + 1, 10 if end_s > 1800 else 2):
        x = LEFT + WIDTH * minute * 60 / end_s
        parts.append(f'<text x="{x:.0f}" y="{low}" text-anchor="middle">{minute}</text>')
    parts.append(f'<text x="{LEFT + WIDTH / 2}" y="{low + 18}" text-anchor="middle">minutes</text>')
    return "\n".join([*parts, "</svg>\n"])


def _panel(
    points: Sequence[tuple[float, float]],
    end_s: float,
    top: float,
    title: str,
    outages: Sequence[tuple[float, float]],
) -> list[str]:
    most = max(value for _, value in points) * 1.1 or 1.0
    bands = [
        f'<rect x="{LEFT + WIDTH * a / end_s:.1f}" y="{top}" '
        f'width="{WIDTH * (min(b, end_s) - a) / end_s:.1f}" height="{HEIGHT}" fill="#ddd"/>'
        for a, b in outages
    ]
    line = " ".join(
        f"{LEFT + WIDTH * at_s / end_s:.1f},{top + HEIGHT * (1 - value / most):.1f}"
        for at_s, value in points
    )
    return [
        f'<text x="{LEFT}" y="{top - 6}">{title}</text>',
        *bands,
        f'<rect x="{LEFT}" y="{top}" width="{WIDTH}" height="{HEIGHT}" fill="none" stroke="#bbb"/>',
        f'<text x="{LEFT - 6}" y="{top + 10}" text-anchor="end">{most:.0f}</text>',
        f'<text x="{LEFT - 6}" y="{top + HEIGHT}" text-anchor="end">0</text>',
        f'<polyline points="{line}" fill="none" stroke="#0b63b0" stroke-width="1.5"/>',
    ]
