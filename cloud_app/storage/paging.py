"""Reading a long list page by page: an order that an index has, and where the last page ended."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

from sqlalchemy import ColumnElement, UnaryExpression, and_, or_

from cloud_app.errors import PageLostError


class By(NamedTuple):
    """One column of an order; the last ones of an order name a row."""

    column: ColumnElement[Any]
    is_down: bool = False


Order = Sequence[By]


def ordered(order: Order) -> list[UnaryExpression[Any]]:
    """For ORDER BY."""
    return [by.column.desc() if by.is_down else by.column.asc() for by in order]


def beyond(order: Order, values: Sequence[Any]) -> ColumnElement[bool]:
    """The rows after the one that has these values in the columns of the order."""
    first = order[0].column
    # What the alternatives say of the first column, once more as a range of its index.
    bound = first <= values[0] if order[0].is_down else first >= values[0]
    alternatives = (
        and_(
            *(by.column == value for by, value in zip(order[:place], values, strict=False)),
            by.column < value if by.is_down else by.column > value,
        )
        for place, (by, value) in enumerate(zip(order, values, strict=True))
    )
    return and_(bound, or_(*alternatives))


def lost(last: str) -> PageLostError:
    """The error for a page whose row before it is gone, so that its place is unknown."""
    return PageLostError(f"after: {last} does not exist any more; request the first page again")
