"""Which registered device a sender means by an id: its own, or its serial number."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from cloud_app.registry.facts import DeviceFacts, DeviceKind
from cloud_app.registry.kinds import DEVICE, Ref
from cloud_app.registry.queries import Filter, every_thing
from cloud_app.registry.things import Thing, find
from cloud_app.storage.database import Session
from telemetry import Clock

_FRESH_S = 10.0
"""So long a serial number that was just registered may go unknown."""
_OF_SENSORS = {DeviceKind.SENSOR, DeviceKind.GATE_COUNTER, None}


@dataclass(slots=True)
class DeviceBook:
    """Finds devices by what their frames call them.

    Attributes:
        clock: for how long an answer holds.
    """

    clock: Clock
    _by_name: dict[str, str] = field(default_factory=dict)
    _read_s: float | None = None

    def find(self, session: Session, names: Iterable[str]) -> dict[str, Thing]:
        """The sensors and counters of these names, as they are now.

        Args:
            session: to read.
            names: ids or serial numbers, in upper or lower case.
        """
        wanted = {name: name.lower() for name in names}
        direct = find(session, [Ref(DEVICE.name, each) for each in wanted])
        found = {ref.key: thing for ref, thing in direct.items() if is_sensor(thing)}
        missing = {name: low for name, low in wanted.items() if name not in found}
        if missing:
            self._refresh(session)
            keys = {
                name: self._by_name[low] for name, low in missing.items() if low in self._by_name
            }
            others = find(session, [Ref(DEVICE.name, key) for key in set(keys.values())])
            for name, key in keys.items():
                thing = others.get(Ref(DEVICE.name, key))
                if thing is not None and is_sensor(thing):
                    found[name] = thing
        return found

    def _refresh(self, session: Session) -> None:
        now_s = self.clock.mono_s()
        if self._read_s is not None and now_s - self._read_s < _FRESH_S:
            return
        self._read_s = now_s
        devices = [each for each in every_thing(session, Filter(DEVICE)) if is_sensor(each)]
        # An id stands before another device's serial number.
        serials = {str(each.said.get("serial") or "").lower(): each.ref.key for each in devices}
        self._by_name = serials | {each.ref.key.lower(): each.ref.key for each in devices}


def is_sensor(thing: Thing) -> bool:
    """Whether a device may send frames here."""
    return isinstance(thing.facts, DeviceFacts) and thing.facts.kind in _OF_SENSORS
