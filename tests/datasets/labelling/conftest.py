"""Rendered lots as a judged pool, a queue of them, the review page on loopback."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from playwright.sync_api import Browser, Page

from datasets.crops import look_of_picture, looks_of
from datasets.labelling.build import Recipe, make_queue
from datasets.labelling.page import ReviewSession, create_review_app
from datasets.labelling.pool import Judged, PoolFrame
from datasets.labelling.queue import Queue, write_queue
from datasets.labelling.selection import Budget
from simulator import render_sample
from telemetry import Clock, SystemClock
from tests.kit import web
from tests.networks import scripted_spec
from vision.geometry import to_pixels
from vision.types import as_floats

SEEDS = (2, 5, 6)
WH = (640, 360)
NOW = datetime(2026, 11, 24, 12, tzinfo=UTC)
SPEC = scripted_spec(name="rendered")


@dataclass(frozen=True)
class Lots:
    """Rendered pictures, judged nearly right, and their truth by picture and bay."""

    pool: list[Judged]
    truth: dict[str, bool]


@pytest.fixture(scope="session")
def lots(tmp_path_factory: pytest.TempPathFactory) -> Lots:
    folder = tmp_path_factory.mktemp("lots")
    rng = np.random.default_rng(4)
    pool: list[Judged] = []
    truth: dict[str, bool] = {}
    for seed in SEEDS:
        image, quads, occupied = render_sample(seed, WH)
        path = folder / f"lot{seed}.png"
        cv2.imwrite(str(path), image)
        sha256 = hashlib.sha256(path.read_bytes()).hexdigest()
        doubt = rng.beta(0.4, 6, len(quads))
        prob = np.where(occupied, 1 - doubt, doubt)
        # A few plain mistakes, so that there is something to correct.
        wrong = rng.random(len(quads)) < 0.06
        prob = as_floats(np.where(wrong, 1 - prob, prob))
        frame = PoolFrame(
            path=path,
            source="rendered",
            polygons_norm=tuple(quads),
            bay_ids=tuple(f"B{number:02}" for number in range(len(quads))),
            labels=(None,) * len(quads),
            camera=f"cam{seed}",
            time_local=datetime(2026, 11, 24, 9, seed),  # noqa: DTZ001 - as sets have it
        )
        looks = looks_of(image, to_pixels(quads, WH))
        pool.append(Judged(frame, sha256, WH, prob, prob, looks, look_of_picture(image)))
        truth |= {f"{sha256[:12]}-{bay}": bool(state) for bay, state in enumerate(occupied)}
    return Lots(pool, truth)


def queue_of(pool: list[Judged], folder: Path, **budget: Any) -> Queue:
    """A queue in `folder`; by default of 60 bays, none asked twice."""
    given = {"count": 60, "random_share": 0.2, "twice_share": 0.0, **budget}
    recipe = Recipe(Budget(**given), sources=("rendered",))
    made = make_queue(pool, SPEC, recipe, folder, NOW)
    write_queue(folder, made)
    return made


@pytest.fixture
def make() -> Callable[..., Queue]:
    return queue_of


@pytest.fixture
def with_labels() -> Callable[[Judged, list[bool | None]], Judged]:
    def label(judged: Judged, labels: list[bool | None]) -> Judged:
        return replace(judged, frame=replace(judged.frame, labels=tuple(labels)))

    return label


@pytest.fixture
def queue_folder(lots: Lots, tmp_path: Path) -> Path:
    folder = tmp_path / "queue"
    queue_of(lots.pool, folder)
    return folder


@contextmanager
def serve(folder: Path, port: int = 0, clock: Clock | None = None) -> Iterator[str]:
    """The page of a queue on loopback; gives its address."""
    session = ReviewSession(folder, clock or SystemClock())
    app = create_review_app(session, "ina", clock=clock)
    with web.serving(app, port) as url:
        yield f"{url}/"


@pytest.fixture
def serving() -> Callable[..., Any]:
    return serve


class Reviewer:
    """A person at the page."""

    def __init__(self, page: Page) -> None:
        self.page = page

    def items(self) -> list[str]:
        """Names of the questions on the screen."""
        return str(self.page.locator("#main").get_attribute("data-items")).split()

    def press(self, *keys: str) -> None:
        for key in keys:
            self.page.keyboard.press(key)

    def wait_other(self, items: list[str]) -> None:
        """Wait until another screen is shown."""
        self.page.wait_for_function(
            "(items) => document.getElementById('main').dataset.items !== items",
            arg=" ".join(items),
        )

    def answer(self, *keys: str) -> list[str]:
        """Press keys that end a screen; gives the questions that were on it."""
        items = self.items()
        if self.page.locator(".grid").count():
            self.page.wait_for_timeout(260)  # an Enter sooner is taken for one too many
        self.press(*keys)
        self.wait_other(items)
        return items

    def wait_saved(self) -> None:
        self.page.wait_for_selector("#kept[data-state=kept]", state="attached")


@pytest.fixture
def open_page(browser: Browser) -> Iterator[Callable[..., Reviewer]]:
    """Opens the page; a fault in its console fails the test."""
    faults: list[str] = []
    contexts = []

    def open_(url: str, **options: Any) -> Reviewer:
        context = browser.new_context(**{"viewport": {"width": 1280, "height": 800}, **options})
        contexts.append(context)
        page = context.new_page()
        page.set_default_timeout(15_000)
        page.on("pageerror", lambda error: faults.append(str(error)))
        page.on("console", lambda m: faults.append(m.text) if _is_fault(m) else None)
        page.goto(url)
        page.wait_for_selector("html[data-ready=true]")
        return Reviewer(page)

    yield open_
    for context in contexts:
        context.close()
    assert faults == []


def _is_fault(message: Any) -> bool:
    # A server that is stopped on purpose, and answers 400 to 499, are part of the conversation.
    expected = ("the server responded with a status", "net::ERR_")
    return message.type == "error" and not any(text in message.text for text in expected)
