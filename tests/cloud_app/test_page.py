"""The page in real Chromium: what it shows, and that it follows what happens."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from cloud_app.storage.sqlite import SqliteDatabase
from telemetry import IncidentEnd, IncidentKind, SystemClock
from tests.cloud_app.hub import TOKENS, Hub, feeding, fill, serving
from tests.cloud_app.scripted_edge import ScriptedEdge
from tests.cloud_app.test_intake import take

pytestmark = [pytest.mark.chromium]


@dataclass
class Watched:
    """A page and all that it complained of."""

    page: Page
    complaints: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.page.on("pageerror", lambda error: self.complaints.append(str(error)))
        self.page.on("console", lambda message: self._note(message.type, message.text))

    def _note(self, kind: str, text: str) -> None:
        if kind in {"error", "warning"}:
            self.complaints.append(text)


@pytest.fixture
def watched(browser: Browser) -> Iterator[Watched]:
    context = browser.new_context(viewport={"width": 1200, "height": 800}, locale="en-GB")
    yield Watched(context.new_page())
    context.close()


@pytest.fixture
def filled(tmp_path: Path) -> Iterator[tuple[Hub, ScriptedEdge]]:
    database = SqliteDatabase(tmp_path / "cloud.db")
    hub, edge = Hub(database), ScriptedEdge(now=SystemClock().utc())
    hub.clock.epoch_utc = edge.now
    take(database, [*edge.hello(), edge.change("a1", False), edge.change("a2", True)])
    with feeding(hub.feed):
        yield hub, edge
    database.close()


def test_a_change_shows_without_a_reload(
    filled: tuple[Hub, ScriptedEdge], watched: Watched
) -> None:
    hub, edge = filled
    page = watched.page
    with serving(hub.app) as url:
        page.goto(url)
        card = page.locator("a.card", has_text="Hall")
        expect(card).to_contain_text("1 free of 3")
        expect(page.locator("#live")).to_have_text("live")

        take(hub.database, [edge.change("a3", False)])
        expect(card).to_contain_text("2 free of 3")

        take(hub.database, [edge.will()])
        expect(card).to_contain_text("3 stale")
        expect(card).to_contain_text("0 free of 3")
        page.close()
    assert watched.complaints == []


def test_from_the_lot_to_a_bays_history(filled: tuple[Hub, ScriptedEdge], watched: Watched) -> None:
    hub, edge = filled
    take(hub.database, [edge.change("a1", True, 600), edge.close_bay("a3", True)])
    page = watched.page
    with serving(hub.app) as url:
        page.goto(url)
        page.get_by_role("link", name=re.compile("Hall")).click()
        expect(page.locator(".bay")).to_have_count(3)
        expect(page.locator(".bay", has_text="a3")).to_have_attribute("data-now", "closed")
        page.locator(".bay", has_text="a1").click()
        history = page.locator("#history")
        expect(history).to_contain_text("Bay a1")
        expect(history.locator("tbody tr")).to_have_count(2)
        expect(history).to_contain_text("10 min")
        page.get_by_role("button", name="Close", exact=True).click()
        page.get_by_role("link", name="Edges").click()
        expect(page.locator("main tbody tr")).to_contain_text("online")
        page.get_by_role("link", name="Events").click()
        expect(page.locator(".feed li")).to_have_count(4)
        page.close()
    assert watched.complaints == []


def test_incidents_and_stays_show(filled: tuple[Hub, ScriptedEdge], watched: Watched) -> None:
    hub, edge = filled
    began = edge.now
    take(hub.database, [edge.incident("i-1", 1, area="lane", bays=("a1", "a2"))])
    over = edge.incident(
        "i-2", 600, kind=IncidentKind.STRADDLING, began=began, end=IncidentEnd.LEFT
    )
    take(hub.database, [over, edge.change("a2", False, 60)])
    hub.clock.advance((edge.now - began).total_seconds() + 10)
    page = watched.page
    with serving(hub.app) as url:
        page.goto(url)
        expect(page.locator(".tile", has_text="open incident")).to_contain_text("1")
        page.get_by_role("link", name=re.compile("Hall")).click()
        expect(page.get_by_label("Incidents")).to_contain_text("double parked a1, a2 · lane · car")
        stays = page.locator(".card", has_text="Stays, last 24 hours")
        expect(stays.locator("tbody tr").first).to_contain_text("11 min")
        page.get_by_role("navigation").get_by_role("link", name="Incidents").click()
        rows = page.locator("main tbody tr")
        expect(rows).to_have_count(2)
        expect(rows.first).to_contain_text("open")
        expect(rows.last).to_contain_text("gone")
        page.get_by_role("link", name="Events").click()
        expect(page.locator(".feed")).to_contain_text("over two bays is over")
        page.close()
    assert watched.complaints == []


def test_text_from_a_device_is_never_markup(
    filled: tuple[Hub, ScriptedEdge], watched: Watched
) -> None:
    hub, edge = filled
    evil = edge.layout_message().payload.replace(b'"Hall"', b'"<img src=x onerror=alert(1)>"')
    message = edge.layout_message()
    take(hub.database, [type(message)(message.topic, evil, False, message.received_ms)])
    page = watched.page
    with serving(hub.app) as url:
        page.goto(url)
        expect(page.locator("a.card h2")).to_have_text("<img src=x onerror=alert(1)>")
        page.close()
    assert watched.complaints == []


def test_a_token_is_asked_for_and_kept(tmp_path: Path, watched: Watched) -> None:
    database = SqliteDatabase(tmp_path / "cloud.db")
    hub = Hub(database, TOKENS)
    fill(hub, ScriptedEdge())
    page = watched.page
    with feeding(hub.feed), serving(hub.app) as url:
        page.goto(url)
        page.get_by_label("Token").last.fill("north-only")
        page.get_by_role("button", name="Continue").click()
        expect(page.locator("a.card")).to_contain_text("Hall")
        page.reload()
        expect(page.locator("a.card")).to_contain_text("Hall")
        page.close()
    database.close()


@pytest.mark.parametrize("width", [320, 390, 768])
def test_nothing_is_wider_than_a_phone(
    filled: tuple[Hub, ScriptedEdge], watched: Watched, width: int
) -> None:
    hub, _ = filled
    page = watched.page
    page.set_viewport_size({"width": width, "height": 700})
    with serving(hub.app) as url:
        for place in ("#/", "#/lot/north/p1", "#/edges", "#/incidents", "#/events"):
            page.goto(f"{url}/{place}")
            expect(page.locator("main > *").first).to_be_visible()
            overflow = page.evaluate("document.documentElement.scrollWidth - innerWidth")
            assert overflow <= 0, place
        page.close()
