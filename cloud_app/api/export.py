"""Lists as CSV files: the same rows as the JSON answer, streamed, safe in a spreadsheet."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import datetime
from enum import StrEnum
from types import NoneType, UnionType
from typing import Annotated, Any, TypeVar, get_args, get_origin

from fastapi import Query
from fastapi.responses import StreamingResponse
from pydantic import BaseModel

T = TypeVar("T")

_FLUSH_CHARS = 65_536
_FORMULA = ("=", "+", "-", "@", "\t", "\r")


class Format(StrEnum):
    """Response formats of a list."""

    JSON = "json"
    CSV = "csv"


Form = Annotated[
    Format,
    Query(alias="format", description="csv: all matching rows as a file"),
]
OR_CSV: dict[int | str, dict[str, Any]] = {200: {"content": {"text/csv": {}}}}
"""For a route's `responses`."""


def csv_answer(
    kind: type[BaseModel], items: Iterable[BaseModel], names: Sequence[str | None], at: datetime
) -> StreamingResponse:
    """A file with a line for each item.

    Args:
        kind: of the items; its fields are the columns, those within a field joined by `_`.
        items: read while the file is sent, so they must hold no session.
        names: of the list and of what it is limited to, for the file's name.
        at: the day for the file's name.
    """
    columns = columns_of(kind)
    rows = ([_at(item, path) for _, path in columns] for item in items)
    return StreamingResponse(
        written(["_".join(path) for _, path in columns], rows),
        media_type="text/csv; charset=utf-8",
        headers=attachment(names, at),
    )


def attachment(names: Sequence[str | None], at: datetime) -> dict[str, str]:
    """Headers of a CSV file; ids have no character that a file name must not have."""
    name = "_".join([*(each for each in names if each), f"{at:%Y-%m-%d}"])
    return {
        "Content-Disposition": f'attachment; filename="{name}.csv"',
        "Cache-Control": "no-store",
    }


def columns_of(
    kind: type[BaseModel], above: tuple[str, ...] = ()
) -> list[tuple[Any, tuple[str, ...]]]:
    """The type and the path of each column; the fields of models are separate columns."""
    found: list[tuple[Any, tuple[str, ...]]] = []
    for name, field in kind.model_fields.items():
        inner = _without_none(field.annotation)
        if isinstance(inner, type) and issubclass(inner, BaseModel):
            found += columns_of(inner, (*above, name))
        else:
            found.append((inner, (*above, name)))
    return found


def _without_none(annotation: Any) -> Any:
    if get_origin(annotation) is not UnionType:
        return annotation
    kinds = [each for each in get_args(annotation) if each is not NoneType]
    return kinds[0] if len(kinds) == 1 else annotation


def _at(item: Any, path: Iterable[str]) -> Any:
    for name in path:
        if item is None:
            return None
        item = getattr(item, name)
    return item


def written(columns: Sequence[str], rows: Iterable[Iterable[Any]]) -> Iterator[str]:
    """A CSV file in pieces (RFC 4180)."""
    buffer = io.StringIO()
    writer = csv.writer(buffer)
    writer.writerow(columns)
    for row in rows:
        writer.writerow([cell(value) for value in row])
        if buffer.tell() > _FLUSH_CHARS:
            yield buffer.getvalue()
            buffer.seek(0)
            buffer.truncate()
    yield buffer.getvalue()


def cell(value: Any) -> str:
    """A value as the text of a cell that no spreadsheet takes for a formula."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int | float):
        return repr(value)
    text = _text(value)
    return f"'{text}" if text.startswith(_FORMULA) else text


def _text(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, datetime):
        # As the JSON answer has it.
        return value.isoformat().replace("+00:00", "Z")
    if isinstance(value, BaseModel):
        return value.model_dump_json()
    if isinstance(value, dict):
        return json.dumps(value, ensure_ascii=False, default=str)
    if isinstance(value, list | tuple | set | frozenset):
        return ";".join(_text(each) for each in value)
    return str(value)


def pages(
    first: T, page: Callable[[T], Sequence[Any]], after: Callable[[T, Any], T], size: int
) -> Iterator[Any]:
    """All rows of a list, page by page, so that a slow reader holds no session meanwhile.

    Args:
        first: what asks for the first page.
        page: reads one, with its own session.
        after: what asks for the page after an item.
        size: of a page; a shorter one is the last.
    """
    asked = first
    while True:
        found = page(asked)
        yield from found
        if len(found) < size:
            return
        asked = after(asked, found[-1])
