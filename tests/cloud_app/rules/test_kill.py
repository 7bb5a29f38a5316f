"""kill -9 at any moment: every event is judged, each firing is kept once and sent at least once."""

from __future__ import annotations

import json
from functools import partial
from pathlib import Path

from pydantic import SecretStr

from cloud_app.config import DatabaseConfig
from cloud_app.rules import ledger
from cloud_app.storage.open import open_database
from tests.cloud_app.accounts.kit import PEOPLE
from tests.cloud_app.alerts.kit import Hook, receiving_posts
from tests.cloud_app.hub import Hub
from tests.cloud_app.rules.kit import TABLE, RuleDesk
from tests.cloud_app.servers import wait_until
from tests.cloud_app.test_intake import take
from tests.kit.forks import Fork

EVENTS = 40


def _has_come(hook: Hook, messages: int) -> bool:
    return len({each["id"] for each in list(hook.bodies)}) >= messages


def test_nothing_is_lost_across_kills(tmp_path: Path) -> None:
    url = f"sqlite:{tmp_path / 'cloud.db'}"
    database = open_database(DatabaseConfig(url=SecretStr(url)))
    desk = RuleDesk(Hub(database, people=PEOPLE))
    with receiving_posts() as hook:
        rule = desk.make("true", TABLE, {"kind": "webhook", "url": hook.url}, kinds=["changed"])
        take(database, [desk.edge.change("a1", n % 2 == 0) for n in range(EVENTS)])
        kills = 0
        for until in (8, 25, EVENTS):
            process = Fork("tests.cloud_app.rules.victim", [url], tmp_path / "log")
            try:
                wait_until(
                    partial(_has_come, hook, until),
                    120,
                    f"{until} messages to arrive; {tmp_path / 'log'}",
                )
                assert process.poll() is None
            finally:
                process.kill()
                process.wait()
            kills += 1
    assert kills == 3
    with database.read() as session:
        rows = ledger.outcomes(session, rule.id, 1000)
    assert len(rows) == EVENTS
    assert {row.id for row in rows} == {body["id"] for body in hook.bodies}
    states = [json.loads(row.body)["values"]["event.state"] for row in rows]
    assert states.count("occupied") == EVENTS // 2
    database.close()
