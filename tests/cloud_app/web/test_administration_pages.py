"""People, keys, audit log, notification rules, settings."""

from __future__ import annotations

import re

import cv2
import numpy as np
import pyotp
import pytest
from playwright.sync_api import expect

from tests.cloud_app.accounts.kit import PASSWORD
from tests.cloud_app.web.conftest import OpenPage
from tests.cloud_app.web.town import Town

pytestmark = [pytest.mark.chromium]


def test_people_are_invited_and_changed(town: Town, open_page: OpenPage) -> None:
    watched = open_page()
    page = town.let_in(watched.page)
    page.goto(f"{town.url}/people")
    page.get_by_role("button", name="Invite").click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_label("E-mail").fill("zoe@kerb.example")
    dialog.get_by_label("Name").fill("Zoe")
    dialog.get_by_label("Technician").check()
    dialog.get_by_role("button", name="Invite").click()
    expect(dialog.get_by_label("Invitation link")).to_contain_text("/login")
    dialog.get_by_role("button", name="Close").last.click()
    row = page.locator("main tbody tr", has_text="zoe@kerb.example")
    expect(row).to_contain_text("invited")

    page.get_by_role("link", name="Tom").click()
    expect(dialog.get_by_label("Technician")).to_be_checked()
    with town.other() as other:
        [tom] = [each for each in other.get("people").json() if each["name"] == "Tom"]
        etag = {"If-Match": str(tom["version"])}
        other.patch(f"people/{tom['account']}", json={"name": "Thomas"}, headers=etag)
    dialog.get_by_label("Name").fill("Tommy")
    dialog.get_by_label(re.compile("^Disabled")).check()
    dialog.get_by_role("button", name="Save").click()
    expect(dialog.get_by_role("row", name="Name")).to_contain_text("Thomas")
    expect(dialog.get_by_label("Name")).to_have_value("Tommy")
    dialog.get_by_role("button", name="Save").click()
    expect(page.locator("main tbody tr", has_text="Tommy")).to_contain_text("disabled")
    page.goto(f"{town.url}/audit?action=person")
    expect(page.locator("main tbody tr").first).to_contain_text("ada@kerb.example")
    page.locator("main tbody tr", has_text="disable").get_by_role("button").first.click()
    expect(dialog.get_by_role("row", name="disabled")).to_be_visible()


def test_a_key_is_shown_once(town: Town, open_page: OpenPage) -> None:
    watched = open_page()
    page = town.let_in(watched.page)
    page.goto(f"{town.url}/keys")
    page.get_by_role("button", name="Create a key").click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_label("Name").fill("Signs")
    dialog.get_by_role("button", name="Create a key").click()
    secret = dialog.get_by_label("Your new key").inner_text()
    assert secret.startswith("lsk_")
    dialog.get_by_role("button", name="I have copied it").click()
    row = page.locator("main tbody tr", has_text="Signs")
    expect(row).to_contain_text("active")
    assert secret not in page.content()
    row.get_by_role("button", name="Revoke").click()
    dialog.get_by_role("button", name="Revoke").click()
    expect(row).to_contain_text("revoked")
    assert watched.complaints == []


def test_a_notification_rule_is_made_changed_and_tried(town: Town, open_page: OpenPage) -> None:
    page = town.let_in(open_page().page)
    page.goto(f"{town.url}/notifications")
    page.get_by_role("button", name="New rule").click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_label("Name").fill("Night shift")
    dialog.get_by_role("button", name="Webhook").click()
    dialog.get_by_label("Webhook URL").fill("https://127.0.0.1/hook")
    dialog.get_by_role("button", name="Save").click()
    expect(dialog.get_by_role("alert")).to_contain_text("127.0.0.1")
    dialog.get_by_label("Webhook URL").fill("https://hooks.kerb.example/alerts")
    dialog.get_by_label("critical").check()
    dialog.get_by_label("When", exact=True).select_option("900")
    dialog.get_by_role("button", name="Save").click()
    row = page.locator("main tbody tr", has_text="Night shift")
    expect(row).to_contain_text("if still open after 15 min")
    row.get_by_role("link").click()
    with town.other() as other:
        [rule] = other.get("notifications").json()
        body = {name: rule[name] for name in ("severities", "rules", "sites", "also_closed")}
        body |= {
            "name": "Day shift",
            "after_s": 0,
            "to": {"kind": "webhook", "url": rule["to"]["url"]},
        }
        etag = {"If-Match": str(rule["version"])}
        assert other.put(f"notifications/{rule['id']}", json=body, headers=etag).status_code == 200
    dialog.get_by_label("Also notify when it is over").check()
    dialog.get_by_role("button", name="Save").click()
    expect(dialog.get_by_role("row").filter(has_text="immediately")).to_be_visible()
    dialog.get_by_role("button", name="Use theirs").click()
    expect(dialog.get_by_label("Name")).to_have_value("Day shift")
    dialog.get_by_role("button", name="Save").click()
    expect(page.locator("main tbody tr", has_text="Day shift")).to_be_visible()


def test_a_second_factor_is_set_up(town: Town, open_page: OpenPage) -> None:
    page = town.let_in(open_page().page)
    page.goto(f"{town.url}/settings")
    page.get_by_role("button", name="Set up a second factor").click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_label("Current password").fill("not mine")
    dialog.get_by_role("button", name="Next").click()
    expect(dialog.get_by_role("alert")).to_contain_text("not your password")
    dialog.get_by_label("Current password").fill(PASSWORD)
    dialog.get_by_role("button", name="Next").click()
    secret = dialog.get_by_label("Secret", exact=True).inner_text().replace(" ", "")
    shot = dialog.get_by_role("img", name="QR code").screenshot()
    picture = cv2.imdecode(np.frombuffer(shot, np.uint8), cv2.IMREAD_COLOR)
    assert picture is not None
    scanned, _, _ = cv2.QRCodeDetector().detectAndDecode(picture)
    assert scanned.startswith("otpauth://totp/lotsight:")
    assert f"secret={secret}" in scanned
    code = pyotp.TOTP(secret).at(town.now)
    dialog.get_by_label("Code from the app").fill(code)
    dialog.get_by_role("button", name="Turn on").click()
    expect(dialog.get_by_label("Recovery codes")).to_be_visible()
    dialog.get_by_role("button", name="I have saved them").click()
    expect(page.get_by_text("On: logging in")).to_be_visible()
    page.get_by_label("Current password").fill(PASSWORD)
    page.get_by_label("New password").fill("a longer one: eight kerbs at dusk")
    page.get_by_role("button", name="Change password").click()
    expect(page.get_by_text("Password changed")).to_be_visible()
    expect(page.get_by_text("this session")).to_be_visible()
