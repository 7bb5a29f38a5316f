"""Commands to boxes over HTTP: sent, listed, followed; and the files that answer them."""

from __future__ import annotations

import re
from typing import Annotated, Any

from fastapi import APIRouter, HTTPException, Query, Response, status
from pydantic import BaseModel, ConfigDict, Field, JsonValue

from cloud_app.accounts.audit import Subject, record
from cloud_app.api.context import ActorNow, Caller, Context, Reading
from cloud_app.api.parameters import REFUSALS, Bearer, KnownQuery, Moment, Problem
from cloud_app.api.policy import Access, Permission, needed_for
from cloud_app.fleet.commands import (
    MAX_LIFE_S,
    CommandError,
    CommandFilter,
    CommandNow,
    Order,
    cancel,
    find,
    listed,
    send,
)
from cloud_app.fleet.files import file_of
from cloud_app.storage.database import Session
from cloud_app.storage.edge_queries import site_of
from telemetry import EdgeId, Identifier
from telemetry.commands import CommandName

router = APIRouter(
    prefix="/api/v1", tags=["commands"], dependencies=[Bearer, KnownQuery], responses=REFUSALS
)
_UNSAFE = re.compile(r"[^A-Za-z0-9_.-]")
_FILES: dict[int | str, dict[str, Any]] = {
    404: {"model": Problem, "description": "no file came, or its minutes are over"},
    409: {"model": Problem, "description": "it is still on its way"},
}


class NewCommand(BaseModel):
    """What a box is to do."""

    model_config = ConfigDict(extra="forbid")

    name: CommandName
    args: dict[str, JsonValue] = Field(default_factory=dict)
    life_s: float | None = Field(
        default=None,
        ge=1,
        le=MAX_LIFE_S,
        allow_inf_nan=False,
        description="a box that comes back later does not begin it; [fleet] command_life_s if null",
    )
    id: Identifier | None = Field(
        default=None, description="the same id is the same command, however often it is sent"
    )


def _may(access: Access, name: str, site: str) -> bool:
    return access.to(needed_for(name)).sites.sees(site)


def _known(session: Session, access: Access, edge: str, command: str) -> CommandNow:
    found = find(session, command)
    if found is None or found.edge != edge or not access.sites.sees(found.site):
        raise HTTPException(status.HTTP_404_NOT_FOUND, f"no command {command!r} of {edge!r}")
    return found


@router.get("/edges/{edge}/commands")
def get_commands(
    edge: EdgeId,
    reading: Reading,
    before: Annotated[
        Moment | None, Query(description="issued of the last one of the page before")
    ] = None,
    limit: Annotated[int, Query(ge=1, le=500)] = 50,
) -> list[CommandNow]:
    """Commands to an edge and how they stand, the newest first."""
    wanted = CommandFilter(edge=reading.edge(edge), before=before, limit=limit)
    return listed(reading.session, wanted)


@router.post("/edges/{edge}/commands", status_code=status.HTTP_202_ACCEPTED)
def post_command(
    edge: EdgeId, wanted: NewCommand, access: Caller, actor: ActorNow, context: Context
) -> CommandNow:
    """Have a box do something; one that is away is waited for until the command's end."""
    life_s = context.config.fleet.command_life_s if wanted.life_s is None else wanted.life_s
    with context.database.write() as session:
        site = site_of(session, edge)
        if site is None or not access.sites.sees(site):
            raise HTTPException(status.HTTP_404_NOT_FOUND, f"no edge {edge!r}")
        if not _may(access, wanted.name, site):
            detail = f"{wanted.name.value} needs the permission {needed_for(wanted.name).value}"
            raise HTTPException(status.HTTP_403_FORBIDDEN, detail)
        try:
            order = Order(edge, wanted.name, wanted.args, life_s, wanted.id)
            [made] = send(session, [order], actor.name, actor.at_ms)
        except CommandError as exc:
            raise HTTPException(status.HTTP_422_UNPROCESSABLE_CONTENT, str(exc)) from exc
        facts: dict[str, Any] = {"id": made.id, "name": made.name, "args": made.args}
        subject = Subject("edge", edge, context.owner(session, site))
        record(session, actor, "command.send", subject, None, facts)
    return made


@router.get("/edges/{edge}/commands/{command}")
def get_command(edge: EdgeId, command: Identifier, access: Caller, reading: Reading) -> CommandNow:
    """One command and how it stands."""
    return _known(reading.session, access, reading.edge(edge), command)


@router.delete(
    "/edges/{edge}/commands/{command}",
    responses={409: {"model": Problem, "description": "it was sent already"}},
)
def delete_command(
    edge: EdgeId, command: Identifier, access: Caller, actor: ActorNow, context: Context
) -> CommandNow:
    """Take a command back that was not sent yet."""
    with context.database.write() as session:
        found = _known(session, access, edge, command)
        if not cancel(session, command, actor.at_ms):
            detail = f"only a waiting command can be taken back: this one is {found.state.value}"
            raise HTTPException(status.HTTP_409_CONFLICT, detail)
        subject = Subject("edge", edge, context.owner(session, found.site))
        record(session, actor, "command.cancel", subject, {"id": command}, None)
        return _known(session, access, edge, command)


@router.get(
    "/edges/{edge}/commands/{command}/file",
    response_class=Response,
    responses={200: {"content": {"*/*": {}}, "description": "the file"}, **_FILES},
)
def get_command_file(
    edge: EdgeId, command: Identifier, access: Caller, reading: Reading
) -> Response:
    """The file that answers a command: a still, logs, a bundle. It is kept for minutes only."""
    found = _known(reading.session, access, reading.edge(edge), command)
    if not _may(access, found.name, found.site):
        raise HTTPException(status.HTTP_403_FORBIDDEN, f"no permission for {found.name}")
    try:
        file = file_of(reading.session, command)
    except CommandError as exc:
        raise HTTPException(status.HTTP_409_CONFLICT, str(exc)) from exc
    if file is None:
        raise HTTPException(status.HTTP_404_NOT_FOUND, "no file came, or its minutes are over")
    if file.is_picture and not access.to(Permission.PICTURES).sites.sees(found.site):
        raise HTTPException(status.HTTP_403_FORBIDDEN, "no permission for pictures")
    is_shown = file.media_type in {"image/jpeg", "text/plain"}
    how = "inline" if is_shown else "attachment"
    return Response(
        file.data,
        media_type=file.media_type if is_shown else "application/octet-stream",
        headers={
            "Content-Disposition": f'{how}; filename="{_UNSAFE.sub("_", file.name)}"',
            # Nobody between keeps it longer than we do.
            "Cache-Control": "no-store",
        },
    )
