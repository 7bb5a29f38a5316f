"""Alerts and incidents: found, seen to, and two people at one alert."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import expect

from tests.cloud_app.web.conftest import OpenPage
from tests.cloud_app.web.town import Town

pytestmark = [pytest.mark.chromium]


def test_an_alert_is_found_and_seen_to(town: Town, open_page: OpenPage) -> None:
    watched = open_page()
    page = town.let_in(watched.page)
    page.goto(f"{town.url}/alerts")
    rows = page.locator("main tbody tr")
    expect(rows).to_have_count(3)
    page.get_by_label("Severity").select_option("critical")
    page.get_by_role("searchbox", name="Search").fill("hall-1")
    expect(rows).to_have_count(1)
    expect(page).to_have_url(re.compile("severity=critical&q=hall-1"))
    rows.get_by_role("link").press("Enter")
    expect(page.get_by_role("heading", level=1)).to_have_text("Camera lost")

    page.get_by_role("button", name="Acknowledge").click()
    log = page.locator(".log li")
    expect(log.first).to_contain_text("Acknowledged")
    page.get_by_role("button", name="Assign").click()
    page.get_by_role("button", name="To me").click()
    page.get_by_role("dialog").get_by_role("button", name="Assign").click()
    expect(log.first).to_contain_text("ada@kerb.example")
    expect(page.get_by_role("dialog")).to_have_count(0)  # behind it nothing can be typed
    page.get_by_label("Comment").fill("The electrician comes at two.")
    page.get_by_role("button", name="Add comment").click()
    expect(log.first).to_contain_text("The electrician comes at two.")
    page.get_by_role("button", name="Silence").click()
    page.get_by_label("For").select_option("3600")
    page.get_by_role("dialog").get_by_role("button", name="Silence").click()
    expect(page.locator(".badge", has_text="silenced")).to_be_visible()
    page.get_by_role("button", name="End silence").click()
    expect(log.first).to_contain_text("Silence ended")
    page.get_by_role("button", name="Close").first.click()
    page.get_by_role("dialog").get_by_role("button", name="Close").last.click()
    expect(log.first).to_contain_text("Closed")
    expect(page.get_by_role("button", name="Assign")).to_have_count(0)
    page.goto(f"{town.url}/alerts")
    expect(rows).to_have_count(2)
    assert watched.complaints == []


def test_somebody_else_was_quicker(town: Town, open_page: OpenPage) -> None:
    page = town.let_in(open_page().page)
    # Without live updates, as on a laptop that wakes up.
    page.route("**/api/v1/live*", lambda route: route.abort())
    with town.other() as other:
        site = f"registry/sites/{other.get('alerts/1').json()['site']}"
        etag = {"If-Match": other.get(site).headers["ETag"]}
        assert other.patch(site, json={"time_zone": "Asia/Tokyo"}, headers=etag).status_code == 200
    page.goto(f"{town.url}/alerts/1")
    button = page.get_by_role("button", name="Acknowledge")
    expect(button).to_be_visible()
    # The browser is in Berlin, the site is not.
    expect(page.locator(".log time").first).to_contain_text("GMT+9")
    expect(page.locator(".log time").first).to_have_attribute("title", re.compile("GMT\\+9"))
    with town.other() as other:
        other.post("alerts/1/actions", json={"action": "acknowledge"})
    button.click()
    expect(page.get_by_text("Somebody changed this alert in the meantime")).to_be_visible()
    expect(page.locator(".badge", has_text="acknowledged")).to_be_visible()
    expect(button).to_have_count(0)


def test_what_others_do_shows_by_itself(town: Town, open_page: OpenPage) -> None:
    page = town.let_in(open_page().page)
    page.goto(f"{town.url}/alerts")
    expect(page.locator(".live-sign")).to_have_text("Live")
    with town.other() as other:
        other.post("alerts/1/actions", json={"action": "acknowledge"})
    expect(page.locator("main .badge", has_text="acknowledged")).to_be_visible()


def test_a_viewer_only_looks(town: Town, open_page: OpenPage) -> None:
    page = town.let_in(open_page().page, town.viewer)
    page.goto(f"{town.url}/alerts/1")
    expect(page.get_by_text("Activity")).to_be_visible()
    expect(page.get_by_role("button", name="Acknowledge")).to_have_count(0)
    page.goto(f"{town.url}/people")
    expect(page.get_by_role("heading", name="No permission")).to_be_visible()


def test_an_incident_leads_to_its_bay(town: Town, open_page: OpenPage) -> None:
    watched = open_page()
    page = town.let_in(watched.page)
    page.goto(f"{town.url}/incidents")
    rows = page.locator("main tbody tr")
    expect(rows).to_have_count(2)
    page.get_by_role("button", name="Began").click()
    expect(page.locator("th[aria-sort=ascending]")).to_have_text("Began")
    oldest_first = rows.locator(".row-link").all_inner_texts()
    page.get_by_role("button", name="Began").click()
    expect(page.locator("th[aria-sort=descending]")).to_have_text("Began")
    expect(rows.locator(".row-link")).to_have_text(oldest_first[::-1])
    page.get_by_role("searchbox", name="Search").fill("nowhere")
    expect(page.get_by_text("Nothing matches")).to_be_visible()
    page.get_by_role("searchbox", name="Search").fill("Q05")
    expect(rows).to_have_count(1)
    page.get_by_label("Kind").select_option("double_parking")
    expect(rows).to_have_count(1)
    rows.get_by_role("link").click()
    panel = page.get_by_role("complementary")
    expect(panel).to_contain_text("q05")
    expect(panel.get_by_role("img")).to_be_visible()
    panel.get_by_role("link", name="q05").click()
    expect(page).to_have_url(re.compile(r"/lots/harbour/quay\?bay=q05"))
    page.goto(f"{town.url}/incidents?incident=quay-1/i-1&open=yes")
    expect(panel).to_contain_text("vehicle left")
    assert watched.complaints == []
