"""What goes out to boxes when, and what their answers do to the tables."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import (
    Text,
    and_,
    bindparam,
    case,
    cast,
    delete,
    exists,
    func,
    literal,
    or_,
    select,
    update,
)
from sqlalchemy import text as sql

from cloud_app.fleet.commands import OPEN, CommandState
from cloud_app.fleet.tables import command, command_part, job
from cloud_app.storage.database import Row, Session
from cloud_app.storage.tables import edge
from cloud_app.storage.times import from_ms
from telemetry.commands import Command, CommandPart, CommandResult, CommandStatus

RESEND_FIRST_MS, RESEND_LAST_MS = 30_000, 480_000
"""Between two sends of a command that nobody answers; doubled each time."""
GRACE_MS = 600_000
"""A box that began in time may take so long beyond the end to answer."""
_SEND_AT_ONCE = 500
_DETAIL_CHARS = 1024

_WORK = select(
    or_(
        exists(select(command.c.command).where(command.c.due_ms.is_not(None))),
        exists(select(command_part.c.command)),
        exists(select(job.c.job).where(job.c.told == 0)),
    )
)
_OPEN = sorted(each.value for each in OPEN)
_UNHEARD = (CommandState.WAITING.value, CommandState.SENT.value)
_LIFE = cast(edge.c.epoch, Text).concat(literal("-")).concat(cast(edge.c.conn, Text))
# A box that came back may have lost what was on its way to it, and one that was asked lately may
# still be at it.
_DUE = (
    select(command, _LIFE.label("life"))
    .join(edge, edge.c.edge == command.c.edge)
    .where(
        command.c.due_ms.is_not(None),
        edge.c.dead == 0,
        or_(
            command.c.due_ms <= bindparam("now"),
            command.c.sent_conn.is_(None),
            command.c.sent_conn != _LIFE,
        ),
        or_(
            command.c.expires_ms > bindparam("now"),
            command.c.state.not_in(_UNHEARD),
        ),
    )
    .order_by(command.c.issued_ms, command.c.command)
    .limit(_SEND_AT_ONCE)
)
_IS_OPEN = and_(command.c.command == bindparam("of"), command.c.state.in_(_OPEN))
_SENT = (
    update(command)
    .where(_IS_OPEN)
    .values(
        state=case(
            (command.c.state == CommandState.WAITING.value, CommandState.SENT.value),
            else_=command.c.state,
        ),
        sends=command.c.sends + 1,
        sent_ms=func.coalesce(command.c.sent_ms, bindparam("at")),
        sent_conn=bindparam("life"),
        due_ms=bindparam("again"),
    )
)


@dataclass(frozen=True, slots=True)
class Due:
    """A command that is to go out.

    Attributes:
        site: of the box, as registered.
        edge: the box.
        message: what is published.
        left_s: how long it may lie at the broker.
    """

    site: str
    edge: str
    message: Command
    left_s: int


def is_idle(session: Session) -> bool:
    """Whether nothing is under way: so that a round costs no write."""
    return not session.rows(_WORK)[0][0]


def take_due(session: Session, now_ms: int) -> list[Due]:
    """Commands to boxes that are there; they count as sent once the transaction commits.

    The caller publishes them then. What is lost between goes out again after a while.
    """
    rows = session.rows(_DUE, {"now": now_ms})
    session.run_many(
        _SENT,
        [
            {
                "of": row.command,
                "at": now_ms,
                "life": row.life,
                "again": now_ms + min(RESEND_FIRST_MS << min(row.sends, 10), RESEND_LAST_MS),
            }
            for row in rows
        ],
    )
    for name in {row.edge for row in rows}:
        session.announce(name)
    return [_due(row, now_ms) for row in rows]


def _due(row: Row, now_ms: int) -> Due:
    message = Command(
        id=row.command,
        name=row.name,
        args=json.loads(row.args),
        issued=from_ms(row.issued_ms),
        expires=from_ms(row.expires_ms),
    )
    return Due(row.site, row.edge, message, max(1, (row.expires_ms - now_ms) // 1000))


_EXPIRED = (
    update(command)
    .where(
        command.c.due_ms.is_not(None),
        command.c.state.in_(_UNHEARD),
        command.c.expires_ms <= bindparam("now"),
    )
    .values(
        state=CommandState.EXPIRED.value,
        detail=case(
            (command.c.sends == 0, sql("'the box was not connected'")),
            else_=sql("'the box did not answer'"),
        ),
        ended_ms=bindparam("now"),
        due_ms=None,
    )
)
_UNANSWERED = (
    update(command)
    .where(
        command.c.due_ms.is_not(None),
        command.c.state.not_in(_UNHEARD),
        command.c.expires_ms <= bindparam("now") - GRACE_MS,
    )
    .values(
        state=CommandState.FAILED.value,
        detail=sql("'the box began, and never said how it ended'"),
        ended_ms=bindparam("now"),
        due_ms=None,
    )
)
_ENDING = select(command.c.edge).where(
    command.c.due_ms.is_not(None), command.c.expires_ms <= bindparam("now")
)


def expire(session: Session, now_ms: int) -> int:
    """End what nobody took up in time, and what never ended; returns how many."""
    edges = {row.edge for row in session.rows(_ENDING, {"now": now_ms})}
    if not edges:
        return 0
    ended = session.run(_EXPIRED, {"now": now_ms}) + session.run(_UNANSWERED, {"now": now_ms})
    if ended:
        for name in edges:
            session.announce(name)
    return ended


_FIND = select(command.c.edge, command.c.site, command.c.name, command.c.state).where(
    command.c.command == bindparam("of")
)
_FORWARD = {
    CommandStatus.RECEIVED: (
        update(command)
        .where(command.c.command == bindparam("of"), command.c.state.in_(_UNHEARD))
        .values(state=CommandState.RECEIVED.value, received_ms=bindparam("at"))
    ),
    CommandStatus.RUNNING: (
        update(command)
        .where(
            command.c.command == bindparam("of"),
            command.c.state.in_((*_UNHEARD, CommandState.RECEIVED.value)),
        )
        .values(
            state=CommandState.RUNNING.value,
            received_ms=func.coalesce(command.c.received_ms, bindparam("at")),
            running_ms=bindparam("at"),
        )
    ),
}
# Only what the cloud itself concluded is put right by a late answer; the first answer stands.
_BY_BOX = (CommandState.DONE.value, CommandState.REJECTED.value)
_END = (
    update(command)
    .where(
        command.c.command == bindparam("of"),
        or_(command.c.due_ms.is_not(None), command.c.result.is_(None)),
        command.c.state.not_in(_BY_BOX),
    )
    .values(
        state=bindparam("to"),
        ended_ms=bindparam("at"),
        detail=bindparam("why"),
        result=bindparam("answer"),
        due_ms=None,
    )
)


def take_result(session: Session, name: str, answer: CommandResult, now_ms: int) -> bool:
    """Take down what a box says of a command.

    Args:
        session: a transaction that writes.
        name: the box, by the topic of its answer.
        answer: what it said.
        now_ms: wall time here; that of a box may be wrong.

    Returns:
        Whether the command is one of that box; if not, nothing is written.
    """
    rows = session.rows(_FIND, {"of": answer.id})
    if not rows or rows[0].edge != name:
        return False
    if not answer.status.is_final:
        session.run(_FORWARD[answer.status], {"of": answer.id, "at": now_ms})
    else:
        session.run(
            _END,
            {
                "of": answer.id,
                "to": CommandState(answer.status.value).value,
                "at": now_ms,
                "why": answer.detail[:_DETAIL_CHARS],
                "answer": json.dumps(answer.result, ensure_ascii=True),
            },
        )
    session.announce(name)
    return True


_PART_THERE = select(func.count()).where(
    command_part.c.command == bindparam("of"), command_part.c.number == bindparam("which")
)
_PARTS = (
    select(command_part)
    .where(command_part.c.command == bindparam("of"))
    .order_by(command_part.c.number)
)


def keep_part(session: Session, name: str, part: CommandPart, until_ms: int) -> None:
    """Keep a part of a file that answers a command for a while; once, however often it comes.

    Args:
        session: a transaction that writes.
        name: the command.
        part: as it came.
        until_ms: when it is deleted.
    """
    if session.rows(_PART_THERE, {"of": name, "which": part.number})[0][0]:
        return
    session.load(
        command_part,
        [
            (
                name,
                part.number,
                part.parts,
                part.name,
                part.media_type,
                part.sha256,
                part.data,
                until_ms,
            )
        ],
    )


def parts_of(session: Session, name: str) -> Sequence[Row]:
    """The parts of a command's file, in order; empty once they are deleted."""
    return session.rows(_PARTS, {"of": name})


def forget_files(session: Session, now_ms: int) -> int:
    """Delete files whose time is over; returns how many parts."""
    return session.run(delete(command_part).where(command_part.c.until_ms <= now_ms))


def prune_commands(session: Session, before_ms: int) -> int:
    """Delete commands that ended before."""
    return session.run(
        delete(command).where(command.c.due_ms.is_(None), command.c.issued_ms < before_ms)
    )
