"""The months of `event` on PostgreSQL.

`event` is partitioned by the month of an event's time, so a month that is over is dropped at once,
and what is new lies in few pages. Months are created ahead. Events of any other time (a box whose
clock is wrong, a backlog from before) have a home in the default partition, `event_other`: a month
that belongs to what is kept is moved out of there into its own partition, the rest is deleted
row by row like on SQLite.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime

from sqlalchemy import bindparam, text

from cloud_app.storage.database import Session
from cloud_app.storage.times import from_ms, to_ms

DEFAULT = "event_other"
_NAME = re.compile(r"event_(\d{4})_(\d{2})")
# So long may the leader be away without a new event landing in the default partition.
_AHEAD = 2
# Readers hold their locks for a moment only; whoever holds longer must not stop the intake.
_LOCK_TIMEOUT = text("SET LOCAL lock_timeout = '2s'")


@dataclass(frozen=True, slots=True, order=True)
class Month:
    """A calendar month, UTC."""

    year: int
    number: int

    @classmethod
    def of_ms(cls, ms: int) -> Month:
        """The month of a time in milliseconds since 1970."""
        moment = from_ms(ms)
        return cls(moment.year, moment.month)

    def later(self, months: int) -> Month:
        """The month that is so many later."""
        index = self.year * 12 + self.number - 1 + months
        return Month(index // 12, index % 12 + 1)

    @property
    def start_ms(self) -> int:
        """Its first millisecond."""
        return to_ms(datetime(self.year, self.number, 1, tzinfo=UTC))

    @property
    def end_ms(self) -> int:
        """The first millisecond after it."""
        return self.later(1).start_ms

    @property
    def table(self) -> str:
        """The partition's name."""
        return f"event_{self.year:04d}_{self.number:02d}"


def is_partition(table: str) -> bool:
    """Whether a table is a part of `event`."""
    return table == DEFAULT or _NAME.fullmatch(table) is not None


def months(session: Session) -> list[Month]:
    """The months that have a partition, in order."""
    names = session.rows(
        text(
            "SELECT c.relname FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid"
            " WHERE i.inhparent = 'event'::regclass"
        )
    )
    found = (_NAME.fullmatch(name) for (name,) in names)
    return sorted(Month(int(match[1]), int(match[2])) for match in found if match)


def keep_room(session: Session, now_ms: int, before_ms: int) -> None:
    """Create the months to come and those that the default partition holds, drop the old.

    Args:
        session: a writing transaction; only one process may do this at a time (the leader).
        now_ms: wall time.
        before_ms: months that end before it go, but for events above their stream's watermark.
    """
    session.run(_LOCK_TIMEOUT)
    have = months(session)
    now = Month.of_ms(now_ms)
    wanted = {now.later(n) for n in range(_AHEAD + 1)}
    wanted |= set(_stray_months(session, before_ms, now.later(_AHEAD).end_ms))
    for month in sorted(wanted - set(have)):
        _create(session, month)
    for month in have:
        if month.end_ms <= before_ms:
            _drop(session, month)


def _stray_months(session: Session, start_ms: int, end_ms: int) -> Iterator[Month]:
    """Months of which the default partition holds events, within a span."""
    next_ms = text(
        f"SELECT MIN(time_ms) FROM {DEFAULT} WHERE time_ms >= :start AND time_ms < :end"  # noqa: S608
    )
    while True:
        [(found,)] = session.rows(next_ms, {"start": start_ms, "end": end_ms})
        if found is None:
            return
        month = Month.of_ms(found)
        # A month that is kept in part only stays where rows go one by one.
        if month.start_ms >= start_ms:
            yield month
        start_ms = month.end_ms


def _create(session: Session, month: Month) -> None:
    """Make a partition aside, move what the default one holds of it, and attach it."""
    span = {"start": month.start_ms, "end": month.end_ms}
    session.run(text(f"CREATE TABLE {month.table} (LIKE event INCLUDING DEFAULTS)"))
    session.run(
        text(
            f"WITH moved AS (DELETE FROM {DEFAULT} WHERE time_ms >= :start AND time_ms < :end"  # noqa: S608
            f" RETURNING *) INSERT INTO {month.table} SELECT * FROM moved"
        ),
        span,
    )
    session.run(
        text(
            f"ALTER TABLE event ATTACH PARTITION {month.table} FOR VALUES FROM (:start) TO (:end)"
        ).bindparams(
            *(bindparam(name, value, literal_execute=True) for name, value in span.items())
        )
    )


def _drop(session: Session, month: Month) -> None:
    """Drop a month; events that are not acknowledged yet move to the default partition."""
    session.run(text(f"ALTER TABLE event DETACH PARTITION {month.table}"))
    session.run(
        text(
            f"INSERT INTO event SELECT e.* FROM {month.table} e JOIN stream s"  # noqa: S608
            " ON s.edge = e.edge AND s.epoch = e.epoch WHERE e.seq > s.upto"
        )
    )
    session.run(text(f"DROP TABLE {month.table}"))
