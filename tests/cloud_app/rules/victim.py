"""A process that judges and sends until it is killed: `python -m ...victim URL`."""

from __future__ import annotations

import sys
import time

from pydantic import SecretStr

from cloud_app.accounts.roles import ConfiguredTenants
from cloud_app.config import DatabaseConfig
from cloud_app.rules import feed
from cloud_app.rules.delivery import Deliverer
from cloud_app.rules.outlets import Outlets
from cloud_app.rules.worker import Pace, RuleWorker
from cloud_app.storage.open import open_database
from telemetry import SystemClock
from tests.cloud_app.accounts.kit import PEOPLE


def main() -> None:
    # Small transactions, so that a kill comes between any two of them.
    feed.BATCH = 7
    database = open_database(DatabaseConfig(url=SecretStr(sys.argv[1])))
    clock = SystemClock()
    pace = Pace(events_max_age_s=1e9)
    worker = RuleWorker(database, ConfiguredTenants(PEOPLE), clock, pace)
    deliverer = Deliverer(database, Outlets(allow_private=True), lambda: True, clock)
    while True:
        worker.work()
        deliverer.tick()
        time.sleep(0.01)


if __name__ == "__main__":
    main()
