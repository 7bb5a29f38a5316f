"""What the sources of a lot's bays say now: sensors and people, and the cameras of boxes."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from sqlalchemy import and_, bindparam, delete, select, text, update

from cloud_app.storage.counts import SAME_BAY
from cloud_app.storage.database import Row, Session
from cloud_app.storage.queries import Now
from cloud_app.storage.source_tables import bay_truth, cloud_edge, source_state
from cloud_app.storage.tables import bay, bay_state, edge
from cloud_app.storage.upsert import among
from sensors.reconcile import SourceKind, SourceState
from telemetry.bay_sensors import SENSORS_CAMERA
from telemetry.vocabulary import UnknownReason

BayKey = tuple[str, str, str]
"""(site, lot, bay)"""

_OWN = (
    select(source_state)
    .where(
        source_state.c.site == bindparam("at_site"),
        source_state.c.lot == bindparam("of_lot"),
        among(source_state.c.bay, "bays"),
    )
    .order_by(source_state.c.bay, source_state.c.source)
)
_OF_BOXES = (
    select(
        bay.c.bay,
        bay.c.edge,
        bay.c.camera,
        bay_state.c.occ,
        bay_state.c.closed,
        bay_state.c.blocked,
        bay_state.c.reason,
        bay_state.c.since_ms,
        bay_state.c.conf,
        edge.c.dead,
        edge.c.seen_ms,
        edge.c.at_ms,
    )
    .select_from(edge)
    .join(bay, and_(bay.c.edge == edge.c.edge, bay.c.layout == edge.c.layout))
    .outerjoin(bay_state, SAME_BAY)
    .where(
        edge.c.kind == text("'box'"),
        bay.c.site == bindparam("at_site"),
        bay.c.lot == bindparam("of_lot"),
        among(bay.c.bay, "bays"),
    )
    .order_by(bay.c.bay, bay.c.edge)
)
_KEY = (source_state.c.site, source_state.c.lot, source_state.c.bay)
_NEWS = (
    select(*_KEY, source_state.c.source)
    .where(source_state.c.news == text("1"))
    .order_by(*_KEY, source_state.c.source)
    .limit(bindparam("rows"))
    .with_for_update()
)
_READ = (
    update(source_state)
    .values(news=0)
    .where(
        source_state.c.site == bindparam("at_site"),
        source_state.c.lot == bindparam("of_lot"),
        among(source_state.c.bay, "bays"),
        source_state.c.news == text("1"),
    )
)
_ENDED = select(*_KEY).where(
    source_state.c.until_ms > bindparam("since_ms"), source_state.c.until_ms <= bindparam("now_ms")
)
_FORGET_HANDS = delete(source_state).where(
    source_state.c.kind == SourceKind.MANUAL.value, source_state.c.until_ms <= bindparam("now_ms")
)
_END_HANDS = (
    update(source_state)
    .values(until_ms=bindparam("now_ms"), news=1)
    .where(
        source_state.c.site == bindparam("at_site"),
        source_state.c.lot == bindparam("of_lot"),
        source_state.c.bay == bindparam("of_bay"),
        source_state.c.kind == SourceKind.MANUAL.value,
        source_state.c.until_ms > bindparam("now_ms"),
    )
)
_OF_SENSORS = select(source_state.c.bay, source_state.c.source).where(
    source_state.c.site == bindparam("at_site"),
    source_state.c.lot == bindparam("of_lot"),
    source_state.c.kind == SourceKind.SENSOR.value,
)
_FORGET = delete(source_state).where(
    source_state.c.site == bindparam("at_site"),
    source_state.c.lot == bindparam("of_lot"),
    source_state.c.bay == bindparam("of_bay"),
    source_state.c.source == bindparam("named"),
)
_KNOWN_TRUTHS = select(bay_truth.c.bay).where(
    bay_truth.c.site == bindparam("at_site"), bay_truth.c.lot == bindparam("of_lot")
)
_FORGET_TRUTH = delete(bay_truth).where(
    bay_truth.c.site == bindparam("at_site"),
    bay_truth.c.lot == bindparam("of_lot"),
    bay_truth.c.bay == bindparam("of_bay"),
)
_SITES_BY_HAND = (
    select(source_state.c.site)
    .where(source_state.c.news == text("1"), source_state.c.kind == text("'manual'"))
    .distinct()
)
_BOXES = (
    select(
        edge.c.edge,
        edge.c.layout,
        edge.c.told_epoch,
        edge.c.told_seq,
        edge.c.told_rank,
        edge.c.told_ms,
        edge.c.dead,
        edge.c.seen_ms,
    )
    .where(
        edge.c.kind == text("'box'"),
        edge.c.edge.in_(
            select(bay.c.edge).where(bay.c.carried == text("1")).distinct().scalar_subquery()
        ),
    )
    .order_by(edge.c.edge)
)
_CARRIED = (
    select(
        bay.c.site,
        bay.c.lot,
        bay.c.bay,
        bay_state.c.occ,
        bay_state.c.closed,
        bay_state.c.blocked,
        bay_state.c.reason,
        bay_state.c.since_ms,
    )
    .select_from(edge)
    .join(bay, and_(bay.c.edge == edge.c.edge, bay.c.layout == edge.c.layout))
    .outerjoin(bay_state, SAME_BAY)
    .where(edge.c.edge == bindparam("of"), bay.c.carried == text("1"))
)
_CLOUD_BAYS = (
    select(bay.c.site, bay.c.lot, bay.c.bay)
    .select_from(cloud_edge)
    .join(edge, edge.c.edge == cloud_edge.c.edge)
    .join(bay, and_(bay.c.edge == edge.c.edge, bay.c.layout == edge.c.layout))
)


@dataclass(frozen=True, slots=True)
class BayWords:
    """What the sources of a bay say.

    Attributes:
        states: of each source.
        closed: a box says that the bay is out of service.
        blocked: why no vehicle can use it, as a box says.
        camera: the first that sees it; what stands for none otherwise.
    """

    states: tuple[SourceState, ...] = ()
    closed: bool = False
    blocked: str | None = None
    camera: str = SENSORS_CAMERA


def words_of(
    session: Session, now: Now, site: str, lot: str, bays: Sequence[str]
) -> dict[str, BayWords]:
    """What is said of bays of a lot; a bay of which nothing is said is left out."""
    given = {"at_site": site, "of_lot": lot, "bays": list(bays)}
    found: dict[str, BayWords] = {}
    for row in session.rows(_OF_BOXES, given):
        known = found.get(row.bay, BayWords())
        found[row.bay] = BayWords(
            (*known.states, _of_box(row, now)),
            known.closed or bool(row.closed),
            known.blocked or row.blocked,
            known.camera if known.states else row.camera,
        )
    for row in session.rows(_OWN, given):
        known = found.get(row.bay, BayWords())
        found[row.bay] = replace(known, states=(*known.states, _of_cloud(row)))
    return found


def _of_cloud(row: Row) -> SourceState:
    return SourceState(
        source=row.source,
        kind=SourceKind(row.kind),
        occ=None if row.occ is None else bool(row.occ),
        reason=row.reason,
        since_ms=row.since_ms,
        heard_ms=row.heard_ms,
        until_ms=row.until_ms,
        conf=row.conf,
    )


def _of_box(row: Row, now: Now) -> SourceState:
    """A box's word holds as long as the box speaks."""
    known = row.closed is not None
    occ = bool(row.occ) if known and row.occ is not None else None
    heard_ms = row.seen_ms or 0
    until_ms = None
    if now.staleness(row.dead, row.seen_ms) is not None:
        until_ms = heard_ms
    return SourceState(
        source=f"{row.edge}/{row.camera}",
        kind=SourceKind.SENSOR if row.camera == SENSORS_CAMERA else SourceKind.CAMERA,
        occ=occ,
        reason=None if occ is not None else (row.reason or UnknownReason.STARTING.value),
        since_ms=row.since_ms if known and row.since_ms is not None else heard_ms,
        heard_ms=heard_ms,
        until_ms=until_ms,
        conf=row.conf if occ is not None else None,
    )


_ANY_NEWS = select(source_state.c.bay).where(source_state.c.news == text("1")).limit(1)


def is_news(session: Session) -> bool:
    """Whether a source said something that was not seen to."""
    return bool(session.rows(_ANY_NEWS))


def bays_with_news(session: Session, limit: int) -> list[BayKey]:
    """Bays of which a source said something new; their rows are locked."""
    return sorted({tuple(row)[:3] for row in session.rows(_NEWS, {"rows": limit})})


def mark_read(session: Session, site: str, lot: str, bays: Collection[str]) -> None:
    """What is said of these bays is seen to."""
    session.run(_READ, {"at_site": site, "of_lot": lot, "bays": sorted(bays)})


def bays_with_ends(session: Session, since_ms: int, now_ms: int) -> list[BayKey]:
    """Bays of which a word ceased to hold within a span."""
    rows = session.rows(_ENDED, {"since_ms": since_ms, "now_ms": now_ms})
    return sorted({(row.site, row.lot, row.bay) for row in rows})


def carrying_boxes(session: Session) -> Sequence[Any]:
    """The boxes with bays that a cloud edge carries: (edge, layout, told_*, dead, seen_ms)."""
    return session.rows(_BOXES)


def carried_bays(session: Session, box: str) -> dict[BayKey, tuple[Any, ...]]:
    """Bays of a box that a cloud edge carries, and what the box last told of each."""
    return {
        (row.site, row.lot, row.bay): tuple(row)[3:] for row in session.rows(_CARRIED, {"of": box})
    }


def cloud_bays(session: Session, sites: Iterable[str] | None = None) -> list[BayKey]:
    """Every bay of cloud edges, of all sites or of some."""
    query = _CLOUD_BAYS
    if sites is not None:
        query = query.where(cloud_edge.c.site.in_(sorted(sites)))
    return [(row.site, row.lot, row.bay) for row in session.rows(query)]


def forget_ended_hands(session: Session, now_ms: int) -> int:
    """Delete words of people that no longer hold; return how many."""
    return session.run(_FORGET_HANDS, {"now_ms": now_ms})


def take_back(session: Session, site: str, lot: str, name: str, now_ms: int) -> int:
    """End what people say of a bay; return how many words that were."""
    given = {"at_site": site, "of_lot": lot, "of_bay": name, "now_ms": now_ms}
    return session.run(_END_HANDS, given)


def sites_set_by_hand(session: Session) -> set[str]:
    """Sites where people said something that was not seen to."""
    return {row.site for row in session.rows(_SITES_BY_HAND)}


def forget_others(
    session: Session, site: str, lot: str, sensors: Mapping[str, Collection[str]]
) -> bool:
    """Forget what is known of a lot's bays by sensors that stand there no more.

    Args:
        session: to write with.
        site: of the lot.
        lot: which.
        sensors: those of each bay with sources in the cloud.

    Returns:
        Whether a word went.
    """
    given = {"at_site": site, "of_lot": lot}
    gone = [
        {**given, "of_bay": row.bay, "named": row.source}
        for row in session.rows(_OF_SENSORS, given)
        if row.source not in sensors.get(row.bay, ())
    ]
    session.run_many(_FORGET, gone)
    known = {row.bay for row in session.rows(_KNOWN_TRUTHS, given)}
    session.run_many(_FORGET_TRUTH, [{**given, "of_bay": bay} for bay in known - sensors.keys()])
    return bool(gone)
