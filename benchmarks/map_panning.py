"""The operations centre's map in Chromium: when it can be used, and frames a second while panning.

A city of 400 lots and 100,000 bays in SQLite, 50 events a second arriving, beside a map of one lot
with one bay: what the machine can draw at all. The page can be used once the list has rows and the
map is ready. Then the map is dragged in circles for some seconds, and the frames that it draws are
counted, with the processor time that Chromium's processes need for each.

    python benchmarks/map_panning.py [--lots 400] [--bays 250] [--seconds 5] [--repeat 3]

Prints the median of each, and the ratio of the city to the empty map. The pages must be built
(`scripts/pages build`). A machine without a graphics card draws in software (`gpu-process`): its
frames are those of its processor, and of what else runs on it, so compare the two of one run.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import statistics
import tempfile
import time
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

import psutil
from playwright.sync_api import Browser, sync_playwright

from benchmarks.cloud_queries import Box, arriving
from cloud_app.ingest.batch import Batch, take_batch
from cloud_app.storage.database import Database
from cloud_app.storage.sqlite import SqliteDatabase
from telemetry import SystemClock
from tests.cloud_app.hub import Hub, feeding, serving
from tests.conftest import CHROMIUM_FLAGS

LAT, LON, WIDE = 48.0, 11.4, 40
# Frames are those in which WebGL was told to draw something.
_WATCH = """
for (const name of ["drawElements", "drawArrays"]) {
  const draw = WebGL2RenderingContext.prototype[name];
  WebGL2RenderingContext.prototype[name] = function (...given) {
    window.isDrawn = true;
    return draw.apply(this, given);
  };
}"""
# In the page, not by the debugger's protocol, which would cost as much as the drawing.
_PAN = """(seconds) => new Promise((done) => {
  const canvas = document.querySelector(".map canvas");
  const area = canvas.getBoundingClientRect();
  const [x, y] = [area.left + area.width / 2, area.top + area.height / 2];
  const tell = (make, type, dx, dy) => (type.endsWith("move") ? document : canvas).dispatchEvent(
    new make(type, { bubbles: true, cancelable: true, clientX: x + dx, clientY: y + dy, button: 0,
                     buttons: type.endsWith("up") ? 0 : 1, view: window }));
  tell(PointerEvent, "pointerdown", 0, 0);
  tell(MouseEvent, "mousedown", 0, 0);
  const start = performance.now();
  let frames = 0;
  const step = () => {
    const s = (performance.now() - start) / 1000;
    frames += window.isDrawn ? 1 : 0;
    window.isDrawn = false;
    tell(MouseEvent, "mousemove", 150 * Math.sin(Math.PI * s), 100 * (Math.cos(Math.PI * s) - 1));
    if (s < seconds) return requestAnimationFrame(step);
    tell(PointerEvent, "pointerup", 0, 0);
    tell(MouseEvent, "mouseup", 0, 0);
    done([frames, s]);
  };
  requestAnimationFrame(step);
})"""


class Figures(NamedTuple):
    """Of one visit."""

    usable_s: float
    frames_hz: float
    page_cpu_ms: float
    draw_cpu_ms: float


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
    page.add_init_script(_WATCH)
    start_s = time.perf_counter()
    page.goto(f"{url}/#10/{LAT + 0.1}/{LON + 0.2}")
    page.locator(".lot-row").first.wait_for()
    page.locator(".map[data-ready=true]").wait_for()
    usable_s = time.perf_counter() - start_s
    page.wait_for_timeout(3000)  # the first tiles and labels, and what the stream had to tell
    before = cpu_s()
    frames, took_s = page.evaluate(_PAN, seconds)
    used = {kind: spent - before.get(kind, 0) for kind, spent in cpu_s().items()}
    page.context.close()
    per_frame = [1000 * used.get(kind, 0) / max(1, frames) for kind in ("renderer", "gpu-process")]
    return Figures(usable_s, frames / took_s, *per_frame)


def cpu_s() -> Mapping[str, float]:
    """Processor time of Chromium's processes, by their kind."""
    spent: dict[str, float] = {}
    for process in psutil.Process().children(recursive=True):
        try:
            words, times = process.cmdline(), process.cpu_times()
        except psutil.Error:  # it has just ended
            continue
        kind = next((w.removeprefix("--type=") for w in words if w.startswith("--type=")), "")
        spent[kind] = spent.get(kind, 0) + times.user + times.system
    return spent


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--lots", type=int, default=400)
    parser.add_argument("--bays", type=int, default=250, help="of a lot")
    parser.add_argument("--seconds", type=float, default=5)
    parser.add_argument("--repeat", type=int, default=3)
    options = parser.parse_args()
    found: list[Figures] = []
    with sync_playwright() as playwright, tempfile.TemporaryDirectory() as folder:
        browser = playwright.chromium.launch(
            executable_path=shutil.which("chromium"), args=CHROMIUM_FLAGS
        )
        for lots, bays in ((1, 1), (options.lots, options.bays)):
            database = SqliteDatabase(Path(folder) / f"{lots}.db")
            fill(database, lots, bays)
            hub = Hub(database)
            hub.clock.epoch_utc = SystemClock().utc()
            with feeding(hub.feed), serving(hub.app) as url, arriving(database):
                visits = [visit(browser, url, options.seconds) for _ in range(options.repeat)]
            database.close()
            median = Figures(*(statistics.median(each) for each in zip(*visits, strict=True)))
            found.append(median)
            shown = {name: round(value, 2) for name, value in median._asdict().items()}
            shown |= {"load": round(os.getloadavg()[0], 1)}
            print(json.dumps({"lots": lots, "bays": lots * bays, **shown}), flush=True)
        browser.close()
    empty, city = found
    ratios = {
        name: round(of_city / of_empty, 2)
        for name, of_city, of_empty in zip(Figures._fields, city, empty, strict=True)
    }
    print(json.dumps({"city / empty map": ratios}))


if __name__ == "__main__":
    main()
