"""What layouts say and what people say: the person's word stands until it is taken back."""

from __future__ import annotations

from dataclasses import dataclass, field

import pytest
from sqlalchemy import text

from cloud_app.registry import take_unknown
from cloud_app.registry.edits import Edit, remove, revert
from cloud_app.registry.errors import FactsError, ThingInUseError
from cloud_app.registry.kinds import KINDS
from cloud_app.registry.queries import Filter, history, things
from cloud_app.registry.things import Action, Speaker
from cloud_app.storage.database import Database
from telemetry import BayKind
from telemetry.layout import Layout
from telemetry.messages import LayoutBay, LotInfo
from tests.cloud_app.registry.places import NOW_MS, put, ref, say, thing
from tests.cloud_app.scripted_edge import ScriptedEdge
from tests.cloud_app.test_intake import take


@dataclass
class Box(ScriptedEdge):
    """A scripted edge whose layout a test shapes."""

    kinds: dict[str, BayKind] = field(default_factory=dict)
    lot_name: str = "Hall"
    levels: tuple[str, ...] = ("0",)

    @property
    def layout(self) -> Layout:
        lot = self.lot or self.site
        bays = [
            LayoutBay(
                bay=bay, camera="cam-1", lot=self.lot, zone="z1", level="0",
                kind=self.kinds.get(bay, BayKind.STANDARD),
            )
            for bay in self.bay_ids
        ]  # fmt: skip
        return Layout.of(bays, [LotInfo(lot=lot, name=self.lot_name, levels=self.levels)])


def counts(database: Database) -> dict[str, int]:
    with database.read() as session:
        return {kind.plural: len(things(session, Filter(kind), 100)) for kind in KINDS.values()}


def test_a_layout_fills_the_registry(database: Database) -> None:
    take(database, Box().hello())
    assert counts(database) == {
        "councils": 0, "operators": 0, "sites": 1, "lots": 1, "zones": 1, "bays": 3, "devices": 1,
    }  # fmt: skip
    with database.read() as session:
        bay = thing(session, "bay", "north/p1/a1")
        assert bay.said == {
            "zone": "z1",
            "level": "0",
            "kind": "standard",
            "angle": "perpendicular",
        }
        assert set(bay.said_by.values()) == {Speaker.LAYOUT}
        assert thing(session, "device", "box-1").said == {"site": "north", "kind": "edge"}
        assert thing(session, "lot", "north/p1").said == {"name": "Hall", "levels": ["0"]}
        [made] = history(session, bay.ref, 10)
        assert (made.actor, made.action) == ("edge:box-1", Action.CREATED)


def test_the_same_layout_again_changes_nothing(database: Database) -> None:
    edge = Box()
    for _ in range(3):
        take(database, edge.hello())
    with database.read() as session:
        assert thing(session, "bay", "north/p1/a1").version == 1
        assert session.rows(text("SELECT COUNT(*) FROM registry_change")) == [(7,)]


def test_a_person_stands_before_the_layout_until_it_is_taken_back(database: Database) -> None:
    edge = Box()
    take(database, edge.hello())
    with database.write() as session:
        say(session, "bay", "north/p1/a1", kind="disabled", width_m=3.5)
    # The installer renames the lot, and says for the bay what is not so.
    edge.kinds["a1"] = BayKind.EV
    edge.lot_name = "Hall 2"
    take(database, [edge.layout_message()])
    with database.read() as session:
        bay = thing(session, "bay", "north/p1/a1")
        assert (bay.said["kind"], bay.layout["kind"]) == ("disabled", "ev")
        assert bay.said_by["kind"] is Speaker.PERSON
        assert bay.said_by["zone"] is Speaker.LAYOUT
        assert thing(session, "lot", "north/p1").said["name"] == "Hall 2"
    with database.write() as session:
        back = revert(session, Edit(bay.ref, "bob", NOW_MS, bay.version), ["kind"])
    assert (back.said["kind"], back.said["width_m"]) == ("ev", 3.5)
    with database.read() as session:
        newest = history(session, bay.ref, 1)[0]
    assert (newest.action, newest.before, newest.after) == (
        Action.REVERTED, {"kind": "disabled"}, {"kind": "ev"},
    )  # fmt: skip


def test_a_person_may_say_that_there_is_none(database: Database) -> None:
    edge = Box()
    take(database, edge.hello())
    with database.write() as session:
        bay = say(session, "bay", "north/p1/a1", zone=None)
    assert (bay.said["zone"], bay.said_by["zone"]) == (None, Speaker.PERSON)
    take(database, edge.hello())
    with database.read() as session:
        assert thing(session, "bay", "north/p1/a1").said["zone"] is None


def test_a_bay_that_a_layout_drops_stays_and_may_then_be_deleted(database: Database) -> None:
    take(database, Box().hello())
    with database.read() as session:
        bay = thing(session, "bay", "north/p1/a3")
    edit = Edit(bay.ref, "ann", NOW_MS, bay.version)
    told = "the layout of edge box-1 has it; take it out of the calibration first"
    with pytest.raises(ThingInUseError, match=told), database.write() as session:
        remove(session, edit)
    take(database, [Box(bay_ids=("a1", "a2")).layout_message()])
    with database.write() as session:
        remove(session, edit)
        assert [e.action for e in history(session, bay.ref, 9)] == [Action.DELETED, Action.CREATED]


def test_two_edges_that_watch_a_bay_do_not_take_turns(database: Database) -> None:
    first = Box()
    second = Box(edge="box-2", bay_ids=("a3", "b1"), kinds={"a3": BayKind.EV})
    for edge in (first, second, first, second):
        take(database, edge.hello())
    with database.read() as session:
        bay = thing(session, "bay", "north/p1/a3")
        assert (bay.said["kind"], bay.version, bay.source) == ("standard", 1, "box-1")
    # Once the first no longer has the bay, the other's word holds.
    take(database, [Box(bay_ids=("a1", "a2")).layout_message()])
    take(database, [second.layout_message()])
    with database.read() as session:
        assert thing(session, "bay", "north/p1/a3").said["kind"] == "ev"


def test_what_a_layout_says_wrongly_is_left_out_not_lost_with_the_rest(
    database: Database, caplog: pytest.LogCaptureFixture
) -> None:
    take(database, Box(lot_name="Hall\x07", levels=("0",)).hello())
    with database.read() as session:
        assert thing(session, "lot", "north/p1").said == {"levels": ["0"]}
    assert "lot north/p1 as its layout has it: column name" in caplog.text


def test_an_edge_stays_at_the_site_it_is_registered_for(database: Database) -> None:
    take(database, Box().hello())
    with database.write() as session:
        put(session, "site", "south")
    told = "expected north, where the edge is registered, but got 'south'"
    with pytest.raises(FactsError, match=told), database.write() as session:
        say(session, "device", "box-1", site="south")
    with (
        pytest.raises(FactsError, match="expected edge, as it speaks as one"),
        database.write() as session,
    ):
        say(session, "device", "box-1", kind="sign")
    with database.write() as session:
        device = say(session, "device", "box-1", name="Mast 3", serial="X1")
    assert device.said["name"] == "Mast 3"


def test_edges_of_an_older_version_are_learned_at_the_start(database: Database) -> None:
    take(database, Box().hello())
    with database.write() as session:
        session.run(text("DELETE FROM registry_thing"))
        session.run(text("DELETE FROM registry_change"))
        assert take_unknown(session, NOW_MS) == 7
        assert take_unknown(session, NOW_MS) == 0
    assert counts(database)["bays"] == 3


def test_a_deleted_device_of_no_layout_is_gone(database: Database) -> None:
    with database.write() as session:
        put(session, "site", "north")
        put(session, "device", "gate-1", site="north", kind="gate_counter")
        remove(session, Edit(ref("device", "gate-1"), "ann", NOW_MS, 1))
    assert counts(database)["devices"] == 0
