"""From messages of devices to the tables: whose they are, what they say, and of which bay.

A message is kept as it came, with what was read of it or why it could not be read. What a known
sensor says of its bay becomes the word of a source on that bay (`cloud_app.storage.sources`).
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from cloud_app.config import SensorsConfig
from cloud_app.ingest.sensors.arrivals import Arrival, Outcome, OutcomeKind
from cloud_app.ingest.sensors.downlinks import heard
from cloud_app.registry.devices import DeviceBook
from cloud_app.registry.facts import DeviceFacts
from cloud_app.storage.database import Session, Value
from cloud_app.storage.sensors import Frame, Key, known_frames, room_for_unknown, take_frames
from cloud_app.storage.sources import SourceWord, tell
from cloud_app.storage.times import to_ms
from sensors.decoders import PROFILES, decode
from sensors.envelopes import Uplink, UplinkKind
from sensors.errors import SensorError
from sensors.readings import BayWord, Decoded, DeviceStatus
from sensors.reconcile import SourceKind
from telemetry import Clock

_DAY_S = 86_400.0
_RAW_CHARS = 16_384


@dataclass(frozen=True, slots=True)
class Counted:
    """What a counter says, for whoever counts a lot.

    Attributes:
        site: of the device.
        device: of the registry.
        facts: of the device.
        frame: the same for every copy of the message.
        time_ms: when it was received.
        decoded: with `count`.
    """

    site: str
    device: str
    facts: DeviceFacts
    frame: str
    time_ms: int
    decoded: Decoded


TakeCounts = Callable[[Session, Sequence[Counted]], None]
"""Told in the transaction of counts that were not there before."""


def _nobody_counts(_session: Session, _counted: Sequence[Counted]) -> None:
    """Counters are kept as frames all the same."""


@dataclass(frozen=True, slots=True)
class _Sender:
    """Whose a message is; `facts` is None of a device that nobody registered."""

    site: str
    device: str
    facts: DeviceFacts | None

    @property
    def key(self) -> Key:
        return self.site, self.device


@dataclass(frozen=True, slots=True)
class _Judged:
    """A message with what was read of it."""

    arrival: Arrival
    sender: _Sender
    time_ms: int
    decoded: Decoded | None
    error: str | None


@dataclass(slots=True)
class SensorIntake:
    """Takes messages in.

    Attributes:
        config: when a device is silent.
        clock: for how long what was read of the registry holds.
        take_counts: told of what counters say.
    """

    config: SensorsConfig
    clock: Clock
    take_counts: TakeCounts = _nobody_counts
    _book: DeviceBook = field(init=False)

    def __post_init__(self) -> None:
        """Open the registry's book of devices."""
        self._book = DeviceBook(self.clock)

    def take(self, session: Session, arrivals: Sequence[Arrival]) -> list[Outcome]:
        """Keep messages and what follows from them.

        Args:
            session: a writing transaction.
            arrivals: in any order, any of them taken before.

        Returns:
            What became of each, in their order.
        """
        found: dict[int, Outcome] = {}
        judged: dict[int, _Judged] = {}
        senders = self._senders(session, arrivals)
        for place, arrival in enumerate(arrivals):
            if arrival.uplink.kind is UplinkKind.OTHER:
                found[place] = _of_a_downlink(session, arrival)
            else:
                judged[place] = _judge(arrival, senders[place])
        unknown = {each.sender.key for each in judged.values() if each.sender.facts is None}
        kept = room_for_unknown(session, unknown) if unknown else set()
        for place, each in list(judged.items()):
            if each.sender.facts is None and each.sender.key not in kept:
                detail = "too many devices that are not registered; register this one first"
                found[place] = Outcome(OutcomeKind.REFUSED, None, detail)
                del judged[place]
        found |= self._keep(session, judged)
        return [found[place] for place in range(len(arrivals))]

    def _senders(self, session: Session, arrivals: Sequence[Arrival]) -> list[_Sender]:
        names = {name for each in arrivals for name in _names(each.uplink)}
        things = self._book.find(session, names) if names else {}
        senders = []
        for arrival in arrivals:
            bringer = arrival.bringer
            thing = next(
                (
                    things[name]
                    for name in _names(arrival.uplink)
                    if name in things and bringer.may(things[name].site)
                ),
                None,
            )
            if thing is None or thing.site is None or not isinstance(thing.facts, DeviceFacts):
                senders.append(_Sender(bringer.home, arrival.uplink.device, None))
            else:
                senders.append(_Sender(thing.site, thing.ref.key, thing.facts))
        return senders

    def _keep(self, session: Session, judged: Mapping[int, _Judged]) -> dict[int, Outcome]:
        if not judged:
            return {}
        keys = {place: _frame_key(each) for place, each in judged.items()}
        seen = known_frames(session, keys.values())
        rows = take_frames(session, [self._frame(each) for each in judged.values()])
        tell(session, self._words(judged.values(), rows), is_whole=True)
        outcomes: dict[int, Outcome] = {}
        counted: list[Counted] = []
        for place, each in judged.items():
            is_new = keys[place] not in seen
            seen.add(keys[place])
            outcomes[place] = _outcome(each, is_new=is_new)
            if is_new and each.decoded is not None and each.decoded.count is not None:
                facts = each.sender.facts
                if facts is not None:
                    counted.append(Counted(*keys[place][:2], facts, keys[place][2], each.time_ms,
                                           each.decoded))  # fmt: skip
        if counted:
            self.take_counts(session, sorted(counted, key=lambda one: (one.time_ms, one.frame)))
        return outcomes

    def _frame(self, judged: _Judged) -> Frame:
        uplink, sender = judged.arrival.uplink, judged.sender
        facts, time_ms = sender.facts, judged.time_ms
        status = _status(judged)
        word = _word(judged)
        row: dict[str, Value] = {
            "site": sender.site,
            "device": sender.device,
            "frame": uplink.dedup_id,
            "time_ms": time_ms,
            "kind": uplink.kind.value,
            "network": judged.arrival.bringer.name,
            "f_cnt": uplink.f_cnt,
            "f_port": uplink.f_port,
            "payload": None if uplink.payload is None else uplink.payload.hex(),
            "profile": _profile(judged),
            "said": int(word is not None),
            "occ": None if word is None or word.occupied is None else int(word.occupied),
            "reason": None if word is None else word.reason,
            "battery_v": status.battery_v,
            "battery_pct": status.battery_pct,
            "temperature_c": status.temperature_c,
            "rssi_dbm": uplink.rssi_dbm,
            "snr_db": uplink.snr_db,
            "gateways": uplink.gateways,
            "fields": json.dumps({} if judged.decoded is None else judged.decoded.fields()),
            "error": judged.error,
            "raw": uplink.raw[:_RAW_CHARS],
        }
        period_s = self._period_s(facts)
        said: dict[str, Value] = {
            "heard_ms": time_ms,
            "known": int(facts is not None),
            "lot": None if facts is None else facts.lot,
            "bay": None if facts is None else facts.bay,
            "profile": None if facts is None else facts.profile,
            "network": row["network"],
            "period_s": period_s,
            "until_ms": None if facts is None else self._until_ms(time_ms, period_s),
        }
        said |= _groups(judged, status, word)
        joined_ms = time_ms if uplink.kind is UplinkKind.JOIN else None
        return Frame(row, said, joined_ms)

    def _words(
        self, judged: Iterable[_Judged], rows: Mapping[Key, Mapping[str, Any]]
    ) -> list[SourceWord]:
        words: dict[Key, SourceWord] = {}
        for each in judged:
            row, facts = rows[each.sender.key], each.sender.facts
            if facts is None or facts.lot is None or facts.bay is None or row["said_ms"] is None:
                continue
            # What cannot be read proves no word: only frames that were read keep one alive.
            heard_ms = max(row["said_ms"], row["read_ms"] or 0)
            words[each.sender.key] = SourceWord(
                site=each.sender.site,
                lot=facts.lot,
                bay=facts.bay,
                source=each.sender.device,
                kind=SourceKind.SENSOR,
                occ=None if row["occ"] is None else bool(row["occ"]),
                reason=row["reason"],
                since_ms=row["since_ms"],
                heard_ms=heard_ms,
                until_ms=self._until_ms(heard_ms, self._period_s(facts)),
            )
        return list(words.values())

    def _period_s(self, facts: DeviceFacts | None) -> float:
        if facts is not None and facts.period_s is not None:
            return facts.period_s
        profile = PROFILES.get(facts.profile or "") if facts is not None else None
        return _DAY_S if profile is None else profile.period_s

    def _until_ms(self, heard_ms: int, period_s: float) -> int:
        return heard_ms + int(period_s * self.config.silent_after_periods * 1000)


def _of_a_downlink(session: Session, arrival: Arrival) -> Outcome:
    uplink = arrival.uplink
    device = None
    if uplink.downlink is not None:
        device = heard(session, uplink.downlink, arrival.bringer, to_ms(arrival.at))
    if device is None:
        return Outcome(OutcomeKind.PASSED_OVER, None, uplink.event)
    return Outcome(OutcomeKind.TAKEN, device)


def _names(uplink: Uplink) -> tuple[str, ...]:
    return (uplink.device, *uplink.names)


def _frame_key(judged: _Judged) -> tuple[str, str, str]:
    return (*judged.sender.key, judged.arrival.uplink.dedup_id)


def _profile(judged: _Judged) -> str | None:
    facts = judged.sender.facts
    return judged.arrival.uplink.profile or (None if facts is None else facts.profile)


def _judge(arrival: Arrival, sender: _Sender) -> _Judged:
    uplink = arrival.uplink
    try:
        time_ms = to_ms(uplink.timed(arrival.at))
    except SensorError as exc:
        return _Judged(arrival, sender, to_ms(arrival.at), None, str(exc))
    if uplink.kind is not UplinkKind.UP:
        return _Judged(arrival, sender, time_ms, Decoded(), None)
    profile = uplink.profile or (None if sender.facts is None else sender.facts.profile)
    if profile is None:
        # Of a device that nobody registered nothing else is to be expected.
        error = None if sender.facts is None else "the registry has no profile of this device"
        return _Judged(arrival, sender, time_ms, None, error)
    firmware = None if sender.facts is None else sender.facts.firmware
    try:
        decoded = decode(profile, uplink.f_port, uplink.payload, uplink.object, firmware=firmware)
    except SensorError as exc:
        return _Judged(arrival, sender, time_ms, None, str(exc))
    return _Judged(arrival, sender, time_ms, decoded, None)


def _status(judged: _Judged) -> DeviceStatus:
    """What the device says of itself; of its battery what the network server asked, if need be."""
    status = DeviceStatus() if judged.decoded is None else judged.decoded.status
    told_pct = judged.arrival.uplink.battery_pct
    if told_pct is None or status.battery_pct is not None:
        return status
    return replace(status, battery_pct=told_pct)


def _word(judged: _Judged) -> BayWord | None:
    facts = judged.sender.facts
    if judged.decoded is None:
        return None
    return judged.decoded.word(None if facts is None else facts.threshold_mm)


def _groups(judged: _Judged, status: DeviceStatus, word: BayWord | None) -> dict[str, Value]:
    """The groups of `sensor` that a message says something of."""
    time_ms, uplink = judged.time_ms, judged.arrival.uplink
    said: dict[str, Value] = {}
    if judged.decoded is not None:
        fault = status.fault or ("tilted" if status.tilted else None)
        said |= {"read_ms": time_ms, "fault": fault}
    if judged.error is not None:
        said |= {"error_ms": time_ms, "error": judged.error}
    if word is not None:
        occ = None if word.occupied is None else int(word.occupied)
        said |= {"said_ms": time_ms, "occ": occ, "reason": word.reason}
    is_low = status.is_battery_low
    if is_low is not None or status.battery_v is not None or status.battery_pct is not None:
        said |= {
            "battery_ms": time_ms,
            "battery_low": None if is_low is None else int(is_low),
            "battery_pct": status.battery_pct,
            "battery_v": status.battery_v,
        }
    if uplink.rssi_dbm is not None or uplink.snr_db is not None:
        said |= {
            "link_ms": time_ms,
            "rssi_dbm": uplink.rssi_dbm,
            "snr_db": uplink.snr_db,
            "gateways": uplink.gateways,
        }
    if status.temperature_c is not None:
        said |= {"temperature_ms": time_ms, "temperature_c": status.temperature_c}
    if status.firmware is not None:
        said |= {"firmware_ms": time_ms, "firmware": status.firmware}
    return said


def _outcome(judged: _Judged, *, is_new: bool) -> Outcome:
    device = judged.sender.device
    if judged.sender.facts is None:
        return Outcome(OutcomeKind.UNKNOWN_DEVICE, device, "no device of that id is registered")
    if not is_new:
        return Outcome(OutcomeKind.DUPLICATE, device)
    if judged.error is not None:
        return Outcome(OutcomeKind.UNREADABLE, device, judged.error)
    return Outcome(OutcomeKind.TAKEN, device)
