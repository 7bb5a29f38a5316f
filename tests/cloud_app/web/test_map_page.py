"""The map of the city: what it shows, that it follows what happens, and that a link keeps it."""

from __future__ import annotations

import contextlib
import re

import httpx
import pytest
from playwright.sync_api import Error, Route, expect

from tests.cloud_app.test_intake import take
from tests.cloud_app.web.conftest import PHONE, City, OpenPage
from tests.cloud_app.web.places import place_on_map

pytestmark = [pytest.mark.chromium]


def test_a_change_shows_without_a_reload(city: City, open_page: OpenPage) -> None:
    place_on_map(city)
    watched = open_page()
    page = watched.page
    page.goto(city.url)
    lot = page.locator(".lot-row", has_text="Hall")
    expect(lot).to_contain_text("1 / 3")
    expect(page.locator(".live-sign")).to_have_text("Live")
    expect(page.locator(".map")).to_have_attribute("data-ready", "true")

    take(city.hub.database, [city.edge.change("a3", False)])
    expect(lot).to_contain_text("2 / 3")

    take(city.hub.database, [city.edge.will()])
    expect(lot).to_contain_text("0 / 3")
    expect(lot).to_contain_text("stale")
    page.close()
    assert watched.complaints == []


def test_a_lot_on_the_map_opens_its_page(city: City, open_page: OpenPage) -> None:
    place_on_map(city)
    watched = open_page()
    page = watched.page
    page.goto(f"{city.url}/#17/52.52/13.4")
    expect(page.locator(".map")).to_have_attribute("data-ready", "true")
    canvas = page.locator(".map canvas")
    box = canvas.bounding_box()
    assert box is not None
    card = page.locator(".lot-card")
    # The lot lies in the middle; its source is drawn a moment after the map is there.
    for _ in range(20):
        page.mouse.click(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
        if card.is_visible():
            break
        page.wait_for_timeout(250)
    expect(card).to_contain_text("Hall")
    card.get_by_role("link", name="Open lot").click()
    expect(page).to_have_url(re.compile(r"/lots/north/p1$"))
    expect(page.get_by_role("heading", level=1)).to_have_text("Hall")
    assert watched.complaints == []


def test_the_map_is_made_while_the_lots_are_on_their_way(city: City, open_page: OpenPage) -> None:
    place_on_map(city)
    watched = open_page()
    page = watched.page
    held: list[Route] = []
    page.route("**/api/v1/map/lots*", lambda route: held.append(route))  # noqa: PLW0108 - no builtin
    page.goto(city.url)
    expect(page.locator(".map")).to_have_attribute("data-ready", "true")
    expect(page.locator(".lot-row")).to_have_count(0)
    page.unroute("**/api/v1/map/lots*")
    for route in held:
        with contextlib.suppress(Error):  # given up meanwhile, and asked for again
            route.continue_()
    expect(page.locator(".lot-row")).to_have_count(1)
    expect(page).to_have_url(re.compile(r"#[0-9.]+/52\.5"))  # where the lot is
    assert watched.complaints == []


def test_a_map_drawn_in_software_is_coarse_while_it_is_moved(
    city: City, open_page: OpenPage
) -> None:
    place_on_map(city)
    page = open_page().page
    page.goto(f"{city.url}/#15/52.52/13.4")
    expect(page.locator(".map")).to_have_attribute("data-ready", "true")
    canvas = page.locator(".map canvas")
    box, sharp = canvas.bounding_box(), canvas.get_attribute("width")
    assert box is not None
    assert sharp is not None
    page.mouse.move(box["x"] + 300, box["y"] + 300)
    page.mouse.down()
    page.mouse.move(box["x"] + 200, box["y"] + 200, steps=3)
    expect(canvas).to_have_attribute("width", str(int(sharp) // 2))
    page.mouse.up()
    expect(canvas).to_have_attribute("width", sharp)
    # The drag went on all the same.
    expect(page).not_to_have_url(re.compile(r"#15/52\.52/13\.4$"))


def test_the_list_shows_what_is_in_view(city: City, open_page: OpenPage) -> None:
    place_on_map(city)
    watched = open_page()
    page = watched.page
    page.goto(f"{city.url}/#15/48.1/11.5")
    expect(page.get_by_text("0 lots in view")).to_be_visible()
    page.goto(f"{city.url}/#15/52.52/13.4")
    page.reload()
    expect(page.get_by_text("1 lot in view")).to_be_visible()
    page.get_by_label("Search lots").fill("nowhere")
    expect(page.get_by_text("0 lots in view")).to_be_visible()
    expect(page).to_have_url(re.compile(r"\?q=nowhere#15"))
    page.get_by_label("Search lots").fill("ha")
    expect(page.locator(".lot-row")).to_have_count(1)
    assert watched.complaints == []


def test_a_lot_without_a_place_is_listed_all_the_same(city: City, open_page: OpenPage) -> None:
    page = open_page().page
    page.goto(city.url)
    expect(page.locator(".lot-row", has_text="Hall")).to_contain_text("no location")


def test_search_finds_by_keyboard(city: City, open_page: OpenPage) -> None:
    watched = open_page()
    page = watched.page
    page.goto(city.url)
    expect(page.locator(".lot-row")).to_have_count(1)
    page.keyboard.press("/")
    field = page.get_by_role("combobox", name="Search")
    expect(field).to_be_focused()
    field.fill("hall")
    expect(page.get_by_role("dialog").get_by_role("option").first).to_contain_text("Hall")
    page.keyboard.press("Enter")
    expect(page).to_have_url(re.compile("/lots/north/p1"))
    assert watched.complaints == []


def test_text_from_a_device_is_never_markup(city: City, open_page: OpenPage) -> None:
    message = city.edge.layout_message()
    evil = message.payload.replace(b'"Hall"', b'"<img src=x onerror=alert(1)>"')
    take(city.hub.database, [type(message)(message.topic, evil, False, message.received_ms)])
    watched = open_page()
    watched.page.goto(city.url)
    row = watched.page.locator(".lot-row")
    expect(row).to_contain_text("<img src=x onerror=alert(1)>")
    assert watched.complaints == []


def test_a_lost_stream_is_told_and_what_was_missed_is_asked_for(
    city: City, open_page: OpenPage
) -> None:
    page = open_page().page
    page.goto(city.url)
    expect(page.locator(".lot-row")).to_contain_text("1 / 3")
    page.route("**/api/v1/live*", lambda route: route.abort())
    page.evaluate("document.dispatchEvent(new Event('visibilitychange'))")
    city.hub.feed.stop()
    expect(page.get_by_text("Live updates are interrupted")).to_be_visible()


def test_an_error_can_be_tried_again(city: City, open_page: OpenPage) -> None:
    page = open_page().page
    page.route("**/api/v1/live*", lambda route: route.abort())  # it would ask again by itself
    page.route("**/api/v1/map/lots*", lambda route: route.abort())
    page.goto(city.url)
    expect(page.get_by_role("heading", name="Could not load the data")).to_be_visible()
    page.unroute("**/api/v1/map/lots*")
    page.get_by_role("button", name="Try again").click()
    expect(page.locator(".lot-row")).to_have_count(1)


def test_language_and_theme_are_kept(city: City, open_page: OpenPage) -> None:
    watched = open_page()
    page = watched.page
    page.goto(city.url)
    page.get_by_label(re.compile("^Account")).click()
    page.get_by_role("button", name="Dark").click()
    page.get_by_label("Language").select_option("de")
    expect(page.get_by_role("link", name="Karte").first).to_be_visible()
    page.reload()
    expect(page.get_by_role("link", name="Karte").first).to_be_visible()
    root = page.locator("html")
    expect(root).to_have_attribute("data-theme", "dark")
    expect(root).to_have_attribute("lang", "de")
    assert watched.complaints == []


def test_a_phone_shows_map_and_list(city: City, open_page: OpenPage) -> None:
    watched = open_page(PHONE)
    page = watched.page
    page.goto(city.url)
    expect(page.locator(".lot-row")).to_have_count(1)
    page.get_by_role("button", name="More").click()
    page.get_by_role("dialog").get_by_role("link", name="Settings").click()
    expect(page).to_have_url(re.compile("/settings"))
    assert page.evaluate("document.documentElement.scrollWidth - innerWidth") <= 0
    assert watched.complaints == []


def test_an_address_that_leads_nowhere_says_so(city: City, open_page: OpenPage) -> None:
    answer = httpx.get(f"{city.url}/nowhere")
    assert (answer.status_code, answer.json()["detail"]) == (404, "there is nothing here")
    page = open_page().page
    page.goto(f"{city.url}/lots")
    expect(page.get_by_role("heading", name="Not found", exact=True)).to_be_visible()
