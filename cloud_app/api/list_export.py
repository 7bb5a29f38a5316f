"""Long lists as CSV files: read page by page, newest first."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

from fastapi.responses import StreamingResponse

from cloud_app.api.context import ApiContext
from cloud_app.api.export import csv_answer, pages
from cloud_app.storage.incidents import IncidentFilter, incidents
from cloud_app.storage.streams import EventFilter, place_of, recent_events
from cloud_app.views import EventItem, IncidentItem

_PAGE = 1_000


def events_file(
    context: ApiContext, wanted: EventFilter, names: Sequence[str | None]
) -> StreamingResponse:
    """All events that are wanted, site by site where they are limited to sites."""
    sites = (None,) if wanted.sites is None else sorted(wanted.sites)
    found = (
        event
        for site in sites
        for event in _events(context, replace(wanted, sites=None if site is None else (site,)))
    )
    return csv_answer(EventItem, found, ("events", *names), context.clock.utc())


def _events(context: ApiContext, wanted: EventFilter) -> Iterator[EventItem]:
    def page(asked: EventFilter) -> Sequence[EventItem]:
        with context.database.read() as session:
            return recent_events(session, _PAGE, asked)

    def after(asked: EventFilter, last: EventItem) -> EventFilter:
        return replace(asked, after=place_of(last))

    return pages(wanted, page, after, _PAGE)


def incidents_file(
    context: ApiContext, wanted: IncidentFilter, names: Sequence[str | None]
) -> StreamingResponse:
    """All incidents that are wanted, those that last first."""
    now = context.now()

    def page(asked: IncidentFilter) -> Sequence[IncidentItem]:
        with context.database.read() as session:
            return incidents(session, now, asked, _PAGE)

    def after(asked: IncidentFilter, last: IncidentItem) -> IncidentFilter:
        return replace(asked, after=(last.edge, last.incident))

    # All of them, wherever a page of the list would begin.
    found = pages(replace(wanted, after=None), page, after, _PAGE)
    return csv_answer(IncidentItem, found, ("incidents", *names), context.clock.utc())
