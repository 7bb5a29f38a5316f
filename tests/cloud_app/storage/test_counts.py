"""The kept counts are those of the bays, whatever comes in whatever order, and a drift is found."""

from __future__ import annotations

import logging
import random

import pytest
from sqlalchemy import text

from cloud_app.storage.counts import drifts
from cloud_app.storage.database import Database
from cloud_app.storage.edge_queries import edges_of
from cloud_app.storage.placing import move_edge
from cloud_app.storage.queries import lots_now
from tests.cloud_app.scripted_edge import ScriptedEdge
from tests.cloud_app.test_housekeeping import House
from tests.cloud_app.test_intake import now_of, take


def wrong(database: Database) -> list[str]:
    with database.read() as session:
        return [drift.edge for drift in drifts(session, sorted(edges_of(session, None)))]


@pytest.mark.parametrize("seed", range(3))
def test_counts_follow_states_layouts_and_closings(database: Database, seed: int) -> None:
    source = random.Random(seed)
    boxes = [ScriptedEdge(f"box-{n}", bay_ids=("a", "b", "c", "d")) for n in range(2)]
    plan = [message for box in boxes for message in box.hello()]
    for _ in range(150):
        box = source.choice(boxes)
        bay = source.choice(box.bay_ids)
        roll = source.random()
        if roll < 0.7:
            plan.append(box.change(bay, source.choice([True, False, None])))
        elif roll < 0.85:
            plan.append(box.close_bay(bay, source.choice([True, False])))
        elif roll < 0.95:
            plan.append(box.snapshot())
        else:
            box.bay_ids = tuple(source.sample("abcdef", 4))
            plan.append(box.layout_message())
    source.shuffle(plan)
    while plan:
        size = source.randint(1, 30)
        take(database, plan[:size])
        plan = plan[size:]
        assert wrong(database) == []


def test_a_batch_that_is_rolled_back_leaves_the_counts(database: Database) -> None:
    box = ScriptedEdge()
    take(database, box.hello())
    with pytest.raises(RuntimeError), database.write() as session:  # noqa: PT012
        from cloud_app.ingest.batch import Batch, take_batch

        take_batch(session, Batch.of([box.change("a1", True)], "pk"))
        raise RuntimeError
    assert wrong(database) == []
    take(database, [box.change("a2", True)])
    assert wrong(database) == []


def test_an_edge_that_moves_takes_its_counts_away(database: Database) -> None:
    box = ScriptedEdge()
    take(database, [*box.hello(), box.change("a1", True)])
    with database.write() as session:
        move_edge(session, "box-1", "south")
    with database.read() as session:
        assert lots_now(session, now_of(box)) == []
    box.site = "south"
    take(database, [box.layout_message()])
    with database.read() as session:
        [lot] = lots_now(session, now_of(box))
    assert (lot.site, lot.counts.bays, lot.counts.occupied) == ("south", 3, 1)


def test_a_drift_is_told_and_mended(database: Database, caplog: pytest.LogCaptureFixture) -> None:
    house, box = House(database), ScriptedEdge()
    house.take([*box.hello(), box.change("a1", True)])
    house.run(1)
    assert house.keeper.count_drifts == 0
    with database.write() as session:
        session.run(text("UPDATE bay_count SET free = 7"))
    assert wrong(database) == ["box-1"]

    house.clock.advance(3600)
    with caplog.at_level(logging.ERROR):
        house.run(1)

    assert (wrong(database), house.keeper.count_drifts) == ([], 1)
    assert "edge box-1: the kept counts are" in caplog.text
