"""The event of a sensor's health, and the alarms about all of them."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

from edge_app.alarms import Alarm, AlarmKind
from edge_app.config import SensorConfig
from edge_app.delivery import Note, Notice
from edge_app.sensing.memory import SensorMemory
from edge_app.sensing.report import SensorReport, SourcesReport
from sensors.reconcile import Role
from telemetry.bay_sensors import SensorHealth, SensorState
from telemetry.bounds import clamped
from telemetry.cloudevents import SENSOR_HEALTH_TYPE
from telemetry.messages import ClockStamp

_NAMED = 20
_BAD = (SensorState.SILENT, SensorState.FAULTY)


def health_notice(config: SensorConfig, memory: SensorMemory, note: Note, now: datetime) -> Notice:
    """The event that says how a sensor is now."""

    def say(stamp: ClockStamp) -> SensorHealth:
        return SensorHealth(
            state=memory.state or SensorState.OK,
            bay=config.bay,
            model=config.profile,
            last_heard=None if memory.heard is None else clamped(memory.heard),
            period_s=config.period_s,
            battery_pct=memory.battery_pct,
            battery_v=memory.battery_v,
            temperature_c=memory.temperature_c,
            rssi_dbm=memory.rssi_dbm,
            snr_db=memory.snr_db,
            clock=stamp,
        )

    return Notice(SENSOR_HEALTH_TYPE, config.id, now, say, note)


def sensor_alarm(sensors: Sequence[SensorReport]) -> Alarm | None:
    """What is wrong with sensors; one alarm for all, since a gateway takes many along."""
    bad = [each for each in sensors if each.state in _BAD]
    if not bad:
        return None
    named = ", ".join(
        f"{each.id} (bay {each.bay}) {each.fault or each.state}" for each in bad[:_NAMED]
    )
    more = f" and {len(bad) - _NAMED} more" if len(bad) > _NAMED else ""
    count = f"{len(bad)} of {len(sensors)} bay sensors"
    return Alarm(
        AlarmKind.SENSOR,
        f"{count} silent or faulty",
        named + more,
        "Many at once: check the gateway and the local broker. One alone: check its battery and "
        "its place. Their bays are unknown, or left to the camera that sees them.",
    )


def sources_alarm(
    bays: Sequence[SourcesReport], now: datetime, differ_after_s: float
) -> Alarm | None:
    """Bays whose camera and sensor have said otherwise of them for long."""
    lasting = [each for each in bays if each.differs and _lasts(each, now, differ_after_s)]
    if not lasting:
        return None
    named = ", ".join(f"{each.bay} ({_believed(each)} believed)" for each in lasting[:_NAMED])
    return Alarm(
        AlarmKind.SOURCES,
        f"{len(lasting)} bays whose camera and sensor disagree",
        named,
        "Look at the bays' pictures: whose word is wrong shows there. Then mend the sensor, or "
        "correct the bay's outline.",
    )


def _lasts(bay: SourcesReport, now: datetime, differ_after_s: float) -> bool:
    """Whether they differ for long: since the later one of them began to say what it says."""
    roles = (Role.BELIEVED, Role.AGREES, Role.OVERRULED)
    newest = max(each.since for each in bay.words if each.role in roles)
    return now - newest >= timedelta(seconds=differ_after_s)


def _believed(bay: SourcesReport) -> str:
    return next(each.source for each in bay.words if each.role is Role.BELIEVED)
