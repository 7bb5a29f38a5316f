"""Sensors and gates of a box, as one part of the service."""

from __future__ import annotations

import logging
from dataclasses import dataclass, replace
from functools import partial

from edge_app.alarms import Alarm, AlarmKind, Alarms
from edge_app.config import LotsightConfig, SensorNetworkConfig
from edge_app.config.sensing import NetworkKind
from edge_app.field_io import LocalLink
from edge_app.sensing.gates import GateCounters, GateOutlets
from edge_app.sensing.health import sensor_alarm, sources_alarm
from edge_app.sensing.report import SensingReport
from edge_app.sensing.sensors import BaySensors, SensorOutlets
from sensors.errors import SensorError
from telemetry import Clock

_log = logging.getLogger(__name__)

GATES = "gates"
"""Over HTTP, beside the kinds of networks."""


@dataclass(frozen=True, slots=True)
class Sensing:
    """Bay sensors, gates and counted lots.

    Attributes:
        bays: bay sensors.
        gates: gates and counts.
        networks: how messages over HTTP are read, by kind.
        alarms: standing alarms.
        clock: time.
        differ_after_s: for so long camera and sensor may disagree before it is an alarm.
    """

    bays: BaySensors
    gates: GateCounters
    networks: dict[NetworkKind, SensorNetworkConfig]
    alarms: Alarms
    clock: Clock
    differ_after_s: float

    def start(self) -> None:
        """Everything comes through the local link or HTTP."""

    def stop(self) -> None:
        """Keep what changed no state."""
        self.bays.save()

    def intake(self, kind: str, place: str, body: bytes) -> int:
        """Take a message over HTTP.

        Args:
            kind: of the network, or `gates`.
            place: ChirpStack's word for the event; the topic of others is of no use here.
            body: the message.

        Returns:
            How many readings or vehicles were in it.

        Raises:
            SensorError: it cannot be read.
        """
        if kind == GATES:
            return self.gates.take(body)
        try:
            network = self.networks[NetworkKind(kind)]
        except ValueError as exc:
            known = ", ".join((*NetworkKind, GATES))
            msg = f"expected one of {known}, but got {kind!r}"
            raise SensorError(msg) from exc
        return self.bays.take(network, place, body)

    def look(self) -> None:
        """Now and then: silence, alarms, counts that are to be told."""
        self.bays.look()
        self.gates.look()
        report = self.bays.report()
        now = self.clock.utc()
        self._tell(AlarmKind.SENSOR, sensor_alarm(report.sensors))
        self._tell(AlarmKind.SOURCES, sources_alarm(report.bays, now, self.differ_after_s))
        silent = [each.id for each in self.gates.gates() if each.is_silent]
        self._tell(AlarmKind.GATE, _gate_alarm(silent) if silent else None)

    def report(self) -> SensingReport:
        """For the pages and metrics."""
        found = self.bays.report()
        return replace(
            found,
            gates=self.gates.gates(),
            counts=self.gates.counts(),
            refused=found.refused + self.gates.refused,
            last_fault=found.last_fault or self.gates.last_fault,
        )

    def _tell(self, kind: AlarmKind, alarm: Alarm | None) -> None:
        if alarm is None:
            self.alarms.clear(kind)
        else:
            self.alarms.set(alarm)


def build_sensing(
    config: LotsightConfig,
    link: LocalLink | None,
    sensors: SensorOutlets,
    gates: GateOutlets,
    alarms: Alarms,
    clock: Clock,
) -> Sensing:
    """Put sensors and gates together; nothing runs yet.

    Args:
        config: all settings.
        link: to the local broker, not started yet.
        sensors: where words of sensors go.
        gates: where passages go.
        alarms: standing alarms.
        clock: time.
    """
    bays = BaySensors(config.sensor, sensors, clock)
    counters = GateCounters(config.vehicle_gate, config.counted_lot, gates, clock)
    networks = {kind: SensorNetworkConfig(kind=kind, topic="-") for kind in NetworkKind}
    networks |= {each.kind: each for each in config.sensor_network}
    if link is not None:
        for network in config.sensor_network:
            link.listen(network.topic, partial(_take_uplinks, bays, network))
        for gate in config.vehicle_gate:
            if gate.topic is not None:
                link.listen(gate.topic, partial(_take_gate, counters, gate.id))
    return Sensing(bays, counters, networks, alarms, clock, config.sensing.differ_after_s)


def _take_uplinks(
    bays: BaySensors, network: SensorNetworkConfig, topic: str, payload: bytes
) -> None:
    try:
        bays.take(network, topic, payload)
    except SensorError as exc:  # it is counted and told already
        _log.debug("%s: %s", topic, exc)


def _take_gate(counters: GateCounters, gate: str, topic: str, payload: bytes) -> None:
    try:
        counters.take(payload, gate)
    except SensorError as exc:  # it is counted and told already
        _log.debug("%s: %s", topic, exc)


def _gate_alarm(silent: list[str]) -> Alarm:
    return Alarm(
        AlarmKind.GATE,
        f"{len(silent)} gates are silent",
        ", ".join(silent),
        "Check their power, their cables and the local broker: the count of their lot drifts, and "
        "is not set to 0 at night, until they are heard again.",
    )
