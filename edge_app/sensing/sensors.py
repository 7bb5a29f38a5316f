"""The bay sensors of a box: uplinks in, states, health and alarms out. Safe between threads."""

from __future__ import annotations

import logging
import threading
from collections import OrderedDict, defaultdict
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from pydantic import ValidationError

from edge_app.config import SensorConfig, SensorNetworkConfig
from edge_app.config.whole import device_key
from edge_app.delivery import BayChange, Note, Notice, StoreError
from edge_app.sensing.bays import BayVerdict, HeardSensor, changed, judge_bay
from edge_app.sensing.frames import decoded, uplinks
from edge_app.sensing.health import health_notice
from edge_app.sensing.memory import SensorMemory
from edge_app.sensing.report import SensingReport, SensorReport
from edge_app.sensing.words import dump_word, load_word
from sensors.envelopes import Uplink, UplinkKind
from sensors.errors import SensorError
from telemetry import BayState, Clock
from telemetry.bay_sensors import SENSORS_CAMERA
from telemetry.layout import Layout

_log = logging.getLogger(__name__)

_UNKNOWN_KEPT = 50
_SAVE_EVERY_S = 30.0
_JUDGE_EVERY_S = 5.0
_FAULT_CHARS = 200


@dataclass(frozen=True, slots=True)
class SensorOutlets:
    """What bay sensors work with.

    Attributes:
        record: takes changes of bays over for good.
        notify: queues events about sensors.
        states: of all bays, as the store has them.
        layout: the bays; None before there are any.
        load: a document of the store; None when there is none.
        save: keeps a document; raises StoreError.
        shown: told the states of bays that sensors watch, by bay; which of them no camera sees;
            and what changed.
    """

    record: Callable[[Sequence[BayChange]], None]
    notify: Callable[[Sequence[Notice]], None]
    states: Callable[[], Sequence[BayState]]
    layout: Callable[[], Layout | None]
    load: Callable[[str], str | None]
    save: Callable[[str, str], None]
    shown: Callable[[Mapping[str, BayState], frozenset[str], Sequence[BayChange]], None]


@dataclass(slots=True)
class _Tally:
    """What came since the start."""

    taken: int = 0
    refused: int = 0
    last_fault: str | None = None


class BaySensors:
    """All bay sensors of a box.

    Args:
        configs: of the sensors.
        outlets: where their words go.
        clock: time.
    """

    def __init__(
        self, configs: Sequence[SensorConfig], outlets: SensorOutlets, clock: Clock
    ) -> None:
        self._configs = {each.id: each for each in configs}
        self._by_name = {device_key(each.device or each.id): each for each in configs}
        self._of_bay: dict[str, list[str]] = defaultdict(list)
        for each in configs:
            self._of_bay[each.bay].append(each.id)
        self._outlets = outlets
        self._clock = clock
        self._lock = threading.RLock()
        now_s, now = clock.mono_s(), clock.utc()
        self._memory = {name: self._restored(name) for name in self._configs}
        self._heard_s = {
            name: now_s - _age_s(memory.heard, now) for name, memory in self._memory.items()
        }
        kept = ((bay, self._restored_word(bay)) for bay in self._of_bay)
        self._camera_words = {bay: word for bay, word in kept if word is not None}
        self._verdicts: dict[str, BayVerdict] = {}
        self._unknown: OrderedDict[str, datetime] = OrderedDict()
        self._tally = _Tally()
        self._dirty: set[str] = set()
        self._saved_s = self._judged_s = now_s

    # -- cameras ---------------------------------------------------------------------------------

    def camera_states(self, states: Iterable[BayState]) -> list[BayState]:
        """What cameras go on from after a restart: their own words, not what was made of them."""
        words = self._camera_words
        return [words[each.bay].state if each.bay in words else each for each in states]

    def record_camera(self, changes: Sequence[BayChange]) -> None:
        """Take over what cameras say; of bays that sensors watch too it is one word of several."""
        own = [each for each in changes if each.state.bay not in self._of_bay]
        if own:
            self._outlets.record(own)
        shared = [each for each in changes if each.state.bay in self._of_bay]
        if not shared:
            return
        with self._lock:
            for each in shared:
                self._camera_words[each.state.bay] = each
                self._keep_word(each)
            self._decide([each.state.bay for each in shared])

    # -- uplinks ---------------------------------------------------------------------------------

    def take(self, network: SensorNetworkConfig, place: str, body: bytes) -> int:
        """Take a message of a network; what cannot be read is told, and keeps nothing else away.

        Returns:
            How many uplinks in it were read.

        Raises:
            SensorError: the message as a whole cannot be read.
        """
        with self._lock:
            try:
                found = list(uplinks(network, place, body))
            except SensorError as exc:
                self._refused(place, str(exc))
                raise
            read = 0
            for each in found:
                if isinstance(each, SensorError):
                    self._refused(place, str(each))
                else:
                    self._take(network, place, each)
                    read += 1
            return read

    def judge_all(self) -> None:
        """Make states of all bays now, as at the start."""
        with self._lock:
            self._judged_s = self._clock.mono_s()
            self._decide(self._of_bay)

    def look(self) -> None:
        """Now and then: who is silent, which words have grown old, what is to be saved."""
        now_s = self._clock.mono_s()
        with self._lock:
            for name in self._configs:
                self._tell_health(name)
            if now_s - self._judged_s >= _JUDGE_EVERY_S or self._silence_changed():
                self.judge_all()
            if now_s - self._saved_s >= _SAVE_EVERY_S:
                self.save()

    def save(self) -> None:
        """Keep what changed no state: when sensors were heard, their batteries."""
        with self._lock:
            self._saved_s = self._clock.mono_s()
            for name in sorted(self._dirty):
                try:
                    self._outlets.save(_document(name), self._memory[name].model_dump_json())
                except StoreError as exc:
                    _log.debug("sensor %s: %s", name, exc)
                    return
                self._dirty.discard(name)

    def report(self) -> SensingReport:
        """For the pages; gates and counts are others' business."""
        with self._lock:
            return SensingReport(
                sensors=tuple(map(self._sensor_report, self._configs)),
                bays=tuple(each.report() for each in self._verdicts.values()),
                unknown=tuple(reversed(self._unknown)),
                taken=self._tally.taken,
                refused=self._tally.refused,
                last_fault=self._tally.last_fault,
            )

    # -- inside ----------------------------------------------------------------------------------

    def _take(self, network: SensorNetworkConfig, place: str, uplink: Uplink) -> None:
        if uplink.kind is UplinkKind.OTHER:
            return
        sensor = self._sensor_of(uplink)
        if sensor is None:
            self._unknown.pop(uplink.device, None)
            self._unknown[uplink.device] = self._clock.utc()
            while len(self._unknown) > _UNKNOWN_KEPT:
                self._unknown.popitem(last=False)
            return
        now, before = self._clock.utc(), self._memory[sensor.id]
        try:
            at = uplink.timed(now)
        except SensorError as exc:  # a clock that is wrong; the uplink itself is news
            self._refused(place, f"sensor {sensor.id}: {exc}")
            return
        if not before.is_news(uplink, at):
            return
        try:
            said = decoded(network, sensor, uplink)
        except SensorError as exc:
            self._refused(place, f"sensor {sensor.id}: {exc}")
            after = before.with_fault(uplink, at, str(exc)[:_FAULT_CHARS])
        else:
            self._tally.taken += 1
            after = before.with_uplink(uplink, at, said, said.word(sensor.threshold_mm))
        self._memory[sensor.id] = after
        self._heard_s[sensor.id] = self._clock.mono_s() - _age_s(at, now)
        self._dirty.add(sensor.id)
        self._decide([sensor.bay], sensor.id)
        self._tell_health(sensor.id)

    def _sensor_of(self, uplink: Uplink) -> SensorConfig | None:
        for name in (uplink.device, *uplink.names):
            if (found := self._by_name.get(device_key(name))) is not None:
                return found
        return None

    def _decide(self, bays: Collection[str], sensor: str | None = None) -> None:
        """Make states of these bays; `sensor` is the one that spoke, whose memory is kept along."""
        now = self._clock.utc()
        layout = self._outlets.layout()
        cameras = {} if layout is None else {each.bay: each.camera for each in layout.bays}
        for bay in bays:
            heard = [self._heard(name) for name in self._of_bay[bay]]
            word = self._camera_words.get(bay)
            self._verdicts[bay] = judge_bay(bay, cameras.get(bay), word, heard, now)
        known = {state.bay: state for state in self._outlets.states()}
        news = changed((self._verdicts[bay] for bay in bays), known)
        changes = [each.change(now) for each in news]
        if sensor is not None and changes:
            note = Note(_document(sensor), self._memory[sensor].model_dump_json())
            changes[-1] = replace(changes[-1], note=note)
        if changes:
            self._outlets.record(changes)
            if sensor is not None:
                self._dirty.discard(sensor)
        said = {bay: known[bay] for bay in self._of_bay if bay in known}
        said |= {each.state.bay: each.state for each in changes}
        alone = frozenset(bay for bay in said if cameras.get(bay) == SENSORS_CAMERA)
        self._outlets.shown(said, alone, changes)

    def _heard(self, name: str) -> HeardSensor:
        age_s = max(0.0, self._clock.mono_s() - self._heard_s[name])
        return HeardSensor(self._configs[name], self._memory[name], age_s)

    def _silence_changed(self) -> bool:
        """Whether a sensor's word ran out since the bays were judged, or came back."""
        return any(
            heard.is_silent and heard.memory.since is not None and self._is_believed(heard)
            for heard in map(self._heard, self._configs)
        )

    def _is_believed(self, heard: HeardSensor) -> bool:
        verdict = self._verdicts.get(heard.config.bay)
        believed = None if verdict is None else verdict.verdict.believed
        return believed is not None and believed.source == heard.config.id

    def _tell_health(self, name: str) -> None:
        heard = self._heard(name)
        state = heard.memory.health(silent=heard.is_silent)
        never = heard.memory.heard is None and not heard.is_silent
        if never or state is heard.memory.state:
            return
        memory = heard.memory.model_copy(update={"state": state})
        self._memory[name] = memory
        note = Note(_document(name), memory.model_dump_json())
        _log.warning("sensor %s (bay %s): %s", name, heard.config.bay, state.value)
        self._outlets.notify([health_notice(heard.config, memory, note, self._clock.utc())])
        self._dirty.discard(name)

    def _refused(self, place: str, fault: str) -> None:
        self._tally.refused += 1
        text = f"{place}: {fault}"[:_FAULT_CHARS]
        if text != self._tally.last_fault:
            _log.warning("a message of sensors cannot be read: %s", text)
        self._tally.last_fault = text

    def _sensor_report(self, name: str) -> SensorReport:
        heard = self._heard(name)
        memory = heard.memory
        return SensorReport(
            id=name,
            bay=heard.config.bay,
            model=heard.config.profile,
            state=memory.state,
            occupied=memory.occ,
            heard=memory.heard,
            battery_v=memory.battery_v,
            battery_pct=memory.battery_pct,
            rssi_dbm=memory.rssi_dbm,
            fault=memory.fault,
        )

    # -- documents -------------------------------------------------------------------------------

    def _restored(self, name: str) -> SensorMemory:
        body = self._outlets.load(_document(name))
        try:
            return SensorMemory() if body is None else SensorMemory.model_validate_json(body)
        except ValidationError as exc:
            _log.warning("what was known of sensor %s cannot be read: %s", name, exc)
            return SensorMemory()

    def _keep_word(self, change: BayChange) -> None:
        try:
            self._outlets.save(_word_document(change.state.bay), dump_word(change))
        except StoreError as exc:
            _log.debug("bay %s: %s", change.state.bay, exc)

    def _restored_word(self, bay: str) -> BayChange | None:
        body = self._outlets.load(_word_document(bay))
        return None if body is None else load_word(body)


def _document(sensor: str) -> str:
    return f"sensor/{sensor}"


def _word_document(bay: str) -> str:
    return f"camera-word/{bay}"


def _age_s(heard: datetime | None, now: datetime) -> float:
    """How long ago, by the wall clock; one that was set back tells nothing."""
    return 0.0 if heard is None else max(0.0, (now - heard).total_seconds())
