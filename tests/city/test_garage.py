"""The counted garage against the real cloud: what the gates told is what the API says."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from pydantic import SecretStr

from city.count_score import CountClaim, score_count
from city.garage import CountedGarages, GateApi
from city.part import CountTruth, Delivery
from city.plan import City
from city.registry import import_registry
from cloud_app.config import DatabaseConfig
from cloud_app.occupancy.balances import Lot
from cloud_app.occupancy.counting import count_lot
from cloud_app.storage.open import open_database
from simulator import TruthChange
from telemetry import ManualClock
from tests.city.conftest import NOW, counted_lot
from tests.cloud_app.hub import Hub, serving

LOT = counted_lot()
BAYS = [bay.said.bay for bay in LOT.bays]


@dataclass
class Town:
    """The garage's gates and the cloud, under one clock."""

    hub: Hub
    garages: CountedGarages
    clock: ManualClock

    def count(self) -> int | None:
        with self.hub.database.write() as session:
            figure = count_lot(
                session,
                Lot(LOT.spec.site, LOT.id),
                self.hub.context.now(),
                self.hub.context.config.gates,
            )
        return None if figure is None else figure.count

    def live(self, changes: list[tuple[str, bool]]) -> None:
        """One of them a second, and what follows."""
        for bay, occupied in changes:
            self.clock.now_s += 1.0
            at_s = self.garages.time_s(LOT, self.clock.mono_s())
            self.garages.tick({LOT.key: [TruthChange(bay, occupied, at_s)]}, False)


@pytest.fixture
def town(tmp_path: Path) -> Iterator[Town]:
    database = open_database(DatabaseConfig(url=SecretStr(f"sqlite:{tmp_path}/cloud.db")))
    import_registry(database, City((LOT,)), tmp_path / "city.geojson", NOW)
    clock = ManualClock(epoch_utc=NOW)
    hub = Hub(database, clock=clock)
    taken = {LOT.key: dict.fromkeys(BAYS[:40], NOW.timestamp() - 60)}
    with serving(hub.app) as url:
        garages = CountedGarages([LOT], taken, GateApi(url, "nobody asks"), clock, seed=3)
        yield Town(hub, garages, clock)
        garages.stop()
    database.close()


def test_the_cloud_counts_what_the_gates_told_and_what_was_counted_on_foot(town: Town) -> None:
    garages = town.garages
    garages.tick({}, False)
    assert town.count() == 40
    town.live([(bay, False) for bay in BAYS[:30]])
    truth = garages.count_truth(LOT, 1e9)
    assert truth.counts[-1][1] == 10
    assert truth.corrections == 1
    # Some who left were missed, so too many are said to be there.
    assert town.count() == truth.expected == truth.alone > 10
    town.live([(bay, True) for bay in BAYS[:20]])
    truth = garages.count_truth(LOT, 1e9)
    assert truth.corrections == 2
    assert truth.counts[-1][1] == 30
    assert truth.alone > truth.expected
    said = town.count()
    assert said == truth.expected
    published = garages.published()[LOT.edge]
    assert published.is_acked
    assert not garages.waits
    delivery = garages.delivery(LOT, published, lambda _path: None)
    score = score_count(LOT, [CountClaim(said, 0.0)], truth, delivery, 60.0)
    assert score.faults(is_settled=True) == []


def test_pulses_that_the_cloud_did_not_take_wait(town: Town) -> None:
    town.garages.tick({}, False)
    town.live([(BAYS[0], False)])
    gone = GateApi("http://127.0.0.1:9", "nobody")
    known, town.garages._api = town.garages._api, gone
    town.live([(bay, True) for bay in BAYS[50:60]])
    assert town.garages.waits
    assert not town.garages.published()[LOT.edge].is_acked
    town.garages._api = known
    town.garages.tick({}, False)
    assert not town.garages.waits
    assert town.count() == town.garages.count_truth(LOT, 1e9).expected
    gone.close()


# -- the score ------------------------------------------------------------------------------------


def test_a_count_is_scored_by_how_far_it_is_off_and_for_how_long() -> None:
    truth = CountTruth([(0.0, 40), (10.0, 41), (20.0, 40)], alone=44, expected=42, corrections=1)
    claims = [CountClaim(None, -5.0), CountClaim(40, 2.0), CountClaim(42, 22.0)]
    score = score_count(LOT, claims, truth, Delivery(9, 9, 0), end_s=30.0)
    # One off for ten seconds, two for eight, of 28 in which something was said.
    assert score.mean_off == pytest.approx((10 + 16) / 28)
    assert score.most_off == 2
    assert score.known_share == pytest.approx(28 / 30)
    assert (score.truth, score.said, score.alone_off) == (40, 42, 4)
    assert score.faults(is_settled=True) == []
    wrong = score_count(LOT, claims[:2], truth, Delivery(9, 9, 0), end_s=30.0)
    assert wrong.faults(is_settled=True) == [
        "Quay Garage was said to hold 40 vehicles, but was told 42"
    ]
    unseen = score_count(LOT, claims[:1], truth, Delivery(0, 0, 0), end_s=30.0)
    assert unseen.faults(is_settled=True) == ["nothing was seen of Quay Garage"]
    assert unseen.faults(is_settled=False) == []
