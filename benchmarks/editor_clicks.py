"""Clicks and seconds to map a lot in the calibration editor, against four clicks a bay.

The page itself counts what reaches it (pointer presses and keys) while a script in real Chromium
maps each scene; the result is compared with the true bays, so speed is not bought with error.
Ultralytics' picker takes 4 clicks a bay. The time of a person is estimated by the keystroke-level
model (Card, Moran, Newell 1983): pointing 1.1 s, a press 0.2 s, a key 0.28 s, changing between
mouse and keyboard 0.4 s, thinking 1.35 s before each row (for ours) or each bay (for theirs).

    python benchmarks/editor_clicks.py [--data ../shared/data]
"""

from __future__ import annotations

import argparse
import json
import tempfile
import threading
import time
from collections import defaultdict
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import uvicorn
from playwright.sync_api import Page, sync_playwright
from shapely import Polygon

from calibration import RowPlan, load_calibration, row_quads
from calibration.editor import EditorSession, EditorSettings, StillPicture, create_editor_app
from calibration.geometry import to_pixels

POINT_S, PRESS_S, KEY_S, HOME_S, THINK_S = 1.1, 0.2, 0.28, 0.4, 1.35
CLICKS_A_BAY = 4
FLAGS = [
    "--headless=new", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
    "--disable-background-networking", "--disable-component-update", "--disable-sync",
]  # fmt: skip
COUNTERS = """() => {
  window.counted = { presses: 0, keys: 0 };
  addEventListener('pointerdown', () => (window.counted.presses += 1), true);
  addEventListener('keydown', () => (window.counted.keys += 1), true);
}"""
Corners = list[tuple[float, float]]


@dataclass(frozen=True)
class Job:
    """One row to lay out: four corners, bays in it, single or double."""

    corners: Corners
    count: int
    double: bool = False


@dataclass(frozen=True)
class Scene:
    name: str
    image_bgr: Any
    jobs: list[Job]
    truth_px: list[Any]


def oblique_scene() -> Scene:
    """60 bays in four rows, seen obliquely."""
    wh = (1280, 720)
    rows = [
        [(190.0, 120.0), (1090.0, 120.0), (1110.0, 185.0), (170.0, 185.0)],
        [(150.0, 245.0), (1130.0, 245.0), (1155.0, 330.0), (125.0, 330.0)],
        [(100.0, 405.0), (1180.0, 405.0), (1215.0, 515.0), (65.0, 515.0)],
        [(60.0, 565.0), (1220.0, 565.0), (1262.0, 695.0), (18.0, 695.0)],
    ]
    image = np.full((720, 1280, 3), 120, np.uint8)
    truth = []
    for corners in rows:
        quad = tuple((x / wh[0], y / wh[1]) for x, y in corners)
        for bay in row_quads(RowPlan(quad=quad, count=15), wh):
            truth.append(to_pixels(bay, wh))
            cv2.polylines(image, [np.round(truth[-1]).astype(np.int32)], True, (230, 230, 230), 2)
    return Scene("oblique, 4 rows of 15", image, [Job(row, 15) for row in rows], truth)


def top_view_scene(data: Path) -> Scene:
    """The 69 bays of the top-view clip: six columns, two pairs of them back to back."""
    clip = cv2.VideoCapture(str(data / "video" / "carpark_topview.mp4"))
    _, image = clip.read()
    clip.release()
    bays = json.loads((data / "video" / "carpark_topview.bays.json").read_text())["bays"]
    columns: dict[int, list[Any]] = defaultdict(list)
    for bay in bays:
        near = next((x for x in columns if abs(x - bay[0][0]) < 15), bay[0][0])
        columns[near].append(np.asarray(bay, float))
    runs = [run for column in columns.values() for run in _runs(column)]
    jobs, used = [], set()
    for index, run in enumerate(runs):
        if index in used:
            continue
        partner = next(
            (j for j in range(index + 1, len(runs)) if _back_to_back(run, runs[j])), None
        )
        if partner is not None:
            used.add(partner)
            both = [*run, *runs[partner]]
            jobs.append(Job(_corners(both), len(run), double=True))
        else:
            jobs.append(Job(_corners(run), len(run)))
    return Scene("top-view clip, 69 bays", image, jobs, [np.asarray(bay, float) for bay in bays])


def _runs(column: list[Any]) -> list[list[Any]]:
    """A column's bays, parted where one is missing."""
    ordered = sorted(column, key=lambda bay: bay[:, 1].min())
    runs = [[ordered[0]]]
    for bay in ordered[1:]:
        gap = bay[:, 1].min() - runs[-1][-1][:, 1].min()
        if gap > 70:
            runs.append([])
        runs[-1].append(bay)
    return runs


def _back_to_back(a: list[Any], b: list[Any]) -> bool:
    beside = abs(b[0][:, 0].min() - a[0][:, 0].max()) < 15
    return len(a) == len(b) and beside and abs(a[0][:, 1].min() - b[0][:, 1].min()) < 15


def _corners(bays: list[Any]) -> Corners:
    """Four corners as a person sees them: from the first bay down the column, and back."""
    first, last = bays[0], bays[-1]
    left = min(bay[:, 0].min() for bay in bays)
    right = max(bay[:, 0].max() for bay in bays)
    top, bottom = first[:, 1].min(), max(bay[:, 1].max() for bay in (last, *bays))
    return [(left, top), (left, bottom), (right, bottom), (right, top)]


def click(page: Page, point: tuple[float, float]) -> None:
    x, y = page.evaluate(
        """([x, y]) => {
          const p = new DOMPoint(x, y)
            .matrixTransform(document.getElementById('world').getScreenCTM());
          return [p.x, p.y];
        }""",
        [float(point[0]), float(point[1])],
    )
    page.mouse.click(x, y)


def lay_out(page: Page, job: Job, previous: Job | None) -> int:
    """Map one row as an installer would; returns how often the hand left the mouse."""
    before = page.locator("#bays .bay").count()
    for corner in job.corners:
        click(page, corner)
    page.wait_for_function("() => document.activeElement.type === 'number'")
    homings = 2
    if previous is None or previous.count != job.count:
        page.keyboard.type(str(job.count))
    if job.double != (previous.double if previous else False):
        homings += 1
        if not page.get_by_label("Rows").is_visible():
            page.get_by_text("Angled, double, numbering").click()
        page.get_by_label("Rows").click()
        page.keyboard.press("ArrowDown" if job.double else "ArrowUp")
        page.keyboard.press("Enter")
        page.get_by_label("Bays in the row").click()
    page.keyboard.press("Enter")
    page.wait_for_function("(n) => document.querySelectorAll('#bays .bay').length > n", arg=before)
    return homings


def map_scene(page: Page, scene: Scene, folder: Path) -> dict[str, Any]:
    page.evaluate(COUNTERS)
    started_s = time.perf_counter()
    page.keyboard.press("r")
    homings = 0
    for job, previous in zip(scene.jobs, [None, *scene.jobs], strict=False):
        homings += lay_out(page, job, previous)
    page.keyboard.press("Control+s")
    page.wait_for_function("() => document.getElementById('revision').textContent === 'Revision 1'")
    script_s = time.perf_counter() - started_s
    counted = page.evaluate("() => window.counted")
    saved = load_calibration(folder / "north.json")
    overlaps = _best_overlaps(saved, scene.truth_px)
    bays = len(scene.truth_px)
    theirs_s = bays * (CLICKS_A_BAY * (POINT_S + PRESS_S) + THINK_S)
    person_s = (
        counted["presses"] * (POINT_S + PRESS_S) + counted["keys"] * KEY_S
        + homings * HOME_S + len(scene.jobs) * 2 * THINK_S
    )  # fmt: skip
    return {
        "scene": scene.name,
        "bays": bays,
        "saved": len(saved.bays),
        "presses": counted["presses"],
        "keys": counted["keys"],
        "presses_share_of_theirs": round(counted["presses"] / (bays * CLICKS_A_BAY), 3),
        "actions_share_of_theirs": round(
            (counted["presses"] + counted["keys"]) / (bays * CLICKS_A_BAY), 3
        ),
        "script_s": round(script_s, 1),
        "person_s_estimated": round(person_s),
        "person_s_four_clicks_a_bay": round(theirs_s),
        "least_iou": round(min(overlaps), 3),
        "mean_iou": round(float(np.mean(overlaps)), 3),
    }


def _best_overlaps(saved: Any, truth_px: list[Any]) -> list[float]:
    drawn = [Polygon(to_pixels(bay.polygon, saved.image_wh)) for bay in saved.bays]
    best = []
    for bay in truth_px:
        true = Polygon(bay)
        best.append(max(true.intersection(d).area / true.union(d).area for d in drawn))
    return best


def run_scene(browser: Any, scene: Scene) -> dict[str, Any]:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        picture = folder / "scene.png"
        cv2.imwrite(str(picture), scene.image_bgr)
        session = EditorSession("north", StillPicture(picture), folder / "north.json")
        settings = EditorSettings(author_of=lambda _request: "benchmark")
        config = uvicorn.Config(
            create_editor_app(lambda: [session], settings), port=0, log_level="warning"
        )
        server = uvicorn.Server(config)
        thread = threading.Thread(target=server.run, daemon=True)
        thread.start()
        while not server.started:
            time.sleep(0.01)
        port = server.servers[0].sockets[0].getsockname()[1]
        page = browser.new_page(viewport={"width": 1280, "height": 800})
        page.goto(f"http://127.0.0.1:{port}/")
        page.wait_for_selector("html[data-ready=true]")
        try:
            return map_scene(page, scene, folder)
        finally:
            page.close()
            server.should_exit = True
            thread.join(10)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--chromium", default="/usr/bin/chromium")
    parser.add_argument("--data", type=Path, help="Folder with video/carpark_topview.mp4.")
    options = parser.parse_args()
    scenes = [oblique_scene()]
    if options.data is not None:
        scenes.append(top_view_scene(options.data))
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=options.chromium, args=FLAGS)
        for scene in scenes:
            print(json.dumps(run_scene(browser, scene), indent=1))
        browser.close()


if __name__ == "__main__":
    main()
