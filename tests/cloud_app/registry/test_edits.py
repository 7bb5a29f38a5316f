"""People's edits: checked against what is around, versioned, with a history that stays."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import Any

import pytest

from cloud_app.registry import council_of, operator_of, sites_of_council, sites_of_operator
from cloud_app.registry.edits import Edit, amend, remove, revert, state
from cloud_app.registry.errors import (
    FactsError,
    StaleWriteError,
    ThingInUseError,
    UnknownThingError,
)
from cloud_app.registry.geometry import Box
from cloud_app.registry.kinds import BAY, KINDS
from cloud_app.registry.queries import Filter, history, in_window, things
from cloud_app.registry.things import Action
from cloud_app.storage.database import Database
from tests.cloud_app.registry.places import (
    MUNICH,
    NOW_MS,
    put,
    ref,
    say,
    small_city,
    square,
    swapped,
    thing,
)

LON, LAT = MUNICH


@pytest.fixture(autouse=True)
def _city(database: Database) -> None:
    small_city(database)


def test_who_owns_what(database: Database) -> None:
    with database.read() as session:
        assert operator_of(session, "north") == "acme"
        assert council_of(session, "acme") == "city"
        assert operator_of(session, "nowhere") is None
        assert sites_of_operator(session, "acme") == {"north"}
        assert sites_of_council(session, "city") == {"north"}
        assert sites_of_council(session, "town") == set()


FAR = (13.4, 52.5)


@pytest.mark.parametrize(
    ("kind", "key", "facts", "field", "told"),
    [
        pytest.param(
            "site", "south", {"time_zone": "Europe/Munich"}, "time_zone",
            "expected an IANA time zone such as Europe/Berlin, but got 'Europe/Munich'", id="zone",
        ),
        pytest.param(
            "site", "south",
            {"time_zone": "Europe/Berlin", "location": {"lat": 11.575, "lon": 48.137}}, "location",
            "longitude and latitude look swapped", id="site against its time zone",
        ),
        pytest.param(
            "lot", "north/p2", {"outline": swapped(square(LON, LAT, 50))}, "outline",
            "km away: longitude and latitude look swapped", id="lot against its site",
        ),
        pytest.param(
            "lot", "north/p2", {"outline": square(*FAR, 50)}, "outline",
            "expected a place within 100 km of site north, but it lies 502 km away", id="far lot",
        ),
        pytest.param(
            "bay", "north/p1/b1", {"outline": swapped(square(LON, LAT, 3))}, "outline",
            "expected [longitude, latitude] near lot north/p1, but got [48.13", id="swapped bay",
        ),
        pytest.param(
            "bay", "north/p1/b1", {"outline": square(LON + 0.01, LAT, 3)}, "outline",
            "expected a place within 50 m of lot north/p1, but it lies 66", id="far bay",
        ),
        pytest.param(
            "bay", "north/p1/b1", {"zone": "z9"}, "zone",
            "expected a zone of lot north/p1 (z1, z2), but got 'z9'", id="no such zone",
        ),
        pytest.param(
            "bay", "north/p1/b1", {"level": "7"}, "level",
            "expected a level of lot north/p1 (0, 1), but got '7'", id="no such level",
        ),
        pytest.param(
            "bay", "north/p9/b1", {}, "lot", "there is no lot north/p9", id="no such lot"
        ),
        pytest.param("lot", "west/p1", {}, "site", "there is no site west", id="no such site"),
        pytest.param(
            "site", "south", {"operator": "who"}, "operator", "there is no operator who", id="who"
        ),
        pytest.param(
            "lot", "north/p2", {"opening_hours": "Mo-Fr 8-6pm"}, "opening_hours",
            "expected opening hours as OpenStreetMap writes them", id="hours",
        ),
        pytest.param(
            "device", "s-1", {"site": "north", "bay": "a1"}, "bay", "expected the lot of it too",
            id="bay without its lot",
        ),
        pytest.param(
            "device", "s-1", {"site": "north", "lot": "p1", "bay": "zz"}, "bay",
            "there is no bay north/p1/zz", id="bay that is not there",
        ),
        pytest.param(
            "device", "g-1", {"site": "north", "lot": "p1", "level": "9"}, "level",
            "expected a level of lot north/p1 (0, 1), but got '9'", id="gate to no level",
        ),
        pytest.param(
            "device", "g-1", {"site": "north", "lot": "p1", "level": "1", "level_from": "9"},
            "level_from", "expected a level of lot north/p1 (0, 1)", id="gate from no level",
        ),
        pytest.param(
            "device", "g-1", {"site": "north", "lot": "p1", "level": "1", "level_from": "1"},
            "level", "expected another level than level_from, '1'", id="gate within a level",
        ),
        pytest.param(
            "device", "g-1", {"site": "north", "lot": "p1", "level_from": "1"}, "level",
            "but got None", id="gate from a level to nowhere",
        ),
        pytest.param(
            "lot", "north/p2", {"levels": ["0", "1"], "level_capacities": [4]}, "level_capacities",
            "expected one for each of the 2 levels, but got 1", id="a level without places",
        ),
        pytest.param("bay", "north/p1/b1", {"kind": "vip"}, "kind", "but got 'vip'", id="kind"),
        pytest.param("bay", "north/p1/b1", {"color": "red"}, "color", "this is none", id="color"),
        pytest.param("lot", "north/p2", {"name": "a\x00b"}, "name", "pattern", id="NUL"),
    ],
)  # fmt: skip
def test_what_does_not_fit_is_refused_with_its_field(
    database: Database, kind: str, key: str, facts: dict[str, Any], field: str, told: str
) -> None:
    with pytest.raises(FactsError, match=re.escape(told)) as refused, database.write() as session:
        put(session, kind, key, **facts)
    assert [fault.field for fault in refused.value.faults] == [field]
    with database.read() as session:
        assert history(session, ref(kind, key), 10) == []


def test_all_faults_are_told_at_once(database: Database) -> None:
    with pytest.raises(FactsError) as refused, database.write() as session:
        put(session, "bay", "north/p1/b1", zone="z9", level="7", outline=square(*FAR, 3))
    assert {fault.field for fault in refused.value.faults} == {"zone", "level", "outline"}


def test_an_old_mistake_does_not_hinder_another_edit(database: Database) -> None:
    with database.write() as session:
        # The lot moves to a time zone's other end before its bays were drawn: here by its site.
        say(session, "site", "north", location={"lat": 52.5, "lon": 13.4})
        assert say(session, "lot", "north/p1", height_limit_m=2.0).version == 2


def test_a_lot_that_moves_away_from_its_bays_is_refused(database: Database) -> None:
    told = "within 50 m of the lot's bays, but a0, a1, a2 lie farther from it"
    with pytest.raises(FactsError, match=re.escape(told)), database.write() as session:
        say(session, "lot", "north/p1", outline=square(LON + 0.01, LAT, 80))


def test_a_stale_write_changes_nothing_and_brings_the_newer(database: Database) -> None:
    with database.write() as session:
        read = thing(session, "lot", "north/p1").version
        say(session, "lot", "north/p1", name="Newer")
    stale = Edit(ref("lot", "north/p1"), "bob", NOW_MS, read)
    for work in (
        lambda session: state(session, stale, {"name": "Older"}),
        lambda session: amend(session, stale, {"name": "Older"}),
        lambda session: revert(session, stale, ["name"]),
        lambda session: remove(session, stale),
        lambda session: state(session, replace(stale, version=None), {"name": "Older"}),
    ):
        with pytest.raises(StaleWriteError) as refused, database.write() as session:
            work(session)
        assert refused.value.current.said["name"] == "Newer"
    with database.read() as session:
        assert thing(session, "lot", "north/p1").version == read + 1


def test_what_is_not_there_is_said_so(database: Database) -> None:
    edit = Edit(ref("lot", "north/p9"), "ann", NOW_MS, 3)
    with pytest.raises(UnknownThingError, match="no lot north/p9"), database.write() as session:
        amend(session, edit, {"name": "x"})


@pytest.mark.parametrize(
    ("kind", "key", "user"),
    [
        ("council", "city", "operator acme"),
        ("operator", "acme", "site north"),
        ("site", "north", "lot north/p1"),
        ("zone", "north/p1/z1", "bay north/p1/a0"),
        ("lot", "north/p1", "zone north/p1/z1"),
    ],
)
def test_what_others_need_is_not_deleted(
    database: Database, kind: str, key: str, user: str
) -> None:
    with pytest.raises(ThingInUseError, match=user), database.write() as session:
        remove(session, Edit(ref(kind, key), "ann", NOW_MS, thing(session, kind, key).version))


def test_history_outlives_a_thing_and_versions_go_on(database: Database) -> None:
    with database.write() as session:
        say(session, "zone", "north/p1/z2", name="Roof")
        remove(session, Edit(ref("zone", "north/p1/z2"), "bob", NOW_MS + 1, 2))
        again = put(session, "zone", "north/p1/z2", name="Cellar")
    assert again.version == 4
    with database.read() as session:
        entries = history(session, again.ref, 10)
        assert [(e.version, e.actor, e.action, e.before, e.after) for e in entries] == [
            (4, "ann", Action.CREATED, {}, {"name": "Cellar"}),
            (3, "bob", Action.DELETED, {"name": "Roof"}, {}),
            (2, "ann", Action.CHANGED, {"name": None}, {"name": "Roof"}),
            (1, "ann", Action.CREATED, {}, {}),
        ]
        assert [e.version for e in history(session, again.ref, 1, before=3)] == [2]


def test_an_edit_that_says_nothing_new_is_no_version(database: Database) -> None:
    with database.write() as session:
        assert say(session, "lot", "north/p1", height_limit_m=2.1).version == 1


def test_null_says_that_there_is_none(database: Database) -> None:
    with database.write() as session:
        lot = say(session, "lot", "north/p1", height_limit_m=None)
    assert "height_limit_m" not in lot.said


def test_pages_and_windows(database: Database) -> None:
    bays = Filter(BAY, "north/p1")
    with database.read() as session:
        assert [b.ids["bay"] for b in things(session, bays, 2)] == ["a0", "a1"]
        assert [b.ids["bay"] for b in things(session, replace(bays, after="north/p1/a1"), 2)] == [
            "a2"
        ]
        assert things(session, replace(bays, sites=["south"]), 9) == []
        assert things(session, Filter(KINDS["council"], sites=["north"]), 9) == []
        window = Box(LON, LAT, LON + 0.00003, LAT + 0.001)
        found, more = in_window(session, Filter(BAY), window, 10)
        assert ({b.ids["bay"] for b in found}, more) == ({"a0"}, False)
        assert in_window(session, Filter(BAY), Box(-180, -90, 180, 90), 2)[1] is True
        assert in_window(session, Filter(BAY), Box(0, 0, 1, 1), 2) == ([], False)
