"""Trying a rule on the past: how often it would have fired, with examples; nothing is written.

Events are judged as they happened. Counts of lots are kept as means of quarters of an hour, and
figures of edges every ten minutes: so a rule about them is tried on those, and a condition on
counts of a rule about events on the quarter that the event is in. What is not kept, such as
whether an edge was online, cannot be tried; the answer says so.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import Any

from sqlalchemy import bindparam, func, select

from cloud_app.accounts.roles import Tenant
from cloud_app.registry.queries import time_zones_of
from cloud_app.rules.actions import AlertAction, MailAction
from cloud_app.rules.evaluation import At, Firing, Fold, Judge, RuleBook, Verdict
from cloud_app.rules.feed import of_rows
from cloud_app.rules.ledger import text_of
from cloud_app.rules.occurrences import Occurrence, SiteClock, of_alert, of_edge, of_lot
from cloud_app.rules.spec import RuleSpec, WindowSpec
from cloud_app.rules.states import Look
from cloud_app.rules.store import Rule
from cloud_app.rules.variables import NAN
from cloud_app.rules.windows import Spell, due_ms
from cloud_app.rules.words import Change, Trigger
from cloud_app.storage.alert_tables import alert
from cloud_app.storage.database import Row, Session
from cloud_app.storage.queries import Now, Sites, of_sites
from cloud_app.storage.tables import edge, edge_health, event, quarter

ROWS_MAX = 50_000
TIME_MAX_S = 8.0
DAYS_MAX = 31
EXAMPLES = 20
_QUARTER_MS = 900_000
_SLICE = 1000


class Basis(StrEnum):
    """What a rule was tried on."""

    EVENTS = "events"
    EVENTS_AND_QUARTERS = "events_and_quarters"
    QUARTERS = "quarters"
    HEALTH = "health"
    ALERTS = "alerts"
    NOW = "now"
    """No past of it is kept: on what is so now, without a wait."""


@dataclass(frozen=True, slots=True)
class Example:
    """One time that it would have fired."""

    at_ms: int
    site: str
    key: str
    text: str


@dataclass(slots=True)
class Trial:
    """What came of it.

    Attributes:
        basis: what it was tried on.
        start_ms: from when on: later than asked where there was too much.
        end_ms: up to when.
        looked_at: how many events, quarters or figures.
        fired: how often.
        keys: at how many bays, lots, ...
        examples: the last times.
        fault: why it would have been quarantined; None: it would not.
        is_whole: all of what was asked was looked at.
    """

    basis: Basis
    start_ms: int
    end_ms: int
    looked_at: int = 0
    fired: int = 0
    keys: int = 0
    examples: list[Example] = field(default_factory=list)
    fault: str | None = None
    is_whole: bool = True


@dataclass(frozen=True, slots=True)
class Question:
    """What is tried.

    Attributes:
        spec: the rule.
        tenant: whose it would be.
        sites: that tenant's; None for all.
        start_ms: from then on.
        end_ms: up to then.
        stale_after_ms: an edge that is silent for so long is stale.
    """

    spec: RuleSpec
    tenant: Tenant
    sites: frozenset[str] | None
    start_ms: int
    end_ms: int
    stale_after_ms: int = 180_000

    @property
    def of(self) -> Sites:
        """The sites that matter."""
        named = self.spec.sites
        if self.sites is None:
            return named or None
        return self.sites & named if named else self.sites


def dry_run(session: Session, asked: Question, mono_s: Callable[[], float]) -> Trial:
    """Try a rule on the past.

    Args:
        session: to read with.
        asked: which rule, and when.
        mono_s: to stop in time.
    """
    spec = asked.spec.model_copy(update={"enabled": True})
    rule = Rule("0" * 16, asked.tenant, spec, 1)
    basis, seen, is_whole = _past(session, asked, rule)
    if basis is Basis.NOW:
        rule = replace(rule, spec=spec.model_copy(update={"window": WindowSpec()}))
    trial = Trial(basis, asked.start_ms, asked.end_ms, is_whole=is_whole)
    if not is_whole and seen:
        trial.start_ms = seen[0].at_ms
    book = RuleBook([rule], {asked.tenant: asked.sites})
    zones = time_zones_of(session, {each.site for each in seen}) if seen else {}
    lots = _Quarters(session, seen) if basis is Basis.EVENTS_AND_QUARTERS else None
    judge = Judge(book, SiteClock(zones), {})
    fold = Fold({})
    end_s = mono_s() + TIME_MAX_S
    fired: list[Firing] = []
    for some in _slices(seen):
        if mono_s() > end_s:
            trial.is_whole, trial.end_ms = False, some[0].at_ms
            break
        fired += _judged(judge, fold, some, lots)
        trial.looked_at += len(some)
        if judge.failed:
            trial.fault = judge.failed[rule.id][1]
            trial.end_ms = some[-1].at_ms
            break
    fired += _left(rule, fold, trial.end_ms)
    fired = [each for each in fired if each.change is Change.FIRED]
    fired.sort(key=lambda each: each.at_ms)
    trial.fired = len(fired)
    trial.keys = len({(each.site, each.key) for each in fired})
    trial.examples = [_example(each) for each in fired[: -EXAMPLES - 1 : -1]]
    return trial


def _judged(
    judge: Judge, fold: Fold, some: Sequence[Occurrence], lots: _Quarters | None
) -> list[Firing]:
    found: list[Firing] = []
    for each in some:
        judge.lots = lots.at(each) if lots is not None else {}
        verdicts: list[Verdict] = judge.verdicts([each])
        found += [firing for verdict in verdicts for firing in fold.take(verdict)]
    return found


def _left(rule: Rule, fold: Fold, end_ms: int) -> list[Firing]:
    """What time alone does until the end."""
    waiting: list[tuple[At, Spell]] = [
        (at, spell)
        for at, spell in fold.spells.items()
        if (due_ms(rule.window, spell) or end_ms) < end_ms
    ]
    return [
        firing
        for at, _ in waiting
        for firing in fold.pass_time(rule, at[1], at[2], end_ms, fold.touched.get(at, {}))
    ]


def _example(firing: Firing) -> Example:
    named = (
        each.text for each in firing.rule.spec.actions if isinstance(each, AlertAction | MailAction)
    )
    text = text_of(firing, next(named, "{rule}: {key}"))
    return Example(firing.at_ms, firing.site, firing.key, text)


def _slices(seen: Sequence[Occurrence]) -> Iterator[Sequence[Occurrence]]:
    for first in range(0, len(seen), _SLICE):
        yield seen[first : first + _SLICE]


def _past(session: Session, asked: Question, rule: Rule) -> tuple[Basis, list[Occurrence], bool]:
    """What there is to judge, the oldest first, and whether it is all."""
    match asked.spec.trigger:
        case Trigger.EVENT:
            uses_lot = asked.spec.condition.uses_lot
            basis = Basis.EVENTS_AND_QUARTERS if uses_lot else Basis.EVENTS
            rows = session.rows(_events(asked))
            return basis, of_rows(session, rows[:ROWS_MAX][::-1]), len(rows) <= ROWS_MAX
        case Trigger.LOT:
            rows = session.rows(_quarters(asked))
            seen = [
                of_lot(_means(row), row.start_ms + _QUARTER_MS) for row in rows[:ROWS_MAX][::-1]
            ]
            return Basis.QUARTERS, seen, len(rows) <= ROWS_MAX
        case Trigger.EDGE:
            rows = session.rows(_figures(asked))
            seen = [_edge(row) for row in rows[:ROWS_MAX][::-1]]
            return Basis.HEALTH, seen, len(rows) <= ROWS_MAX
        case Trigger.ALERT:
            rows = session.rows(_alerts(asked))
            return Basis.ALERTS, [of_alert(row) for row in rows[::-1]], len(rows) <= ROWS_MAX
        case _:
            look = Look(session, Now(asked.end_ms, asked.stale_after_ms))
            return Basis.NOW, look.seen([rule]), True


def _events(asked: Question) -> Any:
    query = select(event).where(
        event.c.time_ms >= asked.start_ms,
        event.c.time_ms < asked.end_ms,
        of_sites(event.c.site, asked.of),
    )
    if asked.spec.kinds:
        query = query.where(event.c.kind.in_(sorted(asked.spec.kinds)))
    return query.order_by(event.c.time_ms.desc()).limit(ROWS_MAX + 1)


_SUMS = (
    quarter.c.site,
    quarter.c.lot,
    quarter.c.start_ms,
    *(func.sum(quarter.c[f"{each}_ms"]).label(each) for each in ("occupied", "free", "unknown")),
)
_BY_LOT = (quarter.c.site, quarter.c.lot, quarter.c.start_ms)


def _quarters(asked: Question) -> Any:
    return (
        select(*_SUMS)
        .where(
            quarter.c.start_ms >= asked.start_ms,
            quarter.c.start_ms < asked.end_ms,
            of_sites(quarter.c.site, asked.of),
        )
        .group_by(*_BY_LOT)
        .order_by(quarter.c.start_ms.desc())
        .limit(ROWS_MAX + 1)
    )


def _means(row: Row) -> dict[str, Any]:
    """The counts of a lot as the mean of a quarter; what was closed then is not kept."""
    occupied, free, unknown = (
        round(int(each) / _QUARTER_MS) for each in (row.occupied, row.free, row.unknown)
    )
    bays = occupied + free + unknown
    return {
        "lot.site": row.site,
        "lot.lot": row.lot,
        "lot.name": row.lot,
        "lot.bays": bays,
        "lot.capacity": bays,
        "lot.occupied": occupied,
        "lot.free": free,
        "lot.available": free,
        "lot.unknown": unknown,
        "lot.closed": 0,
        "lot.share": occupied / bays if bays else NAN,
    }


class _Quarters:
    """The counts of lots at the time of each event."""

    def __init__(self, session: Session, seen: Iterable[Occurrence]) -> None:
        self._session = session
        self._known: dict[tuple[str, str], dict[int, dict[str, Any]]] = {}
        moments = [each.at_ms for each in seen]
        self._start_ms = min(moments, default=0) - _QUARTER_MS
        self._end_ms = max(moments, default=0)

    def at(self, seen: Occurrence) -> Mapping[tuple[str, str], Mapping[str, Any]]:
        """Those of an event's lot; none where nothing is kept."""
        lot = (seen.site, seen.lot)
        if lot not in self._known:
            self._known[lot] = self._read(*lot)
        start_ms = seen.at_ms - seen.at_ms % _QUARTER_MS
        found = self._known[lot].get(start_ms)
        return {} if found is None else {lot: found}

    def _read(self, site: str, lot: str) -> dict[int, dict[str, Any]]:
        query = (
            select(*_SUMS)
            .where(
                quarter.c.site == bindparam("at"),
                quarter.c.lot == bindparam("of"),
                quarter.c.start_ms >= bindparam("start_ms"),
                quarter.c.start_ms <= bindparam("end_ms"),
            )
            .group_by(*_BY_LOT)
        )
        given = {
            "at": site, "of": lot, "start_ms": self._start_ms, "end_ms": self._end_ms,
        }  # fmt: skip
        return {row.start_ms: _means(row) for row in self._session.rows(query, given)}


def _figures(asked: Question) -> Any:
    return (
        select(edge_health, edge.c.site)
        .join(edge, edge.c.edge == edge_health.c.edge)
        .where(
            edge_health.c.at_ms >= asked.start_ms,
            edge_health.c.at_ms < asked.end_ms,
            of_sites(edge.c.site, asked.of),
        )
        .order_by(edge_health.c.at_ms.desc())
        .limit(ROWS_MAX + 1)
    )


def _edge(row: Row) -> Occurrence:
    """An edge as it told: it was online then, since it told something."""
    return of_edge(
        row.site,
        row.edge,
        row.at_ms,
        {
            "health.online": True,
            "health.silent_s": 0.0,
            "health.uptime_s": row.uptime_s,
            "health.outbox_rows": row.outbox_rows,
            "health.outbox_age_s": row.outbox_age_s,
            "health.cameras": row.cameras,
            "health.cameras_up": row.cameras_up,
            "health.fps": _known(row.fps),
            "health.latency_p95_ms": _known(row.latency_p95_ms),
            "health.disk_free_gb": _known(row.disk_free_bytes) / 1e9,
            "health.memory_mb": _known(row.memory_bytes) / 1e6,
            "health.temperature_c": _known(row.temperature_c),
            "health.alarms": row.alarms,
        },
    )


def _known(value: float | None) -> float:
    return NAN if value is None else float(value)


def _alerts(asked: Question) -> Any:
    return (
        select(alert)
        .where(
            alert.c.opened_ms >= asked.start_ms,
            alert.c.opened_ms < asked.end_ms,
            of_sites(alert.c.site, asked.of),
        )
        .order_by(alert.c.opened_ms.desc(), alert.c.alert.desc())
        .limit(ROWS_MAX + 1)
    )
