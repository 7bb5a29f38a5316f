"""A drawn car park, the editor served on loopback, and a real Chromium looking at it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import cv2
import httpx
import numpy as np
import pytest
from playwright.sync_api import Browser, Page

from calibration import Calibration, RowPlan, row_quads
from calibration.editor import (
    EditorSession,
    EditorSettings,
    LiveJudge,
    ProposedBay,
    StillPicture,
    create_editor_app,
)
from calibration.geometry import to_pixels
from tests.calibration.editor.pages import Client, ClientOf
from tests.kit import web
from tests.networks import scripted_spec
from vision.types import (
    BayEvidence,
    Floats,
    ImageBgr,
    as_floats,
)

WIDTH, HEIGHT = 1280, 720
WH = (WIDTH, HEIGHT)


@dataclass(frozen=True)
class DrawnLot:
    """A picture of a lot whose truth is known.

    Attributes:
        rows: corners of each row in pixels: start, along, across, back.
        count: bays in each row.
        bays_px: outline of every bay, row by row, (4, 2) each.
        taken: whether a car stands in it.
    """

    image_bgr: ImageBgr
    rows: list[list[tuple[float, float]]]
    count: int
    bays_px: list[Floats]
    taken: list[bool]


def draw_lot(count: int = 15, seed: int = 7) -> DrawnLot:
    """Four rows of bays seen obliquely, some with cars, on structured asphalt."""
    rng = np.random.default_rng(seed)
    noise = rng.normal(112, 14, (HEIGHT // 4, WIDTH // 4)).astype(np.float32)
    grey = cv2.GaussianBlur(cv2.resize(noise, WH, interpolation=cv2.INTER_CUBIC), (0, 0), 1.2)
    image = np.clip(cv2.merge([grey + 4, grey + 1, grey]), 0, 255).astype(np.uint8)
    for _ in range(180):  # cracks and patches: places that a moved camera can be told by
        x, y = rng.integers(0, WIDTH), rng.integers(0, HEIGHT)
        shade = int(rng.integers(60, 175))
        cv2.circle(image, (int(x), int(y)), int(rng.integers(2, 7)), (shade,) * 3, -1, cv2.LINE_AA)
    rows = [
        [(190.0, 120.0), (1090.0, 120.0), (1110.0, 185.0), (170.0, 185.0)],
        [(150.0, 245.0), (1130.0, 245.0), (1155.0, 330.0), (125.0, 330.0)],
        [(100.0, 405.0), (1180.0, 405.0), (1215.0, 515.0), (65.0, 515.0)],
        [(60.0, 565.0), (1220.0, 565.0), (1262.0, 695.0), (18.0, 695.0)],
    ]
    bays, taken = [], []
    for corners in rows:
        quad = tuple((x / WIDTH, y / HEIGHT) for x, y in corners)
        for bay in row_quads(RowPlan(quad=quad, count=count), WH):
            outline = to_pixels(bay, WH)
            points = np.round(outline).astype(np.int32)
            cv2.polylines(image, [points], True, (225, 230, 232), 2, cv2.LINE_AA)
            full = bool(rng.random() < 0.55)
            if full:
                _draw_car(image, outline, rng)
            bays.append(as_floats(outline))
            taken.append(full)
    return DrawnLot(image, rows, count, bays, taken)


def _draw_car(image: ImageBgr, outline: Any, rng: np.random.Generator) -> None:
    centre = outline.mean(axis=0)
    hue = int(rng.integers(0, 180))
    colour = cv2.cvtColor(np.full((1, 1, 3), (hue, 190, 165), np.uint8), cv2.COLOR_HSV2BGR)[0, 0]
    body = np.round(centre + (outline - centre) * 0.72).astype(np.int32)
    roof = np.round(centre + (outline - centre) * 0.4).astype(np.int32)
    cv2.fillPoly(image, [body], colour.tolist(), cv2.LINE_AA)
    cv2.fillPoly(image, [roof], (colour * 0.55).astype(int).tolist(), cv2.LINE_AA)


class ColourJudge:
    """Judges by colour: the drawn cars are the only coloured things on the grey asphalt."""

    spec = scripted_spec(name="colour")

    def judge(self, image_bgr: ImageBgr, calibration: Calibration) -> BayEvidence:
        """Share of saturated pixels in the middle of each bay."""
        saturation = cv2.cvtColor(image_bgr, cv2.COLOR_BGR2HSV)[..., 1]
        wh = (image_bgr.shape[1], image_bgr.shape[0])
        prob = []
        for polygon in calibration.polygons_norm():
            mask = np.zeros(saturation.shape, np.uint8)
            cv2.fillPoly(mask, [np.round(to_pixels(polygon, wh)).astype(np.int32)], 1)
            share = float((saturation[mask > 0] > 90).mean()) if mask.any() else 0.0
            prob.append(min(0.98, max(0.02, share * 2.2)))
        values = np.asarray(prob, np.float32)
        return BayEvidence(values, np.ones_like(values))


class ColourProposer:
    """Proposes a bay round each coloured thing that no bay covers yet; rows by their height."""

    def propose(
        self, pictures: Iterable[ImageBgr], calibration: Calibration
    ) -> Sequence[ProposedBay]:
        """Judge the first picture."""
        image = next(iter(pictures))
        saturation = cv2.cvtColor(image, cv2.COLOR_BGR2HSV)[..., 1].copy()
        for polygon in calibration.polygons_norm():
            cv2.fillPoly(saturation, [np.round(to_pixels(polygon, WH)).astype(np.int32)], 0)
        mask = (saturation > 90).astype(np.uint8)
        contours, _ = cv2.findContours(mask, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_SIMPLE)
        found = []
        for contour in contours:
            if cv2.contourArea(contour) > 150:
                quad = cv2.boxPoints(cv2.minAreaRect(contour))
                centre = quad.mean(axis=0)
                grown = centre + (quad - centre) * 1.25
                outline = tuple((float(x) / WIDTH, float(y) / HEIGHT) for x, y in grown)
                found.append(
                    ProposedBay(outline, 0.6 + 0.3 * (centre[0] > 640), f"{centre[1]:.0f}")
                )
        return sorted(found, key=lambda bay: (bay.polygon[0][1] // 0.15, bay.polygon[0][0]))


@contextmanager
def serve(*sessions: EditorSession, **settings: Any) -> Iterator[str]:
    """The editor on a free port of loopback; gives its address."""
    given = EditorSettings(author_of=lambda _request: "ina", **settings)
    editor = create_editor_app(lambda: sessions, given)
    with web.serving(editor) as url:
        yield f"{url}/"


@pytest.fixture(scope="session")
def lot() -> DrawnLot:
    return draw_lot()


@pytest.fixture(scope="session")
def lot_picture(lot: DrawnLot, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("lot") / "lot.png"
    cv2.imwrite(str(path), lot.image_bgr)
    return path


@pytest.fixture
def session(lot_picture: Path, tmp_path: Path) -> EditorSession:
    judge: LiveJudge = ColourJudge()
    pictures = StillPicture(lot_picture)
    return EditorSession("north", pictures, tmp_path / "north.json", judge, ColourProposer())


@pytest.fixture
def editor_url(session: EditorSession) -> Iterator[str]:
    with serve(session) as url:
        yield url


OpenPage = Callable[..., Page]


@pytest.fixture
def open_page(browser: Browser, editor_url: str) -> Iterator[OpenPage]:
    """Opens the editor; a fault in the page's console fails the test."""
    faults: list[str] = []
    contexts = []

    def open_(context: Any = None, query: str = "", **options: Any) -> Page:
        if context is None:
            options = {"viewport": {"width": 1280, "height": 800}, **options}
            context = browser.new_context(**options)
            contexts.append(context)
        page = cast(Page, context.new_page())
        page.set_default_timeout(15_000)
        page.on("pageerror", lambda error: faults.append(str(error)))
        page.on("console", lambda m: faults.append(m.text) if _is_fault(m) else None)
        page.goto(editor_url + query)
        page.wait_for_selector("html[data-ready=true]")
        return page

    yield open_
    for context in contexts:
        context.close()
    assert faults == []


def _is_fault(message: Any) -> bool:
    # The browser reports answers 400 to 499 as errors; those are part of the conversation.
    return message.type == "error" and "the server responded with a status" not in message.text


class Hands:
    """A person at the page: points are given in pixels of the lot's picture."""

    def __init__(self, page: Page) -> None:
        self.page = page

    @property
    def details(self) -> Any:
        """What the panel says of the selected bays."""
        return self.page.get_by_role("region", name="Selected bays")

    def screen(self, point: Any) -> tuple[float, float]:
        x, y = self.page.evaluate(
            """([x, y]) => {
              const matrix = document.getElementById('world').getScreenCTM();
              const p = new DOMPoint(x, y).matrixTransform(matrix);
              return [p.x, p.y];
            }""",
            [float(point[0]), float(point[1])],
        )
        return x, y

    def click(self, point: Any, **options: Any) -> None:
        self.page.mouse.click(*self.screen(point), **options)

    def drag(self, start: Any, end: Any, steps: int = 6) -> None:
        self.page.mouse.move(*self.screen(start))
        self.page.mouse.down()
        self.page.mouse.move(*self.screen(end), steps=steps)
        self.page.mouse.up()
        self.settle()

    def press(self, *keys: str) -> None:
        for key in keys:
            self.page.keyboard.press(key)

    def settle(self) -> None:
        """Wait until the page has drawn what was done."""
        self.page.evaluate("() => new Promise((done) => requestAnimationFrame(() => done()))")

    def bays(self) -> dict[str, list[list[float]]]:
        """Outlines on the picture by id, pixels."""
        self.settle()
        found = self.page.evaluate(
            """() => [...document.querySelectorAll('#bays .bay')].map((bay) => [
              bay.dataset.bay,
              bay.querySelector('.shape').getAttribute('points').split(' ')
                .map((p) => p.split(',').map(Number)),
            ])"""
        )
        return dict(found)

    def count(self) -> int:
        self.settle()
        return int(self.page.locator("#bays .bay").count())

    def selected(self) -> list[str]:
        self.settle()
        selected = self.page.locator("#bays .bay.selected")
        return list(selected.evaluate_all("(bays) => bays.map((bay) => bay.dataset.bay)"))

    def lay_out_row(self, corners: Any, count: int | None = None) -> None:
        """Four clicks, the number, Enter."""
        before = self.count()
        for corner in corners:
            self.click(corner)
        field = self.page.get_by_label("Bays in the row")
        self.page.wait_for_function("() => document.activeElement.type === 'number'")
        if count is not None:
            field.fill(str(count))
        self.press("Enter")
        self.page.wait_for_function(
            "(before) => document.querySelectorAll('#bays .bay').length > before", arg=before
        )

    def wait_kept(self) -> None:
        """Wait until the draft lies at the server."""
        self.page.wait_for_selector("#draft-state[data-state=kept]", state="attached")

    def save(self, revision: int) -> None:
        self.press("Control+s")
        self.page.wait_for_function(
            "(text) => document.getElementById('revision').textContent === text",
            arg=f"Revision {revision}",
        )


@pytest.fixture
def hands(open_page: OpenPage) -> Hands:
    return Hands(open_page())


@pytest.fixture
def hands_of() -> type[Hands]:
    return Hands


@pytest.fixture
def serving() -> Callable[..., Any]:
    """The context manager that serves a session."""
    return serve


@pytest.fixture
def colour_judge() -> ColourJudge:
    return ColourJudge()


@pytest.fixture
def client_of(serving: Any) -> Iterator[ClientOf]:
    """Serves a session on loopback and gives a page's view of it."""
    with ExitStack() as stack:

        def make(session: EditorSession, host: str = "127.0.0.1:9", **settings: Any) -> Client:
            url = stack.enter_context(serving(session, **settings))
            http = stack.enter_context(httpx.Client(base_url=url, timeout=60, trust_env=False))
            return Client(http, session, host)

        yield make


@pytest.fixture
def client(session: EditorSession, client_of: ClientOf) -> Client:
    return client_of(session)
