"""Reading what rules have not judged yet: events by stream and position, counts, health, alerts."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

from pydantic import ValidationError
from sqlalchemy import and_, bindparam, func, select, text, update

from cloud_app.rules.evaluation import RuleBook
from cloud_app.rules.occurrences import (
    Occurrence,
    health_values,
    lot_values,
    of_alert,
    of_edge,
    of_event,
    of_lot,
)
from cloud_app.rules.tables import rule_position
from cloud_app.rules.variables import NAN
from cloud_app.rules.words import Trigger
from cloud_app.storage.alert_tables import alert
from cloud_app.storage.database import Row, Session
from cloud_app.storage.queries import Now, lots_now
from cloud_app.storage.tables import bay, edge, event, stream
from cloud_app.storage.times import from_ms
from cloud_app.storage.upsert import Upsert, among, same
from telemetry.health import Health

BATCH = 2000
"""Events of one round: a transaction of about a tenth of a second."""

_AFTER = func.coalesce(rule_position.c.seq, 0)
_BEHIND = (
    select(stream.c.edge, stream.c.epoch, stream.c.upto, _AFTER.label("after"))
    .outerjoin(
        rule_position,
        and_(rule_position.c.edge == stream.c.edge, rule_position.c.epoch == stream.c.epoch),
    )
    .where(stream.c.upto > _AFTER)
    .order_by(stream.c.edge, stream.c.epoch)
)
_NEXT = (
    select(event)
    .where(
        event.c.edge == bindparam("of"),
        event.c.epoch == bindparam("in_epoch"),
        event.c.seq > bindparam("after"),
        event.c.seq <= bindparam("upto"),
        event.c.kind.in_(bindparam("kinds", expanding=True)),
        event.c.time_ms >= bindparam("oldest_ms"),
    )
    .order_by(event.c.seq)
    .limit(bindparam("rows"))
)
_PLACES = select(bay).where(among(bay.c.edge, "edges"))
_MOVE = Upsert(rule_position, ("edge", "epoch", "seq"), same("seq"))
_UNJUDGED = select(alert).where(alert.c.judged == text("0")).order_by(alert.c.alert).limit(BATCH)
_JUDGED = update(alert).where(alert.c.alert == bindparam("which")).values(judged=1)

Position = tuple[str, int, int]
"""(edge, epoch, seq)"""


@dataclass(slots=True)
class Batch:
    """What a round looks at.

    Attributes:
        seen: in the order in which it is judged.
        positions: up to where each stream is judged then.
        alerts: numbers of those that are judged then.
        is_full: there is more.
    """

    seen: list[Occurrence] = field(default_factory=list)
    positions: list[Position] = field(default_factory=list)
    alerts: list[int] = field(default_factory=list)
    is_full: bool = False

    @property
    def is_empty(self) -> bool:
        """Nothing to write."""
        return not (self.seen or self.positions or self.alerts)


def read_events(session: Session, book: RuleBook, oldest_ms: int, batch: Batch) -> None:
    """Add the events that complete streams have beyond what was judged.

    Streams are read up to their watermark, so that every event that was acknowledged is judged,
    once, in order; a hole holds up its own stream alone.

    Args:
        session: to read with.
        book: whose kinds of events are read; all others are passed over.
        oldest_ms: what happened before is passed over too: it is too late to act on it.
        batch: to add to.
    """
    rules = book.of(Trigger.EVENT)
    kinds = {kind.value for each in rules for kind in each.spec.kinds}
    wanted = _KINDS if any(not each.spec.kinds for each in rules) else sorted(kinds)
    rows: list[Row] = []
    for edge_name, epoch, upto, after in session.rows(_BEHIND):
        left = BATCH - len(rows)
        if left <= 0:
            batch.is_full = True
            break
        if not wanted:
            batch.positions.append((edge_name, epoch, upto))
            continue
        given = {
            "of": edge_name, "in_epoch": epoch, "after": after, "upto": upto, "kinds": wanted,
            "oldest_ms": oldest_ms, "rows": left,
        }  # fmt: skip
        found = session.rows(_NEXT, given)
        rows += found
        is_cut = len(found) == left
        batch.is_full |= is_cut
        batch.positions.append((edge_name, epoch, found[-1].seq if is_cut else upto))
    # Of several edges as they happened; each one's own in the order of its stream.
    rows.sort(key=lambda row: row.time_ms)
    batch.seen += of_rows(session, rows)


_KINDS = ["changed", "incident", "gate", "count", "sensor", "output", "gap", "other"]


def of_rows(session: Session, rows: Sequence[Row]) -> list[Occurrence]:
    """Rows of `event` as rules see them."""
    edges = sorted({row.edge for row in rows if row.layout is not None})
    places: dict[tuple[str, str, str], Row] = {}
    if edges:
        wanted = {(row.edge, row.layout) for row in rows}
        places = {
            (row.edge, row.layout, row.bay): row
            for row in session.rows(_PLACES, {"edges": edges})
            if (row.edge, row.layout) in wanted
        }
    return [of_event(row, places) for row in rows]


def read_alerts(session: Session, batch: Batch) -> None:
    """Add the alerts that opened since the last round."""
    rows = session.rows(_UNJUDGED)
    batch.alerts += [row.alert for row in rows]
    batch.seen += [of_alert(row) for row in rows]
    batch.is_full |= len(rows) == BATCH


def read_lots(session: Session, now: Now) -> dict[tuple[str, str], dict[str, Any]]:
    """The counts of all lots."""
    return {(lot.site, lot.lot): lot_values(lot) for lot in lots_now(session, now)}


def lots_seen(lots: Mapping[tuple[str, str], Mapping[str, Any]], at_ms: int) -> list[Occurrence]:
    """All lots at a moment."""
    return [of_lot(values, at_ms) for values in lots.values()]


def edge_seen(
    row: Row, now: Now, silent_s: Callable[[int | None], float], *, is_brief: bool = False
) -> Occurrence:
    """An edge box at a moment; one whose figures cannot be read has none.

    Args:
        row: of `edge`, with its `bays`.
        now: the moment.
        silent_s: how long something that was heard then has been silent.
        is_brief: without its figures.
    """
    values: dict[str, Any] = {
        "health.online": now.staleness(row.dead, row.seen_ms) is None,
        "health.silent_s": NAN if row.seen_ms is None else silent_s(row.seen_ms),
        "health.heard": "" if row.seen_ms is None else f"{from_ms(row.seen_ms):%Y-%m-%d %H:%M:%S}",
        "health.said": row.reason or "",
        "health.bays": int(row.bays),
    }
    if row.health is not None and not is_brief:
        # An older version took it in by other bounds.
        with suppress(ValidationError):
            values |= health_values(Health.model_validate_json(row.health))
    return of_edge(row.site, row.edge, now.now_ms, values)


def move(session: Session, batch: Batch) -> None:
    """Remember what was judged, in the transaction of what came of it."""
    session.upsert(_MOVE, batch.positions)
    session.run_many(_JUDGED, [{"which": number} for number in batch.alerts])


def known_keys(
    lots: Iterable[tuple[str, str]], boxes: Iterable[tuple[str, str]]
) -> dict[str, list[tuple[str, str]]]:
    """(site, key) of all that there is, by the word of the key; bays are too many."""
    of_lots, of_boxes = list(lots), list(boxes)
    sites = sorted({site for site, _ in (*of_lots, *of_boxes)})
    return {"lot": of_lots, "edge": of_boxes, "site": [(site, site) for site in sites]}


def boxes(session: Session) -> list[tuple[str, str]]:
    """(site, edge) of all edge boxes."""
    query = select(edge.c.site, edge.c.edge).where(edge.c.kind == text("'box'"))
    return [(row.site, row.edge) for row in session.rows(query)]


def behind(session: Session) -> int:
    """How many events complete streams have beyond what was judged."""
    return sum(row.upto - row.after for row in session.rows(_BEHIND))
