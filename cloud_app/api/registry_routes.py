"""The registry over HTTP: each kind of thing has the same routes.

A write names the version that it was made from (If-Match, the ETag of what was read). If somebody
else changed the thing since, the answer is 412 with the newer one, and nothing is written.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Annotated, Any, NamedTuple

from fastapi import APIRouter, Body, Depends, HTTPException, Query, Response, status

from cloud_app.accounts.registry_log import record_thing
from cloud_app.api.context import Reading
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
from cloud_app.api.registry_access import may_see, missing, refuse_strangers, seen, shown_to
from cloud_app.api.registry_answers import (
    IfMatch,
    Writer,
    needed_version,
    newer_thing,
    refusals_answered,
    shown_thing,
    version_of,
    written,
    zones_of,
)
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
from cloud_app.registry.errors import (
    StaleWriteError,
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
)
from cloud_app.registry.things import find_one
from telemetry import Identifier

_ROOT = "/api/v1/registry"
_MAP_MAX = 10_000

router = APIRouter(
    prefix=_ROOT, tags=["registry"], dependencies=[Bearer, KnownQuery], responses=REFUSALS
)

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


# -- Lists ----------------------------------------------------------------------------------------


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
        zones = zones_of(reading.session, page)
        return {
            "items": [record(thing, zones) for thing in page],
            "after": page[-1].ref.key if more else None,
        }

    def get_one(ref: Ref, reading: Reading) -> Any:
        return shown_thing(reading.session, seen(reading.session, reading.access, ref))

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
        edit = writer.edit(ref, version_of(if_match))
        return written(writer, edit, given, lambda session, edit: edits.state(session, edit, said))

    def patch(ref: Ref, given: Facts, writer: Writer, if_match: IfMatch = None) -> Any:
        said = given.model_dump(mode="json", exclude_unset=True)
        edit = writer.edit(ref, needed_version(if_match))
        return written(writer, edit, given, lambda session, edit: edits.amend(session, edit, said))

    def revert(ref: Ref, given: Reverted, writer: Writer, if_match: IfMatch = None) -> Any:
        edit = writer.edit(ref, needed_version(if_match))
        return written(
            writer,
            edit,
            None,
            lambda session, edit: edits.revert(session, edit, given.facts),
        )

    def delete(ref: Ref, writer: Writer, if_match: IfMatch = None) -> Response:
        edit = writer.edit(ref, needed_version(if_match))
        with writer.context.database.write() as session:
            refuse_strangers(session, writer.access, ref, None, writer.context.accounts.tenants)
            with refusals_answered(session):
                try:
                    edits.remove(session, edit)
                except StaleWriteError as exc:
                    return newer_thing(session, exc, "")
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
