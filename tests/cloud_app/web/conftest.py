"""The operations centre in Chromium: pages that note what they complained of, people, a city."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, ViewportSize, expect

from cloud_app.accounts.roles import Role
from cloud_app.config import AccountsConfig, MapConfig
from cloud_app.storage.sqlite import SqliteDatabase
from telemetry import SystemClock
from tests.cloud_app.accounts.kit import CITY, PASSWORD, PEOPLE, add
from tests.cloud_app.hub import Hub, feeding, serving
from tests.cloud_app.scripted_edge import ScriptedEdge
from tests.cloud_app.test_intake import take
from tests.cloud_app.web.town import Town, small_town

DESKTOP = ViewportSize(width=1440, height=900)
PHONE = ViewportSize(width=360, height=740)
SHOWN_MS = 15_000
"""How long a page may take on a busy machine; a test of real time is elsewhere."""
expect.set_options(timeout=SHOWN_MS)


@dataclass
class Watched:
    """A page and all that it complained of."""

    page: Page
    complaints: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.page.set_default_timeout(SHOWN_MS)
        self.page.on("pageerror", lambda error: self.complaints.append(str(error)))
        self.page.on(
            "console",
            lambda message: self._note(message.type, message.text, message.location["url"]),
        )

    def _note(self, kind: str, text: str, url: str) -> None:
        # A box that never spoke of a shadow has none; the browser notes the answer by itself.
        if "/shadow?" in url and "404" in text:
            return
        # The software renderer of a machine without a graphics card tells of itself.
        if kind in {"error", "warning"} and "GPU stall" not in text and "GL Driver" not in text:
            self.complaints.append(text)


OpenPage = Callable[..., Watched]


@pytest.fixture
def open_page(built_pages: Path, browser: Browser) -> Iterator[OpenPage]:
    """A fresh page; `theme` and `size` as given, `bypass_csp` for axe."""
    with ExitStack() as stack:

        def opened(
            size: ViewportSize = DESKTOP, theme: str = "light", *, bypass_csp: bool = False
        ) -> Watched:
            context = browser.new_context(
                viewport=size,
                color_scheme="dark" if theme == "dark" else "light",
                locale="en-GB",
                timezone_id="Europe/Berlin",
                bypass_csp=bypass_csp,
            )
            stack.callback(context.close)
            return Watched(context.new_page())

        yield opened


@dataclass(frozen=True)
class City:
    """A service that runs, and the box that reports to it."""

    hub: Hub
    edge: ScriptedEdge
    url: str


@pytest.fixture
def city(built_pages: Path, tmp_path: Path) -> Iterator[City]:
    """One box of three bays that has just reported; nobody has an account."""
    with running(tmp_path) as found:
        yield found


@pytest.fixture
def city_with_people(built_pages: Path, tmp_path: Path) -> Iterator[City]:
    """The same, with `council@example.org`."""
    with running(tmp_path, with_people=True) as found:
        yield found


@pytest.fixture
def town(built_pages: Path, tmp_path: Path) -> Iterator[Town]:
    """A small town: three boxes, alerts, incidents, and people."""
    with small_town(tmp_path) as found:
        yield found


@contextmanager
def running(
    folder: Path, *, with_people: bool = False, base_map: Path | None = None
) -> Iterator[City]:
    """A service over a database of its own."""
    database = SqliteDatabase(folder / "cloud.db")
    edge = ScriptedEdge(now=SystemClock().utc())
    ground = MapConfig(base_file=base_map)
    hub = Hub(database, people=PEOPLE if with_people else AccountsConfig(), map=ground)
    hub.clock.epoch_utc = edge.now
    if with_people:
        add(hub, "council@example.org", (CITY, Role.COUNCIL))
    take(database, [*edge.hello(), edge.change("a1", False), edge.change("a2", True)])
    with feeding(hub.feed), serving(hub.app) as url:
        yield City(hub, edge, url)
    database.close()


def log_in(page: Page, url: str, email: str = "council@example.org") -> None:
    """As somebody does it."""
    page.goto(url)
    page.get_by_label("E-mail").fill(email)
    page.get_by_label("Password", exact=True).fill(PASSWORD)
    page.get_by_role("button", name="Log in", exact=True).click()
