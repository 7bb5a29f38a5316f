"""What rules still have to send: queued, settled, given up, sent again."""

from __future__ import annotations

import random
from collections.abc import Collection, Sequence
from typing import Any

from sqlalchemy import bindparam, delete, func, select, text, update

from cloud_app.accounts.audit import Actor, Subject, record
from cloud_app.rules.store import Rule
from cloud_app.rules.tables import rule_outbox as outbox
from cloud_app.storage.database import Row, Session, Values
from cloud_app.storage.upsert import Upsert

GIVE_UP_MS = 86_400_000
_FIRST_WAIT_MS = 5_000
_LONGEST_WAIT_MS = 900_000
_FAULT_MAX = 300
# Of one rule; beyond that nobody would read them, and a rule gone wild must not fill the disk.
QUEUED_MAX = 100_000
PER_ROUND = 100

_QUEUE = Upsert(
    outbox, ("id", "rule", "place", "kind", "body", "made_ms", "nth", "asked_ms", "due_ms")
)
_DUE_LINES = (
    select(outbox.c.rule, outbox.c.place)
    .distinct()
    .where(outbox.c.dead_ms.is_(None), outbox.c.due_ms <= bindparam("now_ms"))
    .order_by(outbox.c.rule, outbox.c.place)
)
_DUE = (
    select(outbox)
    .where(
        outbox.c.rule == bindparam("of"),
        outbox.c.place == bindparam("at"),
        outbox.c.dead_ms.is_(None),
        outbox.c.due_ms <= bindparam("now_ms"),
    )
    .order_by(outbox.c.made_ms, outbox.c.nth, outbox.c.id)
    .limit(PER_ROUND)
)
_GONE = delete(outbox).where(outbox.c.id == bindparam("which"))
_LATER = (
    update(outbox)
    .where(outbox.c.id == bindparam("which"))
    .values(
        tries=outbox.c.tries + bindparam("tried"),
        due_ms=bindparam("next_ms"),
        fault=bindparam("why"),
        dead_ms=bindparam("gone_ms"),
    )
)
_AGAIN = (
    update(outbox)
    .where(outbox.c.rule == bindparam("of"), outbox.c.dead_ms.is_not(None))
    .values(dead_ms=None, tries=0, due_ms=bindparam("now_ms"), asked_ms=bindparam("now_ms"))
)
_DROP = delete(outbox).where(outbox.c.rule == bindparam("of"), outbox.c.dead_ms.is_not(None))


def queue(session: Session, rows: Sequence[Values]) -> None:
    """Queue messages; one that is there already stays as it is.

    Args:
        session: the transaction that fires.
        rows: (id, rule, place, kind, body, made_ms, nth, asked_ms, due_ms)
    """
    session.upsert(_QUEUE, list({row[0]: row for row in rows}.values()))


def due_lines(session: Session, now_ms: int) -> list[tuple[str, int]]:
    """(rule, place) of each action that has something to send now."""
    return [(row.rule, row.place) for row in session.rows(_DUE_LINES, {"now_ms": now_ms})]


def due(session: Session, line: tuple[str, int], now_ms: int) -> Sequence[Row]:
    """What an action has to send now, in the order in which it came about."""
    return session.rows(_DUE, {"of": line[0], "at": line[1], "now_ms": now_ms})


def sent(session: Session, ids: Collection[str]) -> None:
    """Messages were taken."""
    session.run_many(_GONE, [{"which": each} for each in ids])


def wait_ms(tries: int, chance: random.Random) -> int:
    """How long to wait after so many tries: twice as long each time, and not all at once."""
    longest = min(_FIRST_WAIT_MS << min(tries, 20), _LONGEST_WAIT_MS)
    return round(longest * chance.uniform(0.5, 1.0))


def put_off(
    session: Session, rows: Sequence[Row], fault: str, now_ms: int, next_ms: int, *, tried: int
) -> None:
    """Messages were not taken: they are sent again, or given up after a day."""
    session.run_many(
        _LATER,
        [
            {
                "which": row.id,
                "tried": tried,
                "next_ms": next_ms,
                "why": fault[:_FAULT_MAX],
                "gone_ms": now_ms if now_ms - row.asked_ms >= GIVE_UP_MS else None,
            }
            for row in rows
        ],
    )


def give_up(session: Session, rows: Sequence[Row], fault: str, now_ms: int) -> None:
    """Nobody will ever take these as they are: dead at once."""
    session.run_many(
        _LATER,
        [
            {"which": row.id, "tried": 1, "next_ms": row.due_ms, "why": fault[:_FAULT_MAX],
             "gone_ms": now_ms}
            for row in rows
        ],
    )  # fmt: skip


def dead_letters(session: Session, which: str, limit: int) -> Sequence[Row]:
    """What a rule could not send, the newest first."""
    return session.rows(
        select(outbox)
        .where(outbox.c.rule == which, outbox.c.dead_ms.is_not(None))
        .order_by(outbox.c.dead_ms.desc(), outbox.c.id)
        .limit(limit)
    )


def replay(session: Session, actor: Actor, known: Rule) -> int:
    """Send all dead letters of a rule again, to where its actions now lead; return how many."""
    done = session.run(_AGAIN, {"of": known.id, "now_ms": actor.at_ms})
    _audit(session, actor, known, "rule.replay", done)
    return done


def discard(session: Session, actor: Actor, known: Rule) -> int:
    """Delete all dead letters of a rule; return how many."""
    done = session.run(_DROP, {"of": known.id})
    _audit(session, actor, known, "rule.discard", done)
    return done


def _audit(session: Session, actor: Actor, known: Rule, action: str, letters: int) -> None:
    subject = Subject("rule", known.id, str(known.tenant))
    record(session, actor, action, subject, None, {"letters": letters})


def counts(session: Session, rules: Collection[str]) -> dict[str, tuple[int, int, str | None]]:
    """By rule: how many messages wait, how many are dead, and why one was not taken."""
    rows = session.rows(
        select(
            outbox.c.rule,
            func.sum(text("CASE WHEN dead_ms IS NULL THEN 1 ELSE 0 END")).label("waiting"),
            func.count(outbox.c.dead_ms).label("dead"),
            func.max(outbox.c.fault).label("fault"),
        ).group_by(outbox.c.rule)
    )
    wanted = set(rules)
    return {
        row.rule: (int(row.waiting), int(row.dead), row.fault) for row in rows if row.rule in wanted
    }


def prune_dead(session: Session, before_ms: int) -> int:
    """Delete letters that have been dead for so long; return how many."""
    return session.run(delete(outbox).where(outbox.c.dead_ms < before_ms))


def queued(session: Session, which: str) -> int:
    """How many messages of a rule there are, dead ones included."""
    found: Any = select(func.count()).select_from(outbox).where(outbox.c.rule == which)
    return int(session.rows(found)[0][0])
