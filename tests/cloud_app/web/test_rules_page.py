"""The rules' page in Chromium: a rule is written with help, tried on the past, saved, deleted."""

from __future__ import annotations

from playwright.sync_api import Route, expect

from tests.cloud_app.web.conftest import OpenPage
from tests.cloud_app.web.town import Town


def test_a_rule_is_written_tried_and_saved(town: Town, open_page: OpenPage) -> None:
    watched = open_page()
    page = town.let_in(watched.page)
    page.goto(f"{town.url}/rules")
    page.get_by_role("button", name="New rule").click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_label("Name").fill("Taken at the quay")
    condition = dialog.get_by_label("Condition")
    condition.fill("event.stat == 'occupied'")
    fault = dialog.get_by_role("button", name="Line 1, column 6")
    expect(fault).to_contain_text("did you mean event.state?")
    fault.click()
    assert condition.evaluate("field => field.selectionStart") == 5
    condition.fill("event.state == 'occupied' && event.lot == ")
    dialog.get_by_text("Available names").click()
    dialog.get_by_role("button", name="event.site", exact=True).click()
    expect(condition).to_have_value("event.state == 'occupied' && event.lot == event.site")
    condition.fill("event.state == 'occupied' && event.lot == 'quay'")
    expect(dialog.get_by_text("Condition is valid")).to_be_visible()
    dialog.get_by_role("button", name="Try it on the past").click()
    expect(dialog.get_by_text("Would have fired 8 times at 8 places.")).to_be_visible()
    dialog.get_by_label("Fires").select_option("for")
    dialog.get_by_label("Minutes", exact=True).fill("30")
    dialog.get_by_role("button", name="Add action").click()
    dialog.get_by_label("Action 2", exact=True).select_option("mqtt")
    dialog.get_by_label("Topic", exact=True).fill("signs/quay")
    dialog.get_by_role("button", name="Save").click()
    row = page.locator("main tbody tr", has_text="Taken at the quay")
    expect(row).to_contain_text("after 30 min")
    expect(row).to_contain_text("MQTT signs/quay")
    row.get_by_role("link").click()
    dialog.get_by_role("button", name="Delete").click()
    page.get_by_role("dialog", name="Delete rule").get_by_role("button", name="Delete").click()
    expect(row).to_have_count(0)
    assert watched.complaints == []


def test_a_rule_of_the_service_is_changed_and_goes_back(town: Town, open_page: OpenPage) -> None:
    watched = open_page()
    page = town.let_in(watched.page)
    late: list[Route] = []
    page.route("**/api/v1/rules/variables", lambda route: late.append(route))  # noqa: PLW0108 - it is inspected
    page.goto(f"{town.url}/rules")
    built_in = page.locator("main tbody tr", has=page.get_by_text("Edge box offline", exact=True))
    built_in.get_by_role("link").first.click()
    dialog = page.get_by_role("dialog")
    limit = dialog.get_by_label("after_s")
    expect(limit).to_have_value("600")
    limit.fill("300")
    # Rendered again by what comes late: what is typed stays.
    with page.expect_response("**/api/v1/rules/variables"):
        late.pop().continue_()
    expect(dialog.get_by_text("Condition is valid")).to_be_visible()
    page.wait_for_timeout(300)
    expect(limit).to_have_value("300")
    page.unroute_all()
    limit.blur()
    expect(dialog.get_by_text("Condition is valid")).to_be_visible()
    dialog.get_by_role("button", name="Save").click()
    expect(page.get_by_text("changed", exact=True)).to_be_visible()
    page.get_by_text("Edge box offline", exact=True).last.click()
    expect(dialog.get_by_label("after_s")).to_have_value("300")
    dialog.get_by_role("button", name="Delete").click()
    page.get_by_role("dialog", name="Delete rule").get_by_role("button", name="Delete").click()
    expect(page.get_by_text("changed", exact=True)).to_have_count(0)
    assert watched.complaints == []
