"""Logging in, in Chromium: password, code, token, links of mails, and a session that ends."""

from __future__ import annotations

import re
import secrets
from pathlib import Path
from urllib.parse import quote

import pyotp
import pytest
from playwright.sync_api import expect

from cloud_app.accounts import people, sessions, tickets, totp
from cloud_app.accounts.roles import Role
from cloud_app.accounts.tickets import TicketKind
from cloud_app.storage.sqlite import SqliteDatabase
from telemetry import SystemClock
from tests.cloud_app.accounts.kit import CITY, PASSWORD, PEOPLE, acting, add
from tests.cloud_app.accounts.provider import ADA, RealProvider
from tests.cloud_app.hub import TOKENS, Hub, feeding, fill, serving
from tests.cloud_app.scripted_edge import ScriptedEdge
from tests.cloud_app.web.conftest import City, OpenPage, log_in
from tests.kit.mosquitto import free_port

pytestmark = [pytest.mark.chromium]
EMAIL = "council@example.org"


def test_a_password_opens_what_was_asked_for(city_with_people: City, open_page: OpenPage) -> None:
    city = city_with_people
    watched = open_page()
    page = watched.page
    page.goto(f"{city.url}/lots/north/p1?view=list")
    expect(page).to_have_url(re.compile(r"/login\?to="))
    page.get_by_label("E-mail").fill(EMAIL)
    page.get_by_label("Password", exact=True).fill(PASSWORD)
    page.get_by_role("button", name="Log in", exact=True).click()
    expect(page).to_have_url(re.compile(r"/lots/north/p1\?view=list$"))
    expect(page.get_by_role("heading", level=1)).to_have_text("Hall")
    expect(page.get_by_role("link", name="People")).to_be_visible()
    page.get_by_label(re.compile("^Account")).click()
    page.get_by_role("button", name="Log out").click()
    expect(page.get_by_label("E-mail")).to_be_visible()
    page.goto(city.url)
    expect(page).to_have_url(re.compile("/login"))
    assert watched.complaints == []


def test_a_wrong_password_says_so(city_with_people: City, open_page: OpenPage) -> None:
    page = open_page().page
    page.goto(city_with_people.url)
    page.get_by_label("E-mail").fill(EMAIL)
    page.get_by_label("Password", exact=True).fill("not this one")
    page.get_by_role("button", name="Log in", exact=True).click()
    expect(page.locator(".banner.bad")).to_be_visible()
    expect(page).to_have_url(re.compile("/login"))


def test_the_code_is_asked_for_where_there_is_one(
    city_with_people: City, open_page: OpenPage
) -> None:
    hub = city_with_people.hub
    with hub.database.write() as session:
        person = people.by_email(session, EMAIL)
        secret, _ = totp.begin(session, acting(hub), person)
        first = pyotp.TOTP(secret).at(hub.clock.utc())
        totp.confirm(session, acting(hub), people.by_email(session, EMAIL), first)
    hub.clock.advance(60)
    page = open_page().page
    log_in(page, city_with_people.url)
    field = page.get_by_label("Code")
    expect(field).to_be_focused()
    field.fill(pyotp.TOTP(secret).at(hub.clock.utc()))
    page.get_by_role("button", name="Log in", exact=True).click()
    expect(page.locator(".lot-row")).to_contain_text("Hall")


def test_the_link_of_a_mail_sets_a_password(city_with_people: City, open_page: OpenPage) -> None:
    hub = city_with_people.hub
    with hub.database.write() as session:
        person = people.by_email(session, EMAIL)
        lasts_s = hub.accounts.lasts_s[TicketKind.RESET]
        ticket = tickets.issue(session, acting(hub), person, TicketKind.RESET, lasts_s)
    page = open_page().page
    new = f"eleven green lorries {secrets.token_hex(4)}"
    page.goto(f"{city_with_people.url}/login.html#reset={quote(ticket)}")
    page.get_by_label("New password").fill(new)
    page.get_by_role("button", name="Set password").click()
    expect(page.get_by_label("E-mail")).to_have_value(EMAIL)
    page.get_by_label("Password", exact=True).fill(new)
    page.get_by_role("button", name="Log in", exact=True).click()
    expect(page.locator(".lot-row")).to_contain_text("Hall")


def test_a_session_that_ends_is_told_over_the_page(
    city_with_people: City, open_page: OpenPage
) -> None:
    hub = city_with_people.hub
    page = open_page().page
    log_in(page, city_with_people.url)
    expect(page.locator(".lot-row")).to_contain_text("Hall")
    with hub.database.write() as session:
        person = people.by_email(session, EMAIL)
        sessions.end_all(session, acting(hub), person)
    # No click: where a request of the page's own has found out first, the dialog is over it.
    page.locator(".lot-row").dispatch_event("click")
    dialog = page.get_by_role("dialog", name="Your session has ended")
    expect(dialog.get_by_label("E-mail")).to_have_value(EMAIL)
    dialog.get_by_label("Password", exact=True).fill(PASSWORD)
    dialog.get_by_role("button", name="Log in", exact=True).click()
    expect(dialog).to_be_hidden()
    expect(page.locator(".tile")).to_have_count(3)


def test_a_token_is_asked_for_and_kept(
    built_pages: Path, tmp_path: Path, open_page: OpenPage
) -> None:
    database = SqliteDatabase(tmp_path / "cloud.db")
    hub = Hub(database, TOKENS)
    fill(hub, ScriptedEdge())
    page = open_page().page
    with feeding(hub.feed), serving(hub.app) as url:
        page.goto(url)
        page.get_by_role("button", name="Use an access token").click()
        page.get_by_label("Access token").fill("wrong")
        page.get_by_role("button", name="Log in", exact=True).click()
        expect(page.get_by_role("alert")).to_have_text("Unknown token.")
        page.get_by_label("Access token").fill("north-only")
        page.get_by_role("button", name="Log in", exact=True).click()
        expect(page.locator(".lot-row")).to_contain_text("Hall")
        page.reload()
        expect(page.locator(".lot-row")).to_contain_text("Hall")
        page.close()
    database.close()


def test_single_sign_on_from_the_button_to_the_page_that_was_asked_for(
    node_modules: Path, open_page: OpenPage, tmp_path: Path
) -> None:
    port = free_port()
    url = f"http://127.0.0.1:{port}"
    provider = RealProvider(tmp_path, node_modules.parent, client_url=url)
    provider.start()
    people = PEOPLE.model_copy(update={"oidc": provider.config, "public_url": url})
    database = SqliteDatabase(tmp_path / "cloud.db")
    hub = Hub(database, people=people)
    hub.clock.epoch_utc = SystemClock().utc()  # the provider's clock is the real one
    add(hub, ADA, (CITY, Role.COUNCIL), password=None)
    try:
        with feeding(hub.feed), serving(hub.app, port):
            watched = open_page()
            page = watched.page
            # The provider's own pages ask for a font of the internet.
            page.route(re.compile(r"^https?://(?!127\.0\.0\.1)"), lambda route: route.abort())
            page.goto(f"{url}/alerts?severity=critical")
            page.get_by_role("link", name="Single sign-on").click()
            expect(page).to_have_url(re.compile(re.escape(provider.issuer)))
            page.locator("input[name=login]").fill("ada-1")
            page.locator("input[name=password]").fill("any")
            page.get_by_role("button", name="Sign-in").click()
            page.get_by_role("button", name="Continue").click()
            expect(page).to_have_url(f"{url}/alerts?severity=critical")
            expect(page.get_by_role("heading", level=1)).to_have_text("Alerts")
            page.get_by_label(re.compile("^Account")).click()
            expect(page.get_by_text(ADA)).to_be_visible()
            page.get_by_role("button", name="Log out").click()
            # Somebody whom nobody invited is let in nowhere, and is told so.
            page.context.clear_cookies()
            page.get_by_role("link", name="Single sign-on").click()
            page.locator("input[name=login]").fill("bob-4")
            page.locator("input[name=password]").fill("any")
            page.get_by_role("button", name="Sign-in").click()
            page.get_by_role("button", name="Continue").click()
            expect(page).to_have_url(f"{url}/login?refused=uninvited")
            expect(page.get_by_role("alert")).to_contain_text("no account here yet")
            expect(page.get_by_label("E-mail")).to_be_visible()
    finally:
        provider.stop()
        database.close()
