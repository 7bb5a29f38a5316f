"""Days that are unlike others: public holidays of a site's country and region, local events.

A holiday counts as a day off in forecasts where a backtest on the site's own past says that this
makes them better; else it is only told beside the forecast. Local events are always only told.
"""

from __future__ import annotations

import csv
import io
import logging
from collections.abc import Mapping
from datetime import date, datetime
from functools import lru_cache

from pydantic import BaseModel, ConfigDict, Field
from sqlalchemy import delete, insert, select

from cloud_app.analytics.demand import ForecastError
from cloud_app.analytics.forecast.features import DayKind, by_weekend
from cloud_app.analytics.tables import local_event
from cloud_app.registry.kinds import SITE, Ref
from cloud_app.registry.things import find
from cloud_app.storage.database import Session, Values
from cloud_app.storage.times import from_ms, to_ms

_log = logging.getLogger(__name__)

EVENTS_MAX = 5_000
_NAME_MAX = 120


class DayNote(BaseModel):
    """Something that is known of a time that is forecast."""

    model_config = ConfigDict(frozen=True)

    name: str
    start: datetime
    end: datetime
    kind: str = Field(description="`holiday` or `event`")
    used: bool = Field(description="whether the forecast reckons with it")
    effect: float | None = Field(
        default=None, description="of an event: share of the bays that somebody expects beside"
    )


@lru_cache(maxsize=64)
def _calendar(country: str, region: str | None, year: int) -> Mapping[date, str]:
    import holidays

    try:
        return dict(holidays.country_holidays(country, subdiv=region, years=year))
    except NotImplementedError:
        if region is not None:
            _log.warning("holidays of %s: region %s is not known", country, region)
            return _calendar(country, None, year)
        _log.info("holidays of %s are not known", country)
        return {}


class Calendar:
    """The public holidays of a country, or of a region of it.

    Args:
        country: ISO 3166-1, two letters; None where nobody said it: there are none then.
        region: ISO 3166-2 without the country, such as BY.
    """

    def __init__(self, country: str | None, region: str | None) -> None:
        self._country = country
        self._region = region

    @classmethod
    def of_site(cls, session: Session, site: str) -> Calendar:
        """As the registry says where a site lies."""
        for thing in find(session, [Ref(SITE.name, site)]).values():
            return cls(thing.said.get("country"), thing.said.get("region"))
        return cls(None, None)

    def name_of(self, day: date) -> str | None:
        """Of the holiday; None for any other day."""
        if self._country is None:
            return None
        return _calendar(self._country, self._region, day.year).get(day)

    def day_kind(self, day: date) -> int:
        """0 for working days, 1 for weekends and holidays."""
        return 1 if self.name_of(day) is not None else by_weekend(day)

    def kind(self, *, with_holidays: bool) -> DayKind:
        """Which days are alike."""
        return self.day_kind if with_holidays else by_weekend


def events_of(session: Session, site: str, lot: str, start_ms: int, end_ms: int) -> list[DayNote]:
    """Local events of a lot, or of its whole site, that lie in a span at least in part."""
    rows = session.rows(
        select(local_event)
        .where(
            local_event.c.site == site,
            local_event.c.lot.in_(("", lot)),
            local_event.c.begin_ms < end_ms,
            local_event.c.end_ms > start_ms,
        )
        .order_by(local_event.c.begin_ms, local_event.c.local_event)
    )
    return [
        DayNote(
            name=row.name,
            start=from_ms(row.begin_ms),
            end=from_ms(row.end_ms),
            kind="event",
            used=False,
            effect=row.effect,
        )
        for row in rows
    ]


def parse_events(content: bytes, new_id: str, site: str) -> list[Values]:
    """Rows of `local_event` from a CSV file.

    Args:
        content: UTF-8, with the heads `lot` (may be empty), `start`, `end` (ISO 8601 with offset),
            `name`, `effect` (may be empty: share of the bays, -1 to 1).
        new_id: what ids begin with.
        site: whose.

    Raises:
        ForecastError: with the line, what was expected and what came.
    """
    try:
        reader = csv.DictReader(io.StringIO(content.decode("utf-8-sig")))
        missing = sorted({"start", "end", "name"} - set(reader.fieldnames or ()))
        rows = list(reader)
    except (UnicodeDecodeError, csv.Error) as exc:
        msg = f"expected a CSV file in UTF-8, but got: {exc}"
        raise ForecastError(msg) from exc
    if missing:
        msg = f"line 1: expected lot,start,end,name,effect, but {', '.join(missing)} is missing"
        raise ForecastError(msg)
    if len(rows) > EVENTS_MAX:
        msg = f"expected at most {EVENTS_MAX} events, but got {len(rows)}"
        raise ForecastError(msg)
    return [_event(row, f"{new_id}-{n}", site, n + 2) for n, row in enumerate(rows)]


def _event(row: dict[str, str | None], key: str, site: str, line: int) -> Values:
    begin, end = _moment(row.get("start")), _moment(row.get("end"))
    name = (row.get("name") or "").strip()
    effect = (row.get("effect") or "").strip()
    share = _effect(effect)
    if begin is None:
        msg = _refusal(line, "start as 2026-08-15T18:00+02:00", row.get("start"))
        raise ForecastError(msg)
    if end is None or end <= begin:
        msg = _refusal(line, "end after start, as 2026-08-15T23:00+02:00", row.get("end"))
        raise ForecastError(msg)
    if not name or len(name) > _NAME_MAX:
        msg = _refusal(line, f"a name of at most {_NAME_MAX} characters", name)
        raise ForecastError(msg)
    if effect and share is None:
        msg = _refusal(line, "effect as a number from -1 to 1, or nothing", effect)
        raise ForecastError(msg)
    lot = (row.get("lot") or "").strip()
    return key, site, lot, name, to_ms(begin), to_ms(end), share


def _refusal(line: int, expected: str, got: object) -> str:
    return f"line {line}: expected {expected}, but got {str(got)[:60]!r}"


def _effect(text: str) -> float | None:
    try:
        share = float(text)
    except ValueError:
        return None
    return share if -1 <= share <= 1 else None


def _moment(text: str | None) -> datetime | None:
    try:
        found = datetime.fromisoformat((text or "").strip())
    except ValueError:
        return None
    return found if found.tzinfo is not None else None


def replace_events(session: Session, site: str, rows: list[Values]) -> None:
    """Let these be all events of a site."""
    session.run(delete(local_event).where(local_event.c.site == site))
    columns = [column.name for column in local_event.columns]
    session.run_many(insert(local_event), [dict(zip(columns, row, strict=True)) for row in rows])
