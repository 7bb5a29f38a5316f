"""Sensors: the list, and one of them with its frames."""

from __future__ import annotations

import random
import re

import pytest
from playwright.sync_api import ViewportSize, expect

from cloud_app.ingest.sensors.arrivals import Arrival, Bringer
from cloud_app.registry.edits import Edit, state
from cloud_app.registry.kinds import Ref
from cloud_app.registry.things import find_one
from sensors.envelopes import Uplink, plain
from sensors.envelopes import chirpstack as of_chirpstack
from tests.cloud_app.sensors.town import NOW, body, chirpstack, eui
from tests.cloud_app.web.conftest import DESKTOP, PHONE, OpenPage
from tests.cloud_app.web.town import Town
from tests.kit.axe import serious_findings

pytestmark = [pytest.mark.chromium]

SILENT, UNREADABLE, LOW = 3, 5, 7


def with_sensors(town: Town) -> None:
    """Nine sensors of a week, one of each trouble, and a device that nobody registered."""
    with town.hub.database.write() as session:
        for kind, key, facts in (
            ("site", "harbour", {}),
            ("lot", "harbour/dock", {}),
            *((("bay", f"harbour/dock/d{n}", {})) for n in range(1, 10)),
            *(
                (
                    "device",
                    eui(n),
                    {
                        "site": "harbour", "lot": "dock", "bay": f"d{n}", "kind": "sensor",
                        "period_s": 43_200.0,
                        "profile": "nwave-nps405" if n > 6 else "bosch-tps110",
                    },
                )
                for n in range(1, 10)
            ),
        ):  # fmt: skip
            known = find_one(session, Ref(kind, key))
            if known is None:
                state(session, Edit(Ref(kind, key), "ann", 0), facts)
    chance = random.Random(9)
    uplinks: list[Uplink] = []
    for n in range(1, 10):
        at_s = (town.now - NOW).total_seconds() - 7 * 86_400
        f_cnt = chance.randrange(900)
        while at_s < (town.now - NOW).total_seconds() - (3 * 86_400 if n == SILENT else 600):
            occupied = chance.random() < 0.6
            if n > 6:
                volts = 0x46 if n == LOW else 0xD3
                payload = f"{int(occupied):02x}{volts:02x}{chance.randrange(10, 30):02x}"
            else:
                payload = f"{int(occupied):02x}{chance.randrange(8, 28):02x}"
            uplinks.append(
                of_chirpstack(
                    body(
                        chirpstack(
                            eui(n), payload, after_s=round(at_s), f_cnt=f_cnt, f_port=2,
                            rssi=-70 - 6 * n - chance.randrange(8),
                        )
                    ),
                    "up",
                )
            )  # fmt: skip
            at_s += chance.uniform(1800, 12_000)
            f_cnt += 1 if chance.random() > 0.05 else 3
    late = (town.now - NOW).total_seconds() - 60
    bad = chirpstack(eui(UNREADABLE), "0102030405", after_s=round(late), f_cnt=9999)
    stranger = {"device": "a81758fffe0000ff", "id": "1", "occupied": True}
    uplinks += [of_chirpstack(body(bad), "up")]
    uplinks += [each for each in plain(body(stranger)) if isinstance(each, Uplink)]
    town_net, harbour = Bringer("town", None), Bringer("key k1", frozenset({"harbour"}))
    with town.hub.database.write() as session:
        town.hub.context.sensors.take(
            session,
            [
                Arrival(each, town_net if each.profile is None else harbour, town.now)
                for each in uplinks
            ],
        )
    town.judge()


def test_from_the_list_to_a_frame(town: Town, open_page: OpenPage) -> None:
    with_sensors(town)
    watched = open_page()
    page = town.let_in(watched.page)
    page.goto(f"{town.url}/sensors")
    rows = page.locator("main tbody tr")
    expect(rows).to_have_count(10)
    conditions = page.locator("main tbody .badge").all_inner_texts()
    assert conditions[:4] == ["silent", "unreadable", "low battery", "not registered"]
    page.get_by_label("Condition").select_option("low_battery")
    expect(rows).to_have_count(1)
    expect(rows).to_contain_text("2.78 V")
    page.get_by_label("Condition").select_option("")
    page.get_by_role("searchbox").last.fill(eui(UNREADABLE)[-3:])
    expect(rows).to_have_count(1)
    page.get_by_role("link", name=eui(UNREADABLE)).click()

    expect(page.get_by_role("heading", level=1)).to_have_text(eui(UNREADABLE))
    expect(page.get_by_text("Cannot decode the latest frame")).to_be_visible()
    frames = page.locator(".frames > li")
    expect(frames.first).to_contain_text("0102030405")
    frames.nth(1).locator("summary").first.click()
    expect(frames.nth(1)).to_contain_text("temperature_c")
    page.get_by_label("Metric").select_option("temperature_c")
    expect(page.get_by_role("img", name=re.compile("Temperature from"))).to_be_visible()
    assert watched.complaints == []
    page.goto(f"{town.url}/alerts")
    page.get_by_role("link", name=re.compile("Sensor silent")).click()
    expect(page.get_by_role("heading", level=1)).to_be_visible()


@pytest.mark.parametrize(
    ("theme", "size"), [("light", DESKTOP), ("dark", PHONE)], ids=["light-desktop", "dark-phone"]
)
def test_no_serious_finding(
    town: Town, open_page: OpenPage, theme: str, size: ViewportSize
) -> None:
    with_sensors(town)
    page = town.let_in(open_page(size, theme, bypass_csp=True).page)
    for place, shown in (
        ("/sensors", "main tbody tr"),
        (f"/sensors/{eui(UNREADABLE)}", ".frames > li"),
    ):
        page.goto(town.url + place)
        expect(page.locator(shown).first).to_be_visible()
        if place != "/sensors":
            page.locator(".frames > li").nth(1).locator("summary").first.click()
        assert serious_findings(page) == [], place
        assert page.evaluate("document.documentElement.scrollWidth - innerWidth") <= 0, place


def test_a_sensor_is_asked_by_radio(town: Town, open_page: OpenPage) -> None:
    with_sensors(town)
    watched = open_page(bypass_csp=True)
    page = town.let_in(watched.page)
    page.goto(f"{town.url}/sensors/{eui(1)}")
    card = page.get_by_role("region", name="Remote settings by radio")
    card.get_by_role("button", name="Recalibrate").click()
    dialog = page.get_by_role("dialog")
    expect(dialog).to_contain_text("no vehicle is in the bay")
    dialog.get_by_role("button", name="Recalibrate").click()
    row = card.get_by_role("row", name="Recalibrate")
    expect(row).to_contain_text("10: 01")
    expect(row).to_contain_text("Waiting")
    card.get_by_role("button", name="Send bytes").click()
    dialog.get_by_label("Port").fill("7")
    dialog.get_by_label("Payload (hexadecimal)").fill("0a ff")
    assert serious_findings(page) == []
    dialog.get_by_role("button", name="Send").click()
    other = card.get_by_role("row", name="Send bytes")
    expect(other).to_contain_text("7: 0aff")
    assert serious_findings(page) == []
    row.get_by_role("button", name="Take it back").click()
    expect(row).to_contain_text("Cancelled")
    page.set_viewport_size(PHONE)
    assert page.evaluate("document.documentElement.scrollWidth - innerWidth") <= 0
    assert watched.complaints == []
