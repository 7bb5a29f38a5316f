"""A box without cameras: a script says what it sees; store, outbox and link are the real ones."""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

from city.cloud import AWS_ROOT
from city.history import CALIBRATION, METHOD, utc
from city.part import Published
from city.plan import PlannedLot
from edge_app.delivery import BayChange, MqttConfig, MqttLink, Store
from edge_app.delivery.agents import AgentParts, build_agents
from edge_app.delivery.incidents import IncidentChange
from simulator import TruthChange
from telemetry import BayState, Cause, Clock, UnknownReason
from telemetry.health import CameraHealth
from vision.incidents import Incident

# A box believes a change only after some seconds, so that a car driving through does not count.
_HOLD_S = (2.0, 4.0)
# What a script says is so; a sensor beside it that says otherwise is not believed.
_CONF = (0.985, 0.999)
# Now and then something stands before a bay for a while.
_OCCLUDED_SHARE = 0.02
_OCCLUDED_S = 5.0


def mqtt_config(port: int, lot: PlannedLot) -> MqttConfig:
    """The link of a lot's box to the broker in this process."""
    return MqttConfig.model_validate(
        link_settings(port) | {"site": lot.spec.site, "edge": lot.edge}
    )


def link_settings(port: int) -> dict[str, object]:
    """What the links of all boxes have in common."""
    return {
        "host": "127.0.0.1",
        "port": port,
        "protocol": "3.1.1",
        "aws_root": AWS_ROOT,
        "ack_grace_s": 0.0,
        "backoff_max_s": 3.0,
        "backlog_rate_hz": 100.0,
        "resend_after_s": 10.0,
        "health_period_s": 15.0,
        "snapshot_period_s": 60.0,
    }


@dataclass(slots=True)
class _Seen:
    """What will be published of a bay, and when."""

    due_s: float
    state: BayState


class ScriptedBox:
    """The box of one scripted lot.

    Args:
        lot: whose bays.
        folder: for its store.
        port: of the broker on loopback.
        clock: time.
        seed: of its hesitation.
    """

    def __init__(self, lot: PlannedLot, folder: Path, port: int, clock: Clock, seed: int) -> None:
        self.lot = lot
        self._clock = clock
        self._rng = random.Random(f"box {seed} {lot.key}")  # noqa: S311 - a simulation
        self._cameras = {bay.said.bay: bay.said.camera for bay in lot.bays}
        self._blind: set[str] = set()
        self._seen: list[_Seen] = []
        config = mqtt_config(port, lot)
        self._store = Store.open(folder / f"{lot.edge}.db", clock)
        self._store.set_layout(lot.layout)
        self._link = MqttLink(config, self._store, clock, (), self._rng)
        parts = AgentParts(cameras=self._health, wake=self._link.wake)
        self._link.add(build_agents(config, self._store, clock, parts))

    def start(self, occupied: Mapping[str, float]) -> None:
        """Publish the first states and go on.

        Args:
            occupied: bays that are, and since when (seconds since 1970).
        """
        now = self._clock.utc()
        self._record(
            [
                BayState(bay, bay in occupied, None, self._conf(), _since(occupied.get(bay), now))
                for bay in self._cameras
            ],
            Cause.STARTUP,
        )
        self._link.start()

    @property
    def is_connected(self) -> bool:
        """Whether its link is up."""
        return self._link.info.connected

    def stop(self) -> None:
        """Say good-bye and let go of the store."""
        self._link.stop()
        self._store.close()

    def see(self, changes: Sequence[TruthChange]) -> None:
        """Changes that just happened: published once they have lasted."""
        now_s, now = self._clock.mono_s(), self._clock.utc()
        for change in changes:
            # A car that leaves at once was never there for the box.
            self._seen = [each for each in self._seen if each.state.bay != change.bay]
            due_s = now_s + self._rng.uniform(*_HOLD_S)
            if self._rng.random() < _OCCLUDED_SHARE:
                hidden = BayState(change.bay, None, UnknownReason.OCCLUDED, 0.0, now)
                self._seen.append(_Seen(due_s, hidden))
                due_s += _OCCLUDED_S
            state = BayState(change.bay, change.occupied, None, self._conf(), now)
            self._seen.append(_Seen(due_s, state))

    def tick(self) -> None:
        """Publish what is due."""
        now_s = self._clock.mono_s()
        due = [each for each in self._seen if each.due_s <= now_s]
        if due:
            self._seen = [each for each in self._seen if each.due_s > now_s]
            self._record([each.state for each in due], Cause.DETECTION)

    @property
    def waits(self) -> bool:
        """Whether something that happened was not published yet."""
        return bool(self._seen)

    # Troubles

    def close_bays(self, bays: Sequence[str]) -> None:
        """Close bays, for works."""
        for bay in bays:
            self._store.set_closed(bay, closed=True)

    def drop_line(self) -> None:
        """Lose the connection without a word; the outbox keeps what happens."""
        self._link.stop(reason=None)

    def restore_line(self) -> None:
        """Connect again."""
        self._link.start()

    def blind(self, camera: str) -> None:
        """A camera sees nothing from now on: its bays are unknown."""
        self._blind.add(camera)
        now = self._clock.utc()
        bays = [bay for bay, of in self._cameras.items() if of == camera]
        hidden = [BayState(bay, None, UnknownReason.BLIND, 0.0, now) for bay in bays]
        self._publish(hidden, Cause.CAMERA_LOST)

    def tell(self, incident: Incident) -> None:
        """Publish an incident that began or ended."""
        self._store.record_incidents([IncidentChange(incident, None, CALIBRATION)])

    @property
    def published(self) -> Published:
        """How far its stream goes."""
        store = self._store
        return Published(store.epoch, store.last_seq, store.acked)

    # Inside

    def _record(self, states: Sequence[BayState], cause: Cause) -> None:
        self._publish([s for s in states if self._cameras[s.bay] not in self._blind], cause)

    def _publish(self, states: Sequence[BayState], cause: Cause) -> None:
        self._store.record(
            [
                BayChange(state, cause, self._cameras[state.bay], METHOD, None, CALIBRATION)
                for state in states
            ]
        )

    def _conf(self) -> float:
        return round(self._rng.uniform(*_CONF), 3)

    def _health(self) -> list[CameraHealth]:
        cameras = dict.fromkeys(self._cameras.values())
        return [
            CameraHealth(
                camera=camera,
                up=True,
                view="blind" if camera in self._blind else "ok",
                fps=1.0,
                dropped=0,
                restarts=0,
            )
            for camera in cameras
        ]


def _since(at_s: float | None, now: datetime) -> datetime:
    # How long a free bay has been free the history knows; a box that begins says since now.
    return now if at_s is None else min(utc(at_s), now - timedelta(seconds=1))
