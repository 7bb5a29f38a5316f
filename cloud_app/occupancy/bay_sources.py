"""Why a bay is what it is: what each source says, how far it is believed, and what follows."""

from __future__ import annotations

from datetime import datetime
from typing import Literal, TypeAlias

from pydantic import BaseModel, ConfigDict, Field
from sqlalchemy import bindparam, select

from cloud_app.json_values import read_json
from cloud_app.occupancy.verdicts import trusted
from cloud_app.storage.bay_words import BayWords, words_of
from cloud_app.storage.counts import COUNTS_HERE, SAME_BAY
from cloud_app.storage.database import Row, Session
from cloud_app.storage.queries import Now
from cloud_app.storage.tables import bay as bay_table
from cloud_app.storage.tables import bay_state, edge, event
from cloud_app.storage.times import from_ms
from cloud_app.storage.truths import trusts_of, watches_of
from sensors.reconcile import Role, SourceKind, Weighed, Why, reconcile
from sensors.reliability import Trust
from telemetry.messages import Blocked, Occupancy

_HOUR_MS = 3_600_000
_COUNTED = (
    select(bay_table.c.edge, bay_state.c.blocked)
    .select_from(edge)
    .join(bay_table, (bay_table.c.edge == edge.c.edge) & (bay_table.c.layout == edge.c.layout))
    .outerjoin(bay_state, SAME_BAY)
    .where(
        bay_table.c.site == bindparam("at_site"),
        bay_table.c.lot == bindparam("of_lot"),
        bay_table.c.bay == bindparam("of_bay"),
        COUNTS_HERE,
    )
    .order_by(bay_table.c.edge)
)
_LAST_FEW = 8
_NEWEST_EVENTS = (
    select(event.c.epoch, event.c.seq, event.c.body)
    .where(event.c.edge == bindparam("of_edge"), event.c.bay == bindparam("of_bay"))
    # `since` stays where a bay is blocked or closed.
    .order_by(event.c.since_ms.desc(), event.c.epoch.desc(), event.c.seq.desc())
    .limit(_LAST_FEW)
)


# Spelled out: the API has roles of people, too.
RoleName: TypeAlias = Literal["believed", "agrees", "overruled", "unknowing", "stale"]


class BaySource(BaseModel):
    """The state of a bay according to one source."""

    model_config = ConfigDict(frozen=True)

    source: str = Field(
        description="edge/camera, sensor id, or the person who set the bay manually"
    )
    name: str = Field(description="to show: a person's or key's name, a device's id")
    kind: SourceKind
    role: RoleName = Field(
        description="believed; agrees; overruled: it says otherwise; unknowing: it does not know; "
        "stale: it was not heard of for too long"
    )
    state: Occupancy
    reason: str | None
    since: datetime = Field(description="start of the reported state")
    heard: datetime | None = Field(description="time of its last report")
    until: datetime | None = Field(description="expiry of the report; null: no expiry")
    conf: float | None = Field(
        description="probability reported by the source; null if it reports none"
    )
    weight: float = Field(description="log-odds that it is right; 0 if it does not count")
    reliability: float | None = Field(
        description="learned share of correct reports; null for a person"
    )
    checked_h: float = Field(description="bay hours checked against another source")
    wrong_share: float | None = Field(description="share of them for which it was wrong")


class BaySources(BaseModel):
    """All sources of a bay and the resulting state."""

    model_config = ConfigDict(frozen=True)

    site: str
    lot: str
    bay: str
    edge: str = Field(description="where the bay counts")
    state: Occupancy
    reason: str | None
    conf: float
    since: datetime | None
    why: Why = Field(
        description="by_hand; only_one source knows; agreed; outweighs: they differ, and this side "
        "weighs more; none_knows; none_fresh; no_source"
    )
    believed: str | None = Field(description="the source whose state is used")
    differs: bool = Field(description="an active source disagrees")
    differs_since: datetime | None
    set_by_hand: bool
    blocked: Blocked | None = Field(
        description="why no vehicle can use the bay, with the evidence; null: not blocked, or the "
        "evidence is no longer kept"
    )
    sources: tuple[BaySource, ...] = Field(description="highest weight first")


def bay_sources(session: Session, now: Now, site: str, lot: str, bay: str) -> BaySources | None:
    """What the sources of a bay say now; None for a bay that no layout in force has."""
    counted = session.rows(_COUNTED, {"at_site": site, "of_lot": lot, "of_bay": bay})
    if not counted:
        return None
    words = words_of(session, now, site, lot, [bay]).get(bay, BayWords())
    trusts = trusts_of(session, site, [each.source for each in words.states])
    verdict = reconcile(trusted(words, trusts).states, now.now_ms)
    remembered = watches_of(session, site, lot, [bay]).get(bay)
    differ_ms = remembered.differ_ms if remembered is not None else None
    order = {role: place for place, role in enumerate(Role)}
    told = sorted(verdict.words, key=lambda word: (order[word.role], -word.weight))
    believed = verdict.believed
    return BaySources(
        site=site,
        lot=lot,
        bay=bay,
        edge=counted[0].edge,
        state=Occupancy.of(verdict.occ),
        reason=verdict.reason,
        conf=verdict.conf,
        since=None if verdict.since_ms is None else from_ms(verdict.since_ms),
        why=verdict.why,
        believed=None if believed is None else believed.source,
        differs=verdict.differs,
        differs_since=from_ms(differ_ms) if verdict.differs else None,
        set_by_hand=any(
            word.state.kind is SourceKind.MANUAL and word.role is not Role.STALE
            for word in verdict.words
        ),
        blocked=_blocked(session, counted[0], bay),
        sources=tuple(_source(word, trusts.get(word.state.source)) for word in told),
    )


def _blocked(session: Session, counted: Row, bay: str) -> Blocked | None:
    """Why a bay is blocked, by its newest event: the table of states keeps the kind alone."""
    if counted.blocked is None:
        return None
    rows = session.rows(_NEWEST_EVENTS, {"of_edge": counted.edge, "of_bay": bay})
    newest = max(rows, key=lambda row: (row.epoch, row.seq), default=None)
    if newest is None:  # older than the events that are kept
        return None
    said = read_json(newest.body)["data"].get("blocked")
    return None if said is None else Blocked.model_validate(said)


def _source(word: Weighed, trust: Trust | None) -> BaySource:
    said = word.state
    if trust is None and said.kind is not SourceKind.MANUAL:
        trust = Trust(said.kind)
    share = None if trust is None else trust.long.share
    return BaySource(
        source=said.source,
        name=said.source,
        kind=said.kind,
        role=word.role.value,
        state=Occupancy.of(said.occ),
        reason=said.reason,
        since=from_ms(said.since_ms),
        heard=from_ms(said.heard_ms) if said.heard_ms else None,
        until=from_ms(said.until_ms),
        conf=said.conf,
        weight=round(word.weight, 3),
        reliability=None if trust is None else round(trust.reliability, 4),
        checked_h=0.0 if trust is None else round(trust.long.checked_ms / _HOUR_MS, 2),
        wrong_share=None if share is None else round(share, 4),
    )
