"""A lot's series: from events, from kept quarters, and as a plain walk through all events says."""

from __future__ import annotations

import random
from collections.abc import Iterable
from datetime import timedelta

import pytest
from sqlalchemy import delete, func, select

from cloud_app.storage.bay_events import Window
from cloud_app.storage.database import Database
from cloud_app.storage.quarters import keep_quarters, prune_quarters
from cloud_app.storage.series import lot_series
from cloud_app.storage.steps import QUARTER_MS
from cloud_app.storage.tables import quarter, quarter_mark
from cloud_app.storage.times import to_ms
from cloud_app.views import SeriesPoint
from telemetry.topics import TopicKind
from tests.cloud_app.scripted_edge import START, ScriptedEdge
from tests.cloud_app.test_intake import take

DAY_MS = 86_400_000
BAYS = ("a1", "a2", "a3")
Change = tuple[int, str, bool | None]


def walked(
    changes: Iterable[Change], bays: int, window: Window, step_ms: int
) -> list[tuple[float, float, float]]:
    """Mean numbers of occupied, free and unknown bays in each step, millisecond by change."""
    told = sorted(changes, key=lambda change: change[0])
    points = []
    for start_ms in range(window.start_ms, window.end_ms, step_ms):
        end_ms = min(start_ms + step_ms, window.end_ms)
        sums = {True: 0, False: 0}
        for bay in {bay for _, bay, _ in told}:
            occ: bool | None = None
            at_ms = start_ms
            for time_ms, _, value in [c for c in told if c[1] == bay] + [(end_ms, bay, None)]:
                until_ms = min(max(time_ms, start_ms), end_ms)
                if occ is not None:
                    sums[occ] += until_ms - at_ms
                at_ms, occ = until_ms, value
        length_ms = end_ms - start_ms
        known = (sums[True] / length_ms, sums[False] / length_ms)
        points.append((*known, bays - sum(known)))
    return points


def told(points: Iterable[SeriesPoint]) -> list[tuple[float, float, float]]:
    return [(point.occupied, point.free, point.unknown) for point in points]


def close_to(expected: list[tuple[float, float, float]]) -> list[object]:
    return [pytest.approx(each, abs=1e-9) for each in expected]


def days(database: Database, edge: ScriptedEdge, count: int, seed: int = 1) -> list[Change]:
    """Some days of a box, told as it happens; ends with a snapshot."""
    source = random.Random(seed)
    take(database, edge.hello())
    end = edge.now + timedelta(days=count)
    changes: list[Change] = []
    while edge.now < end:
        bay, occ = source.choice(BAYS), source.choice((True, False, None))
        take(database, [edge.change(bay, occ, source.uniform(60, 20_000))])
        changes.append((to_ms(edge.now), bay, occ))
    take(database, [edge.snapshot()])
    return changes


def series(database: Database, window: Window, step_ms: int) -> list[SeriesPoint]:
    with database.read() as session:
        return lot_series(session, "north", "p1", window, step_ms)


def kept_up(database: Database, now_ms: int) -> int:
    """All that can be kept at a time is kept; in how many rounds."""
    rounds = 0
    while True:
        with database.write() as session:
            if not keep_quarters(session, now_ms, 0, 10):
                return rounds
        rounds += 1


@pytest.mark.parametrize(
    ("offset_ms", "step_ms"),
    [
        pytest.param(0, QUARTER_MS, id="quarters"),
        pytest.param(-DAY_MS, DAY_MS, id="days-from-before-the-first-event"),
        pytest.param(123_457, 7_000_001, id="odd"),
        pytest.param(123_457, 6 * QUARTER_MS, id="quarters-off-the-clock"),
    ],
)
def test_events_say_what_a_walk_through_them_says(
    database: Database, offset_ms: int, step_ms: int
) -> None:
    changes = days(database, ScriptedEdge(), 2)
    start_ms = to_ms(START) + offset_ms
    window = Window(start_ms, start_ms + 47 * 3_600_000)
    expected = walked(changes, len(BAYS), window, step_ms)
    points = series(database, window, step_ms)
    assert told(points) == close_to(expected)
    assert [to_ms(point.start) for point in points] == list(
        range(window.start_ms, window.end_ms, step_ms)
    )


def test_kept_quarters_say_what_events_say(database: Database) -> None:
    edge = ScriptedEdge()
    changes = days(database, edge, 6)
    window = Window(to_ms(START) - DAY_MS, to_ms(edge.now) + 1234)
    before = series(database, window, 6 * 3_600_000)
    assert kept_up(database, to_ms(edge.now)) > 1, "a large backlog is made in several rounds"
    after = series(database, window, 6 * 3_600_000)
    assert told(after) == close_to(told(before))
    assert told(after) == close_to(
        walked(changes, len(BAYS), Window(window.start_ms, window.end_ms), 6 * 3_600_000)
    )
    # A step that begins within a quarter begins with it in a long span.
    odd = series(database, Window(window.start_ms + 1000, window.end_ms), 6 * 3_600_000)
    assert odd == after


def test_what_is_kept_goes_on_as_time_does(database: Database) -> None:
    edge = ScriptedEdge()
    days(database, edge, 3)
    kept_up(database, to_ms(edge.now))
    days(database, edge, 3, seed=2)
    start_ms = (to_ms(edge.now) - 5 * DAY_MS // 2) // QUARTER_MS * QUARTER_MS
    window = Window(start_ms, to_ms(edge.now))
    expected = told(series(database, window, 3_600_000))
    kept_up(database, to_ms(edge.now))
    assert kept_up(database, to_ms(edge.now)) == 0
    assert told(series(database, window, 3_600_000)) == close_to(expected)


def test_an_incomplete_stream_waits(database: Database) -> None:
    edge = ScriptedEdge()
    take(database, edge.hello())
    missing = edge.change("a1", True)
    take(database, [edge.change("a1", False, 10 * 3600)])
    take(database, [edge.snapshot()])
    assert kept_up(database, to_ms(edge.now)) == 0
    window = Window(to_ms(START) - 2 * DAY_MS, to_ms(START) + DAY_MS // 4)
    assert sum(point.occupied for point in series(database, window, 3_600_000)) == 0
    take(database, [missing])
    assert kept_up(database, to_ms(edge.now)) > 0
    assert sum(point.occupied for point in series(database, window, 3_600_000)) > 5


def test_a_late_word_on_the_last_two_hours_counts(database: Database) -> None:
    edge = ScriptedEdge()
    take(database, [*edge.hello(), edge.change("a1", False, 60), edge.change("a2", True, 3 * 3600)])
    kept_up(database, to_ms(edge.now))
    # The vehicle stood there an hour before the box was sure.
    edge.change("a1", True, 60)
    edge.since["a1"] = edge.now - timedelta(hours=1)
    take(database, [edge.inbound(TopicKind.EVENT, edge._event("a1"))])
    take(database, [edge.change("a2", False, 3600)])
    assert kept_up(database, to_ms(edge.now)) > 0
    window = Window(to_ms(edge.now) - 3 * DAY_MS, to_ms(edge.now))
    found = told(series(database, window, QUARTER_MS))
    with database.write() as session:
        session.run(delete(quarter))
        session.run(delete(quarter_mark))
    assert found == close_to(told(series(database, window, QUARTER_MS)))


def test_a_clock_that_is_ahead_keeps_nothing_of_the_future(database: Database) -> None:
    edge = ScriptedEdge()
    take(database, [*edge.hello(), edge.change("a1", True, 60)])
    take(database, [edge.change("a2", True, 30 * 86_400)])
    now_ms = to_ms(START) + 6 * 3_600_000
    kept_up(database, now_ms)
    with database.read() as session:
        [(last_ms,)] = session.rows(select(func.max(quarter.c.start_ms)))
    assert last_ms == now_ms - 2 * QUARTER_MS


def test_two_edges_of_a_lot_add_up_though_one_is_away(database: Database) -> None:
    first, second = ScriptedEdge(), ScriptedEdge(edge="box-2", bay_ids=("c1", "c2"))
    days(database, first, 3)
    take(database, [*second.hello(), second.change("c1", True, 3600)])
    window = Window(to_ms(START), to_ms(first.now) // QUARTER_MS * QUARTER_MS)
    expected = told(series(database, window, DAY_MS))
    kept_up(database, to_ms(first.now))
    found = series(database, window, DAY_MS)
    assert told(found) == close_to(expected)
    assert found[1].occupied + found[1].free + found[1].unknown == pytest.approx(5)


def test_old_quarters_go(database: Database) -> None:
    edge = ScriptedEdge()
    days(database, edge, 3)
    kept_up(database, to_ms(edge.now))
    before_ms = to_ms(START) + DAY_MS
    with database.write() as session:
        [(old,)] = session.rows(select(func.count()).where(quarter.c.start_ms < before_ms))
        assert old > 50
        assert prune_quarters(session, before_ms) == old
        assert prune_quarters(session, before_ms) == 0
