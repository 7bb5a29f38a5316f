"""What the sections of a file say of each other, looked at once all of them are read."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

from telemetry.bay_sensors import SENSORS_CAMERA

if TYPE_CHECKING:
    from edge_app.config.settings import LotsightConfig


def find_contradiction(config: LotsightConfig) -> str | None:
    """The first thing that does not fit together; None if all does."""
    return next(_faults(config), None)


def _faults(config: LotsightConfig) -> Iterator[str]:
    if not (config.camera or config.sensor or config.vehicle_gate):
        yield "expected at least one [[camera]], [[sensor]] or [[vehicle_gate]] table, but got none"
    yield from _doubled("camera", "id", (each.id for each in config.camera))
    if any(each.id == SENSORS_CAMERA for each in config.camera):
        yield f"no camera may be called {SENSORS_CAMERA!r}: it stands for bays without a camera"
    yield from _doubled("sensor", "id", (each.id for each in config.sensor))
    yield from _doubled("sensor", "device", (device_key(e.device or e.id) for e in config.sensor))
    yield from _doubled("vehicle_gate", "id", (each.id for each in config.vehicle_gate))
    lots = ((each.id, each.level) for each in config.counted_lot)
    yield from _doubled("counted_lot", "id and level", (f"{a} {b or ''}".strip() for a, b in lots))
    # They share one stream, where `subject` alone tells one from another.
    switched = [*(each.id for each in config.sign), *(each.id for each in config.barrier)]
    yield from _doubled("sign or barrier", "id", switched)
    yield from _doubled("alarm_input", "id", (each.id for each in config.alarm_input))
    yield from _unlike_bays(config)
    yield from _unknown_inputs(config)
    for each in config.alarm_input:
        if each.http and not config.http.enabled:
            yield f"alarm_input {each.id!r} is told over HTTP, but http.enabled is false"
    yield from _without_broker(config)


def device_key(name: str) -> str:
    """A device's name as it is compared: networks write a DevEUI in either case."""
    return name.strip().lower()


def _doubled(table: str, what: str, names: Iterable[str]) -> Iterator[str]:
    for name, count in Counter(names).items():
        if count > 1:
            yield f"each {table} needs an {what} of its own, but {name!r} is given twice"


def _unlike_bays(config: LotsightConfig) -> Iterator[str]:
    """Several sensors may watch one bay; they must say the same of where it is."""
    places: dict[str, tuple[object, ...]] = {}
    for each in config.sensor:
        place = (each.lot, each.level, each.zone, each.kind)
        if places.setdefault(each.bay, place) != place:
            yield f"the sensors of bay {each.bay!r} must agree on its lot, level, zone and kind"


def _unknown_inputs(config: LotsightConfig) -> Iterator[str]:
    known = {each.id for each in config.alarm_input}
    for barrier in config.barrier:
        for name in barrier.inputs:
            if name not in known:
                there = ", ".join(sorted(known)) or "none"
                yield f"barrier {barrier.id!r}: no [[alarm_input]] {name!r}; known are {there}"


def _without_broker(config: LotsightConfig) -> Iterator[str]:
    if config.local_broker is not None:
        return
    users = [f"[[sensor_network]] {each.topic}" for each in config.sensor_network]
    users += [f"[[vehicle_gate]] {each.id}" for each in config.vehicle_gate if each.topic]
    for table, items in (
        ("sign", config.sign),
        ("alarm_input", config.alarm_input),
        ("barrier", config.barrier),
    ):
        users += [f"[[{table}]] {each.id}" for each in items if each.mqtt is not None]
    if users:
        yield f"{users[0]} needs [local_broker]"
