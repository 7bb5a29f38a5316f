"""Alerts in the tables: opening, closing, which are due to be sent, reading."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TypeAlias

from sqlalchemy import bindparam, select, text, update

from cloud_app.storage.database import Row, Session
from cloud_app.storage.queries import Sites, of_sites
from cloud_app.storage.tables import ALERT_DUE, alert, edge, gap
from cloud_app.storage.times import from_ms
from cloud_app.storage.upsert import Upsert
from cloud_app.views import AlertItem


@dataclass(frozen=True, slots=True, order=True)
class Subject:
    """What an alert is about."""

    rule: str
    site: str
    subject: str


AlertKey: TypeAlias = tuple[Subject, int]
"""(subject, opened_ms)"""

_OPEN = Upsert(alert, ("rule", "site", "subject", "opened_ms", "text"))
_IS_IT = (
    (alert.c.rule == bindparam("of_rule"))
    & (alert.c.site == bindparam("of_site"))
    & (alert.c.subject == bindparam("of_subject"))
    & (alert.c.opened_ms == bindparam("of_ms"))
)
_CLOSE = update(alert).values(closed_ms=bindparam("now_ms")).where(_IS_IT)
_SENT = {
    False: update(alert).values(open_sent=1).where(_IS_IT),
    True: update(alert).values(close_sent=1).where(_IS_IT),
}
_OPEN_NOW = select(alert.c.rule, alert.c.site, alert.c.subject, alert.c.opened_ms).where(
    alert.c.closed_ms.is_(None)
)
_DUE = (
    select(alert)
    .where(ALERT_DUE)
    .order_by(alert.c.opened_ms, alert.c.rule, alert.c.site, alert.c.subject)
    .limit(bindparam("rows"))
)


def _where(key: AlertKey) -> dict[str, object]:
    subject, opened_ms = key
    return {
        "of_rule": subject.rule,
        "of_site": subject.site,
        "of_subject": subject.subject,
        "of_ms": opened_ms,
    }


def alerts(session: Session, limit: int, sites: Sites = None) -> list[AlertItem]:
    """Alerts of some sites, the open ones first, then the newest."""
    wanted = select(alert).where(of_sites(alert.c.site, sites))
    newest = (alert.c.opened_ms.desc(), alert.c.rule, alert.c.subject)
    found: list[AlertItem] = []
    # The open ones have an index of their own; of the closed ones only as many as are left.
    for is_open in (True, False):
        state = alert.c.closed_ms.is_(None) if is_open else alert.c.closed_ms.is_not(None)
        left = limit - len(found)
        if left:
            found += map(_item, session.rows(wanted.where(state).order_by(*newest).limit(left)))
    return found


def _item(row: Row) -> AlertItem:
    return AlertItem(
        rule=row.rule,
        site=row.site,
        subject=row.subject,
        text=row.text,
        opened=from_ms(row.opened_ms),
        closed=from_ms(row.closed_ms),
        delivered=bool(row.open_sent),
    )


def open_alerts(session: Session) -> dict[Subject, int]:
    """The alerts that are open, and since when."""
    return {
        Subject(row.rule, row.site, row.subject): row.opened_ms for row in session.rows(_OPEN_NOW)
    }


def open_all(session: Session, texts: Iterable[tuple[Subject, str]], now_ms: int) -> None:
    """Open an alert for each subject, with a sentence for people."""
    session.upsert(
        _OPEN,
        [(each.rule, each.site, each.subject, now_ms, told) for each, told in texts],
    )


def close_all(session: Session, keys: Iterable[AlertKey], now_ms: int) -> None:
    """Close alerts."""
    session.run_many(_CLOSE, [_where(key) | {"now_ms": now_ms} for key in keys])


def due_alerts(session: Session, limit: int) -> list[Row]:
    """Alerts whose opening or closing was not sent yet, the oldest first."""
    return list(session.rows(_DUE, {"rows": limit}))


def mark_sent(session: Session, key: AlertKey, *, closing: bool) -> None:
    """Remember that an opening or closing was sent."""
    session.run(_SENT[closing], _where(key))


_UNTOLD = (
    select(gap, edge.c.site)
    .join(edge, edge.c.edge == gap.c.edge)
    .where(gap.c.told == text("0"))
    .order_by(gap.c.edge, gap.c.epoch, gap.c.first_seq, gap.c.last_seq)
    .limit(bindparam("rows"))
)
_TOLD = (
    update(gap)
    .values(told=1)
    .where(
        gap.c.edge == bindparam("of"),
        gap.c.epoch == bindparam("in"),
        gap.c.first_seq == bindparam("first"),
        gap.c.last_seq == bindparam("last"),
    )
)
_LOSS = Upsert(alert, ("rule", "site", "subject", "opened_ms", "closed_ms", "text", "close_sent"))
# The rest follows with the next round.
_LOSSES_PER_ROUND = 1000


def tell_losses(session: Session, now_ms: int) -> None:
    """One alert for each new gap: over as soon as it is told, since nothing brings it back."""
    lost = session.rows(_UNTOLD, {"rows": _LOSSES_PER_ROUND})
    session.upsert(
        _LOSS,
        [
            (
                "events_lost",
                row.site,
                f"{row.edge} {row.epoch}-{row.first_seq}",
                now_ms,
                now_ms,
                f"Edge {row.edge} of {row.site} lost events {row.first_seq} to {row.last_seq} "
                f"of epoch {row.epoch}: {row.reason}.",
                1,
            )
            for row in lost
        ],
    )
    session.run_many(
        _TOLD,
        [
            {"of": row.edge, "in": row.epoch, "first": row.first_seq, "last": row.last_seq}
            for row in lost
        ],
    )
