"""Edge boxes: how they are, and how one was."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import expect

from tests.cloud_app.web.conftest import OpenPage
from tests.cloud_app.web.town import Town

pytestmark = [pytest.mark.chromium]


def test_from_the_list_to_the_health_of_a_box(town: Town, open_page: OpenPage) -> None:
    watched = open_page()
    page = town.let_in(watched.page)
    page.goto(f"{town.url}/edges")
    rows = page.locator("main tbody tr")
    expect(rows).to_have_count(3)
    expect(rows.filter(has_text="quay-1")).to_contain_text("1 of 2 up")
    expect(rows.filter(has_text="quay-1")).to_contain_text("3 lost")
    page.get_by_label("State").select_option("stale")
    expect(rows).to_have_count(1)
    expect(rows).to_contain_text("offline")
    page.get_by_label("State").select_option("")
    page.get_by_role("link", name="quay-1").click()

    expect(page.get_by_role("heading", level=1)).to_have_text("quay-1")
    expect(page.get_by_text("disk gate.db is nearly full")).to_be_visible()
    expect(page.locator(".gaps")).to_contain_text("3 events")
    cameras = page.get_by_role("region", name="Cameras")
    expect(cameras.get_by_role("row", name="gate")).to_contain_text("down")
    expect(cameras.get_by_role("row", name="mast")).to_contain_text("98.7–100.0 %")
    page.get_by_label("Metric").select_option("temperature_c")
    chart = page.get_by_role("img", name=re.compile(r"Temperature from 51 °C to 59 °C"))
    expect(chart).to_be_visible()
    bays = page.get_by_role("region", name="Lots and bays")
    expect(bays.locator(".bay-chip")).to_have_count(12)
    bays.get_by_role("link", name="q05").click()
    expect(page).to_have_url(re.compile(r"/lots/harbour/quay\?bay=q05"))
    assert watched.complaints == []
