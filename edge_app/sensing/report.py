"""What pages and metrics show of sensors, gates and counted lots."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sensors.counting import CountSource
from sensors.reconcile import Role, SourceKind, Why
from telemetry.bay_sensors import SensorState
from telemetry.vocabulary import UnknownReason


@dataclass(frozen=True, slots=True)
class SensorReport:
    """A bay sensor.

    Attributes:
        id: of the sensor.
        bay: that it watches.
        model: its device profile.
        state: how it is; None while it was never heard of and may still be.
        occupied: what it says of its bay; None: it does not know.
        heard: when it was last heard of; None: never.
        battery_v: volts, where it tells them.
        battery_pct: per cent, where it tells them.
        rssi_dbm: of the gateway that heard it best.
        fault: why it is not believed; None while it is.
    """

    id: str
    bay: str
    model: str
    state: SensorState | None
    occupied: bool | None
    heard: datetime | None
    battery_v: float | None
    battery_pct: float | None
    rssi_dbm: float | None
    fault: str | None


@dataclass(frozen=True, slots=True)
class WordReport:
    """What one source says of a bay, and what became of it.

    Attributes:
        source: camera or sensor.
        kind: which of them.
        occupied: what it says; None: it does not know.
        reason: why not.
        since: when that began.
        heard: when it was last heard of.
        role: believed, agrees, overruled, unknowing or stale.
        weight: log-odds that it is right; 0 for a word that is no vote.
    """

    source: str
    kind: SourceKind
    occupied: bool | None
    reason: UnknownReason | None
    since: datetime
    heard: datetime
    role: Role
    weight: float


@dataclass(frozen=True, slots=True)
class SourcesReport:
    """A bay that a sensor watches: all its sources, and which was believed.

    Attributes:
        bay: its id.
        occupied: what the bay is said to be; None: unknown.
        why: in one word.
        differs: a fresh word says otherwise.
        words: of all sources.
    """

    bay: str
    occupied: bool | None
    why: Why
    differs: bool
    words: tuple[WordReport, ...]


@dataclass(frozen=True, slots=True)
class GateReport:
    """A gate.

    Attributes:
        id: of the gate.
        lot: that it leads into.
        level: of the lot.
        ins: vehicles that came in since the start.
        outs: vehicles that left since the start.
        heard: when it was last heard of; None: not since the store was made.
        is_silent: not heard of for longer than its period.
    """

    id: str
    lot: str
    level: str | None
    ins: int
    outs: int
    heard: datetime | None
    is_silent: bool


@dataclass(frozen=True, slots=True)
class CountReport:
    """A counted lot.

    Attributes:
        lot: its id.
        level: of the lot; None: all of it.
        count: vehicles in it, within 0 and the capacity; None: nobody knows.
        source: where it comes from.
        capacity: of it.
        closed: of its watched bays.
        blocked: of its watched bays: free, but of no use to any vehicle.
        true_at: when the count was last set to the truth; None: never.
    """

    lot: str
    level: str | None
    count: int | None
    source: CountSource
    capacity: int
    closed: int
    blocked: int
    true_at: datetime | None


@dataclass(frozen=True, slots=True)
class SensingReport:
    """All of them.

    Attributes:
        sensors: in the order of the configuration.
        bays: those that a sensor watches.
        gates: in the order of the configuration.
        counts: in the order of the configuration.
        unknown: names of devices that were heard of and stand nowhere, the newest first.
        taken: messages taken since the start.
        refused: messages that could not be read.
        last_fault: of the last one; None: there was none.
    """

    sensors: tuple[SensorReport, ...] = ()
    bays: tuple[SourcesReport, ...] = ()
    gates: tuple[GateReport, ...] = ()
    counts: tuple[CountReport, ...] = ()
    unknown: tuple[str, ...] = ()
    taken: int = 0
    refused: int = 0
    last_fault: str | None = None
