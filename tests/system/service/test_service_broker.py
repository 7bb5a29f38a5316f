"""The running service and a real broker: what a consumer sees from birth to death."""

from __future__ import annotations

import json
import os
import signal
import time
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from calibration import Bay
from models import default_model

if TYPE_CHECKING:
    from tests.system.service.conftest import Box, Broker, Lot, Message, WaitFor

pytestmark = [pytest.mark.mosquitto, pytest.mark.slow]


def all_known(broker: Broker, count: int) -> bool:
    states = broker.states()
    return len(states) == count and None not in states.values()


def two_cameras(box: Box, lot: Lot, clip: Path) -> int:
    """Two looped clips of the rendered lot; how many bays that makes."""
    box.add_camera("north", str(clip), lot.bays)
    box.add_camera("south", str(clip), lot.bays)
    return 2 * len(lot.bays)


def test_birth_layout_snapshot_events_and_a_clean_stop(
    box: Box, broker: Broker, lot: Lot, clip_of_lot: Path, wait_for: WaitFor
) -> None:
    box.lost_after_s = 60
    count = two_cameras(box, lot, clip_of_lot)
    box.start()
    wait_for(lambda: all_known(broker, count), "a known state of each bay")

    birth = broker.messages("status")[0].body
    assert birth["online"] is True
    assert birth["cameras"] == ["north", "south"]
    assert birth["model"]["sha256"]
    layout = broker.newest("layout")
    assert [bay["bay"] for bay in layout["bays"]] == [
        f"{camera}-{bay.id}" for camera in ("north", "south") for bay in lot.bays
    ]
    assert birth["layout"] == layout["hash"] == broker.newest("snapshot")["layout"]
    event = broker.messages("event")[0].body
    assert event["data"]["cause"] == "detection"
    assert event["data"]["layout"] == layout["hash"]
    assert event["data"]["calibration"] == 1
    kinds = [message.topic.rpartition("/")[2] for message in _in_order(broker)]
    assert kinds.index("status") < kinds.index("layout") < kinds.index("snapshot")

    assert box.stop() == 0
    wait_for(lambda: broker.newest("status")["online"] is False, "the good-bye")
    assert broker.newest("status")["reason"] == "shutdown"
    assert broker.seqs() == list(range(1, max(broker.seqs()) + 1))
    assert "Traceback" not in box.log


def _in_order(broker: Broker) -> list[Message]:
    found = [m for kind in ("status", "layout", "snapshot") for m in broker.messages(kind)]
    return sorted(found, key=lambda message: message.at_s)


def test_a_killed_box_is_called_offline_after_the_delay_and_comes_back(
    box: Box, broker: Broker, lot: Lot, clip_of_lot: Path, wait_for: WaitFor
) -> None:
    box.lost_after_s = 60
    count = two_cameras(box, lot, clip_of_lot)
    box.start()
    wait_for(lambda: all_known(broker, count), "a known state of each bay")
    known, seqs = broker.states(), broker.seqs()

    killed_s = time.time()
    box.stop(signal.SIGKILL)
    wait_for(lambda: broker.newest("status")["online"] is False, "the will", 20)
    will = broker.messages("status")[-1]
    assert "reason" not in will.body or will.body["reason"] is None
    assert will.at_s - killed_s >= 1.5

    box.start()
    wait_for(lambda: broker.newest("status")["online"] is True, "the second birth")
    assert broker.newest("status")["conn"] > will.body["conn"]
    wait_for(lambda: _snapshot_knows(broker, count), "a snapshot with every bay")
    time.sleep(3)  # each bay is judged again: several passes at 1 Hz
    assert broker.states() == known
    assert broker.seqs() == seqs, "a restart is no change of any bay"


def _snapshot_knows(broker: Broker, count: int) -> bool:
    bays = broker.newest("snapshot")["bays"]
    return len(bays) == count and all(bay["occ"] is not None for bay in bays)


def test_a_long_pause_makes_bays_unknown_until_they_are_seen_again(
    box: Box, broker: Broker, lot: Lot, clip_of_lot: Path, wait_for: WaitFor
) -> None:
    box.add_camera("north", str(clip_of_lot), lot.bays)
    box.start()
    wait_for(lambda: all_known(broker, len(lot.bays)), "a known state of each bay")
    assert box.stop() == 0
    yesterday = time.time() - 86_400
    os.utime(box.folder / "state" / "alive", (yesterday, yesterday))
    before = len(broker.messages("event"))
    box.start()
    wait_for(lambda: len(broker.messages("event")) >= before + 2 * len(lot.bays), "the new states")
    after = [message.body["data"] for message in broker.messages("event")[before:]]
    assert [(data["reason"], data["cause"]) for data in after[: len(lot.bays)]] == [
        ("starting", "startup")
    ] * len(lot.bays)
    wait_for(lambda: all_known(broker, len(lot.bays)), "known states again")


def test_a_broker_that_comes_late_gets_everything_in_order(
    make_box: Callable[..., Box],
    make_broker: Callable[..., Broker],
    lot: Lot,
    clip_of_lot: Path,
    wait_for: WaitFor,
) -> None:
    broker = make_broker(started=False)
    box = make_box(broker.port)
    count = two_cameras(box, lot, clip_of_lot)
    box.start()
    wait_for(lambda: "refused" in box.log.lower(), "a log line about the broker")
    time.sleep(4)  # states are made and tries fail meanwhile
    broker.start()
    wait_for(lambda: all_known(broker, count), "the states from before the broker was there")
    numbers = [int(m.body["id"].rpartition("-")[2]) for m in broker.messages("event")]
    assert numbers[0] == 1
    assert all(after == before + 1 for before, after in pairwise(numbers))
    assert "Traceback" not in box.log


def test_a_camera_that_dies_and_comes_back(
    box: Box, broker: Broker, lot: Lot, picture: Path, clip_of_lot: Path, wait_for: WaitFor
) -> None:
    box.add_camera("north", str(picture), lot.bays)
    box.add_camera("south", str(clip_of_lot), lot.bays)
    count = 2 * len(lot.bays)
    box.start()
    wait_for(lambda: all_known(broker, count), "a known state of each bay")
    known = broker.states()
    hidden = picture.with_name("hidden")
    picture.rename(hidden)
    north = [f"north-{bay.id}" for bay in lot.bays]
    wait_for(lambda: {broker.reasons()[bay] for bay in north} == {"camera_lost"}, "lost bays")
    lost = [m.body["data"] for m in broker.messages("event") if m.body["subject"] in north][-1]
    assert (lost["occ"], lost["cause"]) == (None, "camera_lost")
    assert [broker.states()[f"south-{bay.id}"] for bay in lot.bays] == [
        known[f"south-{bay.id}"] for bay in lot.bays
    ], "the other camera is not touched"
    hidden.rename(picture)
    wait_for(lambda: broker.states() == known, "the same states again")


def test_clips_of_real_lots(box: Box, broker: Broker, shared_data: Path, wait_for: WaitFor) -> None:
    """Both shared clips looped as cameras; every bay of both becomes known."""
    count = 0
    for name in ("carpark_topview", "lot_timelapse_day"):
        raw = json.loads((shared_data / "video" / f"{name}.bays.json").read_text())
        size = (raw["width"], raw["height"])
        bays = tuple(
            Bay(
                id=f"{index:03d}",
                polygon=tuple((min(max(x / size[0], 0), 1), min(max(y / size[1], 0), 1))
                              for x, y in points),
            )
            for index, points in enumerate(raw["bays"])
        )  # fmt: skip
        box.add_camera(name, str(shared_data / "video" / f"{name}.mp4"), bays, image_wh=size)
        count += len(bays)
    box.start()
    wait_for(lambda: len(broker.states()) == count, "a state of each bay")
    wait_for(lambda: False in broker.states().values(), "a free bay")
    if default_model().manifest.bay_head:  # boxes alone see nothing from straight above
        wait_for(lambda: True in broker.states().values(), "an occupied bay")
    assert box.stop() == 0
    assert "Traceback" not in box.log
