"""Levels of a lot: gates to them and between them, bays, and setting each to the truth."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from cloud_app.config import GatesConfig
from cloud_app.occupancy.balances import Lot, Truth, last_zeroing, set_count, zeroings
from cloud_app.occupancy.counting import count_lot, facts_of
from cloud_app.occupancy.gates import place_of
from cloud_app.occupancy.levels import LevelCount, levels_now
from cloud_app.occupancy.passages import take_reports
from cloud_app.registry.edits import Edit, state
from cloud_app.registry.kinds import Ref
from cloud_app.registry.things import find_one
from cloud_app.storage.database import Database
from cloud_app.storage.queries import Now, lots_now
from cloud_app.storage.times import to_ms
from sensors.counting import ZeroCause
from sensors.gates import GateReport, Passage
from telemetry import PassageDirection, PassageMethod
from tests.cloud_app.scripted_edge import START, ScriptedEdge
from tests.cloud_app.test_intake import take

IN, OUT = PassageDirection.IN, PassageDirection.OUT
DECKS = {"levels": ["0", "1", "2"], "level_capacities": [40, 30, 30], "empty_at": "03:00"}
# One entrance on the ground, a ramp from it to the first deck, and one from there to the second.
RAMPS = {
    "entrance": {"level": "0"},
    "ramp-1": {"level": "1", "level_from": "0"},
    "ramp-2": {"level": "2", "level_from": "1"},
}


class Decks:
    """A garage with levels, whose clock the test moves."""

    def __init__(self, database: Database, gates: dict[str, dict[str, str]], **lot: Any) -> None:
        self.database, self.now = database, START
        things: dict[Ref, dict[str, Any]] = {
            Ref("site", "north"): {"time_zone": "Europe/Berlin"},
            Ref("lot", "north/garage"): {**DECKS, **lot},
        }
        at = {"site": "north", "lot": "garage", "kind": "gate_counter"}
        for name, said in gates.items():
            things[Ref("device", name)] = {**at, **said}
        with database.write() as session:
            for ref, said_of in things.items():
                state(session, Edit(ref, "test", 0), said_of)

    def passes(self, gate: str, way: PassageDirection, count: int) -> None:
        self.now += timedelta(seconds=1)
        one = Passage(way, count, self.now, self.now.isoformat(), PassageMethod.PULSE)
        with self.database.write() as session:
            device = find_one(session, Ref("device", gate))
            place = None if device is None else place_of(device)
            assert place is not None
            take_reports(session, place, [GateReport(gate, self.now, (one,))], to_ms(self.now))

    def set(self, count: int, level: str = "", cause: ZeroCause = ZeroCause.MANUAL) -> None:
        self.now += timedelta(seconds=1)
        with self.database.write() as session:
            set_count(session, Lot("north", "garage", level), Truth(self.now, count, cause))

    def count(self) -> int | None:
        with self.database.write() as session:
            found = count_lot(session, Lot("north", "garage"), self._now(), GatesConfig())
        assert found is not None
        return found.count

    def levels(self) -> list[LevelCount]:
        with self.database.read() as session:
            lot = Lot("north", "garage")
            return levels_now(session, self._now(), lot, facts_of(session, lot))

    def shown(self) -> dict[str, tuple[int, int, int]]:
        return {each.level: (each.occupied, each.free, each.unknown) for each in self.levels()}

    def _now(self) -> Now:
        return Now(to_ms(self.now), 180_000)


def test_a_gate_between_two_levels_moves_vehicles_and_leaves_the_lot_alone(
    database: Database,
) -> None:
    decks = Decks(database, RAMPS)
    decks.set(0)
    decks.passes("entrance", IN, 12)
    decks.passes("ramp-1", IN, 7)
    decks.passes("ramp-2", IN, 3)
    decks.passes("ramp-1", OUT, 1)
    # The lot's places are those of its levels.
    assert decks.count() == 12
    assert decks.shown() == {"0": (6, 34, 0), "1": (3, 27, 0), "2": (3, 27, 0)}
    decks.passes("ramp-2", OUT, 2)
    decks.passes("entrance", OUT, 4)
    assert decks.count() == 8
    assert decks.shown() == {"0": (2, 38, 0), "1": (5, 25, 0), "2": (1, 29, 0)}


def test_long_sums_of_levels_are_those_of_single_passages(database: Database) -> None:
    decks = Decks(database, RAMPS)
    decks.set(0)
    decks.passes("ramp-2", IN, 0)
    for _ in range(12):
        decks.passes("entrance", IN, 2)
        decks.passes("ramp-1", IN, 1)
        decks.now += timedelta(minutes=7)
    assert decks.count() == 24
    assert [each.balance for each in decks.levels()] == [12, 12, 0]


def test_an_entrance_of_the_whole_lot_makes_gates_to_levels_inner_ones(database: Database) -> None:
    decks = Decks(database, {"entrance": {}, "ramp-1": {"level": "1"}})
    decks.set(0)
    decks.passes("entrance", IN, 9)
    decks.passes("ramp-1", IN, 4)
    assert decks.count() == 9
    found = decks.levels()
    assert [(each.level, each.balance, each.why) for each in found] == [
        ("0", None, "no_gate"), ("1", 4, None), ("2", None, "no_gate"),
    ]  # fmt: skip
    assert decks.shown() == {"0": (0, 0, 40), "1": (4, 26, 0), "2": (0, 0, 30)}


def test_a_level_is_unknown_until_its_count_is_true_and_never_leaves_its_places(
    database: Database,
) -> None:
    decks = Decks(database, RAMPS)
    decks.set(50)
    for ramp in RAMPS:
        decks.passes(ramp, IN, 0)
    decks.passes("ramp-2", IN, 1)
    assert decks.count() == 50
    assert {each.why for each in decks.levels()} == {"no_truth"}
    assert decks.shown()["2"] == (0, 0, 30)
    decks.set(20, "2")
    decks.passes("ramp-2", IN, 15)
    decks.count()
    assert decks.shown()["2"] == (30, 0, 0)
    assert {each.level: each.balance for each in decks.levels()} == {"0": None, "1": None, "2": 35}
    decks.set(10, "2")
    with database.read() as session:
        told = [
            (e.level, e.truth.count, e.drift) for e in zeroings(session, Lot("north", "garage"), 9)
        ]
    assert told == [("2", 10, 25), ("2", 20, None), ("", 50, None)]


def test_an_empty_lot_has_empty_levels(database: Database) -> None:
    decks = Decks(database, RAMPS)
    decks.set(50)
    decks.set(20, "1")
    decks.passes("entrance", OUT, 49)
    # Between three and six in Berlin, quiet since long, and all gates say that they live.
    decks.now = START.replace(hour=2, minute=30) + timedelta(days=1)
    for gate in RAMPS:
        decks.passes(gate, IN, 0)
    assert decks.count() == 0
    assert decks.shown() == {"0": (0, 40, 0), "1": (0, 30, 0), "2": (0, 30, 0)}
    with database.read() as session:
        last = last_zeroing(session, Lot("north", "garage", "1"))
    assert last is not None
    assert last.truth.cause is ZeroCause.NIGHT


def test_a_silent_ramp_makes_its_two_levels_unknown_and_no_other(database: Database) -> None:
    decks = Decks(database, RAMPS)
    with database.write() as session:
        said = {"site": "north", "lot": "garage", "kind": "gate_counter", "period_s": 60}
        state(session, Edit(Ref("device", "ramp-2"), "test", 0, 1), {**said, **RAMPS["ramp-2"]})
    decks.set(0)
    decks.passes("ramp-2", IN, 1)
    decks.passes("entrance", IN, 5)
    decks.now += timedelta(hours=2)
    decks.passes("entrance", IN, 1)
    decks.passes("ramp-1", IN, 1)
    assert decks.count() == 6
    assert {each.level: each.why for each in decks.levels()} == {
        "0": None, "1": "gate_silent", "2": "gate_silent",
    }  # fmt: skip


def _decks_of_bays(decks: Decks, occupied: dict[str, list[bool]]) -> None:
    bays = [
        (f"L{level}-{n}", level, occ)
        for level, found in occupied.items()
        for n, occ in enumerate(found)
    ]
    edge = ScriptedEdge(
        edge="box-1", site="north", lot="garage", now=decks.now,
        bay_ids=tuple(name for name, _, _ in bays),
        level_of={name: level for name, level, _ in bays},
    )  # fmt: skip
    take(decks.database, edge.hello())
    take(decks.database, [edge.change(name, occ, 0) for name, _, occ in bays])
    decks.now = max(decks.now, edge.now)


@pytest.mark.parametrize("gates", [{}, RAMPS], ids=["bays alone", "bays and gates"])
def test_bays_tell_how_full_their_level_is(
    database: Database, gates: dict[str, dict[str, str]]
) -> None:
    lot = {"level_capacities": [3, 2, 2]}
    decks = Decks(database, gates, **lot)
    if gates:
        decks.passes("ramp-1", IN, 2)
        decks.now += timedelta(minutes=6)
    _decks_of_bays(decks, {"0": [True, True, False], "1": [False, True]})
    if gates:
        decks.count()
    found = decks.shown()
    assert (found["0"], found["1"]) == ((2, 1, 0), (1, 1, 0))
    if gates:
        # Its bays are all known, so the level counts on from them.
        with database.read() as session:
            last = last_zeroing(session, Lot("north", "garage", "1"))
        assert last is not None
        assert (last.truth.cause, last.truth.count) == (ZeroCause.BAYS, 1)
        assert found["2"] == (0, 0, 2)
    with database.read() as session:
        [shown] = [each for each in lots_now(session, decks._now()) if each.lot == "garage"]
    assert shown.counts.occupied >= 3
