"""Edge boxes in a process of their own: the real store and link, and a list of what is true.

`python -m tests.cloud_app.fleet '{...}'` makes changes, then writes the truth to `truth.json` and
keeps its links up until SIGTERM.
"""

from __future__ import annotations

import json
import random
import signal
import sys
import threading
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from edge_app.delivery import BayChange, MqttConfig, MqttLink, Store
from telemetry import BayState, Cause, SystemClock
from telemetry.layout import Layout
from telemetry.messages import LayoutBay


@dataclass(frozen=True)
class FleetPlan:
    """What the boxes do.

    Attributes:
        port: of the broker on loopback.
        folder: for stores and the truth.
        edges: how many boxes.
        changes: how many changes each box makes.
        rate_hz: changes per second of all boxes together.
        bays: how many bays each box has.
        offline_first: make all changes before the first connection.
        seed: of the changes.
    """

    port: int
    folder: str
    edges: int = 3
    changes: int = 200
    rate_hz: float = 200.0
    bays: int = 8
    offline_first: bool = False
    seed: int = 1


@dataclass
class EdgeTruth:
    """What one box did: its events in order, and its bays in the end."""

    epoch: int
    events: list[tuple[str, bool]]
    states: dict[str, bool | None]


class _Box:
    def __init__(self, plan: FleetPlan, number: int) -> None:
        self.name = f"box-{number:03d}"
        clock = SystemClock()
        self.store = Store.open(Path(plan.folder) / f"{self.name}.db", clock)
        self.bays = [f"{self.name}.b{n}" for n in range(plan.bays)]
        self.store.set_layout(
            Layout.of(
                [LayoutBay(bay=bay, camera="cam", lot=f"lot-{number % 5}") for bay in self.bays]
            )
        )
        config = MqttConfig(
            host="127.0.0.1", port=plan.port, site="north", edge=self.name, will_delay_s=1,
            connect_timeout_s=5.0, backoff_min_s=0.2, backoff_max_s=2.0, backlog_rate_hz=500.0,
            resend_after_s=3.0, ack_grace_s=0.5, snapshot_period_s=5.0, health_period_s=5.0,
        )  # fmt: skip
        self.link = MqttLink(config, self.store, clock, (), random.Random(plan.seed + number))
        self.events: list[tuple[str, bool]] = []
        self._occ: dict[str, bool] = {}
        self._clock = clock

    def change(self, source: random.Random) -> None:
        bay = source.choice(self.bays)
        occ = not self._occ.get(bay, source.random() < 0.5)
        self._occ[bay] = occ
        state = BayState(bay=bay, occ=occ, reason=None, conf=0.9, since=self._clock.utc())
        self.store.record([BayChange(state, Cause.DETECTION, "cam", "bay_head", None, 1)])
        self.events.append((bay, occ))

    def truth(self) -> EdgeTruth:
        states = {state.bay: state.occ for state in self.store.states()}
        return EdgeTruth(self.store.epoch, self.events, states)


def _write_truth(plan: FleetPlan, boxes: Sequence[_Box]) -> None:
    draft = Path(plan.folder) / "truth.draft"
    draft.write_text(json.dumps({box.name: asdict(box.truth()) for box in boxes}))
    draft.rename(Path(plan.folder) / "truth.json")


def main() -> None:
    plan = FleetPlan(**json.loads(sys.argv[1]))
    over = threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: over.set())
    source = random.Random(plan.seed)
    boxes = [_Box(plan, number) for number in range(plan.edges)]
    if not plan.offline_first:
        for box in boxes:
            box.link.start()
    for _ in range(plan.changes):
        for box in boxes:
            box.change(source)
            if not plan.offline_first and over.wait(1.0 / plan.rate_hz):
                return
    _write_truth(plan, boxes)
    if plan.offline_first:
        for box in boxes:
            box.link.start()
    over.wait()
    for box in boxes:
        box.link.stop()
        box.store.close()


if __name__ == "__main__":
    main()
