"""Rules over a hub's database: made, judged and sent as the service does, when tests say."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import select

from cloud_app.accounts.roles import Tenant
from cloud_app.rules import store
from cloud_app.rules.delivery import Deliverer
from cloud_app.rules.outlets import Outlets
from cloud_app.rules.spec import RuleSpec
from cloud_app.rules.store import Rule
from cloud_app.rules.tables import rule_outbox
from cloud_app.rules.worker import Pace, RuleWorker
from cloud_app.storage.alert_tables import alert
from cloud_app.storage.database import Row
from cloud_app.storage.times import to_ms
from telemetry.topics import Topic
from tests.cloud_app.accounts.kit import NORTH, acting
from tests.cloud_app.hub import Hub
from tests.cloud_app.scripted_edge import START, ScriptedEdge
from tests.cloud_app.test_intake import take

ALERT = {"kind": "alert"}
TABLE = {"kind": "table"}


def spec(when: str, *actions: dict[str, Any], **facts: Any) -> RuleSpec:
    given = {"name": "a rule", "when": when, "actions": actions or (ALERT,), **facts}
    return RuleSpec.model_validate(given)


@dataclass
class RuleDesk:
    """Makes rules, lets time pass, and tells what came of it."""

    hub: Hub
    edge: ScriptedEdge = field(default_factory=ScriptedEdge)
    published: list[tuple[str, bytes, bool]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.worker = RuleWorker(
            self.hub.database, self.hub.accounts.tenants, self.hub.clock, Pace(poll_s=10.0)
        )
        self.outlets = Outlets(publish=self._publish)
        self.deliverer = Deliverer(
            self.hub.database, self.outlets, lambda: True, self.hub.clock, random.Random(1)
        )
        take(self.hub.database, self.edge.hello())

    def _publish(self, topic: Topic, payload: bytes, *, retain: bool = False) -> None:
        self.published.append((str(topic), payload, retain))

    @property
    def now_ms(self) -> int:
        return to_ms(self.hub.clock.utc())

    def make(
        self, when: str, *actions: dict[str, Any], tenant: Tenant = NORTH, **facts: Any
    ) -> Rule:
        with self.hub.database.write() as session:
            made = spec(when, *actions, **facts)
            return store.create(session, acting(self.hub), tenant, made)

    def rule(self, which: Rule) -> Rule:
        with self.hub.database.read() as session:
            return store.by_id(session, which.id)

    def happen(self, *messages: Any) -> None:
        """Take messages in, let the clock show the edge's time, and judge."""
        take(self.hub.database, list(messages))
        self.later(0)

    def later(self, seconds: float) -> None:
        """Judge after a while of the edge's time."""
        self.edge.now = self.edge.now.fromtimestamp(
            self.edge.now.timestamp() + seconds, self.edge.now.tzinfo
        )
        self.hub.clock.now_s = (self.edge.now - START).total_seconds()
        self.worker.tick()

    def alerts(self, *, is_open: bool = True) -> list[Row]:
        query = select(alert).order_by(alert.c.alert)
        if is_open:
            query = query.where(alert.c.ceased_ms.is_(None))
        with self.hub.database.read() as session:
            return list(session.rows(query))

    def queued(self) -> Sequence[Row]:
        with self.hub.database.read() as session:
            return session.rows(select(rule_outbox).order_by(rule_outbox.c.made_ms))

    def send(self) -> None:
        """Send what is due, and wait for it."""
        with self.hub.database.read() as session:
            from cloud_app.rules.outbox import due_lines

            lines = due_lines(session, self.now_ms)
        for line in lines:
            self.deliverer.send(line)
