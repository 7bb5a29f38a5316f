"""No list and no map window of the registry reads all bays: what the databases say themselves."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from sqlalchemy import text

from cloud_app.registry import council_of, operator_of, sites_of_council
from cloud_app.registry.files import Row
from cloud_app.registry.geometry import Box
from cloud_app.registry.imports import Import, run
from cloud_app.registry.kinds import BAY, LOT, Ref
from cloud_app.registry.queries import Filter, ThingOrder, history, in_window, things
from cloud_app.registry.things import belonging_to, find
from cloud_app.storage.database import Database, Session
from tests.cloud_app.registry.places import MUNICH, NOW_MS, put, square, unnoted
from tests.cloud_app.storage.test_plans import listening

LOTS, BAYS = 40, 60
LON, LAT = MUNICH
# A page of these reads at most so many rows of 2,400: a lot's bays and some more.
MOST = 150

READS: dict[str, Callable[[Session], object]] = {
    "all lots": lambda s: things(s, Filter(LOT), 200),
    "a site's lots": lambda s: things(s, Filter(LOT, "s1"), 200),
    "a lot's bays": lambda s: things(s, Filter(BAY, "s1/p7"), 200),
    "a page of all bays": lambda s: things(s, Filter(BAY, after="s1/p7/b001"), 50),
    "a site's bays, a page": lambda s: things(s, Filter(BAY, sites=["s1"], after="s1/p7/b1"), 50),
    "by name": lambda s: things(s, Filter(BAY, order=ThingOrder.NAME), 50),
    "by name, the last": lambda s: things(s, Filter(BAY, order=ThingOrder.NAME, is_down=True), 50),
    "by type, a page": lambda s: things(
        s, Filter(BAY, order=ThingOrder.TYPE, after="s1/p7/b001"), 50
    ),
    "the latest changes": lambda s: things(
        s, Filter(BAY, order=ThingOrder.CHANGED, is_down=True), 50
    ),
    "bays found": lambda s: things(s, Filter(BAY, q="b007", order=ThingOrder.NAME), 200),
    "bays found in a lot": lambda s: things(s, Filter(BAY, q="p7 b007"), 200),
    "a map window": lambda s: in_window(s, Filter(BAY), window(7), 500),
    "some things": lambda s: find(s, [Ref("bay", "s1/p1/b000"), Ref("lot", "s1/p1")]),
    "bays of lots": lambda s: list(belonging_to(s, "bay", ["s1/p1"])),
    "history": lambda s: history(s, Ref("bay", "s1/p1/b000"), 100),
    "owners": lambda s: (
        operator_of(s, "s1"), council_of(s, "acme"), sites_of_council(s, "city"),
    ),
}  # fmt: skip


def lot_place(number: int) -> tuple[float, float]:
    return LON + 0.01 * (number % 8), LAT + 0.01 * (number // 8)


def window(number: int) -> Box:
    """What shows one lot."""
    lon, lat = lot_place(number)
    return Box(lon - 0.0005, lat - 0.0005, lon + 0.004, lat + 0.002)


def fill(database: Database) -> None:
    with database.write() as session:
        put(session, "site", "s1")
    rows = []
    for lot in range(LOTS):
        lon, lat = lot_place(lot)
        rows.append(Row("", Ref("lot", f"s1/p{lot}"), {"outline": square(lon, lat, 150)}))
        rows += [
            Row(
                "",
                Ref("bay", f"s1/p{lot}/b{bay:03}"),
                {"outline": square(lon + 0.00003 * bay, lat, 2)},
            )
            for bay in range(BAYS)
        ]
    run(database, Import(rows, "test", "city"), NOW_MS, unnoted)
    with database.write() as session:
        session.run(text("ANALYZE"))


def rows_read(session: Session, statement: str, given: Any) -> int:
    """How many rows a statement takes from the registry's tables; SQLite says it only roughly."""
    if session.connection.dialect.name == "sqlite":
        rows = session.connection.exec_driver_sql("EXPLAIN QUERY PLAN " + statement, given).all()
        lines = [str(row[-1]) for row in rows if "registry_" in str(row[-1])]
        # All of a kind, or all: unless the index has the order, so that it stops at the limit.
        is_sorted = any("TEMP B-TREE" in str(row[-1]) for row in rows)
        whole = [
            line for line in lines
            if line.startswith("SCAN") or (is_sorted and line.endswith("(kind=?)"))
        ]  # fmt: skip
        is_small = ("bay" not in given) and "kind = ?" in statement
        return 0 if not whole or is_small else LOTS * BAYS
    session.run(text("SET LOCAL enable_seqscan = off"))
    explain = "EXPLAIN (ANALYZE, FORMAT JSON) " + statement
    [[[plan]]] = session.connection.exec_driver_sql(explain, given).all()
    return counted(plan["Plan"])


def counted(node: dict[str, Any]) -> int:
    own = 0
    if "Relation Name" in node:
        kept = node["Actual Rows"] + node.get("Rows Removed by Filter", 0)
        own = int(kept * node["Actual Loops"])
    return own + sum(counted(child) for child in node.get("Plans", ()))


def test_no_read_goes_through_all_bays(database: Database) -> None:
    fill(database)
    wrong = {}
    for name, read in READS.items():
        with database.read() as session:
            with listening(session) as heard:
                found = read(session)
            assert heard, name
            assert found, name
            for statement, given in heard:
                count = rows_read(session, statement, given)
                if count > MOST:
                    wrong[name] = (count, re.sub(r"\s+", " ", statement))
    assert wrong == {}


def test_a_window_finds_the_bays_that_it_shows(database: Database) -> None:
    fill(database)
    with database.read() as session:
        found, more = in_window(session, Filter(BAY), window(7), 500)
        assert {bay.ref.key for bay in found} == {f"s1/p7/b{bay:03}" for bay in range(BAYS)}
        assert not more
