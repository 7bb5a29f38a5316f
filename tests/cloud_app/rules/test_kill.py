"""kill -9 at any moment: every event that was acknowledged is judged, and each outcome is there."""

from __future__ import annotations

import json
import time
from pathlib import Path

from pydantic import SecretStr

from cloud_app.accounts.audit import Actor, ActorKind
from cloud_app.accounts.roles import Tenant
from cloud_app.config import DatabaseConfig
from cloud_app.rules import ledger, store
from cloud_app.storage.open import open_database
from tests.cloud_app.alerts.kit import receiving_posts
from tests.cloud_app.fleet import FleetPlan
from tests.cloud_app.processes import Consumer, Fleet, wait_for_all
from tests.cloud_app.rules.kit import TABLE, spec
from tests.cloud_app.servers import Broker, wait_until

EDGES, CHANGES = 2, 150


def test_nothing_is_lost_across_kills(broker: Broker, tmp_path: Path) -> None:
    url = f"sqlite:{tmp_path / 'cloud.db'}"
    database = open_database(DatabaseConfig(url=SecretStr(url)))
    with receiving_posts() as hook:
        webhook = {"kind": "webhook", "url": hook.url}
        with database.write() as session:
            actor = Actor(ActorKind.SYSTEM, "test", None, 1)
            made = spec("true", TABLE, webhook, kinds=["changed"], key="edge")
            rule = store.create(session, actor, Tenant.parse("operator:main"), made)
        more = "[notifications]\nallow_private_urls = true\n"
        consumer = Consumer("one", tmp_path, broker.port, url, more)
        fleet = Fleet(FleetPlan(broker.port, str(tmp_path / "fleet"), EDGES, CHANGES, 120.0))
        for _ in range(3):
            time.sleep(1.2)
            consumer.kill()
            consumer.start()
        truth = fleet.truth()
        wait_for_all(database, truth, 60)
        wanted = EDGES * CHANGES

        def outcomes() -> int:
            with database.read() as session:
                return store.by_id(session, rule.id).fired

        wait_until(lambda: outcomes() == wanted, 30, "every event to be judged")
        told = set()

        def all_sent() -> bool:
            told.update(body["id"] for body in list(hook.bodies))
            return len(told) == wanted

        wait_until(all_sent, 60, "every message to be sent")
        consumer.stop()
        fleet.stop()
    with database.read() as session:
        rows = ledger.outcomes(session, rule.id, 1000)
    assert {row.id for row in rows} == told
    happened = sorted(
        (json.loads(row.body)["values"]["event.edge"], json.loads(row.body)["values"]["event.bay"])
        for row in rows
    )
    assert happened == sorted((edge, bay) for edge, each in truth.items() for bay, _ in each.events)
    database.close()
