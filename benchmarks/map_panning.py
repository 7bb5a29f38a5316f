"""The operations centre's map in Chromium: when it can be used, and frames a second while panning.

Two cities, of 10 and of 1,000 lots with 100 bays each, in SQLite, seen at a zoom that shows all of
them. The page can be used once the list has rows and the map is ready. Then the map is dragged in
circles for some seconds, and the browser's own animation frames are counted.

    python benchmarks/map_panning.py [--lots 1000] [--bays 100] [--seconds 5] [--repeat 3]

Prints the median of each, and the ratio of the large city to the small one. The pages must be
built (`scripts/pages build`). A machine without a graphics card draws in software: its frames are
those of its processor, so compare the two cities of one run.
"""

from __future__ import annotations

import argparse
import json
import math
import shutil
import statistics
import tempfile
import time
from pathlib import Path
from typing import NamedTuple

from playwright.sync_api import Browser, Page, sync_playwright

from benchmarks.cloud_queries import Box
from cloud_app.ingest.batch import Batch, take_batch
from cloud_app.storage.database import Database
from cloud_app.storage.sqlite import SqliteDatabase
from telemetry import SystemClock
from tests.cloud_app.hub import Hub, feeding, serving
from tests.conftest import CHROMIUM_FLAGS

LAT, LON, WIDE = 48.0, 11.4, 40
_COUNT = """() => {
  window.frames_seen = 0;
  const count = () => { window.frames_seen += 1; requestAnimationFrame(count); };
  requestAnimationFrame(count);
}"""


class Figures(NamedTuple):
    """Of one visit."""

    usable_s: float
    frames_hz: float


def fill(database: Database, lots: int, bays: int) -> None:
    """A box for each lot, on a grid."""
    names = tuple(f"b{k:03d}" for k in range(bays))
    now = SystemClock().utc()
    for n in range(lots):
        place = {"lat": LAT + n // WIDE / 100, "lon": LON + n % WIDE / 100}
        box = Box(f"box-{n:04d}", f"site-{n % 40:02d}", f"lot-{n:04d}", names, now=now, **place)
        box.occ = {bay: (n + k) % 3 > 0 for k, bay in enumerate(names)}
        with database.write() as session:
            take_batch(session, Batch.of([*box.hello(), box.health()], "pk"))


def visit(browser: Browser, url: str, seconds: float) -> Figures:
    """Open the map in a fresh browser, and pan it."""
    page = browser.new_context(viewport={"width": 1440, "height": 900}).new_page()
    page.set_default_timeout(120_000)
    start_s = time.perf_counter()
    page.goto(f"{url}/#10/{LAT + 0.1}/{LON + 0.2}")
    page.locator(".lot-row").first.wait_for()
    page.locator(".map[data-ready=true]").wait_for()
    usable_s = time.perf_counter() - start_s
    frames_hz = pan(page, seconds)
    page.context.close()
    return Figures(usable_s, frames_hz)


def pan(page: Page, seconds: float) -> float:
    """Frames a second while the map is dragged in circles."""
    area = page.locator(".map canvas").bounding_box()
    assert area is not None
    x, y = area["x"] + area["width"] / 2, area["y"] + area["height"] / 2
    page.wait_for_timeout(1000)  # the first tiles and labels
    page.evaluate(_COUNT)
    page.mouse.move(x, y)
    page.mouse.down()
    start_s = time.perf_counter()
    while (passed_s := time.perf_counter() - start_s) < seconds:
        angle = 2 * math.pi * passed_s / 2
        page.mouse.move(x + 150 * math.sin(angle), y + 100 * (math.cos(angle) - 1))
    frames = page.evaluate("window.frames_seen")
    page.mouse.up()
    return float(frames) / passed_s


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--lots", type=int, default=1000)
    parser.add_argument("--bays", type=int, default=100, help="of a lot")
    parser.add_argument("--seconds", type=float, default=5)
    parser.add_argument("--repeat", type=int, default=3)
    options = parser.parse_args()
    found: list[Figures] = []
    with sync_playwright() as playwright, tempfile.TemporaryDirectory() as folder:
        browser = playwright.chromium.launch(
            executable_path=shutil.which("chromium"), args=CHROMIUM_FLAGS
        )
        for lots in (max(1, options.lots // 100), options.lots):
            database = SqliteDatabase(Path(folder) / f"{lots}.db")
            fill(database, lots, options.bays)
            hub = Hub(database)
            hub.clock.epoch_utc = SystemClock().utc()
            with feeding(hub.feed), serving(hub.app) as url:
                visits = [visit(browser, url, options.seconds) for _ in range(options.repeat)]
            database.close()
            median = Figures(*(statistics.median(each) for each in zip(*visits, strict=True)))
            found.append(median)
            shown = {name: round(value, 2) for name, value in median._asdict().items()}
            print(json.dumps({"lots": lots, "bays": lots * options.bays, **shown}), flush=True)
        browser.close()
    small, large = found
    ratios = {
        "usable": large.usable_s / small.usable_s,
        "frames": large.frames_hz / small.frames_hz,
    }
    print(json.dumps({name: round(ratio, 2) for name, ratio in ratios.items()}))


if __name__ == "__main__":
    main()
