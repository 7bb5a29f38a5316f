"""A box without cameras: the real store and link, states made up from a seed."""

from __future__ import annotations

import random
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from edge_app.delivery import BayChange, MqttConfig, MqttLink, OutboxConfig, Store
from edge_app.delivery.agent import Agent
from telemetry import (
    BayState,
    Cause,
    Clock,
    EdgeTopics,
    Layout,
    LayoutBay,
    SystemClock,
    UnknownReason,
)

SITE, EDGE = "north", "edge-7"
TOPICS = EdgeTopics(SITE, EDGE)
QUICK: dict[str, Any] = {
    "ack_grace_s": 0.2,
    "backoff_min_s": 0.1,
    "backoff_max_s": 0.4,
    "resend_after_s": 1.0,
    "will_delay_s": 2,
    "keep_alive_s": 2,
    "connect_timeout_s": 3.0,
    "backlog_rate_hz": 500.0,
}


def layout_of(count: int, name: str = "b") -> Layout:
    return Layout.of([LayoutBay(bay=f"{name}{i}", camera="gate") for i in range(count)])


def link_config(port: int, **settings: Any) -> MqttConfig:
    base = {"host": "127.0.0.1", "port": port, "site": SITE, "edge": EDGE, **QUICK}
    return MqttConfig(**{**base, **settings})


class ScaledClock:
    """The system's clock, running `factor` times as fast; wall time may be shifted."""

    def __init__(self, factor: float = 1.0) -> None:
        self._factor = factor
        self._real_s = time.monotonic()
        self._mono_s = 0.0
        self.shift = timedelta(0)

    def mono_s(self) -> float:
        return self._mono_s + (time.monotonic() - self._real_s) * self._factor

    def utc(self) -> datetime:
        return datetime(2026, 5, 1, tzinfo=UTC) + timedelta(seconds=self.mono_s()) + self.shift

    def sleep(self, duration_s: float) -> None:
        time.sleep(duration_s / self._factor)

    def run_at(self, factor: float) -> None:
        self._mono_s, self._real_s = self.mono_s(), time.monotonic()
        self._factor = factor


@dataclass
class Box:
    """Store and link of one box in one folder."""

    folder: Path
    config: MqttConfig
    clock: Clock = field(default_factory=SystemClock)
    bays: int = 40
    outbox: OutboxConfig = field(default_factory=OutboxConfig)
    agents: Sequence[Agent] = ()
    seed: int = 1

    def __post_init__(self) -> None:
        self.store = Store.open(self.folder / "store.db", self.clock, self.outbox)
        if self.store.layout is None:
            self.store.set_layout(layout_of(self.bays))
        self.link = MqttLink(
            self.config, self.store, self.clock, self.agents, random.Random(self.seed)
        )
        self._rng = random.Random(self.seed)

    def start(self) -> Box:
        self.link.start()
        return self

    def change(self, count: int) -> None:
        """So many changes of random bays, one transaction each."""
        for _ in range(count):
            self.store.record([random_change(self._rng, self.store, self.clock)])

    def close(self) -> None:
        self.link.stop()
        self.store.close()

    def crash(self) -> None:
        """As near to kill -9 as a thread can come: no good-bye."""
        self.link.stop(reason=None)
        self.store.close()


def random_change(rng: random.Random, store: Store, clock: Clock) -> BayChange:
    state = rng.choice(store.states())
    occ = rng.choice([value for value in (True, False, None) if value is not state.occ])
    reason = UnknownReason.OCCLUDED if occ is None else None
    fresh = BayState(state.bay, occ, reason, 0.0 if occ is None else 0.9, clock.utc())
    return BayChange(fresh, Cause.DETECTION, "gate", "bay_head", None, 1)


def main() -> None:
    """A box as a process to be killed: tells each number once it is on the disk."""
    folder, port, seed = sys.argv[1:]
    box = Box(Path(folder), link_config(int(port)), seed=int(seed)).start()
    while True:
        box.change(1)
        sys.stdout.write(f"{box.store.last_seq}\n")
        sys.stdout.flush()
        time.sleep(0.004)


if __name__ == "__main__":
    main()
