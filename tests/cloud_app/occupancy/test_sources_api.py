"""Why a bay is what it is, a bay set by hand, and what drivers may take, over HTTP."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import text

from cloud_app.accounts import keys
from cloud_app.accounts.audit import Actor, ActorKind
from cloud_app.accounts.keys import KeyPlan
from cloud_app.accounts.roles import Tenant
from cloud_app.config import RulesConfig, Scope
from cloud_app.rules import judge
from cloud_app.storage.alerts import EVERY_ALERT, alerts
from cloud_app.storage.database import Database
from cloud_app.storage.truths import keep_trusts
from sensors.reconcile import SourceKind
from sensors.reliability import Checks, Trust
from tests.cloud_app.hub import TOKENS, Hub
from tests.cloud_app.occupancy.sources import SensorSite
from tests.cloud_app.registry.places import put, say
from tests.cloud_app.scripted_edge import START

BAY = "/api/v1/lots/north/p1/bays/a2"


@pytest.fixture
def site(database: Database) -> SensorSite:
    """The camera says that a2 is free, its sensor that it is occupied."""
    found = SensorSite(database, [("s-a2", "a2"), ("s-b1", "b1")])
    found.camera("a1", True)
    found.camera("a2", False)
    found.hear(found.word("s-a2", "a2", True), found.word("s-b1", "b1", False))
    found.run()
    return found


def hub_of(site: SensorSite) -> Hub:
    return Hub(site.database, TOKENS, clock=site.clock)


def test_why_a_bay_is_what_it_is(site: SensorSite) -> None:
    site.run(60)
    hub = hub_of(site)
    with hub.client("all") as client:
        told = client.get(f"{BAY}/sources").json()
        alone = client.get("/api/v1/lots/north/p1/bays/a1/sources").json()
        bays = {bay["bay"]: bay for bay in client.get("/api/v1/lots/north/p1/bays").json()}
        assert client.get("/api/v1/lots/north/p1/bays/zz/sources").status_code == 404
    assert (told["state"], told["why"], told["believed"], told["differs"]) == (
        "free", "outweighs", "box-1/cam-1", True,
    )  # fmt: skip
    assert told["differs_since"] == (START + timedelta(seconds=1)).isoformat().replace(
        "+00:00", "Z"
    )
    roles = {each["source"]: (each["role"], each["state"]) for each in told["sources"]}
    assert roles == {"box-1/cam-1": ("believed", "free"), "s-a2": ("overruled", "occupied")}
    assert [each["source"] for each in told["sources"]] == ["box-1/cam-1", "s-a2"]
    assert (alone["why"], alone["edge"], len(alone["sources"])) == ("only_one", "box-1", 1)
    # What the page says now is what the list has.
    assert (bays["a2"]["state"], told["edge"]) == (told["state"], bays["a2"]["edge"])


def test_set_by_hand_and_left_to_the_devices_again(site: SensorSite) -> None:
    hub = hub_of(site)
    until = (START + timedelta(hours=2)).isoformat()
    with hub.client("all") as client:
        for wrong in (
            {"state": "unknown", "until": until},
            {"state": "free", "until": (START + timedelta(days=40)).isoformat()},
            {"state": "free", "until": (START - timedelta(days=1)).isoformat()},
            {"state": "free"},
        ):
            assert client.put(f"{BAY}/manual", json=wrong).status_code == 422
        body = {"state": "occupied", "until": until}
        assert client.put(f"{BAY}/manual", json=body).status_code == 204
        site.run()
        told = client.get(f"{BAY}/sources").json()
        assert (told["state"], told["why"], told["believed"]) == ("occupied", "by_hand", "ops")
        assert told["set_by_hand"]
        assert site.states()["a2"] == "occupied"

        assert client.delete(f"{BAY}/manual").status_code == 204
        site.run()
        told = client.get(f"{BAY}/sources").json()
        assert (told["state"], told["set_by_hand"]) == ("free", False)
        assert site.states()["a2"] == "free"
    with hub.client("north-only") as client:
        assert client.put(f"{BAY}/manual", json=body).status_code == 403
    with site.database.read() as session:
        rows = session.rows(text("SELECT action, subject, actor FROM audit ORDER BY at_ms, action"))
    assert ("bay.set_by_hand", "north/p1/a2", "ops") in [tuple(row) for row in rows]
    assert ("bay.left_to_devices", "north/p1/a2", "ops") in [tuple(row) for row in rows]


def test_availability_and_capacity_have_one_basis(site: SensorSite) -> None:
    with site.database.write() as session:
        put(session, "bay", "north/p1/c1", kind="reserved")
        put(session, "bay", "north/p1/c2", kind="ev")
        for sensor, bay in (("s-c1", "c1"), ("s-c2", "c2")):
            put(session, "device", sensor, kind="sensor", site="north", lot="p1", bay=bay)
    site.run()
    site.hear(site.word("s-c1", "c1", False), site.word("s-c2", "c2", False))
    site.run()
    hub = hub_of(site)
    with hub.client("all") as client:
        lot = client.get("/api/v1/lots/north/p1").json()["counts"]
        by_kind = client.get("/api/v1/lots/north/p1/availability").json()
        bays = client.get("/api/v1/lots/north/p1/bays").json()
        overview = client.get("/api/v1/overview").json()["counts"]
        csv = client.get("/api/v1/lots?format=csv").text
    # a1 occupied, a2 and b1 free, a3 unknown; c1 is reserved and free, c2 for electric cars.
    assert (lot["bays"], lot["free"], lot["capacity"], lot["available"]) == (6, 4, 5, 3)
    assert by_kind == [
        {"kind": "ev", "capacity": 1, "available": 1, "occupied": 0, "unknown": 0},
        {"kind": "standard", "capacity": 4, "available": 2, "occupied": 1, "unknown": 1},
    ]
    assert sum(each["capacity"] for each in by_kind) == lot["capacity"]
    assert sum(bay["available"] for bay in bays) == lot["available"] == overview["available"]
    assert "counts_available" in csv.splitlines()[0]

    # The box goes: its bays are not available, whatever it said last.
    site.clock.advance(1000)
    site.run()
    with hub.client("all") as client:
        lot = client.get("/api/v1/lots/north/p1").json()["counts"]
    assert (lot["capacity"], lot["available"]) == (5, 2)


def told(database: Database, site: SensorSite) -> dict[str, Any]:
    with database.write() as session:
        judge(session, site.now, RulesConfig())
    with database.read() as session:
        found = alerts(session, site.now_ms, EVERY_ALERT, 50)
    return {f"{each.rule} {each.subject}": each for each in found if each.closed is None}


def test_differences_that_last_and_sensors_that_lie_are_alerts(site: SensorSite) -> None:
    database = site.database
    assert "sources_differ p1/a2" not in told(database, site)
    site.clock.advance(1801)
    site.alive()
    site.run()
    alert = told(database, site)["sources_differ p1/a2"]
    assert "bay a2" in alert.text
    site.camera("a2", True)
    site.run()
    assert "sources_differ p1/a2" not in told(database, site)

    hour_ms = 3_600_000
    bad = Trust(SourceKind.SENSOR).plus(Checks(20 * hour_ms, 2 * hour_ms, 5), site.now_ms)
    with database.write() as session:
        keep_trusts(session, "north", {"s-a2": bad, "s-b1": Trust(SourceKind.SENSOR)})
    found = told(database, site)
    assert "wrong for 10 % of the last day" in found["sensor_lies s-a2"].text
    assert "sensor_lies s-b1" not in found


def test_a_key_that_set_a_bay_is_shown_by_its_name(site: SensorSite) -> None:
    hub = hub_of(site)
    plan = KeyPlan("Night patrol", Tenant.parse("operator:north"), frozenset(Scope), None, None)
    with site.database.write() as session:
        put(session, "operator", "north")
        say(session, "site", "north", operator="north")
        key, secret = keys.create(session, Actor(ActorKind.SYSTEM, "test", None, 0), plan)
    until = (START + timedelta(hours=2)).isoformat()
    with hub.client(secret) as client:
        body = {"state": "occupied", "until": until}
        assert client.put(f"{BAY}/manual", json=body).status_code == 204
        site.run()
        told = client.get(f"{BAY}/sources").json()
    by_hand = next(each for each in told["sources"] if each["kind"] == "manual")
    assert told["believed"] == by_hand["source"] == key.key
    assert {each["name"] for each in told["sources"]} == {"Night patrol", "box-1/cam-1", "s-a2"}


def test_a_cloud_edge_was_seen_at_no_time(site: SensorSite) -> None:
    with hub_of(site).client("all") as client:
        found = client.get("/api/v1/edges/north.p1").json()
        box = client.get("/api/v1/edges/box-1").json()
    assert (found["stale"], found["last_seen"]) == (False, None)
    assert box["last_seen"] is not None
