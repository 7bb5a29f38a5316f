"""A bay's panel: why it is what it is, set by hand, and what is available beside what is free."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import expect

from cloud_app.storage.sqlite import SqliteDatabase
from telemetry import SystemClock
from tests.cloud_app.hub import Hub, feeding, serving
from tests.cloud_app.occupancy.sources import SensorSite
from tests.cloud_app.scripted_edge import ScriptedEdge
from tests.cloud_app.web.conftest import DESKTOP, PHONE, OpenPage
from tests.kit.axe import serious_findings

pytestmark = [pytest.mark.chromium]


@pytest.fixture
def served(built_pages: Path, tmp_path: Path) -> Iterator[tuple[SensorSite, str]]:
    """Camera and sensor of a2 differ; b1 has a sensor alone."""
    database = SqliteDatabase(tmp_path / "cloud.db")
    box = ScriptedEdge(now=SystemClock().utc())
    hub = Hub(database)
    hub.clock.epoch_utc = box.now
    site = SensorSite(database, [("s-a2", "a2"), ("s-b1", "b1")], clock=hub.clock, box=box)
    for bay, occ in (("a1", True), ("a2", False)):
        site.camera(bay, occ)
    site.hear(site.word("s-a2", "a2", True), site.word("s-b1", "b1", False))
    site.run()
    with feeding(hub.feed), serving(hub.app) as url:
        yield site, url
    database.close()


def test_a_bay_tells_why_and_is_set_by_hand(
    served: tuple[SensorSite, str], open_page: OpenPage
) -> None:
    site, url = served
    watched = open_page(size=DESKTOP)
    page = watched.page
    page.goto(f"{url}/lots/north/p1?bay=a2&view=grid")
    panel = page.get_by_role("complementary", name="Bay a2")
    why = panel.get_by_role("region", name="Why")
    expect(why).to_contain_text("The sources disagree. cam-1 (box-1) is used")
    sources = why.locator(".sources li")
    expect(sources).to_have_count(2)
    expect(sources.first).to_contain_text("used")
    expect(sources.last).to_contain_text("s-a2")
    expect(sources.last).to_contain_text("overruled")
    expect(page.get_by_text("Available").first).to_be_visible()

    why.get_by_role("button", name="Set manually").click()
    why.get_by_role("button", name="occupied").click()
    why.get_by_role("button", name="Set", exact=True).click()
    expect(page.get_by_text("Bay a2 is set manually.")).to_be_visible()
    site.run()
    expect(why).to_contain_text("Set manually by")
    expect(page.get_by_role("button", name="a2: occupied")).to_be_visible()
    why.get_by_role("button", name="Leave to the devices").click()
    expect(page.get_by_text("follows its devices")).to_be_visible()
    site.run()
    expect(page.get_by_role("button", name="a2: free")).to_be_visible()
    assert watched.complaints == []


@pytest.mark.parametrize(("size", "theme"), [(DESKTOP, "dark"), (PHONE, "light")])
def test_the_panel_is_accessible(
    served: tuple[SensorSite, str], open_page: OpenPage, size: dict[str, int], theme: str
) -> None:
    _, url = served
    watched = open_page(size=size, theme=theme, bypass_csp=True)
    page = watched.page
    page.goto(f"{url}/lots/north/p1?bay=a2&view=grid")
    panel = page.get_by_role("complementary", name="Bay a2")
    expect(panel.locator(".sources li")).to_have_count(2)
    panel.get_by_role("button", name="Set manually").click()
    assert serious_findings(page) == []
    width = page.evaluate("document.documentElement.scrollWidth")
    assert width <= size["width"]
