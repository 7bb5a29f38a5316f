"""Writing what a round came to: windows, alerts, messages, in one transaction with the position."""

from __future__ import annotations

import hashlib
import json
import logging
import math
from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from itertools import groupby
from typing import Any

from sqlalchemy import bindparam, delete, func, select, text, update

from cloud_app.alert_words import SEVERITIES, AlertRule, Severity
from cloud_app.rules import outbox
from cloud_app.rules.actions import INSIDE, AlertAction, LakeAction, TableAction
from cloud_app.rules.evaluation import OF_MANY, At, Firing
from cloud_app.rules.store import QUARANTINED, Rule, forget
from cloud_app.rules.tables import rule, rule_outcome, rule_spell
from cloud_app.rules.texts import filled
from cloud_app.rules.windows import NEW, Spell, due_ms
from cloud_app.rules.words import Change
from cloud_app.storage.alert_life import (
    Subject,
    cease_all,
    lasting_alerts,
    open_all,
    open_and_close,
)
from cloud_app.storage.alert_tables import alert
from cloud_app.storage.database import Row, Session, Values
from cloud_app.storage.lake_records import LakeRecord, drop_records, put_records
from cloud_app.storage.times import from_ms
from cloud_app.storage.upsert import Upsert, among, same
from telemetry.shadow import dump_json

_log = logging.getLogger(__name__)

_FAULT_MAX = 500
_SPELLS = select(rule_spell).where(
    among(rule_spell.c.rule, "rules"), among(rule_spell.c.key, "keys")
)
_OF_RULES = select(rule_spell).where(among(rule_spell.c.rule, "rules"))
_KEEP = Upsert(
    rule_spell,
    ("rule", "site", "key", "spell", "told", "due_ms"),
    same("spell", "told", "due_ms"),
)
_SEED = Upsert(rule_spell, ("rule", "site", "key", "spell", "told", "due_ms"))
_FORGET = delete(rule_spell).where(
    rule_spell.c.rule == bindparam("of"),
    rule_spell.c.site == bindparam("at"),
    rule_spell.c.key == bindparam("which"),
)
_DUE = (
    select(rule_spell)
    .where(rule_spell.c.due_ms <= bindparam("now_ms"))
    .order_by(rule_spell.c.due_ms, rule_spell.c.rule, rule_spell.c.key)
    .limit(bindparam("rows"))
)
_FIRED = (
    update(rule)
    .where(rule.c.rule == bindparam("which"))
    .values(fired=rule.c.fired + bindparam("times"), fired_ms=bindparam("last_ms"))
)
_OUTCOME = Upsert(rule_outcome, ("id", "rule", "site", "key", "change", "at_ms", "body"))
_HOLD = (
    update(rule)
    .where(rule.c.rule == bindparam("which"), rule.c.version == bindparam("of_version"))
    .values(quarantined_ms=bindparam("now_ms"), fault=bindparam("why"))
)
_DEEPEN = (
    update(alert)
    .where(
        alert.c.rule == bindparam("of"),
        alert.c.site == bindparam("at"),
        alert.c.subject == bindparam("about"),
        alert.c.judged == text("0"),
    )
    .values(depth=bindparam("deep"))
)


def spells(
    session: Session, rules: Collection[str], places: Collection[tuple[str, str]]
) -> dict[At, Spell]:
    """The spells that are kept of some rules at some places, each (site, key)."""
    if not (rules and places):
        return {}
    given = {"rules": sorted(rules), "keys": sorted({key for _, key in places})}
    return {
        (row.rule, row.site, row.key): Spell.from_json(json.loads(row.spell))
        for row in session.rows(_SPELLS, given)
        if (row.site, row.key) in places
    }


def spells_of(session: Session, rules: Collection[str]) -> dict[At, Spell]:
    """All spells that are kept of some rules."""
    if not rules:
        return {}
    return {
        (row.rule, row.site, row.key): Spell.from_json(json.loads(row.spell))
        for row in session.rows(_OF_RULES, {"rules": sorted(rules)})
    }


def due_spells(session: Session, now_ms: int, limit: int) -> Sequence[Row]:
    """Spells that time alone changes by now."""
    return session.rows(_DUE, {"now_ms": now_ms, "rows": limit})


def told(values: Mapping[str, Any]) -> str:
    """Values as they are kept for later: without the event's own data."""
    return json.dumps(sendable(values), ensure_ascii=False)


def sendable(values: Mapping[str, Any]) -> dict[str, Any]:
    """Values as they are sent: a figure that is not known is null."""
    return {
        name: None if isinstance(value, float) and not math.isfinite(value) else value
        for name, value in values.items()
        if name != "event.data"
    }


def keep(
    session: Session,
    rules: Mapping[str, Rule],
    after: Mapping[At, Spell],
    touched: Mapping[At, Mapping[str, Any]],
) -> None:
    """Write the spells that changed; one that says nothing any more goes."""
    kept: list[Values] = []
    gone: list[dict[str, str]] = []
    # One event's values are those of every rule that it met.
    texts: dict[int, str] = {}
    for at, values in touched.items():
        spell = after[at]
        which, site, key = at
        if spell == NEW:
            gone.append({"of": which, "at": site, "which": key})
            continue
        due = due_ms(rules[which].window, spell)
        text = texts.get(id(values)) or texts.setdefault(id(values), told(values))
        kept.append((*at, json.dumps(spell.to_json()), text, due))
    session.upsert(_KEEP, kept)
    session.run_many(_FORGET, gone)


def seed(session: Session, which: Rule, keys: Iterable[tuple[str, str]], now_ms: int) -> None:
    """Let an absence count from now on at keys of which nothing was ever seen."""
    spell = Spell(since_ms=now_ms)
    due = due_ms(which.window, spell)
    kept = json.dumps(spell.to_json())
    session.upsert(_SEED, [(which.id, site, key, kept, "{}", due) for site, key in keys])


def body_of(firing: Firing, which: str) -> str:
    """What is sent of a firing, as JSON."""
    return dump_json(
        {
            "id": which,
            "type": f"rule.{firing.change.value}",
            "timestamp": from_ms(firing.at_ms).isoformat(),
            "rule": firing.rule.id,
            "name": firing.rule.spec.name,
            "tenant": str(firing.rule.tenant),
            "site": firing.site,
            "key": firing.key,
            "by": firing.rule.spec.by.value,
            "depth": firing.depth + 1,
            "values": sendable(firing.values),
        }
    ).decode()


def names_of(firing: Firing) -> dict[str, Any]:
    """What texts may name."""
    return {
        **firing.values,
        "rule": firing.rule.spec.name,
        "site": firing.site,
        "key": firing.key,
        "time": f"{from_ms(firing.at_ms):%Y-%m-%d %H:%M:%S} UTC",
    }


def text_of(firing: Firing, text: str) -> str:
    """A text of the firing's rule, filled in; of many at once that of all."""
    spec = firing.rule.spec
    if spec.together is not None and firing.key.endswith(f"/{OF_MANY}"):
        text = spec.together.text
    return filled(text, names_of(firing), spec.trigger, spec.named)


def outcome_id(firing: Firing) -> str:
    """The same for each time that this firing is worked out, and for no other."""
    parts = (
        firing.rule.id, firing.site, firing.key, firing.change.value, firing.at_ms, firing.ref,
    )  # fmt: skip
    return hashlib.sha256("\n".join(map(str, parts)).encode()).hexdigest()[:32]


def write(session: Session, firings: Sequence[Firing], now_ms: int) -> None:
    """Do what rules want: alerts and rows now, the rest by way of the outbox."""
    queued: list[Values] = []
    outcomes: list[Values] = []
    records: list[LakeRecord] = []
    alerts: list[tuple[Firing, AlertAction]] = []
    times: dict[str, int] = defaultdict(int)
    last_ms: dict[str, int] = {}
    for firing in firings:
        which = outcome_id(firing)
        body = body_of(firing, which)
        if firing.change is Change.FIRED:
            times[firing.rule.id] += 1
            last_ms[firing.rule.id] = firing.at_ms
        for place, action in enumerate(firing.rule.spec.actions):
            if isinstance(action, AlertAction):
                alerts.append((firing, action))
            elif isinstance(action, TableAction):
                head = (which, firing.rule.id, firing.site, firing.key, firing.change.value)
                outcomes.append((*head, firing.at_ms, body))
            elif isinstance(action, LakeAction) and firing.sends:
                name, stream = f"{which}-{place}", firing.rule.id
                records.append(LakeRecord(name, stream, firing.site, firing.at_ms, body))
            elif firing.sends and not isinstance(action, INSIDE):
                letter = (f"{which}-{place}", firing.rule.id, place, action.kind)
                queued.append(
                    (*letter, _addressed(firing, action, body), *_times(now_ms, len(queued)))
                )
    _alerts(session, alerts, now_ms)
    outbox.queue(session, _room(session, queued))
    put_records(session, records)
    session.upsert(_OUTCOME, list({row[0]: row for row in outcomes}.values()))
    session.run_many(
        _FIRED,
        [{"which": each, "times": times[each], "last_ms": last_ms[each]} for each in times],
    )


def _times(now_ms: int, nth: int) -> tuple[int, int, int, int]:
    """When a message was made, as which of that moment, since when it is due, and when next."""
    return (now_ms, nth, now_ms, now_ms)


def _addressed(firing: Firing, action: Any, body: str) -> str:
    """The body with the text of the action that has one."""
    text = getattr(action, "text", None)
    if text is None:
        return body
    return dump_json({**json.loads(body), "text": text_of(firing, text)}).decode()


def _room(session: Session, rows: Sequence[Values]) -> list[Values]:
    """The messages that there is room for: a rule that sends without end fills no disk."""
    by_rule: dict[Any, list[Values]] = defaultdict(list)
    for row in rows:
        by_rule[row[1]].append(row)
    kept: list[Values] = []
    for which, of in by_rule.items():
        kept += of[: max(0, outbox.QUEUED_MAX - outbox.queued(session, str(which)))]
    return kept


def _alerts(session: Session, wanted: Sequence[tuple[Firing, AlertAction]], now_ms: int) -> None:
    """Open and close alerts, in order; those of one kind that follow each other at once."""
    kinds = groupby(wanted, lambda each: (each[0].change, each[1].severity, each[1].momentary))
    for (change, severity, is_momentary), some in kinds:
        firings = [(firing, action) for firing, action in some if firing.is_new or is_momentary]
        if change is Change.FIRED:
            texts = [(_about(firing), text_of(firing, action.text)) for firing, action in firings]
            _open(session, texts, now_ms, severity, is_momentary=is_momentary)
            _deepen(session, [firing for firing, _ in firings])
        elif firings and not is_momentary:
            lasting = lasting_alerts(session)
            over = [lasting[_about(each)] for each, _ in firings if _about(each) in lasting]
            cease_all(session, over, now_ms)


def opened(firing: Firing) -> list[tuple[Subject, str]]:
    """The alerts that a firing opens, each with its sentence."""
    if firing.change is not Change.FIRED:
        return []
    return [
        (_about(firing), text_of(firing, each.text))
        for each in firing.rule.spec.actions
        if isinstance(each, AlertAction)
    ]


def _open(
    session: Session,
    texts: Sequence[tuple[Subject, str]],
    now_ms: int,
    severity: Severity,
    *,
    is_momentary: bool,
) -> None:
    opens = open_and_close if is_momentary else open_all
    opens(session, texts, now_ms, lambda _: severity)


def _about(firing: Firing) -> Subject:
    return Subject(firing.rule.alerts_as, firing.site, firing.key or firing.site)


def _deepen(session: Session, firings: Iterable[Firing]) -> None:
    """Alerts of people's rules say how many rules led to them."""
    about = [(_about(each), each) for each in firings if each.rule.spec.replaces is None]
    session.run_many(
        _DEEPEN,
        [
            {"of": of.rule, "at": of.site, "about": of.subject, "deep": each.depth + 1}
            for of, each in about
        ],
    )


def quarantine(session: Session, which: Rule, fault: str, site: str, now_ms: int) -> None:
    """Leave a rule alone that raised, and tell people."""
    given = {
        "which": which.id, "of_version": which.version, "now_ms": now_ms,
        "why": fault[:_FAULT_MAX],
    }  # fmt: skip
    if not session.run(_HOLD, given):
        return  # somebody changed it meanwhile
    forget(session, which.id, now_ms)
    told = (
        f"The rule {which.spec.name!r} of {which.tenant} was stopped: {fault[:_FAULT_MAX]}. "
        "Correct its condition, or switch it on again."
    )
    subject = Subject(QUARANTINED, site, which.id)
    severity = SEVERITIES[AlertRule.RULE_QUARANTINED]
    open_all(session, [(subject, told)], now_ms, lambda _: severity)


def outcomes(session: Session, which: str, limit: int) -> Sequence[Row]:
    """What a rule with the action `table` did, the newest first."""
    return session.rows(
        select(rule_outcome)
        .where(rule_outcome.c.rule == which)
        .order_by(rule_outcome.c.at_ms.desc(), rule_outcome.c.id)
        .limit(limit)
    )


def prune(session: Session, before_ms: int) -> int:
    """Delete what rules kept in the table before that; return how many rows.

    Records for a lake that took nothing for so long go too: there is none any more.
    """
    lost = drop_records(session, before_ms)
    if lost:
        _log.warning("%d records that no lake has taken are deleted", lost)
    return session.run(delete(rule_outcome).where(rule_outcome.c.at_ms < before_ms))


def open_spells(session: Session) -> dict[str, int]:
    """At how many keys each rule is on or waits."""
    query = select(rule_spell.c.rule, func.count().label("keys")).group_by(rule_spell.c.rule)
    return {row.rule: row.keys for row in session.rows(query)}
