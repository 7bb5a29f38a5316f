"""The reconciler alone, in a process that a test kills: `DATABASE_URL FILE`.

It looks as often as it can, so that a kill falls into its work, and makes FILE once it leads.
"""

from __future__ import annotations

import sys
import time
from pathlib import Path

from pydantic import SecretStr

from cloud_app.config import DatabaseConfig
from cloud_app.occupancy.reconciler import Reconciler
from cloud_app.storage.open import open_database
from telemetry import SystemClock


def main() -> None:
    url, file = sys.argv[1], Path(sys.argv[2])
    database = open_database(DatabaseConfig(url=SecretStr(url)))
    reconciler = Reconciler(database, SystemClock(), 180.0)
    while True:
        if database.lead():
            file.touch()
            reconciler.tick()
        else:
            reconciler.forget()
        time.sleep(0.01)


if __name__ == "__main__":
    main()
