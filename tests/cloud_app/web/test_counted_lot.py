"""The page of a lot that is counted at its gates."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from cloud_app.config import GatesConfig
from cloud_app.ingest.gates.intake import GateIntake
from cloud_app.occupancy.balances import Lot, Truth, set_count
from cloud_app.occupancy.counting import count_lot
from cloud_app.registry.edits import Edit, state
from cloud_app.registry.kinds import Ref
from cloud_app.registry.things import find_one
from cloud_app.storage.times import to_ms
from sensors.counting import ZeroCause
from sensors.gates import read_pulses
from tests.cloud_app.web.conftest import DESKTOP, PHONE, SHOWN_MS, City, OpenPage
from tests.kit.axe import serious_findings

pytestmark = [pytest.mark.chromium]
GARAGE = Lot("north", "garage")


def _hear(city: City, *pulses: tuple[str, str, int, float]) -> None:
    """(gate, direction, count, minutes ago)"""
    now = city.hub.clock.utc()
    intake = GateIntake(GatesConfig(), city.hub.clock)
    body = [
        {"gate": gate, "direction": way, "count": count,
         "time": (now - timedelta(minutes=minutes)).isoformat()}
        for gate, way, count, minutes in pulses
    ]  # fmt: skip
    with city.hub.database.write() as session:
        intake.take(session, read_pulses(json.dumps(body).encode(), now), None, to_ms(now))
        count_lot(session, GARAGE, city.hub.context.now(), GatesConfig())


def _garage(city: City) -> None:
    """Counted at two gates, of which it has a night and a morning; a third was never heard of."""
    things: dict[Ref, dict[str, Any]] = {
        Ref("site", "north"): {"time_zone": "Europe/Berlin"},
        Ref("lot", "north/garage"): {
            "name": "Station garage", "capacity": 320, "held_back": 20, "empty_at": "03:00",
        },
        Ref("device", "ramp-n"): {"name": "North ramp"},
        Ref("device", "ramp-s"): {"name": "South ramp"},
        Ref("device", "ramp-w"): {"name": "West ramp"},
    }  # fmt: skip
    at = {"site": "north", "lot": "garage", "kind": "gate_counter"}
    now = city.hub.clock.utc()
    with city.hub.database.write() as session:
        for ref, said in things.items():
            facts = {**said, **at} if ref.kind == "device" else said
            known = find_one(session, ref)
            state(session, Edit(ref, "test", 0, known.version if known else None), facts)
        night = now - timedelta(hours=5)
        before = night - timedelta(days=1)
        set_count(session, GARAGE, Truth(before, 8, ZeroCause.MANUAL, "ops", "walked through"))
        set_count(session, GARAGE, Truth(night, 4, ZeroCause.NIGHT))
    # Around midnight the day is short; what passed is within the last minutes.
    _hear(city, ("ramp-n", "in", 140, 3), ("ramp-s", "in", 61, 2), ("ramp-s", "out", 33, 1))


def _shown(page: Page, label: str) -> str:
    figure = page.locator(".figure", has_text=label).first
    return figure.inner_text()


def test_a_counted_lot_and_setting_its_count(city: City, open_page: OpenPage) -> None:
    _garage(city)
    watched = open_page()
    page = watched.page
    page.goto(f"{city.url}/lots/north/garage")
    card = page.get_by_role("region", name="Count", exact=True)
    expect(card).to_contain_text("172")
    expect(card).to_contain_text("300 of 320 spaces, 20 held back")
    expect(card).to_contain_text("empty at night")
    gates = page.get_by_role("region", name="Gates")
    expect(gates.get_by_role("row", name="South ramp")).to_contain_text("33")
    expect(gates.get_by_role("row", name="West ramp")).to_contain_text("never")
    # It follows without a reload.
    _hear(city, ("ramp-n", "in", 5, 0))
    expect(card).to_contain_text("177")
    card.get_by_role("button", name="Set the count").click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_label("Vehicles").fill("many")
    dialog.get_by_role("button", name="Set the count").click()
    expect(dialog.get_by_role("alert")).to_contain_text("Enter a whole number")
    dialog.get_by_label("Vehicles").fill("170")
    dialog.get_by_label("Note").fill("counted by hand")
    dialog.get_by_role("button", name="Set the count").click()
    expect(dialog).to_contain_text("The current value is 177")
    dialog.get_by_role("button", name="Set the count").click()
    expect(page.get_by_text("The count was set to 170.")).to_be_visible()
    expect(card).to_contain_text("+7 vehicles")
    expect(card).to_contain_text("counted by hand")
    page.close()
    assert watched.complaints == []


def test_levels_with_their_counts_and_setting_one(city: City, open_page: OpenPage) -> None:
    at = {"site": "north", "lot": "garage", "kind": "gate_counter"}
    things: dict[Ref, dict[str, Any]] = {
        Ref("lot", "north/garage"): {"levels": ["P0", "P1"], "level_capacities": [80, 60]},
        Ref("device", "ramp-n"): {**at, "name": "Entrance", "level": "P0"},
        Ref("device", "ramp-s"): {**at, "name": "Ramp", "level": "P1", "level_from": "P0"},
    }
    with city.hub.database.write() as session:
        for ref, said in things.items():
            known = find_one(session, ref)
            state(session, Edit(ref, "test", 0, known.version if known else None), said)
        before = city.hub.clock.utc() - timedelta(hours=1)
        set_count(session, GARAGE, Truth(before, 0, ZeroCause.MANUAL))
    _hear(city, ("ramp-n", "in", 31, 0.2), ("ramp-s", "in", 9, 0.1))
    page = open_page(bypass_csp=True).page
    page.goto(f"{city.url}/lots/north/garage")
    levels = page.get_by_role("region", name="Levels")
    expect(levels.get_by_role("row", name="P0")).to_contain_text("58 of 80")
    expect(levels.get_by_role("row", name="P1")).to_contain_text("51 of 60")
    expect(page.get_by_role("region", name="Gates")).to_contain_text("from level P0 to P1")
    # A vehicle on the ramp changes no count of the lot, and still is seen at once.
    _hear(city, ("ramp-s", "in", 1, 0))
    expect(levels.get_by_role("row", name="P1")).to_contain_text("50 of 60", timeout=SHOWN_MS)
    levels.get_by_role("button", name="Set the count of level P1").click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_label("Vehicles").fill("12")
    dialog.get_by_role("button", name="Set the count").click()
    expect(dialog).to_contain_text("The current value is 10")
    dialog.get_by_role("button", name="Set the count").click()
    expect(levels.get_by_role("row", name="P1")).to_contain_text("48 of 60", timeout=SHOWN_MS)
    assert serious_findings(page) == []


def test_a_count_that_is_not_known_says_why(city: City, open_page: OpenPage) -> None:
    with city.hub.database.write() as session:
        at = {"site": "north", "lot": "garage", "kind": "gate_counter"}
        state(session, Edit(Ref("lot", "north/garage"), "test", 0), {"capacity": 50})
        state(session, Edit(Ref("device", "ramp-n"), "test", 0), at)
    _hear(city, ("ramp-n", "in", 1, 0))
    page = open_page().page
    page.goto(f"{city.url}/lots/north/garage")
    card = page.get_by_role("region", name="Count", exact=True)
    expect(card.get_by_role("status")).to_contain_text("The number of vehicles")
    expect(card).to_contain_text("–")


@pytest.mark.parametrize(
    ("theme", "size"), [("light", DESKTOP), ("dark", PHONE)], ids=["light-desktop", "dark-phone"]
)
def test_no_serious_finding(
    city: City, open_page: OpenPage, theme: str, size: dict[str, int]
) -> None:
    _garage(city)
    page = open_page(size, theme, bypass_csp=True).page
    page.goto(f"{city.url}/lots/north/garage")
    expect(page.get_by_role("region", name="Gates")).to_contain_text("North ramp")
    expect(page.locator(".lot-more canvas").first).to_be_visible()
    assert serious_findings(page) == []
    assert page.evaluate("document.documentElement.scrollWidth - innerWidth") <= 0
