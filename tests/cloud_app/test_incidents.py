"""Incidents and stays in the cloud: any order, lost ends, filters, alerts, on both databases."""

from __future__ import annotations

import itertools
import random
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from cloud_app.config import RulesConfig
from cloud_app.rules import judge
from cloud_app.storage.alerts import EVERY_ALERT, alerts
from cloud_app.storage.database import Database
from cloud_app.storage.dwell import Occupation, parked_stays
from cloud_app.storage.incidents import IncidentFilter, IncidentOrder, incidents
from cloud_app.storage.sqlite import SqliteDatabase
from cloud_app.views import IncidentItem
from telemetry import IncidentEnd, IncidentKind
from tests.cloud_app.hub import TOKENS, Hub, fill
from tests.cloud_app.scripted_edge import START, ScriptedEdge
from tests.cloud_app.test_intake import contents, now_of, take


def found(
    database: Database, box: ScriptedEdge, later_s: float = 0.0, **wanted: Any
) -> list[IncidentItem]:
    with database.read() as session:
        return incidents(session, now_of(box, later_s), IncidentFilter(**wanted), 100)


def test_an_incident_opens_and_ends(database: Database) -> None:
    edge = ScriptedEdge()
    take(database, [*edge.hello(), edge.incident("i-1", area="lane")])
    [item] = found(database, edge, 30)
    assert (item.incident, item.lot, item.ended, item.stood_s) == ("i-1", "p1", None, 30.0)
    assert (item.kind, item.bays, item.area) == (IncidentKind.DOUBLE_PARKING, ("a1",), "lane")
    take(database, [edge.incident("i-1", 100, began=edge.now, end=IncidentEnd.LEFT)])
    [item] = found(database, edge, 500)
    assert (item.ended, item.end, item.stood_s) == (edge.now, "left", 100.0)


def test_order_and_repetition_do_not_matter(database: Database, tmp_path: Path) -> None:
    edge = ScriptedEdge()
    messages = [
        *edge.hello(),
        edge.incident("i-1"),
        edge.incident("i-2", kind=IncidentKind.STRADDLING, bays=("a1", "a2")),
        edge.snapshot(),
        edge.incident("i-1", 60, began=START, end=IncidentEnd.LEFT),
        edge.change("a1", True),
        edge.incident("i-3", kind=IncidentKind.OVERSTAY, limit_s=60.0, box=None, vehicle=None),
        edge.snapshot(),
    ]
    take(database, messages)
    shuffled = [*messages, *messages]
    random.Random(3).shuffle(shuffled)
    other = SqliteDatabase(tmp_path / "other.db")
    for message in shuffled:
        take(other, [message])
    assert contents(other) == contents(database)
    assert [i.incident for i in found(other, edge, is_open=True)] == ["i-3", "i-2"]
    other.close()


def test_an_end_that_was_lost_is_seen_in_the_next_snapshot(database: Database) -> None:
    edge = ScriptedEdge()
    take(database, [*edge.hello(), edge.incident("i-1"), edge.incident("i-2"), edge.snapshot()])
    edge.incident("i-1", began=START, end=IncidentEnd.LEFT)  # on the way it is lost
    assert len(found(database, edge, is_open=True)) == 2
    take(database, [edge.snapshot()])
    [item] = found(database, edge, is_open=False)
    assert (item.incident, item.end, item.ended) == ("i-1", "not_told", edge.now)
    assert [i.incident for i in found(database, edge, is_open=True)] == ["i-2"]


def test_a_snapshot_from_before_says_nothing_of_what_came_later(database: Database) -> None:
    edge = ScriptedEdge()
    hello = edge.hello()
    take(database, [edge.incident("i-1"), *hello])
    assert len(found(database, edge, is_open=True)) == 1


def test_a_new_store_of_the_edge_ends_what_the_old_one_told(database: Database) -> None:
    edge = ScriptedEdge()
    take(database, [*edge.hello(), edge.incident("i-1")])
    anew = ScriptedEdge(epoch=2, now=edge.now)
    take(database, anew.hello())
    assert found(database, anew, is_open=True) == []


@pytest.mark.parametrize(
    ("wanted", "names"),
    [
        ({}, {"i-1", "i-2", "i-3"}),
        ({"is_open": True}, {"i-2", "i-3"}),
        ({"is_open": False}, {"i-1"}),
        ({"kind": IncidentKind.STRADDLING}, {"i-2"}),
        ({"bay": "a2"}, {"i-2"}),
        ({"bay": "a_"}, set()),
        ({"lot": "p1"}, {"i-1", "i-2", "i-3"}),
        ({"lot": "p2"}, set()),
        ({"site": "north", "edge": "box-1"}, {"i-1", "i-2", "i-3"}),
        ({"site": "south"}, set()),
        ({"edge": "box-2"}, set()),
    ],
)
def test_filters(database: Database, wanted: dict[str, Any], names: set[str]) -> None:
    edge = ScriptedEdge()
    take(
        database,
        [
            *edge.hello(),
            edge.incident("i-1"),
            edge.incident("i-2", kind=IncidentKind.STRADDLING, bays=("a1", "a2")),
            edge.incident("i-3", kind=IncidentKind.OUTSIDE_BAY, bays=()),
            edge.incident("i-1", began=START, end=IncidentEnd.LEFT),
        ],
    )
    assert {item.incident for item in found(database, edge, **wanted)} == names


def test_incidents_of_an_edge_that_is_away_are_stale(database: Database) -> None:
    edge = ScriptedEdge()
    take(database, [*edge.hello(), edge.incident("i-1")])
    assert [item.stale for item in found(database, edge)] == [False]
    take(database, [edge.will()])
    assert [item.stale for item in found(database, edge)] == [True]


def told(database: Database, edge: ScriptedEdge, later_s: float, rules: RulesConfig) -> list[str]:
    with database.write() as session:
        judge(session, now_of(edge, later_s), rules)
    with database.read() as session:
        return [
            f"{alert.rule} {alert.subject} {'open' if alert.closed is None else 'over'}"
            for alert in alerts(session, 0, EVERY_ALERT, 50)
        ]


def test_somebody_is_told_of_what_stands_for_long_and_of_overstays_at_once(
    database: Database,
) -> None:
    edge, rules = ScriptedEdge(), RulesConfig(incident_after_s=120)
    late = edge.incident("i-2", kind=IncidentKind.OVERSTAY, limit_s=60.0)
    take(database, [*edge.hello(), edge.incident("i-1"), late])
    assert told(database, edge, 30, rules) == ["incident box-1/i-2 open"]
    assert set(told(database, edge, 120, rules)) == {
        "incident box-1/i-1 open", "incident box-1/i-2 open",
    }  # fmt: skip
    take(database, [edge.incident("i-1", 130, began=START, end=IncidentEnd.LEFT)])
    assert "incident box-1/i-1 over" in told(database, edge, 1, rules)


def test_nobody_is_told_of_kinds_that_do_not_matter(database: Database) -> None:
    edge = ScriptedEdge()
    take(database, [*edge.hello(), edge.incident("i-1")])
    kinds = frozenset({IncidentKind.STRADDLING})
    assert told(database, edge, 150, RulesConfig(incident_after_s=0, incident_kinds=kinds)) == []
    assert told(database, edge, 150, RulesConfig(incident_kinds=frozenset())) == []


# Stays


def occupations(*steps: tuple[int, int | None], bay: str = "a1") -> list[Occupation]:
    return [Occupation("box-1", bay, "z1", "standard", at_ms, occ) for at_ms, occ in steps]


def test_unknown_interrupts_no_stay_but_is_told() -> None:
    stays = parked_stays(
        occupations((0, 1), (10_000, None), (20_000, 1), (60_000, 0), (70_000, 1), (90_000, 0))
    )
    assert [(stay.dwell_s, stay.watched) for stay in stays] == [(60.0, False), (20.0, True)]


def test_a_stay_that_lasts_has_no_dwell_and_bays_do_not_mix() -> None:
    stays = parked_stays([*occupations((0, 1)), *occupations((5_000, 1), (6_000, 0), bay="a2")])
    assert [(stay.bay, stay.dwell_s) for stay in stays] == [("a1", None), ("a2", 1.0)]
    assert parked_stays(occupations((0, 0), (5, None), (6, 0))) == []


# The API


def test_the_api_lists_incidents_with_filters(database: Database) -> None:
    hub, edge = Hub(database), ScriptedEdge()
    fill(hub, edge)
    take(database, [edge.incident("i-1"), edge.incident("i-2", kind=IncidentKind.OVERSTAY)])
    take(database, [edge.incident("i-1", 60, began=edge.now, end=IncidentEnd.LEFT)])
    hub.clock.now_s = (edge.now - START).total_seconds()
    with hub.client() as client:
        every = client.get("/api/v1/incidents").json()
        lasting = client.get("/api/v1/incidents", params={"open": True, "lot": "p1"}).json()
        by_kind = client.get("/api/v1/incidents", params={"kind": "double_parking"}).json()
        later = client.get(
            "/api/v1/incidents", params={"start": (edge.now + timedelta(hours=1)).isoformat()}
        ).json()
        wrong = client.get("/api/v1/incidents", params={"kind": "speeding"}).status_code
        params = {"sort": "began", "format": "csv", "q": "P1"}
        oldest = client.get("/api/v1/incidents", params=params)
        events = client.get("/api/v1/events").json()
    assert [item["incident"] for item in every] == ["i-2", "i-1"]
    assert [item["incident"] for item in lasting] == ["i-2"]
    assert [(item["incident"], item["end"]) for item in by_kind] == [("i-1", "left")]
    assert later == []
    assert [line.split(",")[1] for line in oldest.text.splitlines()[1:]] == ["i-1", "i-2"]
    assert wrong == 422
    assert [(e["kind"], e["cause"]) for e in events[:3]] == [
        ("incident", "double_parking"), ("incident", "overstay"), ("incident", "double_parking"),
    ]  # fmt: skip


def test_the_api_tells_stays_and_how_long_they_were(database: Database) -> None:
    hub, edge = Hub(database), ScriptedEdge()
    fill(hub, edge)
    hub.clock.now_s += 60
    with hub.client() as client:
        stays = client.get("/api/v1/lots/north/p1/stays").json()
        dwell = client.get("/api/v1/lots/north/p1/dwell").json()
        other = client.get("/api/v1/lots/north/p1/dwell", params={"bay": "a2"}).json()
        nothing = client.get("/api/v1/lots/north/p9/dwell").status_code
    assert [(stay["bay"], stay["dwell_s"], stay["watched"]) for stay in stays] == [
        ("a1", None, True), ("a1", 1800.0, True),
    ]  # fmt: skip
    assert dwell["all"] == {
        "name": "all", "count": 1, "lasting": 1, "mean_s": 1800.0, "median_s": 1800.0,
        "p90_s": 1800.0, "longest_s": 1800.0,
    }  # fmt: skip
    assert dwell["turnover_per_day"] == pytest.approx(1 / 3)
    assert [group["name"] for group in dwell["zones"]] == ["z1"]
    assert other["all"]["count"] == 0
    assert nothing == 404


def test_stays_that_began_before_the_span_keep_their_beginning(database: Database) -> None:
    hub, edge = Hub(database), ScriptedEdge()
    fill(hub, edge)
    start: datetime = START + timedelta(seconds=4000)
    with hub.client() as client:
        params = {"start": start.isoformat(), "end": edge.now.isoformat()}
        stays = client.get("/api/v1/lots/north/p1/stays", params=params).json()
    assert [datetime.fromisoformat(stay["start"]) for stay in stays] == [
        START + timedelta(seconds=3600)
    ]


def test_a_token_of_one_site_sees_no_other(database: Database) -> None:
    hub = Hub(database, http=TOKENS)
    for number, site in zip(itertools.count(1), ("north", "south"), strict=False):
        edge = ScriptedEdge(edge=f"box-{number}", site=site)
        take(database, [*edge.hello(), edge.incident(f"i-{site}")])
    hub.clock.now_s = 10
    with hub.client("north-only") as client:
        seen = client.get("/api/v1/incidents").json()
        hidden = client.get("/api/v1/incidents", params={"site": "south"}).status_code
        stays = client.get("/api/v1/lots/south/p1/stays").status_code
    assert [item["incident"] for item in seen] == ["i-north"]
    assert (hidden, stays) == (404, 404)


@pytest.mark.parametrize("order", IncidentOrder)
@pytest.mark.parametrize("is_down", [False, True])
def test_pages_join_to_the_whole_list_in_every_order(
    database: Database, order: IncidentOrder, is_down: bool
) -> None:
    edge = ScriptedEdge()
    kinds = itertools.cycle(IncidentKind)
    take(database, edge.hello())
    take(database, [edge.incident(f"i-{n}", kind=next(kinds)) for n in range(12)])
    # Some are over by their own end, two because the snapshot does not list them any more.
    take(database, [
        *(edge.incident(f"i-{n}", began=START, end=IncidentEnd.LEFT) for n in range(5)),
        *(edge.incident(f"lost-{n}") for n in range(2)),
    ])  # fmt: skip
    [edge.incident(f"lost-{n}", began=START, end=IncidentEnd.LEFT) for n in range(2)]
    take(database, [edge.snapshot()])
    wanted = IncidentFilter(order=order, is_down=is_down)
    with database.read() as session:
        now = now_of(edge)
        whole = incidents(session, now, wanted, 100)
        pages: list[IncidentItem] = []
        while page := incidents(session, now, wanted, 5):
            pages += page
            wanted = replace(wanted, after=(page[-1].edge, page[-1].incident))
    assert len(whole) == 14
    assert pages == whole
    values: dict[IncidentOrder, list[Any]] = {
        IncidentOrder.STATE: [item.ended is not None for item in whole],
        IncidentOrder.BEGAN: [item.began for item in whole],
        IncidentOrder.STOOD: [item.stood_s for item in whole],
        IncidentOrder.KIND: [item.kind for item in whole],
        IncidentOrder.SITE: [item.site for item in whole],
    }
    keys = values[order]
    assert keys == sorted(keys, reverse=is_down)
    assert len(set(keys)) > (order is not IncidentOrder.SITE)


@pytest.mark.parametrize(
    ("q", "names"),
    [
        ("STRADD", {"i-2"}),
        ("i-1", {"i-1"}),
        ("p1 a2", {"i-2"}),
        ("north", {"i-1", "i-2"}),
        ("a_", set()),
        ("p2", set()),
        ("", {"i-1", "i-2"}),
    ],
)
def test_words_find_incidents(database: Database, q: str, names: set[str]) -> None:
    edge = ScriptedEdge()
    straddling = edge.incident("i-2", kind=IncidentKind.STRADDLING, bays=("a1", "a2"))
    take(database, [*edge.hello(), edge.incident("i-1", kind=IncidentKind.OVERSTAY), straddling])
    assert {item.incident for item in found(database, edge, q=q)} == names


def test_a_page_after_an_incident_that_is_gone_is_refused(database: Database) -> None:
    hub = Hub(database)
    with hub.client() as client:
        answer = client.get("/api/v1/incidents", params={"after": "box-1/gone"})
        params = {"after": "box-1/gone", "format": "csv"}
        assert client.get("/api/v1/incidents", params=params).status_code == 200
    assert answer.status_code == 422
    assert "box-1/gone" in answer.json()["detail"]
