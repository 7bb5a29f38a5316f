"""What the registry answers, and how it is written to: one place for ETags and refusals."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Annotated, Any

from fastapi import Depends, Header, HTTPException, Response, status
from fastapi.encoders import jsonable_encoder
from fastapi.responses import JSONResponse

from cloud_app.accounts.audit import Actor
from cloud_app.accounts.registry_log import record_thing
from cloud_app.api.context import ActorNow, ApiContext, Caller, Context
from cloud_app.api.policy import Access
from cloud_app.api.registry_access import refuse_strangers
from cloud_app.api.registry_views import Record, record
from cloud_app.registry.edits import Edit
from cloud_app.registry.errors import (
    FactsError,
    StaleWriteError,
    ThingInUseError,
    UnknownThingError,
)
from cloud_app.registry.facts import Facts
from cloud_app.registry.kinds import Ref
from cloud_app.registry.queries import time_zones_of
from cloud_app.registry.things import Thing
from cloud_app.storage.database import Session

_ETAG = re.compile(r'(?:W/)?"(\d{1,15})"')

IfMatch = Annotated[
    str | None,
    Header(
        pattern=r'^(W/)?"[0-9]{1,15}"$',
        description="the ETag of the version read; omit to create",
    ),
]


@contextmanager
def refusals_answered(session: Session) -> Iterator[None]:
    """Turn refusals of the registry into answers."""
    try:
        yield
    except UnknownThingError as exc:
        raise HTTPException(status.HTTP_404_NOT_FOUND, str(exc)) from exc
    except ThingInUseError as exc:
        raise HTTPException(status.HTTP_409_CONFLICT, str(exc)) from exc
    except FactsError as exc:
        detail = [
            {
                "loc": ["body", *([each.field] if each.field else [])],
                "msg": each.told,
                "type": "registry",
            }
            for each in exc.faults
        ]
        raise HTTPException(status.HTTP_422_UNPROCESSABLE_CONTENT, detail) from exc


def newer_thing(session: Session, error: StaleWriteError, if_match: str | None) -> Response:
    """The answer to a write of an older version: the newer one; 428 without If-Match."""
    if if_match is None:
        told = f"{error}: send If-Match with the ETag of what was read"
        return JSONResponse({"detail": told}, status.HTTP_428_PRECONDITION_REQUIRED)
    return shown_thing(session, error.current, status.HTTP_412_PRECONDITION_FAILED)


def shown_thing(session: Session, thing: Thing, code: int = status.HTTP_200_OK) -> Response:
    """A thing with its ETag."""
    body = Record[Any].model_construct(**record(thing, zones_of(session, [thing])))
    shown = jsonable_encoder(body.model_dump(mode="json", serialize_as_any=True))
    return JSONResponse(shown, code, {"ETag": f'"{thing.version}"'})


def zones_of(session: Session, found: list[Thing]) -> dict[str, str | None]:
    """The time zone of each site of these things."""
    return time_zones_of(session, {thing.site for thing in found if thing.site is not None})


def version_of(if_match: str | None) -> int | None:
    """The version that If-Match names."""
    found = None if if_match is None else _ETAG.fullmatch(if_match)
    return None if found is None else int(found[1])


def needed_version(if_match: str | None) -> int:
    """The version that If-Match names; 428 without one."""
    version = version_of(if_match)
    if version is None:
        told = "expected If-Match with the ETag of what was read"
        raise HTTPException(status.HTTP_428_PRECONDITION_REQUIRED, told)
    return version


@dataclass(frozen=True, slots=True)
class RegistryWriter:
    """Who writes, and where."""

    access: Access
    context: ApiContext
    actor: Actor

    def edit(self, ref: Ref, version: int | None) -> Edit:
        """Of a thing that was read as this version."""
        return Edit(ref, self.access.name, self.actor.at_ms, version)


def _writer(access: Caller, context: Context, actor: ActorNow) -> RegistryWriter:
    return RegistryWriter(access, context, actor)


Writer = Annotated[RegistryWriter, Depends(_writer)]
Work = Callable[[Session, Edit], Thing]


def written(writer: RegistryWriter, edit: Edit, given: Facts | None, work: Work) -> Response:
    """Write a thing and its line of the audit log; the answer is the thing as it is now."""
    with writer.context.database.write() as session:
        refuse_strangers(session, writer.access, edit.ref, given, writer.context.accounts.tenants)
        with refusals_answered(session):
            try:
                thing = work(session, edit)
            except StaleWriteError as exc:
                return newer_thing(session, exc, None if edit.version is None else "")
        if thing.version != edit.version:
            record_thing(session, writer.actor, edit.ref)
        is_new = edit.version is None
        code = status.HTTP_201_CREATED if is_new else status.HTTP_200_OK
        return shown_thing(session, thing, code)
