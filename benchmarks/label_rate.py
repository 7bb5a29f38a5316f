"""Bays a minute on the label review page, one at a time and many at once.

A script in real Chromium plays a person who knows the truth: it waits as long as a person needs,
presses the keys that a person presses, and the clock runs over all of it, the page's own delays
included. The waits are those of the keystroke-level model (Card, Moran, Newell 1983): 1.35 s to
think, 0.28 s for a key, 0.5 s for a letter that must be looked for, 0.4 s to look at one picture
among many and recognise it (eye movement 0.23, perception 0.1, decision 0.07). At the end what was
saved is compared with the truth, so speed is not bought with errors.

    python benchmarks/label_rate.py [--set smartlot:valid --set nightlot:valid] [--bays 60]
"""

from __future__ import annotations

import argparse
import json
import tempfile
import threading
import time
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import uvicorn
from playwright.sync_api import Page, sync_playwright

from datasets.labelling.build import Recipe, make_queue
from datasets.labelling.journal import read_journals
from datasets.labelling.page import ReviewSession, create_review_app
from datasets.labelling.pool import judge_pool
from datasets.labelling.queue import read_queue, write_queue
from datasets.labelling.results import How, sum_up
from datasets.labelling.selection import Budget
from datasets.labelling.sources import read_sources
from models import default_model, open_detector
from telemetry import SystemClock

THINK_S, KEY_S, FOUND_KEY_S, GLANCE_S = 1.35, 0.28, 0.5, 0.4
KEYS = {"occupied": "o", "free": "f"}
CODES = "12345QWERTASDFGXCVBN"
FLAGS = [
    "--headless=new", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
    "--disable-background-networking", "--disable-component-update", "--disable-sync",
]  # fmt: skip


@contextmanager
def served(folder: Path) -> Any:
    app = create_review_app(ReviewSession(folder, SystemClock()), "benchmark")
    server = uvicorn.Server(uvicorn.Config(app, port=0, log_level="warning"))
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    while not server.started:
        time.sleep(0.01)
    yield f"http://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}/"
    server.should_exit = True
    thread.join(10)


def screen(page: Page) -> list[str]:
    return str(page.locator("#main").get_attribute("data-items")).split()


def wait_other(page: Page, items: list[str]) -> float:
    """Wait for the next screen; gives how long the page took."""
    started_s = time.perf_counter()
    page.wait_for_function(
        "(items) => document.getElementById('main').dataset.items !== items", arg=" ".join(items)
    )
    page.evaluate("() => new Promise((done) => requestAnimationFrame(() => done()))")
    return time.perf_counter() - started_s


def one_by_one(page: Page, items: list[str], truth: dict[str, str]) -> None:
    time.sleep(THINK_S + KEY_S)
    page.keyboard.press(KEYS[truth[items[0]]])


def many_at_once(page: Page, items: list[str], truth: dict[str, str]) -> None:
    heading = page.inner_text(".asking h2")
    suggestion = "occupied" if "occupied" in heading else "free"
    columns = int(page.evaluate(
        "() => getComputedStyle(document.querySelector('.board')).getPropertyValue('--columns')"
    ))  # fmt: skip
    codes = [CODES[row * 5 + column] for row in range(4) for column in range(columns)]
    time.sleep(THINK_S)
    for item, code in zip(items, codes, strict=False):
        time.sleep(GLANCE_S)
        if truth[item] != suggestion:
            time.sleep(THINK_S + FOUND_KEY_S)
            page.keyboard.press(code.lower())
    time.sleep(KEY_S)
    page.keyboard.press("Enter")


def run(browser: Any, folder: Path, truth: dict[str, str], mode: str) -> dict[str, Any]:
    with served(folder) as url:
        page = browser.new_page(viewport={"width": 1280, "height": 800})
        page.goto(f"{url}?mode={mode}")
        page.wait_for_selector("html[data-ready=true]")
        answer = one_by_one if mode == "single" else many_at_once
        delays, bays = [], 0
        started_s = time.perf_counter()
        while items := screen(page):
            answer(page, items, truth)
            delays.append(wait_other(page, items))
            bays += len(items)
        spent_s = time.perf_counter() - started_s
        page.wait_for_selector("#kept[data-state=kept]", state="attached")
        shown = page.inner_text("#figures")
        page.close()
    results = sum_up(read_queue(folder), read_journals(folder))
    wrong = sum(
        one.occupied is not (truth[item] == "occupied") for item, one in results.outcomes.items()
    )
    return {
        "mode": mode,
        "bays": bays,
        "seconds": round(spent_s, 1),
        "bays_a_minute": round(60 * bays / spent_s, 1),
        "page_says": shown,
        "corrected": results.count(How.CORRECTED),
        "saved_wrong": wrong,
        "page_delay_ms": {
            "median": round(1000 * float(np.median(delays))),
            "largest": round(1000 * max(delays)),
        },
        "error_rate_of_suggestions": str(results.error_rate),
        "among_the_chosen": str(results.chosen_rate),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--chromium", default="/usr/bin/chromium")
    parser.add_argument("--set", action="append", help="name:split of the shared data.")
    parser.add_argument("--bays", type=int, default=60)
    parser.add_argument("--random", type=float, default=0.5)
    options = parser.parse_args()
    sets = options.set or ["smartlot:valid", "nightlot:valid"]
    detector = open_detector(default_model())
    labelled = read_sources(sets, None, None)
    # The labels are the truth that the person knows; the queue sees pictures without labels.
    pool = judge_pool(detector, [replace(f, labels=(None,) * len(f.labels)) for f in labelled])
    states = {frame.path: frame.labels for frame in labelled}
    truth = {
        f"{one.sha256[:12]}-{bay}": "occupied" if state else "free"
        for one in pool
        for bay, state in enumerate(states[one.frame.path])
    }
    recipe = Recipe(
        Budget(count=options.bays, random_share=options.random, twice_share=0.0),
        sources=tuple(sets),
    )
    with sync_playwright() as playwright, tempfile.TemporaryDirectory() as name:
        browser = playwright.chromium.launch(executable_path=options.chromium, args=FLAGS)
        for mode in ("single", "grid"):
            folder = Path(name) / mode
            queue = make_queue(pool, detector.spec, recipe, folder, datetime.now(UTC))
            write_queue(folder, queue)
            print(json.dumps(run(browser, folder, truth, mode), indent=1))
        browser.close()


if __name__ == "__main__":
    main()
