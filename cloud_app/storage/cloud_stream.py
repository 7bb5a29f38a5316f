"""The stream of a cloud edge: changes are numbered in the transaction that stores them.

So its numbers have no hole, whoever leads and whenever a process dies.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import bindparam, select

from cloud_app.storage.database import Row, Session
from cloud_app.storage.events import facts, take_events
from cloud_app.storage.projection import project
from cloud_app.storage.tables import bay_state
from cloud_app.storage.times import from_ms
from cloud_app.storage.upsert import among, names
from cloud_app.storage.watermark import Reach, reach
from cloud_app.stream import BayChange, TakenEvent
from telemetry.bay_sensors import SENSORS_CAMERA
from telemetry.bounds import LayoutHash
from telemetry.cloudevents import BayChangedEvent
from telemetry.messages import BayChanged, Blocked, ClockStamp, Occupancy
from telemetry.topics import EdgeTopics
from telemetry.vocabulary import BlockKind, BlockSource, Cause, UnknownReason

EPOCH = 1_000
"""Of every cloud edge: its store is the database, and rebuilt with it. Lower ones are for a past
that is brought in from elsewhere, so that it never stands before what is said now."""

_STATES = select(bay_state).where(
    bay_state.c.edge == bindparam("of"),
    bay_state.c.layout == bindparam("hash"),
    among(bay_state.c.bay, "bays"),
)
_ALL_STATES = select(bay_state).where(
    bay_state.c.edge == bindparam("of"), bay_state.c.layout == bindparam("hash")
)


@dataclass(frozen=True, slots=True)
class Change:
    """A new state of a bay of a cloud edge.

    Attributes:
        bay: which.
        occ: True occupied, False free, None unknown.
        closed: out of service.
        reason: why it is unknown; None exactly where `occ` is known.
        since_ms: when it began.
        conf: probability that `occ` is right; 0 when unknown.
        cause: what made it change.
        method: the kind of the source that was believed.
        sensor: the sensor that was believed, if it was one.
        camera: the camera that sees the bay, or what stands for none.
        blocked: why no vehicle can use it, as a box says; None: nothing blocks it.
    """

    bay: str
    occ: bool | None
    closed: bool
    reason: str | None
    since_ms: int
    conf: float
    cause: Cause
    method: str
    sensor: str | None = None
    camera: str = SENSORS_CAMERA
    blocked: str | None = None


@dataclass(frozen=True, slots=True)
class CloudEdge:
    """A cloud edge, as the one who writes for it knows it.

    Attributes:
        edge: its name.
        site: of its lot.
        layout: the one in force.
        prefix: first levels of the topics, for the events' source.
        clock: when it is, for the events.
    """

    edge: str
    site: str
    layout: LayoutHash
    prefix: str
    clock: ClockStamp


def last_states(session: Session, name: str, layout: str, bays: Sequence[str]) -> dict[str, Row]:
    """What was last told of bays of a cloud edge."""
    return {
        row.bay: row
        for row in session.rows(_STATES, {"of": name, "hash": layout, "bays": list(bays)})
    }


def append(
    session: Session, of: CloudEdge, changes: Sequence[Change], now_ms: int
) -> list[TakenEvent]:
    """Append changes to a cloud edge's stream; return them as events.

    Args:
        session: a transaction that has locked the edge.
        of: the edge.
        changes: in their order.
        now_ms: their time.
    """
    if not changes:
        return []
    top = reach(session, [of.edge]).get((of.edge, EPOCH), Reach()).top
    events = [_event(of, change, top + n, now_ms) for n, change in enumerate(changes, 1)]
    take_events(session, events)
    session.announce(of.edge)
    return events


def _event(of: CloudEdge, change: Change, seq: int, now_ms: int) -> TakenEvent:
    blocked = None
    if change.blocked is not None:
        # A box's word; how sure it was stands in its own event.
        kind = BlockKind(change.blocked)
        blocked = Blocked(kind=kind, conf=change.conf, by=BlockSource.CAMERA)
    data = BayChanged(
        occ=change.occ,
        closed=change.closed,
        blocked=blocked,
        state=Occupancy.of(change.occ),
        reason=None if change.reason is None else UnknownReason(change.reason),
        since=from_ms(change.since_ms),
        conf=change.conf,
        cause=change.cause,
        camera=change.camera,
        sensor=change.sensor,
        method=change.method,
        calibration=0,
        layout=of.layout,
        clock=of.clock,
    )
    event = BayChangedEvent(
        id=f"{EPOCH}-{seq}",
        source=EdgeTopics(of.site, of.edge, of.prefix).base,
        time=from_ms(now_ms),
        subject=change.bay,
        data=data,
    )
    told = BayChange(change.bay, *facts(data), data.cause.value, data.layout, change.blocked)
    return TakenEvent(of.site, of.edge, EPOCH, seq, now_ms, told, event.encode().decode())


def carry_over(session: Session, name: str, before: str, after: str, bays: Sequence[str]) -> None:
    """Let what is known of bays under one layout hold under the next one, before it is in force."""
    wanted = set(bays)
    kept = names(bay_state, with_key=False)
    rows = session.rows(_ALL_STATES, {"of": name, "hash": before})
    project(
        session,
        {
            (name, after, row.bay): tuple(getattr(row, column) for column in kept)
            for row in rows
            if row.bay in wanted
        },
    )
