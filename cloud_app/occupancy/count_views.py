"""What a reader of the API sees of counted lots. Times are UTC."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from datetime import datetime, time
from typing import Literal
from zoneinfo import ZoneInfo

from pydantic import BaseModel, ConfigDict, Field
from sqlalchemy import bindparam, func, select

from cloud_app.config import GatesConfig
from cloud_app.occupancy.balances import Lot, Zeroing, last_number, last_zeroing, zeroings
from cloud_app.occupancy.gates import GateNow, gates_at
from cloud_app.occupancy.passages import QUARTER_MS
from cloud_app.occupancy.tables import lot_count, passage_quarter
from cloud_app.registry.queries import time_zones_of
from cloud_app.storage.bay_events import Window
from cloud_app.storage.database import Session
from cloud_app.storage.times import from_ms, to_ms
from sensors.counting import CountSource, ZeroCause
from telemetry import PassageDirection


class _View(BaseModel):
    model_config = ConfigDict(frozen=True)


class TrueCount(_View):
    """A correction of a lot's count."""

    at: datetime
    count: int
    cause: ZeroCause
    drift: int | None = Field(
        description="what the count was above the true one; null of the first, before which "
        "nothing was known"
    )
    by: str | None = Field(description="who or what set it")
    note: str | None
    level: str | None = Field(description="of this level; null: of the whole lot")


class LotCount(_View):
    """A lot counted at its gates."""

    site: str
    lot: str
    count: int | None = Field(description="vehicles, within 0 and the capacity; null: unknown")
    free: int | None = Field(description="offered spaces that are not occupied; null: unknown")
    capacity: int | None = Field(description="all spaces of the lot; null: unknown")
    offered: int | None = Field(
        description="the basis of `count` and `free`: the capacity without what is closed or held "
        "back"
    )
    closed: int
    held_back: int
    watched: int = Field(description="bays with their own sensor or camera")
    source: CountSource | None = Field(description="where the count comes from")
    low: int = Field(description="at least so many, as far as bays are known")
    high: int = Field(description="at most so many")
    balance: int | None = Field(
        description="last true count + in - out, which may leave 0 to the capacity; null: not "
        "believed"
    )
    why: Literal["no_truth", "gate_silent", "no_capacity"] | None = Field(
        description="why the count is unknown"
    )
    last_true: TrueCount | None
    in_today: int = Field(description="since midnight in the site's time zone")
    out_today: int
    silent: tuple[str, ...] = Field(description="gates that are not reporting")


class Gate(_View):
    """A gate of a lot."""

    gate: str
    name: str | None
    level: str | None = Field(description="it counts this level, not the lot")
    level_from: str | None = Field(description="what enters `level` leaves this one")
    edge: str | None = Field(description="the edge box it reports through")
    heard: datetime | None = Field(description="null: never")
    silent_since: datetime | None
    in_today: int
    out_today: int
    lost: int = Field(description="total passages without a direction")


class PassageStep(_View):
    """Passages in a quarter of an hour."""

    start: datetime
    gate: str
    in_: int = Field(alias="in")
    out: int


_ROW = select(lot_count).where(
    lot_count.c.site == bindparam("at_site"), lot_count.c.lot == bindparam("of_lot")
)
_SUMS = (
    select(
        passage_quarter.c.gate,
        passage_quarter.c.direction,
        func.sum(passage_quarter.c.vehicles).label("vehicles"),
    )
    .where(
        passage_quarter.c.site == bindparam("at_site"),
        passage_quarter.c.lot == bindparam("of_lot"),
        passage_quarter.c.start_ms >= bindparam("start_ms"),
    )
    .group_by(passage_quarter.c.gate, passage_quarter.c.direction)
)
_STEPS = (
    select(passage_quarter)
    .where(
        passage_quarter.c.site == bindparam("at_site"),
        passage_quarter.c.lot == bindparam("of_lot"),
        passage_quarter.c.start_ms >= bindparam("start_ms"),
        passage_quarter.c.start_ms < bindparam("end_ms"),
    )
    .order_by(passage_quarter.c.start_ms, passage_quarter.c.gate)
    .limit(bindparam("rows"))
)


def is_counted(session: Session, lot: Lot) -> bool:
    """Whether a lot is counted at gates."""
    return bool(session.rows(_ROW, lot.given))


def version_of(session: Session, lot: Lot) -> int:
    """What a change of a count must name: the number of the last true one, levels included."""
    return last_number(session, lot)


def count_now(session: Session, lot: Lot, now: datetime, config: GatesConfig) -> LotCount | None:
    """A counted lot as it is; None if it is not counted."""
    rows = session.rows(_ROW, lot.given)
    if not rows:
        return None
    row = rows[0]
    last = last_zeroing(session, lot)
    offered = None if row.capacity is None else max(0, row.capacity - row.closed - row.held_back)
    today = _today(session, lot, now)
    known = row.shown is not None and offered is not None
    return LotCount(
        site=lot.site,
        lot=lot.lot,
        count=row.shown,
        free=offered - row.shown if known and offered is not None else None,
        capacity=row.capacity,
        offered=offered,
        closed=row.closed,
        held_back=row.held_back,
        watched=row.watched,
        source=row.source,
        low=row.low,
        high=row.high,
        balance=row.raw,
        why=row.why,
        last_true=None if last is None else true_count(last),
        in_today=_sum(today, PassageDirection.IN),
        out_today=_sum(today, PassageDirection.OUT),
        silent=tuple(
            each.gate for each in _gates(session, lot, config) if each.silent_since(now) is not None
        ),
    )


def _sum(today: dict[tuple[str, str], int], way: PassageDirection) -> int:
    return sum(count for (_, direction), count in today.items() if direction == way)


def _today(session: Session, lot: Lot, now: datetime) -> dict[tuple[str, str], int]:
    """Vehicles by gate and direction since midnight."""
    zone = ZoneInfo(time_zones_of(session, [lot.site]).get(lot.site) or "UTC")
    midnight = datetime.combine(now.astimezone(zone).date(), time(), tzinfo=zone)
    given = {**lot.given, "start_ms": to_ms(midnight)}
    return {(row.gate, row.direction): int(row.vehicles) for row in session.rows(_SUMS, given)}


def true_count(found: Zeroing) -> TrueCount:
    """A true count as it is shown."""
    truth = found.truth
    return TrueCount(
        at=truth.at,
        count=truth.count,
        cause=truth.cause,
        drift=found.drift,
        by=truth.actor,
        note=truth.note,
        level=found.level or None,
    )


def true_counts(session: Session, lot: Lot, limit: int) -> list[TrueCount]:
    """The true counts of a lot, the newest first."""
    return [true_count(each) for each in zeroings(session, lot, limit)]


def _gates(session: Session, lot: Lot, config: GatesConfig) -> Sequence[GateNow]:
    found = gates_at(session, lot.site, config.silent_after_s, is_every=True)
    return [each for each in found if each.lot == lot.lot]


def gates_now(session: Session, lot: Lot, now: datetime, config: GatesConfig) -> list[Gate]:
    """The gates of a lot."""
    today = _today(session, lot, now)
    return [
        Gate(
            gate=each.gate,
            name=each.name,
            level=each.level,
            level_from=each.level_from,
            edge=each.edge,
            heard=each.heard,
            silent_since=each.silent_since(now),
            in_today=today.get((each.gate, "in"), 0),
            out_today=today.get((each.gate, "out"), 0),
            lost=each.lost,
        )
        for each in _gates(session, lot, config)
    ]


def passage_steps(session: Session, lot: Lot, window: Window, limit: int) -> list[PassageStep]:
    """What passed the gates of a lot, by quarters of an hour in which something did."""
    found: dict[tuple[int, str], dict[str, int]] = defaultdict(lambda: {"in": 0, "out": 0})
    given = {
        **lot.given,
        "start_ms": window.start_ms // QUARTER_MS * QUARTER_MS,
        "end_ms": window.end_ms,
        "rows": 2 * limit,
    }
    for row in session.rows(_STEPS, given):
        found[row.start_ms, row.gate][row.direction] = row.vehicles
    return [
        PassageStep(start=from_ms(start_ms), gate=gate, **{"in": sums["in"]}, out=sums["out"])
        for (start_ms, gate), sums in list(found.items())[:limit]
    ]
