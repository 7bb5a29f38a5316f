"""The registry: what is known, who said so, and two people at one thing."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import expect

from tests.cloud_app.web.conftest import OpenPage
from tests.cloud_app.web.town import Town

pytestmark = [pytest.mark.chromium]


def test_a_lot_is_changed_by_two_and_given_back(town: Town, open_page: OpenPage) -> None:
    watched = open_page()
    page = town.let_in(watched.page)
    page.goto(f"{town.url}/registry")
    rows = page.locator("main tbody tr")
    expect(rows).to_have_count(3)
    page.get_by_role("button", name="Name", exact=True).click()
    page.get_by_role("button", name="Name", exact=True).click()
    expect(page).to_have_url(re.compile("sort=-name"))
    page.get_by_role("searchbox", name="Search").fill("quay")
    expect(rows).to_have_count(1)
    expect(page.get_by_role("link", name="CSV")).to_have_attribute(
        "href", re.compile("q=quay.*sort=-name|sort=-name.*q=quay")
    )
    page.get_by_role("link", name="harbour/quay").click()
    facts = page.get_by_role("region", name="Details")
    expect(facts.get_by_role("row", name="Name")).to_contain_text("layout")
    page.get_by_role("button", name="Edit").click()
    page.get_by_label("Name").fill("Quay West")
    page.get_by_label("Opening hours").fill("whenever")
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_text("expected opening hours")).to_be_visible()
    with town.other() as other:
        path = "registry/lots/harbour/quay"
        etag = {"If-Match": other.get(path).headers["ETag"]}
        said = {"name": "Quay East", "city": "Kiel"}
        assert other.patch(path, json=said, headers=etag).status_code == 200
    page.get_by_label("Opening hours").fill("Mo-Fr 08:00-18:00")
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_role("row", name="Name")).to_contain_text("Quay East")
    expect(page.get_by_label("Name")).to_have_value("Quay West")
    expect(page.get_by_label("City", exact=True)).to_have_value("Kiel")
    page.get_by_role("button", name="Save").click()
    row = facts.get_by_role("row", name="Name")
    expect(row).to_contain_text("Quay West")
    expect(row).to_contain_text("The layout says: Hall")
    expect(facts.get_by_role("row", name="City")).to_contain_text("Kiel")
    row.get_by_role("button", name="Use the layout’s").click()
    expect(row).to_contain_text("layout")
    expect(row).not_to_contain_text("Quay West")
    history = page.get_by_role("region", name="Changes")
    expect(history).to_contain_text("Reverted to the layout")


def test_a_point_and_an_outline_are_set_on_the_map(town: Town, open_page: OpenPage) -> None:
    watched = open_page()
    page = town.let_in(watched.page)
    with town.other() as other:
        path = "registry/lots/north/hall"
        etag = {"If-Match": other.get(path).headers["ETag"]}
        said = {"location": {"lat": 54.32, "lon": 10.14}}
        assert other.patch(path, json=said, headers=etag).status_code == 200
    page.goto(f"{town.url}/registry/lots/north/hall?edit=yes")
    expect(page.locator(".map")).to_have_attribute("data-ready", "true")
    canvas = page.locator(".map canvas")
    canvas.click(position={"x": 200, "y": 100})
    expect(page.get_by_label("Location", exact=True)).not_to_have_value("54.32, 10.14")
    page.get_by_role("button", name="Outline").click()
    for x, y in ((150, 80), (350, 80), (350, 220), (150, 220)):
        canvas.click(position={"x": x, "y": y})
        page.wait_for_timeout(350)  # two clicks in one place would be a double click
    expect(page.get_by_label("Outline")).to_have_value(re.compile(r'"Polygon"'))
    page.get_by_role("button", name="Save").click()
    facts = page.get_by_role("region", name="Details")
    expect(facts.get_by_role("row", name="Outline")).to_contain_text("5 points")
    assert watched.complaints == []


def test_something_new_is_made_and_deleted(town: Town, open_page: OpenPage) -> None:
    page = town.let_in(open_page().page)
    page.goto(f"{town.url}/registry/zones")
    page.get_by_role("button", name="New").click()
    dialog = page.get_by_role("dialog")
    for label, name in (("Site", "harbour"), ("Lot", "quay"), ("Zone", "short-stay")):
        dialog.get_by_label(label).fill(name)
    dialog.get_by_role("button", name="Create").click()
    page.get_by_label("Level").fill("0")
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_role("row", name="Level")).to_contain_text("person")
    page.get_by_role("button", name="Delete").click()
    dialog.get_by_role("button", name="Delete").click()
    expect(page).to_have_url(re.compile("/registry/zones$"))
