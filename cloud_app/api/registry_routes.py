"""The registry over HTTP: each kind of thing has the same routes.

A write names the version that it was made from (If-Match, the ETag of what was read). If somebody
else changed the thing since, the answer is 412 with the newer one, and nothing is written.
"""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Annotated, Any, NamedTuple

from fastapi import APIRouter, Body, Depends, Header, HTTPException, Query, Response, status
from fastapi.encoders import jsonable_encoder
from fastapi.responses import JSONResponse

from cloud_app.accounts.audit import Actor
from cloud_app.accounts.registry_log import record_thing
from cloud_app.api.context import ActorNow, ApiContext, Caller, Context, Reading
from cloud_app.api.export import OR_CSV, Form, Format
from cloud_app.api.parameters import (
    REFUSALS,
    Bearer,
    BoundingBox,
    KnownQuery,
    Problem,
    Words,
    is_descending,
    order_by,
    window_of,
)
from cloud_app.api.policy import Access
from cloud_app.api.registry_access import may_see, missing, refuse_strangers, seen, shown_to
from cloud_app.api.registry_export import things_file
from cloud_app.api.registry_views import (
    Features,
    HistoryEntry,
    Page,
    Record,
    Reverted,
    entry,
    feature,
    record,
)
from cloud_app.registry import edits
from cloud_app.registry.edits import Edit
from cloud_app.registry.errors import (
    FactsError,
    StaleWriteError,
    ThingInUseError,
    UnknownThingError,
)
from cloud_app.registry.facts import Facts
from cloud_app.registry.kinds import BAY, DEVICE, KINDS, LOT, SITE, ZONE, Kind, Ref
from cloud_app.registry.queries import (
    Filter,
    ThingOrder,
    history,
    in_window,
    last_site,
    things,
    time_zones_of,
)
from cloud_app.registry.things import Thing, find_one
from cloud_app.storage.database import Session
from telemetry import Identifier

_ROOT = "/api/v1/registry"
_ETAG = re.compile(r'(?:W/)?"(\d{1,15})"')
_MAP_MAX = 10_000

router = APIRouter(
    prefix=_ROOT, tags=["registry"], dependencies=[Bearer, KnownQuery], responses=REFUSALS
)

IfMatch = Annotated[
    str | None,
    Header(
        pattern=r'^(W/)?"[0-9]{1,15}"$',
        description="the ETag of the version read; omit to create",
    ),
]
Limit = Annotated[int, Query(ge=1, le=1000)]
After = Annotated[
    str | None,
    Query(max_length=200, pattern=r"^[A-Za-z0-9_./-]*$", description="`after` of the page before"),
]
Below = Annotated[int | None, Query(ge=1, le=2**53, description="versions below this one")]
_Map = {"lot": LOT, "zone": ZONE, "bay": BAY, "device": DEVICE, "site": SITE}
_Answers = dict[int | str, dict[str, Any]]
_PRECONDITION: _Answers = {
    428: {"model": Problem, "description": "If-Match is missing: the ETag of the version read"}
}
_IN_USE: _Answers = {
    409: {"model": Problem, "description": "still in use by other entries or by a layout"}
}


# -- Answers ------------------------------------------------------------------------------------


@contextmanager
def _answers(session: Session) -> Iterator[None]:
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


def _newer(session: Session, error: StaleWriteError, if_match: str | None) -> Response:
    if if_match is None:
        told = f"{error}: send If-Match with the ETag of what was read"
        return JSONResponse({"detail": told}, status.HTTP_428_PRECONDITION_REQUIRED)
    return _shown(session, error.current, status.HTTP_412_PRECONDITION_FAILED)


def _shown(session: Session, thing: Thing, code: int = status.HTTP_200_OK) -> Response:
    body = Record[Any].model_construct(**record(thing, _zones(session, [thing])))
    shown = jsonable_encoder(body.model_dump(mode="json", serialize_as_any=True))
    return JSONResponse(shown, code, {"ETag": f'"{thing.version}"'})


def _zones(session: Session, found: list[Thing]) -> dict[str, str | None]:
    return time_zones_of(session, {thing.site for thing in found if thing.site is not None})


def _version(if_match: str | None) -> int | None:
    found = None if if_match is None else _ETAG.fullmatch(if_match)
    return None if found is None else int(found[1])


def _needed(if_match: str | None) -> int:
    version = _version(if_match)
    if version is None:
        told = "expected If-Match with the ETag of what was read"
        raise HTTPException(status.HTTP_428_PRECONDITION_REQUIRED, told)
    return version


@dataclass(frozen=True, slots=True)
class _Writer:
    """Who writes, and where."""

    access: Access
    context: ApiContext
    actor: Actor

    def edit(self, ref: Ref, version: int | None) -> Edit:
        """Of a thing that was read as this version."""
        return Edit(ref, self.access.name, self.actor.at_ms, version)


def _writer(access: Caller, context: Context, actor: ActorNow) -> _Writer:
    return _Writer(access, context, actor)


Writer = Annotated[_Writer, Depends(_writer)]
Work = Callable[[Session, Edit], Thing]


def _written(writer: _Writer, edit: Edit, given: Facts | None, work: Work) -> Response:
    with writer.context.database.write() as session:
        refuse_strangers(session, writer.access, edit.ref, given, writer.context.accounts.tenants)
        with _answers(session):
            try:
                thing = work(session, edit)
            except StaleWriteError as exc:
                return _newer(session, exc, None if edit.version is None else "")
        if thing.version != edit.version:
            record_thing(session, writer.actor, edit.ref)
        is_new = edit.version is None
        return _shown(session, thing, status.HTTP_201_CREATED if is_new else status.HTTP_200_OK)


class _ListQuery:
    """What a reader of a list asks for; its kind is the route's."""

    def __init__(
        self,
        *,
        q: Words = None,
        sort: Annotated[str, order_by(ThingOrder)] = ThingOrder.KEY,
        after: After = None,
    ) -> None:
        order = ThingOrder(sort.removeprefix("-"))
        self.wanted = Filter(SITE, after=after, q=q, order=order, is_down=is_descending(sort))


class _Parent(NamedTuple):
    """What the things of a list belong to: by its key, or only the site that they are at."""

    key: str | None = None
    site: str | None = None


# -- The routes of a kind -----------------------------------------------------------------------


def _one(kind: Kind) -> str:
    return f"an {kind.name}" if kind.name[0] in "aeiou" else f"a {kind.name}"


def _ref_of(kind: Kind) -> Callable[..., Ref]:
    """A dependency with the ids of a kind as path parameters."""

    def ref(**ids: str) -> Ref:
        return kind.ref(ids)

    ref.__signature__ = _signature(dict.fromkeys(kind.ids, Identifier))  # type: ignore[attr-defined]
    return ref


def _parent_of(kind: Kind) -> Callable[..., _Parent]:
    """A dependency with what things of a kind belong to as query parameters: the largest first."""
    ids = () if kind.parent is None else KINDS[kind.parent].ids

    def parent(**given: str | None) -> _Parent:
        named = [value for value in given.values() if value is not None]
        if list(given.values())[: len(named)] != named:
            told = f"expected {' and '.join(ids)} together, or {ids[0]} alone"
            raise HTTPException(status.HTTP_422_UNPROCESSABLE_CONTENT, told)
        if len(named) < len(ids):
            return _Parent(site=named[0] if named else None)
        return _Parent("/".join(named) or None)

    optional = Annotated[Identifier | None, Query(description="filter by what it belongs to")]
    parent.__signature__ = _signature(dict.fromkeys(ids, optional), None)  # type: ignore[attr-defined]
    return parent


def _signature(
    kinds: Mapping[str, Any], default: Any = inspect.Parameter.empty
) -> inspect.Signature:
    only = inspect.Parameter.KEYWORD_ONLY
    return inspect.Signature(
        [inspect.Parameter(name, only, default=default, annotation=a) for name, a in kinds.items()]
    )


def _typed(endpoint: Callable[..., Any], **types: Any) -> Callable[..., Any]:
    """The endpoint with what its kind has: FastAPI reads the annotations."""
    endpoint.__annotations__.update(types)
    return endpoint


def _add_reading(kind: Kind, path: str, ref_type: Any) -> None:
    shown = Record[kind.facts]  # type: ignore[name-defined]

    def get_page(
        reading: Reading,
        parent: _Parent,
        query: Annotated[_ListQuery, Depends()],
        limit: Limit = 200,
        form: Form = Format.JSON,
    ) -> Any:
        asked = replace(query.wanted, kind=kind, parent=parent.key, site=parent.site)
        wanted = shown_to(reading.access, kind, asked)
        if form is Format.CSV:
            return things_file(reading.context, wanted)
        found = things(reading.session, wanted, limit + 1)
        page, more = found[:limit], len(found) > limit
        zones = _zones(reading.session, page)
        return {
            "items": [record(thing, zones) for thing in page],
            "after": page[-1].ref.key if more else None,
        }

    def get_one(ref: Ref, reading: Reading) -> Any:
        return _shown(reading.session, seen(reading.session, reading.access, ref))

    def get_history(
        ref: Ref, reading: Reading, limit: Limit = 100, below: Below = None
    ) -> list[HistoryEntry]:
        found = find_one(reading.session, ref)
        site = last_site(reading.session, ref) if found is None else found.site
        entries = history(reading.session, ref, limit, below)
        if not entries or not may_see(reading.access, ref, site):
            raise missing(ref)
        return [entry(each) for each in entries]

    parent_type = Annotated[_Parent, Depends(_parent_of(kind))]
    of = f"{kind.name}s" if kind.plural == f"{kind.name}s" else kind.plural
    router.get(
        f"/{kind.plural}",
        summary=f"A page of {of}",
        response_model=Page[kind.facts],  # type: ignore[name-defined]
        responses=OR_CSV,
    )(_typed(get_page, parent=parent_type))
    router.get(path, summary=f"One {kind.name}, with its ETag", response_model=shown)(
        _typed(get_one, ref=ref_type)
    )
    router.get(
        f"{path}/history",
        summary=f"The changes of {_one(kind)}, newest first",
        response_model=list[HistoryEntry],
    )(_typed(get_history, ref=ref_type))


def _add_writing(kind: Kind, path: str, ref_type: Any) -> None:
    shown = Record[kind.facts]  # type: ignore[name-defined]
    newer: _Answers = {
        412: {"model": shown, "description": "changed by someone else: the newer version"}
    }
    refused: _Answers = {**newer, **_PRECONDITION}

    def put(ref: Ref, given: Facts, writer: Writer, if_match: IfMatch = None) -> Any:
        said = given.model_dump(mode="json", exclude_unset=True)
        edit = writer.edit(ref, _version(if_match))
        return _written(writer, edit, given, lambda session, edit: edits.state(session, edit, said))

    def patch(ref: Ref, given: Facts, writer: Writer, if_match: IfMatch = None) -> Any:
        said = given.model_dump(mode="json", exclude_unset=True)
        edit = writer.edit(ref, _needed(if_match))
        return _written(writer, edit, given, lambda session, edit: edits.amend(session, edit, said))

    def revert(ref: Ref, given: Reverted, writer: Writer, if_match: IfMatch = None) -> Any:
        edit = writer.edit(ref, _needed(if_match))
        return _written(
            writer,
            edit,
            None,
            lambda session, edit: edits.revert(session, edit, given.facts),
        )

    def delete(ref: Ref, writer: Writer, if_match: IfMatch = None) -> Response:
        edit = writer.edit(ref, _needed(if_match))
        with writer.context.database.write() as session:
            refuse_strangers(session, writer.access, ref, None, writer.context.accounts.tenants)
            with _answers(session):
                try:
                    edits.remove(session, edit)
                except StaleWriteError as exc:
                    return _newer(session, exc, "")
            record_thing(session, writer.actor, ref)
        return Response(status_code=status.HTTP_204_NO_CONTENT)

    body = Annotated[kind.facts, Body()]  # type: ignore[name-defined]
    router.put(
        path,
        summary=f"Create {_one(kind)}, or replace all its properties with If-Match",
        response_model=shown,
        responses={**refused, 201: {"model": shown, "description": "created"}},
    )(_typed(put, ref=ref_type, given=body))
    router.patch(
        path,
        summary=f"Change some properties of {_one(kind)}; null: none",
        response_model=shown,
        responses=refused,
    )(_typed(patch, ref=ref_type, given=body))
    router.post(
        f"{path}/revert",
        summary="Revert some properties to the layout's values",
        response_model=shown,
        responses=refused,
    )(_typed(revert, ref=ref_type))
    router.delete(
        path,
        summary=f"Delete {_one(kind)}; its history is kept",
        status_code=status.HTTP_204_NO_CONTENT,
        responses={**refused, **_IN_USE},
    )(_typed(delete, ref=ref_type))


def _add_kind(kind: Kind) -> None:
    path = f"/{kind.plural}/" + "/".join(f"{{{name}}}" for name in kind.ids)
    ref_type = Annotated[Ref, Depends(_ref_of(kind))]
    _add_reading(kind, path, ref_type)
    _add_writing(kind, path, ref_type)


for _kind in KINDS.values():
    _add_kind(_kind)


# -- The map ------------------------------------------------------------------------------------


@router.get("/map")
def get_map(
    reading: Reading,
    bbox: BoundingBox,
    kind: Annotated[str, Query(pattern=f"^({'|'.join(_Map)})$")] = LOT.name,
    limit: Annotated[int, Query(ge=1, le=_MAP_MAX)] = 2_000,
) -> Features:
    """List entries of one kind in a map window, as GeoJSON."""
    wanted = shown_to(reading.access, _Map[kind], Filter(_Map[kind]))
    found, more = in_window(reading.session, wanted, window_of(bbox), limit)
    return Features(features=[feature(thing) for thing in found], truncated=more)
