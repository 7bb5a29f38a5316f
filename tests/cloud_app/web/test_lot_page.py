"""The page of a lot: bays live and as they were, and what is known of one."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest
from playwright.sync_api import expect

from telemetry import IncidentEnd, IncidentKind
from tests.cloud_app.test_intake import take
from tests.cloud_app.web.conftest import PHONE, City, OpenPage
from tests.cloud_app.web.places import place_on_map

pytestmark = [pytest.mark.chromium]
LOT = "/lots/north/p1"


def test_bays_follow_without_a_reload(city: City, open_page: OpenPage) -> None:
    watched = open_page()
    page = watched.page
    page.goto(city.url + LOT)
    tiles = page.locator(".tile")
    expect(tiles).to_have_count(3)
    expect(page.get_by_role("button", name="a1: free")).to_be_visible()
    take(city.hub.database, [city.edge.change("a1", True), city.edge.close_bay("a3", True)])
    expect(page.get_by_role("button", name="a1: occupied")).to_be_visible()
    expect(page.get_by_role("button", name="a3: closed")).to_be_visible()
    take(city.hub.database, [city.edge.will()])
    expect(page.get_by_role("button", name="a1: stale")).to_be_visible()
    expect(page.get_by_text("The edge box of the stale bays is unreachable")).to_be_visible()
    page.close()
    assert watched.complaints == []


def test_a_bay_tells_how_it_is_and_was(city: City, open_page: OpenPage) -> None:
    take(city.hub.database, [city.edge.change("a1", True, 600)])
    city.hub.clock.epoch_utc = city.edge.now
    watched = open_page()
    page = watched.page
    page.goto(city.url + LOT)
    page.get_by_role("button", name="a1: occupied").click()
    panel = page.get_by_role("complementary", name="Bay a1")
    expect(panel).to_contain_text("Confidence97 %")
    expect(panel).to_contain_text("Camera cam-1 · box-1")
    expect(panel.locator(".stays li")).to_have_count(2)
    expect(panel.locator(".stays li").last).to_contain_text("10 min")
    expect(page).to_have_url(re.compile(r"bay=box-1%2Fa1"))
    page.reload()
    expect(panel).to_be_visible()
    panel.get_by_role("button", name="Close").click()
    expect(panel).to_be_hidden()
    assert watched.complaints == []


def test_bays_on_the_ground(city: City, open_page: OpenPage) -> None:
    place_on_map(city)
    watched = open_page()
    page = watched.page
    page.goto(city.url + LOT)
    plan = page.locator(".ground-plan .map")
    expect(plan).to_have_attribute("data-ready", "true")
    box = plan.bounding_box()
    assert box is not None
    panel = page.get_by_role("complementary", name="Bay a2")
    for _ in range(20):
        page.mouse.click(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
        if panel.is_visible():
            break
        page.wait_for_timeout(250)
    expect(panel).to_contain_text("occupied")
    assert watched.complaints == []


def test_the_slider_goes_back_and_returns(city: City, open_page: OpenPage) -> None:
    edge = city.edge
    before = edge.now
    take(city.hub.database, [edge.change("a1", True, 2 * 3600)])
    city.hub.clock.epoch_utc = edge.now
    # The page's clock is the browser's: the hours between are shown to it as past.
    watched = open_page()
    page = watched.page
    page.clock.install(time=edge.now)
    moment = (before + timedelta(minutes=40)).strftime("%Y-%m-%dT%H:%M:00Z")
    page.goto(f"{city.url}{LOT}?at={moment}")
    expect(page.get_by_role("button", name="a1: free")).to_be_visible()
    expect(page.get_by_text("As it was on")).to_be_visible()
    slider = page.get_by_role("slider")
    slider.press("End")
    page.clock.run_for(500)
    expect(page.get_by_role("button", name="a1: occupied")).to_be_visible()
    expect(page).not_to_have_url(re.compile("at="))
    assert watched.complaints == []


def test_the_list_filters_sorts_and_exports(city: City, open_page: OpenPage) -> None:
    watched = open_page()
    page = watched.page
    page.goto(f"{city.url}{LOT}?view=list")
    rows = page.locator("table tbody tr", has_text="cam-1")
    expect(rows).to_have_count(3)
    page.get_by_role("button", name="Bay", exact=True).click()
    expect(rows.first).to_contain_text("a3")
    expect(page).to_have_url(re.compile("sort=-bay"))
    page.get_by_label("State", exact=True).select_option("occupied")
    expect(rows).to_have_count(1)
    rows.first.get_by_role("link").press("Enter")
    expect(page.get_by_role("complementary", name="Bay a2")).to_be_visible()
    with page.expect_download() as download:
        page.get_by_role("link", name="Export CSV").click()
    assert download.value.suggested_filename.endswith(".csv")
    assert "a1" in download.value.path().read_text()
    assert watched.complaints == []


def test_incidents_and_stays(city: City, open_page: OpenPage) -> None:
    hub, edge = city.hub, city.edge
    began = edge.now
    take(hub.database, [edge.incident("i-1", 1, area="lane", bays=("a1", "a2"))])
    over = edge.incident(
        "i-2", 600, kind=IncidentKind.STRADDLING, began=began, end=IncidentEnd.LEFT
    )
    take(hub.database, [over, edge.change("a2", False, 60)])
    hub.clock.advance((edge.now - began).total_seconds() + 10)
    watched = open_page()
    page = watched.page
    page.goto(city.url + LOT)
    happenings = page.locator(".happenings li")
    expect(happenings).to_have_count(2)
    expect(happenings.first).to_contain_text("Double parked a1, a2 · lane · car")
    expect(happenings.first).to_contain_text("open")
    stays = page.get_by_role("region", name="Stays, last 24 hours")
    expect(stays.locator("tbody tr").first).to_contain_text("11 min")
    page.close()
    assert watched.complaints == []


def test_a_lot_that_is_none(city: City, open_page: OpenPage) -> None:
    page = open_page().page
    page.goto(f"{city.url}/lots/north/nowhere")
    expect(page.get_by_text("Nothing is stored under this address")).to_be_visible()


def test_a_phone_has_room_for_it(city: City, open_page: OpenPage) -> None:
    watched = open_page(PHONE)
    page = watched.page
    for view in ("grid", "list"):
        page.goto(f"{city.url}{LOT}?view={view}")
        expect(page.get_by_role("heading", level=1)).to_have_text("Hall")
        expect(page.get_by_role("slider")).to_be_visible()
        assert page.evaluate("document.documentElement.scrollWidth - innerWidth") <= 0, view
    assert watched.complaints == []
