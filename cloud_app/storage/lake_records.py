"""Records for the lake that are no events: what a rule of a tenant writes there."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from sqlalchemy import delete

from cloud_app.storage.database import Session
from cloud_app.storage.lake_tables import lake_record
from cloud_app.storage.upsert import Upsert
from telemetry import TelemetryError, is_identifier


@dataclass(frozen=True, slots=True)
class LakeRecord:
    """One line of a stream of records.

    Attributes:
        record: its id; the same one again is dropped as long as it waits for a file.
        stream: what it belongs to, such as a rule's id; an identifier.
        site: whose it is: readers of other sites do not get it.
        time_ms: its moment; the day decides where it lies.
        body: a JSON document.
    """

    record: str
    stream: str
    site: str
    time_ms: int
    body: str

    def __post_init__(self) -> None:
        """Check what becomes part of a path.

        Raises:
            TelemetryError: stream or site is no identifier.
        """
        for name, value in (("stream", self.stream), ("site", self.site)):
            if not is_identifier(value):
                msg = f"{name} of a lake record must be an identifier, but got {value!r}"
                raise TelemetryError(msg)


_ADD = Upsert(lake_record, ("record", "stream", "site", "time_ms", "body"))


def put_records(session: Session, records: Iterable[LakeRecord]) -> None:
    """Append records in the caller's transaction: they are in the lake exactly if it commits."""
    rows = {each.record: each for each in records}
    session.upsert(_ADD, [(r.record, r.stream, r.site, r.time_ms, r.body) for r in rows.values()])


def drop_records(session: Session, before_ms: int) -> int:
    """Delete records from before that which no lake has taken; return how many."""
    return session.run(delete(lake_record).where(lake_record.c.time_ms < before_ms))
