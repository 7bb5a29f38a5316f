"""From real edge boxes over a real broker into real tables, with processes killed on the way.

Each test ends in the same three numbers, all zero: events lost, misattributed, and bays whose
projected state is not the true one.
"""

from __future__ import annotations

import random
import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import httpx
import pytest
from pydantic import SecretStr
from sqlalchemy import text

from cloud_app.config import DatabaseConfig
from cloud_app.storage.database import Database
from cloud_app.storage.open import open_database
from tests.cloud_app.fleet import FleetPlan
from tests.cloud_app.processes import Consumer, Fleet, check_against, wait_for_all
from tests.cloud_app.servers import (
    Broker,
    PostgresCluster,
    running_broker,
    running_postgres,
    wait_until,
)

pytestmark = [pytest.mark.mosquitto, pytest.mark.slow]
NOTHING_WRONG = (0, 0, 0)
# However slow a start is on this machine, and however soon the boxes are done.
MIN_KILLS = 3


@pytest.fixture(scope="module")
def cluster(postgres_bin: Path) -> Iterator[PostgresCluster]:
    with running_postgres(postgres_bin) as running:
        yield running


@pytest.fixture
def ends() -> Iterator[ExitStack]:
    """Whatever a test starts ends with it."""
    with ExitStack() as stack:
        yield stack


def opened(ends: ExitStack, url: str) -> Database:
    database = open_database(DatabaseConfig(url=SecretStr(url)))
    ends.callback(database.close)
    return database


def start_consumer(ends: ExitStack, name: str, folder: Path, broker: Broker, url: str) -> Consumer:
    consumer = Consumer(name, folder, broker.port, url)
    ends.callback(consumer.stop)
    return consumer


def start_fleet(ends: ExitStack, plan: FleetPlan) -> Fleet:
    fleet = Fleet(plan)
    ends.callback(fleet.stop)
    return fleet


def test_a_broker_killed_after_its_pubacks_loses_nothing(
    mosquitto: Path, tmp_path: Path, ends: ExitStack
) -> None:
    broker = ends.enter_context(running_broker(mosquitto, tmp_path))
    url = f"sqlite:{tmp_path / 'cloud.db'}"
    start_consumer(ends, "one", tmp_path, broker, url)
    fleet = start_fleet(
        ends, FleetPlan(broker.port, str(tmp_path / "fleet"), edges=4, changes=150, rate_hz=150)
    )
    source = random.Random(7)
    kills = 0
    while kills < MIN_KILLS or not fleet.is_done:
        time.sleep(source.uniform(0.3, 1.0))
        broker.kill()
        kills += 1
        broker.start()
    truth = fleet.truth()
    database = opened(ends, url)

    wait_for_all(database, truth, 90)

    assert check_against(database, truth) == NOTHING_WRONG


@pytest.mark.postgres
def test_killing_one_of_two_consumers_again_and_again_loses_nothing(
    mosquitto: Path, tmp_path: Path, cluster: PostgresCluster, ends: ExitStack
) -> None:
    broker = ends.enter_context(running_broker(mosquitto, tmp_path))
    url = cluster.new_database()
    consumers = [start_consumer(ends, name, tmp_path, broker, url) for name in ("one", "two")]
    fleet = start_fleet(
        ends, FleetPlan(broker.port, str(tmp_path / "fleet"), edges=6, changes=150, rate_hz=100)
    )
    source = random.Random(11)
    kills = 0
    while kills < MIN_KILLS or not fleet.is_done:
        victim = source.choice(consumers)
        time.sleep(source.uniform(0.1, 0.8))
        victim.kill()
        kills += 1
        time.sleep(source.uniform(0.0, 0.5))
        victim.start()
    truth = fleet.truth()
    database = opened(ends, url)

    wait_for_all(database, truth, 90)

    assert check_against(database, truth) == NOTHING_WRONG


@pytest.mark.postgres
def test_a_consumer_that_never_comes_back_takes_nothing_with_it(
    mosquitto: Path, tmp_path: Path, cluster: PostgresCluster, ends: ExitStack
) -> None:
    """The broker goes on dealing events to the dead member's session: the replay gets them back."""
    broker = ends.enter_context(running_broker(mosquitto, tmp_path))
    url = cluster.new_database()
    start_consumer(ends, "one", tmp_path, broker, url)
    dead = start_consumer(ends, "two", tmp_path, broker, url)
    fleet = start_fleet(
        ends, FleetPlan(broker.port, str(tmp_path / "fleet"), edges=4, changes=100, rate_hz=100)
    )
    time.sleep(1.5)
    dead.kill()
    truth = fleet.truth()
    database = opened(ends, url)

    wait_for_all(database, truth, 120)

    assert check_against(database, truth) == NOTHING_WRONG


@pytest.mark.postgres
def test_a_database_that_crashes_is_waited_for(
    mosquitto: Path, tmp_path: Path, postgres_bin: Path, ends: ExitStack
) -> None:
    broker = ends.enter_context(running_broker(mosquitto, tmp_path))
    cluster = ends.enter_context(running_postgres(postgres_bin))
    url = cluster.new_database()
    start_consumer(ends, "one", tmp_path, broker, url)
    fleet = start_fleet(
        ends, FleetPlan(broker.port, str(tmp_path / "fleet"), edges=3, changes=100, rate_hz=80)
    )
    for _ in range(3):
        time.sleep(1.0)
        cluster.stop("immediate")
        time.sleep(0.3)
        cluster.start()
    truth = fleet.truth()
    database = opened(ends, url)

    wait_for_all(database, truth, 90)

    assert check_against(database, truth) == NOTHING_WRONG


def test_an_overflown_queue_at_the_broker_is_recovered(
    mosquitto: Path, tmp_path: Path, ends: ExitStack
) -> None:
    """1,500 events for a consumer that is away, of which the broker keeps 100."""
    broker = ends.enter_context(
        running_broker(mosquitto, tmp_path, "max_queued_messages 100\nmax_inflight_messages 20\n")
    )
    url = f"sqlite:{tmp_path / 'cloud.db'}"
    consumer = start_consumer(ends, "one", tmp_path, broker, url)
    consumer.kill()
    fleet = start_fleet(
        ends, FleetPlan(broker.port, str(tmp_path / "fleet"), edges=3, changes=500, rate_hz=2000)
    )
    truth = fleet.truth()
    wait_until(lambda: broker.dropped() > 100, 30, "the queue to overflow")
    consumer.start()
    database = opened(ends, url)

    wait_for_all(database, truth, 120)

    assert check_against(database, truth) == NOTHING_WRONG


def test_200_edges_that_come_back_at_once(mosquitto: Path, tmp_path: Path, ends: ExitStack) -> None:
    broker = ends.enter_context(running_broker(mosquitto, tmp_path))
    url = f"sqlite:{tmp_path / 'cloud.db'}"
    consumer = start_consumer(ends, "one", tmp_path, broker, url)
    plan = FleetPlan(
        broker.port, str(tmp_path / "fleet"), edges=200, changes=20, bays=4, offline_first=True
    )
    fleet = start_fleet(ends, plan)
    truth = fleet.truth(timeout_s=200)
    database = opened(ends, url)

    wait_for_all(database, truth, 200)

    # The broker's queue to the consumer overflows, and retained layouts are among what it drops.
    wait_until(lambda: check_against(database, truth)[2] == 0, 60, "all layouts to be known")
    assert check_against(database, truth) == NOTHING_WRONG
    edges = httpx.get(f"{consumer.url}/api/v1/edges", timeout=30).json()
    assert len(edges) == 200
    assert all(edge["online"] and not edge["stale"] for edge in edges)


def test_a_lost_database_does_not_hold_up_the_edges(
    mosquitto: Path, tmp_path: Path, ends: ExitStack
) -> None:
    """What a former database acknowledged no edge holds any more: recorded as lost, then on."""
    broker = ends.enter_context(running_broker(mosquitto, tmp_path))
    url = f"sqlite:{tmp_path / 'cloud.db'}"
    consumer = start_consumer(ends, "one", tmp_path, broker, url)
    fleet = start_fleet(
        ends, FleetPlan(broker.port, str(tmp_path / "fleet"), edges=2, changes=300, rate_hz=20)
    )
    before = opened(ends, url)
    wait_until(lambda: min([0, *_uptos(before)][1:], default=0) >= 20, 60, "20 events of each edge")
    consumer.kill()
    for path in tmp_path.glob("cloud.db*"):
        path.unlink()
    consumer.start()
    truth = fleet.truth()
    after = opened(ends, url)

    def is_complete() -> bool:
        return sorted(_uptos(after)) == [300, 300]

    wait_until(is_complete, 180, "the streams to go on")

    with after.read() as session:
        gaps = session.rows(text("SELECT edge, first_seq, last_seq, reason FROM gap ORDER BY edge"))
        stored = session.rows(text("SELECT edge, COUNT(*) FROM event GROUP BY edge ORDER BY edge"))
    assert {(first, reason) for _, first, _, reason in gaps} == {(1, "not_held")}
    # Everything is either in the tables or named as lost.
    lost = {edge: last for edge, _, last, _ in gaps}
    assert {edge: 300 - number for edge, number in stored} == lost
    assert all(len(each.events) == 300 for each in truth.values())


def _uptos(database: Database) -> list[int]:
    with database.read() as session:
        return [upto for (upto,) in session.rows(text("SELECT upto FROM stream"))]


def test_a_dead_box_is_stale_to_a_reader_and_comes_back(
    mosquitto: Path, tmp_path: Path, ends: ExitStack
) -> None:
    broker = ends.enter_context(running_broker(mosquitto, tmp_path))
    url = f"sqlite:{tmp_path / 'cloud.db'}"
    consumer = start_consumer(ends, "one", tmp_path, broker, url)
    plan = FleetPlan(broker.port, str(tmp_path / "fleet"), edges=1, changes=20, rate_hz=100)
    fleet = start_fleet(ends, plan)
    wait_for_all(opened(ends, url), fleet.truth(), 60)

    def counts() -> dict[str, int]:
        [lot] = httpx.get(f"{consumer.url}/api/v1/lots", timeout=10).json()
        found: dict[str, int] = lot["counts"]
        return found

    assert counts()["stale"] == 0
    fleet.stop()
    wait_until(lambda: counts()["stale"] == 8, 20, "the bays to be stale")
    assert counts()["free"] == 0
    [edge] = httpx.get(f"{consumer.url}/api/v1/edges", timeout=10).json()
    assert (edge["online"], edge["offline_reason"]) == (False, "shutdown")
