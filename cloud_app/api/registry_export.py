"""Lists of the registry as CSV files, in the columns that an import reads."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from fastapi.responses import StreamingResponse

from cloud_app.api.context import ApiContext
from cloud_app.api.export import attachment, pages, written
from cloud_app.registry.columns import cells_of, columns_of
from cloud_app.registry.files import text_of
from cloud_app.registry.queries import Filter, things
from cloud_app.registry.things import Thing

_PAGE = 1_000


def things_file(context: ApiContext, wanted: Filter) -> StreamingResponse:
    """All things of a kind that are wanted."""
    kind = wanted.kind

    def page(asked: Filter) -> Sequence[Thing]:
        with context.database.read() as session:
            return things(session, asked, _PAGE)

    def after(asked: Filter, last: Thing) -> Filter:
        return replace(asked, after=last)

    # All of them, wherever a page of the list would begin.
    found = pages(replace(wanted, after=None), page, after, _PAGE)
    columns = columns_of(kind)
    cells = (cells_of(kind, thing.ids, thing.facts) for thing in found)
    rows = ([_value(each.get(name)) for name in columns] for each in cells)
    parent = wanted.site if wanted.parent is None else wanted.parent.replace("/", "_")
    names = (kind.plural, parent)
    return StreamingResponse(
        written(columns, rows),
        media_type="text/csv; charset=utf-8",
        headers=attachment(names, context.clock.utc()),
    )


def _value(value: object) -> object:
    return value if isinstance(value, int | float) else text_of(value)
