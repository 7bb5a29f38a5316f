"""An ingest with a lake, in processes that are killed: `python -m ... FOLDER LIVES`.

Each life takes events of one edge in, ten a batch, lets a rule put a record of each into the lake,
and writes and compacts the lake after each batch.
What is acknowledged is written to `acked`, as an edge would know it. One program forks all lives,
since its imports take longer than a life.
"""

from __future__ import annotations

import os
import random
import signal
import sys
import time
from datetime import timedelta
from pathlib import Path

from cloud_app.accounts.audit import Actor, ActorKind
from cloud_app.accounts.roles import ConfiguredTenants, Tenant
from cloud_app.config import AccountsConfig, LakeConfig
from cloud_app.rules import feed, store
from cloud_app.rules.spec import RuleSpec
from cloud_app.rules.worker import Pace, RuleWorker
from cloud_app.storage.sqlite import SqliteDatabase
from telemetry import ManualClock
from tests.cloud_app.lake.kit import Lake
from tests.cloud_app.scripted_edge import START, ScriptedEdge

BATCH = 10
RECORDED = RuleSpec.model_validate(
    {"name": "a record", "when": "true", "actions": [{"kind": "lake"}, {"kind": "table"}]}
)


def lake_in(folder: Path) -> Lake:
    """The same lake in each life of the process; its day is over, so that files are compacted."""
    config = LakeConfig(folder=folder / "lake", roll_rows=1, delete_after_s=0)
    clock = ManualClock(epoch_utc=START + timedelta(days=1))
    return Lake(SqliteDatabase(folder / "cloud.db"), config, clock)


def rules_of(lake: Lake) -> RuleWorker:
    """What judges events; in small transactions, so that a kill comes between any two of them."""
    feed.BATCH = 7
    pace = Pace(events_max_age_s=1e9)
    return RuleWorker(lake.database, ConfiguredTenants(AccountsConfig()), lake.clock, pace)


def make_rule(lake: Lake) -> str:
    """A rule that every event meets; return its id."""
    actor = Actor(ActorKind.SYSTEM, "test", None, 0)
    with lake.database.write() as session:
        return store.create(session, actor, Tenant.parse("operator:main"), RECORDED).id


def live(folder: Path) -> None:
    """Work until killed."""
    lake, acked = lake_in(folder), folder / "acked"
    rules = rules_of(lake)
    edge = ScriptedEdge()
    done = acknowledged(folder)
    # The edge sends again what it has no acknowledgement for, and a little more.
    for n in range(max(0, done - BATCH // 2)):
        edge.change("a1", bool(n % 2))
    while True:
        lake.take(*(edge.change("a1", bool((edge.seq + n) % 2)) for n in range(BATCH)))
        draft = folder / "acked.draft"
        draft.write_text(str(edge.seq))
        draft.replace(acked)
        lake.clock.advance(601)
        rules.work()
        lake.worker.tick()


def acknowledged(folder: Path) -> int:
    acked = folder / "acked"
    return int(acked.read_text()) if acked.exists() else 0


def main() -> None:
    folder, lives = Path(sys.argv[1]), int(sys.argv[2])
    moments = random.Random(7)
    lake = lake_in(folder)
    make_rule(lake)
    lake.database.close()
    for _ in range(lives):
        # Counted in progress, since a busy machine gets nowhere in any stated time.
        goal = acknowledged(folder) + BATCH * moments.randint(1, 4)
        child = os.fork()
        if child == 0:
            live(folder)
        while acknowledged(folder) < goal and os.waitpid(child, os.WNOHANG) == (0, 0):
            time.sleep(0.002)
        time.sleep(moments.uniform(0, 0.05))
        os.kill(child, signal.SIGKILL)
        _, status = os.waitpid(child, 0)
        if os.waitstatus_to_exitcode(status) != -signal.SIGKILL:
            sys.exit(f"a life ended by itself: {status}")


if __name__ == "__main__":
    main()
