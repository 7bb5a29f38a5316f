"""Commands over the broker, and what the box tells beside its events."""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from calibration import load_calibration, save_calibration

if TYPE_CHECKING:
    from tests.system.service.conftest import Box, Broker, Lot, WaitFor

pytestmark = [pytest.mark.mosquitto, pytest.mark.slow]


class Operator:
    """Sends commands and waits for their answers."""

    def __init__(self, broker: Broker, wait_for: WaitFor) -> None:
        self._broker, self._wait_for = broker, wait_for
        self._count = 0

    def ask(self, name: str, args: dict[str, Any] | None = None, life_s: float = 60) -> Any:
        self._count += 1
        command = f"c{self._count}"
        now = datetime.now(UTC)
        body = {
            "id": command, "name": name, "args": args or {}, "issued": now.isoformat(),
            "expires": (now + timedelta(seconds=life_s)).isoformat(),
        }  # fmt: skip
        self._broker.send(f"cmd/{command}", body)
        answer = f"cmd/{command}/res"

        def final() -> bool:
            return self._broker.newest(answer).get("status") not in {None, "received", "running"}

        self._wait_for(final, f"an answer to {name}")
        return self._broker.newest(answer)


def test_commands(box: Box, broker: Broker, lot: Lot, picture: Path, wait_for: WaitFor) -> None:
    path = box.add_camera("north", str(picture), lot.bays)
    box.start()
    wait_for(lambda: len(broker.states()) == len(lot.bays), "a state of each bay")
    operator = Operator(broker, wait_for)
    bay = f"north-{lot.bays[0].id}"
    occ = broker.states()[bay]

    assert operator.ask("set_bay_closed", {"bay": bay, "closed": True})["status"] == "done"
    wait_for(lambda: broker.messages("event")[-1].body["data"]["closed"] is True, "the event")
    event = broker.messages("event")[-1].body
    assert (event["subject"], event["data"]["occ"], event["data"]["cause"]) == (bay, occ, "manual")
    assert operator.ask("set_bay_closed", {"bay": "none", "closed": True})["status"] == "failed"

    snapshots = len(broker.messages("snapshot"))
    assert operator.ask("snapshot_now")["status"] == "done"
    wait_for(lambda: len(broker.messages("snapshot")) > snapshots, "a snapshot")

    save_calibration(path, load_calibration(path), author="test")
    answer = operator.ask("recalibrate", {"camera": "north"})
    assert answer["result"] == {"revision": 2, "bays": len(lot.bays)}
    answer = operator.ask("recalibrate", {"camera": "south"})
    assert (answer["status"], "expected one of the cameras north" in answer["detail"]) == (
        "failed", True,
    )  # fmt: skip

    assert operator.ask("restart_camera", {"camera": "north"})["status"] == "done"
    wait_for(lambda: "restart requested" in box.log, "a log line")

    found = operator.ask("diagnostics")["result"]
    assert found["cameras"]["north"]["known"] == len(lot.bays)
    wait_for(
        lambda: operator.ask("diagnostics")["result"]["cameras"]["north"]["restarts"] == 1,
        "the restart among the figures",
    )
    assert found["model"]["sha256"]
    assert operator.ask("self_destruct")["status"] == "rejected"
    assert operator.ask("diagnostics", life_s=-1)["status"] == "expired"
    assert box.stop() == 0
    assert "Traceback" not in box.log


def test_health_tells_how_the_cameras_do(
    box: Box, broker: Broker, lot: Lot, picture: Path, wait_for: WaitFor
) -> None:
    box.add_camera("north", str(picture), lot.bays)
    box.add_camera("down", str(box.folder / "gone.mp4"), lot.bays)
    box.start()

    def cameras() -> dict[str, Any]:
        found = broker.newest("health").get("cameras", [])
        return {each["camera"]: each for each in found}

    wait_for(lambda: cameras().get("down", {}).get("view") == "lost", "a lost camera")
    wait_for(lambda: cameras()["north"]["fps"] > 0, "a camera that is judged")
    wait_for(lambda: cameras()["down"]["restarts"] > 0, "a camera that is tried again")
    wait_for(lambda: cameras()["north"]["latency_p95_ms"] > 0, "a judged frame's age")
    assert cameras()["north"]["up"] is True
    assert cameras()["down"]["up"] is False
    time.sleep(0.1)
    assert box.stop() == 0
