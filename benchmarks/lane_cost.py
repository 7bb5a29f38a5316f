"""What a counted lane costs beside a bay camera: the service on H.264, with and without a line.

    .venv/bin/python benchmarks/lane_cost.py [--seconds 30] [--pairs 2]

One camera with 18 bays at one look a second (1280x720, 5 frames a second, a key frame each second,
1 Mbit/s), then the same with a line across its picture, in turn. Told is processor time in each
second, which other programs change little, and the rate that the lane reached.
"""

from __future__ import annotations

import tempfile
import time
from pathlib import Path

import typer
from cameras_per_box import is_settled, make_clip, make_config
from rich.console import Console
from rich.table import Table

from calibration import Line, load_calibration, save_calibration
from edge_app.assembly import assemble
from edge_app.config import LotsightConfig
from edge_app.service import EdgeService

_SETTLE_LIMIT_S = 30.0
_LINE = Line(id="gate", points=((0.1, 0.6), (0.9, 0.6)))


def main(seconds: float = 30.0, pairs: int = 2) -> None:
    """Measure and print."""
    table = Table(title="ms of processor time in each second")
    for name in ("bays", "bays and line", "lane reached", "hence the lane"):
        table.add_column(name, justify="right")
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        make_clip(folder / "clip.mp4", 20, 1000, busy=False)
        for pair in range(pairs):
            (plain := folder / f"plain{pair}").mkdir()
            (lined := folder / f"lined{pair}").mkdir()
            bays_ms, _ = _measure(make_config(plain, folder / "clip.mp4", 1, gate=True), seconds)
            config = make_config(lined, folder / "clip.mp4", 1, gate=True)
            file = config.camera[0].calibration_file
            drawn = load_calibration(file).model_copy(update={"lines": (_LINE,)})
            save_calibration(file, drawn, author="benchmark")
            both_ms, rate_hz = _measure(config, seconds)
            lane_ms = both_ms - bays_ms
            table.add_row(f"{bays_ms:.0f}", f"{both_ms:.0f}", f"{rate_hz:.2f} Hz", f"{lane_ms:.0f}")
    Console(highlight=False).print(table)


def _measure(config: LotsightConfig, seconds: float) -> tuple[float, float]:
    """Processor time in each second, ms, and the rate of the lane, if there is one."""
    box = assemble(config)
    service = EdgeService(box.parts)
    service.start()
    limit_s = time.monotonic() + _SETTLE_LIMIT_S
    while not is_settled(box) and time.monotonic() < limit_s:
        time.sleep(0.5)
    cpu_s, begin_s = time.process_time(), time.monotonic()
    time.sleep(seconds)
    cpu_s, wall_s = time.process_time() - cpu_s, time.monotonic() - begin_s
    lanes = box.live_state.lanes(config.camera[0].id)
    service.stop()
    return 1000 * cpu_s / wall_s, lanes[0].rate_hz if lanes else 0.0


if __name__ == "__main__":
    typer.run(main)
