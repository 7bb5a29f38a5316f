"""kill -9 at any moment: the lake has what was acknowledged, and nothing twice."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from sqlalchemy import select, text

from cloud_app.rules.tables import rule_outcome
from tests.cloud_app.lake.killed import lake_in, rules_of

_LIVES = 10


def test_the_lake_is_exact_however_often_its_process_is_killed(tmp_path: Path) -> None:
    subprocess.run(
        [sys.executable, "-m", "tests.cloud_app.lake.killed", str(tmp_path), str(_LIVES)],
        check=True,
        timeout=120,
    )

    lake = lake_in(tmp_path)
    rules = rules_of(lake)
    while rules.work():
        pass
    lake.worker.tick()
    lake.worker.seal()

    with lake.database.read() as session:
        [(upto,)] = session.rows(text("SELECT upto FROM stream"))
        [(taken,)] = session.rows(text("SELECT count(*) FROM event"))
        firings = sorted(row.id for row in session.rows(select(rule_outcome.c.id)))
    assert int((tmp_path / "acked").read_text()) <= upto == taken
    assert [seq for _, seq in lake.event_keys()] == list(range(1, upto + 1))
    # The rule's records are there once each too, by the ids of what it did.
    assert len(firings) == upto
    records = lake.ask("SELECT record FROM records ORDER BY record")
    assert [str(name) for (name,) in records] == [f"{each}-0" for each in firings]
    lake.database.close()
