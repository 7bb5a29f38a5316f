"""axe finds nothing serious on a page, in both themes, at phone and desktop width.

A page that joins the navigation joins this list.
"""

from __future__ import annotations

import pytest
from playwright.sync_api import ViewportSize, expect

from tests.cloud_app.web.conftest import DESKTOP, PHONE, City, OpenPage, log_in
from tests.cloud_app.web.places import place_on_map
from tests.cloud_app.web.town import Town
from tests.kit.axe import serious_findings

pytestmark = [pytest.mark.chromium]

PLACES = {
    "/": ".lot-row",
    "/lots/north/p1": ".ground-plan .map[data-ready=true]",
    "/lots/north/p1?view=grid&bay=a1": ".stays li",
    "/lots/north/p1?view=list": "tbody tr",
    "/nowhere-in-settings": "h1",
    "/reports?place=north/p1": ".heat td[data-full]",
    "/planning": ".unmet-map .map[data-ready=true]",
}


# Colours are the theme's and places the width's, so two of the four tell of both.
@pytest.mark.parametrize(
    ("theme", "size"), [("light", DESKTOP), ("dark", PHONE)], ids=["light-desktop", "dark-phone"]
)
def test_no_serious_finding(
    city: City, open_page: OpenPage, theme: str, size: ViewportSize
) -> None:
    place_on_map(city)
    page = open_page(size, theme, bypass_csp=True).page
    found: dict[str, list[str]] = {}
    for place, shown in PLACES.items():
        path = place.replace("/nowhere-in", "/settings/nowhere-in")
        page.goto(city.url + path)
        expect(page.locator(shown).first).to_be_visible()
        if findings := serious_findings(page):
            found[place] = findings
        assert page.evaluate("document.documentElement.scrollWidth - innerWidth") <= 0, place
    page.goto(city.url)
    expect(page.locator(".lot-row")).to_be_visible()
    page.keyboard.press("?")
    expect(page.get_by_role("dialog")).to_be_visible()
    if findings := serious_findings(page):
        found["shortcuts"] = findings
    assert found == {}


OF_A_TOWN = {
    "/alerts": "main tbody tr",
    "/alerts/1": ".log li",
    "/incidents?incident=quay-1/i-2": ".frame",
    "/edges": "main tbody tr",
    "/edges/quay-1": ".bay-chip",
    "/registry/lots": "main tbody tr",
    "/registry/lots/harbour/quay": ".changes li",
    "/registry/lots/harbour/quay?edit=yes": ".map[data-ready=true]",
    "/people": "main tbody tr",
    "/keys": ".notice",
    "/notifications": ".notice",
    "/provisioning": ".notice",
    "/audit": "main tbody tr",
    "/reports/schedules": ".notice",
    "/settings": ".session-list li",
}


# Colours are the theme's and places the width's, so two of the four tell of both.
@pytest.mark.parametrize(
    ("theme", "size"), [("light", DESKTOP), ("dark", PHONE)], ids=["light-desktop", "dark-phone"]
)
def test_no_serious_finding_where_people_work(
    town: Town, open_page: OpenPage, theme: str, size: ViewportSize
) -> None:
    watched = open_page(size, theme, bypass_csp=True)
    page = town.let_in(watched.page)
    found: dict[str, list[str]] = {}
    for place, shown in OF_A_TOWN.items():
        page.goto(town.url + place)
        expect(page.locator(shown).first).to_be_visible()
        if findings := serious_findings(page):
            found[place] = findings
        assert page.evaluate("document.documentElement.scrollWidth - innerWidth") <= 0, place
    for place, button in (
        ("/people", "Invite"),
        ("/notifications", "New rule"),
        ("/provisioning", "New code"),
    ):
        page.goto(town.url + place)
        page.get_by_role("button", name=button).click()
        expect(page.get_by_role("dialog")).to_be_visible()
        if findings := serious_findings(page):
            found[button] = findings
    assert (found, watched.complaints) == ({}, [])


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_no_serious_finding_at_the_login(
    city_with_people: City, open_page: OpenPage, theme: str
) -> None:
    page = open_page(PHONE, theme, bypass_csp=True).page
    log_in(page, city_with_people.url, "nobody@example.org")
    expect(page.locator(".banner.bad")).to_be_visible()
    assert serious_findings(page) == []


def test_the_first_stop_skips_to_the_content(city: City, open_page: OpenPage) -> None:
    page = open_page().page
    page.goto(city.url)
    expect(page.locator(".lot-row")).to_be_visible()
    page.keyboard.press("Tab")
    link = page.get_by_role("link", name="Skip to content")
    expect(link).to_be_focused()
    link.press("Enter")
    expect(page.locator("#main")).to_be_focused()
