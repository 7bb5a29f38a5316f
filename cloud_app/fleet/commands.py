"""Commands to boxes, and how they go on: the seam that pages, the command line and campaigns use.

    send(session, orders, actor, now_ms)     have boxes told; a box that is away is waited for
    cancel(session, command, now_ms)         take one back that no box has heard of yet
    find(session, command)                   how one stands
    listed(session, wanted)                  how those of an edge, or many by their ids, stand

A command goes `waiting` -> `sent` -> `received` -> `running` -> `done` or `failed`; `rejected` by a
box that does not know it or its arguments; `expired` where no box took it up in time; `cancelled`.
What the box itself answers is the truth and ends it, whatever was thought before. It is sent again
until it is answered, which costs nothing: a box does each id once. Jobs, for what takes longer than
minutes, have the same seam in `cloud_app.fleet.jobs`.

Who may send what is for the caller to ask (`cloud_app.api.policy`), as is the audit log.
"""

from __future__ import annotations

import json
import secrets
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any

from pydantic import BaseModel, Field, JsonValue, ValidationError
from sqlalchemy import bindparam, insert, select, update

from cloud_app.errors import CloudError
from cloud_app.fleet.tables import command
from cloud_app.json_values import read_json
from cloud_app.storage.database import Row, Session
from cloud_app.storage.placing import sites_of_boxes
from cloud_app.storage.times import from_ms
from telemetry import is_identifier
from telemetry.commands import COMMAND_ARGS, CommandName
from telemetry.payload_checks import describe

MAX_LIFE_S = 7 * 86_400.0
"""A wish that is a week old is nobody's any more."""
_MAX_ARGS_BYTES = 16_384


class CommandError(CloudError):
    """A command that cannot be sent."""


class CommandState(StrEnum):
    """Where a command stands."""

    WAITING = "waiting"
    SENT = "sent"
    RECEIVED = "received"
    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"
    REJECTED = "rejected"
    EXPIRED = "expired"
    CANCELLED = "cancelled"

    @property
    def is_final(self) -> bool:
        """Whether nothing more is expected of it."""
        return self not in OPEN


OPEN = frozenset(
    {
        CommandState.WAITING,
        CommandState.SENT,
        CommandState.RECEIVED,
        CommandState.RUNNING,
    }
)


@dataclass(frozen=True, slots=True)
class Order:
    """What a box is to do.

    Attributes:
        edge: the box.
        name: of the command.
        args: its arguments.
        life_s: how long from now a box may still begin it.
        id: the same id is the same command, however often it is ordered; made up if None.
    """

    edge: str
    name: CommandName
    args: Mapping[str, JsonValue] = field(default_factory=dict)
    life_s: float = 300.0
    id: str | None = None

    def __post_init__(self) -> None:
        if not 1 <= self.life_s <= MAX_LIFE_S:
            msg = f"expected a life of 1 to {MAX_LIFE_S:.0f} s, but got {self.life_s:g}"
            raise CommandError(msg)
        if self.id is not None and not is_identifier(self.id):
            msg = f"expected an identifier as id of a command, but got {self.id!r}"
            raise CommandError(msg)
        try:
            COMMAND_ARGS[self.name].model_validate(dict(self.args))
        except ValidationError as exc:
            raise CommandError(describe(exc, f"{self.name.value} command")) from exc


class CommandNow(BaseModel):
    """How a command stands."""

    id: str
    edge: str
    site: str
    name: str
    args: dict[str, Any]
    actor: str = Field(description="who sent it")
    state: CommandState
    issued: datetime
    expires: datetime = Field(description="a box that comes back later does not begin it")
    sends: int = Field(description="how often it was published")
    sent: datetime | None
    received: datetime | None
    running: datetime | None
    ended: datetime | None
    detail: str = Field(description="why it failed")
    result: dict[str, Any] = Field(description="what the box answered")


@dataclass(frozen=True, slots=True)
class CommandFilter:
    """Which commands are wanted; None does not matter.

    Attributes:
        edge: to this box.
        name: of this kind.
        ids: these.
        is_open: still on their way, or over.
        before: those issued before, for the next page.
        limit: most of them, the newest first.
    """

    edge: str | None = None
    name: CommandName | None = None
    ids: Collection[str] | None = None
    is_open: bool | None = None
    before: datetime | None = None
    limit: int = 100


_INSERT = insert(command)


def send(session: Session, orders: Sequence[Order], actor: str, now_ms: int) -> list[CommandNow]:
    """Have boxes told; those that are away are told when they come back in time.

    Args:
        session: a transaction that writes.
        orders: any number, to different boxes or the same.
        actor: who sends them, for people to see.
        now_ms: wall time.

    Returns:
        Each command, in the order of `orders`; one that was ordered before as it stands now.

    Raises:
        CommandError: no such box is known, or an id was used for something else; nothing is sent.
    """
    sites = sites_of_boxes(session, sorted({each.edge for each in orders}))
    ids = [each.id or f"c-{secrets.token_hex(8)}" for each in orders]
    if len(set(ids)) != len(ids):
        msg = "expected each id once"
        raise CommandError(msg)
    named = [each.id for each in orders if each.id is not None]
    known = {each.id: each for each in listed(session, CommandFilter(ids=named))} if named else {}
    rows = []
    for name, order in zip(ids, orders, strict=True):
        if order.edge not in sites:
            msg = f"expected a known box, but got {order.edge!r}"
            raise CommandError(msg)
        if name in known:
            _check_same(known[name], order)
        else:
            rows.append(_row(name, order, sites[order.edge], actor, now_ms))
    session.run_many(_INSERT, rows)
    for edge in {row["edge"] for row in rows}:
        session.announce(edge)
    made = {row["command"]: _command(row) for row in rows}
    return [known.get(name) or made[name] for name in ids]


_CANCEL = (
    update(command)
    .where(
        command.c.command == bindparam("of"),
        command.c.state.in_((CommandState.WAITING.value,)),
    )
    .values(state=CommandState.CANCELLED.value, ended_ms=bindparam("at"), due_ms=None)
)


def cancel(session: Session, name: str, now_ms: int) -> bool:
    """Take a command back; False: it was sent already, so the box may be at it."""
    return session.run(_CANCEL, {"of": name, "at": now_ms}) > 0


def find(session: Session, name: str) -> CommandNow | None:
    """How a command stands; None: there is none of that id."""
    return next(iter(listed(session, CommandFilter(ids=[name]))), None)


def listed(session: Session, wanted: CommandFilter) -> list[CommandNow]:
    """Commands, the newest first."""
    query = select(command).order_by(command.c.issued_ms.desc(), command.c.command)
    if wanted.edge is not None:
        query = query.where(command.c.edge == wanted.edge)
    if wanted.name is not None:
        query = query.where(command.c.name == wanted.name.value)
    if wanted.is_open is not None:
        is_due = command.c.due_ms
        query = query.where(is_due.is_not(None) if wanted.is_open else is_due.is_(None))
    if wanted.before is not None:
        query = query.where(command.c.issued_ms < int(wanted.before.timestamp() * 1000))
    if wanted.ids is None:
        return [_of_row(row) for row in session.rows(query.limit(wanted.limit))]
    names, found = sorted(wanted.ids), []
    for start in range(0, len(names), _AT_ONCE):
        part = query.where(command.c.command.in_(names[start : start + _AT_ONCE]))
        found += [_of_row(row) for row in session.rows(part)]
    return found


# Below what SQLite takes as parameters of one statement.
_AT_ONCE = 500


def _row(name: str, order: Order, site: str, actor: str, now_ms: int) -> dict[str, Any]:
    args = json.dumps(dict(order.args), sort_keys=True)
    if len(args) > _MAX_ARGS_BYTES:
        msg = f"expected at most {_MAX_ARGS_BYTES} bytes of arguments, but got {len(args)}"
        raise CommandError(msg)
    return {
        "command": name,
        "edge": order.edge,
        "site": site,
        "name": order.name.value,
        "args": args,
        "actor": actor,
        "issued_ms": now_ms,
        "expires_ms": now_ms + int(order.life_s * 1000),
        "state": CommandState.WAITING.value,
        "due_ms": now_ms,
        "sends": 0,
    }


def _check_same(known: CommandNow, order: Order) -> None:
    same = (known.edge, known.name, known.args) == (order.edge, order.name.value, dict(order.args))
    if not same:
        msg = f"id {known.id} was used for {known.name} to {known.edge}: use another one"
        raise CommandError(msg)


def _of_row(row: Row) -> CommandNow:
    return _command(row._asdict())


def _command(row: Mapping[str, Any]) -> CommandNow:
    result = row.get("result")
    return CommandNow(
        id=row["command"],
        edge=row["edge"],
        site=row["site"],
        name=row["name"],
        args=read_json(row["args"]),
        actor=row["actor"],
        state=CommandState(row["state"]),
        issued=from_ms(row["issued_ms"]),
        expires=from_ms(row["expires_ms"]),
        sends=row["sends"],
        sent=from_ms(row.get("sent_ms")),
        received=from_ms(row.get("received_ms")),
        running=from_ms(row.get("running_ms")),
        ended=from_ms(row.get("ended_ms")),
        detail=row.get("detail") or "",
        result=read_json(result) if result else {},
    )
