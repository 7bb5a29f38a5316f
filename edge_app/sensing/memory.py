"""What is known of one bay sensor, and how an uplink changes that. Pure; the store keeps it."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

from pydantic import BaseModel, ConfigDict

from sensors.envelopes import Uplink
from sensors.readings import BayWord, Decoded
from telemetry.bay_sensors import SensorState
from telemetry.vocabulary import UnknownReason

_IDS_KEPT = 16
"""Copies come through several gateways within seconds, and again after a reconnect."""


class SensorMemory(BaseModel):
    """What is known of a sensor.

    Attributes:
        occ: what it said last of its bay; None: it does not know, or said nothing yet.
        reason: why not.
        since: when that began; None while it said nothing yet.
        heard: when it was last heard of; None: never.
        ids: of the last uplinks, the newest last.
        f_cnt: of the newest uplink.
        fault: why it cannot be believed; None while it can.
        state: its health, as it was told last.
    """

    model_config = ConfigDict(frozen=True)

    occ: bool | None = None
    reason: UnknownReason | None = None
    since: datetime | None = None
    heard: datetime | None = None
    ids: tuple[str, ...] = ()
    f_cnt: int | None = None
    battery_v: float | None = None
    battery_pct: float | None = None
    battery_low: bool = False
    temperature_c: float | None = None
    rssi_dbm: float | None = None
    snr_db: float | None = None
    fault: str | None = None
    state: SensorState | None = None

    def is_news(self, uplink: Uplink, at: datetime) -> bool:
        """Whether an uplink says something that is not known, or known better, already."""
        if uplink.dedup_id and uplink.dedup_id in self.ids:
            return False
        if self.heard is None or at > self.heard:
            return True
        # Two uplinks in one moment: the counter tells which is the later one.
        later = uplink.f_cnt is not None and self.f_cnt is not None and uplink.f_cnt > self.f_cnt
        return at == self.heard and later

    def with_uplink(
        self, uplink: Uplink, at: datetime, said: Decoded, word: BayWord | None
    ) -> SensorMemory:
        """With what an uplink says."""
        changes: dict[str, object] = {"fault": said.status.fault, **_heard(self, uplink, at)}
        if said.status.tilted:
            changes["fault"] = "it is tilted"
        status = said.status
        if status.battery_pct is None and uplink.battery_pct is not None:
            status = replace(status, battery_pct=uplink.battery_pct)
        figures = {
            "battery_v": status.battery_v,
            "battery_pct": status.battery_pct,
            "battery_low": status.is_battery_low,
            "temperature_c": status.temperature_c,
        }
        changes |= {name: value for name, value in figures.items() if value is not None}
        if word is not None and (word.occupied, word.reason) != (self.occ, self.reason):
            changes |= {"occ": word.occupied, "reason": word.reason, "since": at}
        elif word is not None and self.since is None:
            changes |= {"since": at}
        return self.model_copy(update=changes)

    def with_fault(self, uplink: Uplink, at: datetime, fault: str) -> SensorMemory:
        """With an uplink that cannot be read: the sensor lives, and says nothing that counts."""
        changes = {"fault": fault, **_heard(self, uplink, at)}
        if (self.occ, self.reason) != (None, UnknownReason.SENSOR_FAULT):
            changes |= {"occ": None, "reason": UnknownReason.SENSOR_FAULT, "since": at}
        return self.model_copy(update=changes)

    def health(self, *, silent: bool) -> SensorState:
        """How it is."""
        if silent:
            return SensorState.SILENT
        if self.fault is not None:
            return SensorState.FAULTY
        return SensorState.LOW_BATTERY if self.battery_low else SensorState.OK


def _heard(memory: SensorMemory, uplink: Uplink, at: datetime) -> dict[str, object]:
    ids = (*memory.ids, uplink.dedup_id) if uplink.dedup_id else memory.ids
    heard: dict[str, object] = {"heard": at, "f_cnt": uplink.f_cnt, "ids": ids[-_IDS_KEPT:]}
    if uplink.rssi_dbm is not None:
        heard |= {"rssi_dbm": uplink.rssi_dbm, "snr_db": uplink.snr_db}
    return heard
