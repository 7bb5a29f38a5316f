"""Charts for the HTML report, as inline SVG: no script, no library, sharp at any size."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

from datasets.metrics import ReliabilityBin, Slice

SIDE = 260
MARGIN = 42


def reliability_svg(bins: Sequence[ReliabilityBin]) -> str:
    """Stated probability against observed share; the diagonal is perfect, dots grow with bays."""
    most = max((one.bays for one in bins), default=1)
    total = SIDE + 2 * MARGIN
    parts = [
        f'<svg viewBox="0 0 {total} {total}" class="chart" role="img" '
        'aria-label="Reliability diagram: stated probability against observed share">',
        f'<rect x="{MARGIN}" y="{MARGIN}" width="{SIDE}" height="{SIDE}" class="plot"/>',
    ]
    for step in range(0, 101, 25):
        at = MARGIN + SIDE * step / 100
        low = MARGIN + SIDE - SIDE * step / 100
        parts.append(
            f'<line x1="{MARGIN}" x2="{MARGIN + SIDE}" y1="{low}" y2="{low}" class="grid"/>'
        )
        parts.append(f'<text x="{at}" y="{MARGIN + SIDE + 16}" class="tick mid">{step}</text>')
        parts.append(f'<text x="{MARGIN - 8}" y="{low + 4}" class="tick end">{step}</text>')
    corner = f'x1="{MARGIN}" y1="{MARGIN + SIDE}" x2="{MARGIN + SIDE}" y2="{MARGIN}"'
    parts.append(f'<line {corner} class="ideal"/>')
    spots = [(MARGIN + SIDE * one.stated, MARGIN + SIDE * (1 - one.observed)) for one in bins]
    parts.append(
        f'<polyline points="{" ".join(f"{x:.1f},{y:.1f}" for x, y in spots)}" class="line"/>'
    )
    for one, (x, y) in zip(bins, spots, strict=True):
        radius = 3 + 7 * (one.bays / most) ** 0.5
        tip = f"stated {one.stated:.3f}, observed {one.observed:.3f}, {one.bays} bays"
        parts.append(f'<circle cx="{x:.1f}" cy="{y:.1f}" r="{radius:.1f}" class="dot">')
        parts.append(f"<title>{escape(tip)}</title></circle>")
    middle = MARGIN + SIDE / 2
    parts.append(
        f'<text x="{middle}" y="{total - 8}" class="axis mid">stated probability, %</text>'
    )
    parts.append(
        f'<text transform="translate(12 {middle}) rotate(-90)" class="axis mid">'
        "observed occupied, %</text></svg>"
    )
    return "".join(parts)


def slices_svg(slices: Sequence[Slice]) -> str:
    """Error rate of each range as bars, with accuracy and number of bays beside them."""
    row, label_width, bar_width = 26, 156, 200
    height = row * len(slices) + 8
    worst = max([1 - one.accuracy for one in slices] + [0.01])
    parts = [
        f'<svg viewBox="0 0 {label_width + bar_width + 150} {height}" class="chart wide" '
        'role="img" aria-label="Share of bays judged wrong">'
    ]
    for number, one in enumerate(slices):
        y = row * number + 4
        width = bar_width * (1 - one.accuracy) / worst
        said = f"{100 * one.accuracy:.2f} % of {one.bays}"
        parts.append(
            f'<text x="{label_width - 8}" y="{y + 15}" class="tick end">{escape(one.label)}</text>'
            f'<rect x="{label_width}" y="{y + 3}" width="{bar_width}" height="16" class="track"/>'
            f'<rect x="{label_width}" y="{y + 3}" width="{width:.1f}" height="16" class="bar"/>'
            f'<text x="{label_width + bar_width + 8}" y="{y + 15}" class="tick">{said}</text>'
        )
    parts.append("</svg>")
    return "".join(parts)
