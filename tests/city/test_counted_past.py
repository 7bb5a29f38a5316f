"""The past of a counted garage: off by what its gates miss, and right after each round."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

from pydantic import SecretStr

from city.counted_past import counted_past, write
from city.filling import past_of
from city.history import Past
from cloud_app.config import DatabaseConfig
from cloud_app.occupancy.balances import Lot, zeroings
from cloud_app.storage.open import open_database
from tests.city.conftest import NOW, counted_lot


def true_at(past: Past, at_ms: int) -> int:
    return sum(stay.begin_s * 1000 <= at_ms < stay.end_s * 1000 for stay in past.stays)


def test_the_count_drifts_and_is_right_again_after_each_round(tmp_path: Path) -> None:
    lot, begin = counted_lot(), datetime(2026, 11, 28, tzinfo=UTC)
    past = past_of(lot, begin, NOW, seed=5)
    found = counted_past(past, begin, NOW, seed=5)
    assert found == counted_past(past, begin, NOW, seed=5)
    off = [abs(count - true_at(past, at_ms)) for at_ms, count in found.points]
    assert all(0 <= count <= len(lot.bays) for _, count in found.points)
    assert 0 < max(off) < 20
    assert all(true == true_at(past, at_ms) for at_ms, true in found.rounds)
    assert len(found.rounds) == 1 + 3
    assert len(found.points) < 3 * 24 * 12
    database = open_database(DatabaseConfig(url=SecretStr(f"sqlite:{tmp_path}/cloud.db")))
    try:
        write(database, lot, found)
        with database.read() as session:
            kept = zeroings(session, Lot(lot.spec.site, lot.id), 100)
    finally:
        database.close()
    assert [each.truth.count for each in kept[::-1]] == [true for _, true in found.rounds]
    # What the cloud works out of the passages is what the gates missed.
    drifts = [each.drift for each in kept[::-1]]
    assert drifts[0] is None
    assert all(drift is not None and -10 < drift < 20 for drift in drifts[1:])
    assert any(drift for drift in drifts[1:])
