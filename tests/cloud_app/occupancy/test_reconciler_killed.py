"""Two reconcilers on one database, the leading one killed again and again while sources differ."""

from __future__ import annotations

import random
import time
from collections.abc import Iterator
from contextlib import ExitStack
from itertools import pairwise
from pathlib import Path

import pytest
from sqlalchemy import text

from cloud_app.occupancy.bay_sources import bay_sources
from cloud_app.storage.database import Database
from cloud_app.storage.queries import Now, bays_now, lots_now
from cloud_app.storage.sources import SourceWord, tell
from cloud_app.storage.times import to_ms
from sensors.reconcile import SourceKind
from telemetry import SystemClock
from tests.cloud_app.registry.places import put
from tests.cloud_app.scripted_edge import ScriptedEdge
from tests.cloud_app.servers import wait_until
from tests.cloud_app.test_intake import take
from tests.kit.forks import Fork

BAYS = ("a1", "a2", "a3", "a4", "a5")
KILLS, CHANGES = 2, 40
_CLOCK = SystemClock()
_EVENTS = text(
    "SELECT seq, bay, occ, reason FROM event WHERE edge = 'north.p1' AND kind = 'changed'"
    " ORDER BY seq"
)


class Reconcilers:
    """Processes of which one leads."""

    def __init__(self, url: str, folder: Path) -> None:
        self._url, self._folder, self._made = url, folder, 0
        self._running: dict[Path, Fork] = {}

    def start(self) -> None:
        self._made += 1
        file = self._folder / f"leads-{self._made}"
        program = "tests.cloud_app.occupancy.reconcile_process"
        log = file.with_suffix(".log")
        self._running[file] = Fork(program, [self._url, str(file)], log)

    def leader(self) -> Path | None:
        assert all(each.poll() is None for each in self._running.values()), "none dies by itself"
        return next((file for file in self._running if file.exists()), None)

    def kill_leader(self) -> None:
        file = self.leader()
        assert file is not None
        self._end(file)

    def stop(self) -> None:
        for file in list(self._running):
            self._end(file)

    def _end(self, file: Path) -> None:
        process = self._running.pop(file)
        process.kill()
        process.wait()


@pytest.fixture
def reconcilers(database_url: str, tmp_path: Path) -> Iterator[Reconcilers]:
    with ExitStack() as ends:
        made = Reconcilers(database_url, tmp_path)
        ends.callback(made.stop)
        for _ in range(2):
            made.start()
        yield made


def _now() -> Now:
    return Now(to_ms(_CLOCK.utc()), 180_000)


def _change(database: Database, box: ScriptedEdge, rng: random.Random) -> None:
    """A camera or a sensor says something else of a bay than the other one."""
    bay, occ = rng.choice(BAYS), rng.random() < 0.5
    if rng.random() < 0.5:
        box.now = _CLOCK.utc()
        take(database, [box.change(bay, occ, 0)])
        return
    now_ms = to_ms(_CLOCK.utc())
    word = SourceWord(
        "north", "p1", bay, f"s-{bay}", SourceKind.SENSOR, occ, None, now_ms, now_ms,
        until_ms=now_ms + 3_600_000,
    )  # fmt: skip
    with database.write() as session:
        tell(session, [word])


@pytest.mark.postgres
@pytest.mark.parametrize("database_url", ["postgres"], indirect=True)
def test_a_killed_leader_leaves_no_event_out_twice_or_against_the_truth(
    database: Database, reconcilers: Reconcilers
) -> None:
    rng = random.Random(16)
    box = ScriptedEdge(bay_ids=BAYS, now=_CLOCK.utc())
    take(database, box.hello())
    with database.write() as session:
        for bay in BAYS:
            put(session, "device", f"s-{bay}", kind="sensor", site="north", lot="p1", bay=bay)
    for _ in range(KILLS):
        wait_until(lambda: reconcilers.leader() is not None, 120, "one to lead")
        for _ in range(CHANGES):
            _change(database, box, rng)
            time.sleep(0.02)
        reconcilers.kill_leader()
        reconcilers.start()

    def settled() -> bool:
        with database.read() as session:
            told = {row.bay: row.occ for row in session.rows(_EVENTS)}
            found = [bay_sources(session, _now(), "north", "p1", bay) for bay in BAYS]
        truth = {each.bay: each.state.value for each in found if each is not None}
        words = {None: "unknown", 0: "free", 1: "occupied"}
        return {bay: words[occ] for bay, occ in told.items()} == truth

    wait_until(settled, 90, "the last event of each bay to be its verdict")
    with database.read() as session:
        events = session.rows(_EVENTS)
        bays = {each.bay: each.state.value for each in bays_now(session, _now(), site="north")}
        [counts] = [each.counts for each in lots_now(session, _now())]
    assert [row.seq for row in events] == list(range(1, len(events) + 1))
    for bay in BAYS:
        told = [(row.occ, row.reason) for row in events if row.bay == bay]
        assert all(first != second for first, second in pairwise(told)), "nothing is told twice"
    assert counts.occupied == list(bays.values()).count("occupied")
    assert (counts.free, counts.bays) == (list(bays.values()).count("free"), len(BAYS))
    assert len(events) > len(BAYS)
