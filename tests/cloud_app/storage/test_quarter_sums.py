"""Quarters read as arrays tell what a plain walk through the rows tells, packed or not."""

from __future__ import annotations

import random
from collections import defaultdict
from collections.abc import Iterator, Sequence
from datetime import UTC, date, datetime
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import func, select, text

from cloud_app.analytics.reports.making import Compared, Order, make_report
from cloud_app.analytics.reports.period import Period
from cloud_app.storage.bay_events import Window
from cloud_app.storage.database import Database, Session, Values
from cloud_app.storage.quarter_sums import DAY_MS, lot_quarters, pack_days, unpack_days
from cloud_app.storage.quarters import prune_parts, prune_quarters
from cloud_app.storage.report_tables import quarter_cause, quarter_day, quarter_pack, quarter_part
from cloud_app.storage.steps import QUARTER_MS
from cloud_app.storage.tables import bay_count, quarter
from cloud_app.storage.times import to_ms
from tests.cloud_app.registry.places import put

BERLIN = ZoneInfo("Europe/Berlin")
OCTOBER = Period(date(2026, 10, 24), date(2026, 10, 27))
"""On the 25th clocks go back."""
NOW_MS = to_ms(datetime(2026, 10, 28, 12, tzinfo=UTC))
PARTS = (("z1", "standard"), ("z1", "ev"), ("z2", "standard"))
BAYS = 3
LOTS = [("north", "p1"), ("north", "p2")]


def fill(session: Session) -> None:
    """Two lots, the first of two edges; holes, unknown time, spells in which it is full."""
    source = random.Random(11)
    start_ms = OCTOBER.window(BERLIN).start_ms - DAY_MS
    wholes: list[Values] = []
    parts: list[Values] = []
    causes: list[Values] = []
    for lot, edge in (("p1", "box-1"), ("p1", "box-2"), ("p2", "box-3")):
        full = 0
        for at in range(start_ms, NOW_MS, QUARTER_MS):
            full = max(0, full - 1) or (source.randint(2, 9) if source.random() < 0.1 else 0)
            if source.random() < 0.1:
                continue
            sums = [0, 0, 0]
            for zone, kind in PARTS:
                unknown = source.choice((0, 0, 0, 1, 2, 3)) * QUARTER_MS
                known = BAYS * QUARTER_MS - unknown
                occupied = known if full else source.randint(0, known)
                told = (occupied, known - occupied, unknown)
                parts.append(("north", lot, at, edge, zone, kind, *told))
                sums = [a + b for a, b in zip(sums, told, strict=True)]
            wholes.append(("north", lot, at, edge, *sums))
            if sums[2]:
                causes.append(("north", lot, at, edge, source.choice(("dark", "lost")), sums[2]))
    session.load(quarter, wholes)
    session.load(quarter_part, parts)
    session.load(quarter_cause, causes)
    counts = [
        {"edge": edge, "camera": "c", "lot": lot, "zone": zone, "level": "", "kind": kind,
         "site": "north", "bays": BAYS, "occupied": 0, "free": BAYS, "unknown": 0, "closed": 0}
        for lot, edge in (("p1", "box-1"), ("p1", "box-2"), ("p2", "box-3"))
        for zone, kind in PARTS
    ]  # fmt: skip
    session.run_many(bay_count.insert(), counts)
    put(session, "site", "north", time_zone="Europe/Berlin")


def packed(session: Session, rounds: int = 9) -> None:
    session.run(text("INSERT INTO quarter_pack SELECT DISTINCT site, lot, 0 FROM quarter"))
    while pack_days(session, NOW_MS, 1) and rounds:
        rounds -= 1


@pytest.fixture
def filled(database: Database) -> Iterator[Session]:
    with database.write() as session:
        fill(session)
        yield session


def plain(session: Session) -> dict[int, dict[str, tuple[int, int, int]]]:
    """By start of the quarter, and lot: occupied, free and unknown."""
    found: dict[int, dict[str, list[int]]] = defaultdict(lambda: defaultdict(lambda: [0, 0, 0]))
    for row in session.rows(select(quarter)):
        for place, ms in enumerate(row[-3:]):
            found[row.start_ms][row.lot][place] += ms
    return {
        at: {lot: (sums[0], sums[1], sums[2]) for lot, sums in lots.items()}
        for at, lots in found.items()
    }


def spells(full: Sequence[bool]) -> list[int]:
    return [len(run) for run in "".join(".x"[each] for each in full).split(".") if run]


def test_a_report_says_what_a_walk_through_the_quarters_says(filled: Session) -> None:
    now = datetime.fromtimestamp(NOW_MS / 1000, UTC)
    order = Order(("north",), None, OCTOBER, Compared.NONE, "t")
    one = Order(("north",), "p1", OCTOBER, Compared.NONE, "t")
    by_rows = [make_report(filled, each, now) for each in (order, one)]
    packed(filled)
    [(days,)] = filled.rows(select(func.count()).select_from(quarter_day))
    assert days == 2 * 6 * (1 + len(PARTS) + 2), "to the last midnight that is six hours ago"
    assert [make_report(filled, each, now) for each in (order, one)] == by_rows

    window = OCTOBER.window(BERLIN)
    starts = range(window.start_ms, window.end_ms, QUARTER_MS)
    rows = plain(filled)
    for figures, bays in zip(by_rows[0].lots, (18, 9), strict=True):
        told = [rows.get(at, {}).get(str(figures.lot), (0, 0, 0)) for at in starts]
        seen = [occ + free > 0 and occ + free >= unknown for occ, free, unknown in told]
        full = [
            is_seen and occ >= 0.98 * (occ + free)
            for is_seen, (occ, free, _) in zip(seen, told, strict=True)
        ]
        occupied, known = sum(t[0] for t in told), sum(t[0] + t[1] for t in told)
        assert figures.bays == bays
        assert figures.occupancy.value == occupied / known
        assert figures.occupancy.observed == round(known / (bays * 97 * 4 * QUARTER_MS), 4)
        assert figures.unmet.full_min.value == 15 * sum(full)
        assert figures.unmet.share.value == sum(full) / sum(seen)
        assert (figures.unmet.spells, figures.unmet.longest_min) == (
            len(spells(full)), 15 * max(spells(full)),
        )  # fmt: skip
    heat: dict[tuple[int, int], list[int]] = defaultdict(lambda: [0, 0])
    for at in starts:
        local = datetime.fromtimestamp(at / 1000, BERLIN)
        for occ, free, _ in rows.get(at, {}).values():
            heat[local.weekday(), local.hour][0] += occ
            heat[local.weekday(), local.hour][1] += occ + free
    shown = {(c.weekday, c.hour): c.occupancy.value for c in by_rows[0].heat if c.occupancy.value}
    assert shown == {key: occ / known for key, (occ, known) in heat.items() if key in shown}
    assert len(shown) > 70, "of 96 hours; the others are refused"
    causes = {each.cause: each.bay_hours for each in by_rows[0].availability.causes}
    for cause in ("dark", "lost"):
        [(unknown_ms,)] = filled.rows(
            select(func.sum(quarter_cause.c.unknown_ms)).where(
                quarter_cause.c.cause == cause,
                quarter_cause.c.start_ms >= window.start_ms,
                quarter_cause.c.start_ms < window.end_ms,
            )
        )
        assert causes[cause] == int(unknown_ms) / 3_600_000


def test_zones_and_kinds_are_sums_of_the_parts(filled: Session) -> None:
    packed(filled)
    window = Window(NOW_MS - 3 * DAY_MS, NOW_MS)
    for kept in lot_quarters(filled, LOTS, window, with_parts=True):
        for (zone, kind), sums in kept.parts.items():
            query = select(*(func.sum(quarter_part.c[n]) for n in quarter_part.c.keys()[-3:]))
            [row] = filled.rows(
                query.where(
                    quarter_part.c.lot == kept.lot,
                    quarter_part.c.zone == zone,
                    quarter_part.c.kind == kind,
                    quarter_part.c.start_ms >= window.start_ms,
                )
            )
            assert sums.sum(axis=1).tolist() == list(map(int, row))
        assert sum(kept.parts.values()).tolist() == kept.whole.tolist()  # type: ignore[union-attr]
        assert sum(each.sum() for each in kept.causes.values()) == kept.whole[2].sum()


def test_what_is_written_later_is_packed_anew(filled: Session) -> None:
    packed(filled)
    late_ms = NOW_MS // DAY_MS * DAY_MS - 2 * DAY_MS + 5 * QUARTER_MS
    window = Window(late_ms, late_ms + QUARTER_MS)

    def told() -> list[list[int]]:
        found = lot_quarters(filled, LOTS, window, with_parts=True)
        return [kept.whole[:, 0].tolist() for kept in found]

    before = told()
    filled.run(quarter.delete().where(quarter.c.start_ms == late_ms))
    filled.load(quarter, [("north", "p2", late_ms, "box-3", 7, 8, 9)])
    unpack_days(filled, dict.fromkeys(LOTS, late_ms))
    assert told() == [[0, 0, 0], [7, 8, 9]] != before
    while pack_days(filled, NOW_MS, 1):
        assert told() == [[0, 0, 0], [7, 8, 9]]
    assert {row.upto_ms for row in filled.rows(select(quarter_pack))} == {NOW_MS // DAY_MS * DAY_MS}


def test_packed_days_go_with_their_quarters(filled: Session) -> None:
    packed(filled)
    before_ms = NOW_MS // DAY_MS * DAY_MS - 2 * DAY_MS
    prune_parts(filled, before_ms)
    is_old = quarter_day.c.day_ms < before_ms
    kinds = {(row.kind, row.cause) for row in filled.rows(select(quarter_day).where(is_old))}
    assert kinds == {("", "")}
    prune_quarters(filled, before_ms)
    assert filled.rows(select(quarter_day).where(is_old)) == []
    assert filled.rows(select(quarter_day))
