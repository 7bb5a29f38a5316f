"""All inputs and outputs of a box, as one part of the service."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from edge_app.alarms import Alarms
from edge_app.config import LotsightConfig, SignConfig
from edge_app.field_io import FieldError, LocalLink
from edge_app.outputs.barrier import BarrierDrive, BarrierOutlets
from edge_app.outputs.drivers import relay_of, writer_of
from edge_app.outputs.inputs import AlarmInput, ModbusReader, MqttReader
from edge_app.outputs.report import OutputsReport
from edge_app.outputs.sign import LotFigures
from edge_app.outputs.sign_drive import SignDrive
from edge_app.service import Part
from telemetry import Clock, ConfigError


@dataclass(frozen=True, slots=True)
class Outputs:
    """Signs, alarm inputs and barriers.

    Attributes:
        inputs: by id.
        readers: that have a thread of their own.
        mqtt_readers: that read at the local broker.
        barriers: in the order of the configuration.
        signs: in the order of the configuration.
    """

    inputs: Mapping[str, AlarmInput]
    readers: tuple[ModbusReader, ...]
    mqtt_readers: tuple[MqttReader, ...]
    barriers: tuple[BarrierDrive, ...]
    signs: tuple[SignDrive, ...]

    def start(self) -> None:
        """Begin: barriers first, then what they listen to."""
        for part in self._parts():
            part.start()

    def stop(self) -> None:
        """End; barriers and signs stay as they are."""
        for part in reversed(self._parts()):
            part.stop()

    def look(self) -> None:
        """Now and then: are all inputs still read?"""
        for reader in self.mqtt_readers:
            reader.look()
        for each in self.inputs.values():
            each.look()

    def states_changed(self) -> None:
        """Bays or counts changed."""
        for sign in self.signs:
            sign.changed()

    def told(self, input_id: str, contact: bool) -> None:
        """An input was told over HTTP.

        Raises:
            FieldError: there is no such input, or it is not told over HTTP.
        """
        found = self.inputs.get(input_id)
        if found is None or not found.config.http:
            known = [name for name, each in self.inputs.items() if each.config.http]
            names = ", ".join(known) or "none"
            msg = f"expected an alarm input that is told over HTTP ({names}), got {input_id!r}"
            raise FieldError(msg)
        found.read(contact)

    def report(self) -> OutputsReport:
        """For the pages and metrics."""
        return OutputsReport(
            inputs=tuple(each.report() for each in self.inputs.values()),
            barriers=tuple(each.report() for each in self.barriers),
            signs=tuple(each.report() for each in self.signs),
        )

    def _parts(self) -> list[Part]:
        return [*self.barriers, *self.readers, *self.signs]


def build_outputs(
    config: LotsightConfig,
    link: LocalLink | None,
    outlets: BarrierOutlets,
    figures: Callable[[SignConfig], LotFigures],
    clock: Clock,
) -> Outputs:
    """Put inputs and outputs together; nothing runs yet.

    Args:
        config: all settings.
        link: to the local broker, not started yet.
        outlets: where barriers tell of themselves, and all raise alarms.
        figures: how many bays of a sign are free.
        clock: time.

    Raises:
        ConfigError: Modbus without its extra, or a certificate file that cannot be used.
    """
    barriers = _barriers(config, link, outlets, clock)
    signs = _signs(config, link, outlets.alarms, figures, clock)

    def listener(input_id: str, alarm: bool) -> None:
        for barrier in barriers:
            barrier.alarm(input_id, alarm)

    inputs = {
        each.id: AlarmInput(each, clock, outlets.alarms, listener) for each in config.alarm_input
    }
    for barrier in barriers:
        for name in barrier.restore():
            inputs[name].restore_alarm()
    for name, each in inputs.items():
        if each.is_alarm:
            listener(name, True)
    mqtt_readers = [
        MqttReader(each, each.config.mqtt, link)
        for each in inputs.values()
        if each.config.mqtt is not None and link is not None
    ]
    readers = [
        ModbusReader(each, each.config.modbus)
        for each in inputs.values()
        if each.config.modbus is not None
    ]
    return Outputs(inputs, tuple(readers), tuple(mqtt_readers), barriers, signs)


def _barriers(
    config: LotsightConfig, link: LocalLink | None, outlets: BarrierOutlets, clock: Clock
) -> tuple[BarrierDrive, ...]:
    try:
        return tuple(
            BarrierDrive(each, relay_of(each, link), outlets, clock) for each in config.barrier
        )
    except FieldError as exc:
        raise ConfigError(str(exc)) from exc


def _signs(
    config: LotsightConfig,
    link: LocalLink | None,
    alarms: Alarms,
    figures: Callable[[SignConfig], LotFigures],
    clock: Clock,
) -> tuple[SignDrive, ...]:
    try:
        return tuple(
            SignDrive(each, writer_of(each, link), figures, alarms, clock) for each in config.sign
        )
    except FieldError as exc:
        raise ConfigError(str(exc)) from exc
