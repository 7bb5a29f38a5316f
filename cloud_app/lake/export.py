"""From the table of events into files: each acknowledged event once.

A stream is in the lake up to `lake_stream.upto`. What its watermark (`stream.upto`) has passed
since then is read, written, and counted as in, in the one transaction that makes the files live: a
repeat after a crash starts from the same place, and of two processes that do the same at once the
second finds the streams further on and gives up. Events that come late, into a range that had been
given up as lost, are noted by the intake (`lake_late`).
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pyarrow as pa
from sqlalchemy import and_, bindparam, delete, func, select, update

from cloud_app.errors import LakeError
from cloud_app.lake.catalogue import Catalogue, Draft, Kind, Place
from cloud_app.lake.schema import (
    Places,
    by_place,
    events_table,
    records_table,
    stored_batch,
    table_of,
)
from cloud_app.lake.schema import without_hash as body_without_hash
from cloud_app.storage.database import Session
from cloud_app.storage.lake_queries import late_events
from cloud_app.storage.lake_tables import lake_late, lake_record, lake_stream
from cloud_app.storage.tables import edge, event, stream
from cloud_app.storage.times import from_ms
from cloud_app.storage.upsert import Upsert
from cloud_app.stream import StreamKey

# Rows in memory at once: with their bodies about 60 MB.
_CHUNK_ROWS = 40_000
# Read before they become columns: few enough to be in the processor's cache still.
_BLOCK_ROWS = 500
_DAY_MS = 86_400_000

_IN = func.coalesce(lake_stream.c.upto, 0)
_BEHIND = (
    select(
        stream.c.edge,
        stream.c.epoch,
        _IN.label("after"),
        stream.c.upto,
        func.coalesce(lake_stream.c.known_top, 0).label("known_top"),
        edge.c.site,
    )
    .select_from(
        stream.outerjoin(
            lake_stream,
            and_(lake_stream.c.edge == stream.c.edge, lake_stream.c.epoch == stream.c.epoch),
        ).outerjoin(edge, edge.c.edge == stream.c.edge)
    )
    .where(stream.c.upto > _IN)
    .order_by(edge.c.site, stream.c.edge, stream.c.epoch)
)
_KNOWN_TOP = select(lake_stream.c.known_top).where(
    lake_stream.c.edge == bindparam("edge"), lake_stream.c.epoch == bindparam("epoch")
)
_ROWS = (
    select(event)
    .where(
        event.c.edge == bindparam("edge"),
        event.c.epoch == bindparam("epoch"),
        event.c.seq > bindparam("after"),
        event.c.seq <= bindparam("upto"),
    )
    .order_by(event.c.seq)
)
_START = Upsert(lake_stream, ("edge", "epoch", "upto", "known_top"))
_MOVE = (
    update(lake_stream)
    .where(
        lake_stream.c.edge == bindparam("of_edge"),
        lake_stream.c.epoch == bindparam("of_epoch"),
        lake_stream.c.upto == bindparam("after"),
    )
    .values(upto=bindparam("to"))
)
_ALL_LATE = select(lake_late)
_NOT_LATE = delete(lake_late).where(
    lake_late.c.edge == bindparam("of_edge"),
    lake_late.c.epoch == bindparam("of_epoch"),
    lake_late.c.seq == bindparam("of_seq"),
)
_RECORDS = select(lake_record).order_by(lake_record.c.record).limit(_CHUNK_ROWS)
_DROP_RECORD = delete(lake_record).where(lake_record.c.record == bindparam("of"))


@dataclass(frozen=True, slots=True)
class Span:
    """Events of a stream that are to be written: those with `after` < seq <= `upto`.

    Attributes:
        key: the stream.
        after: where it stands in the lake.
        upto: where it will stand.
        known_top: up to it, events may be in the lake already.
        is_late: one event behind `after`; the stream stays where it stands.
    """

    key: StreamKey
    after: int
    upto: int
    known_top: int
    is_late: bool = False


@dataclass(slots=True)
class Exporter:
    """Writes what the lake lacks.

    Attributes:
        catalogue: of the lake.
        hash_ms: hashes of plates older than this are not written.
    """

    catalogue: Catalogue
    hash_ms: int

    def export(self) -> int:
        """Write all that is acknowledged now; return how many events.

        Raises:
            LakeError, StorageError: the rest will be written by the next call.
        """
        with self.catalogue.database.read() as session:
            late = [
                Span((name, epoch), seq - 1, seq, self._known_top(session, name, epoch), True)
                for name, epoch, seq in late_events(session)
            ]
            behind = [
                Span((row.edge, row.epoch), row.after, row.upto, row.known_top)
                for row in session.rows(_BEHIND)
            ]
        count = sum(self._write(spans) for spans in _chunks([*late, *behind]))
        self._export_records()
        return count

    def _known_top(self, session: Session, name: str, epoch: int) -> int:
        [(top,)] = session.rows(_KNOWN_TOP, {"edge": name, "epoch": epoch})
        return int(top)

    def _write(self, spans: Sequence[Span]) -> int:
        database = self.catalogue.database
        moving = [span for span in spans if not span.is_late]
        with database.write() as session:
            session.upsert(_START, [(*span.key, 0, 0) for span in moving])
        with database.read() as session:
            stored = [self.batch(block) for block in _blocks(session, spans)]
            places = Places.of(session, {span.key[0] for span in spans})
        tops = {span.key: span.known_top for span in spans if span.known_top > span.after}
        drafts = self.drafts(stored, places, tops)

        def moved(session: Session) -> None:
            steps = [
                {
                    "of_edge": span.key[0],
                    "of_epoch": span.key[1],
                    "after": span.after,
                    "to": span.upto,
                }
                for span in moving
            ]
            if session.run_many(_MOVE, steps) != len(steps):
                msg = "another process wrote the same events to the lake meanwhile"
                raise LakeError(msg)
            late = set(map(tuple, session.rows(_ALL_LATE)))
            done = {key for each in stored if late for key in late.intersection(_keys(each))}
            # One that retention took meanwhile is done with too.
            done |= {(*span.key, span.upto) for span in spans if span.is_late}
            session.run_many(
                _NOT_LATE,
                [{"of_edge": name, "of_epoch": epoch, "of_seq": seq} for name, epoch, seq in done],
            )

        self.catalogue.publish(drafts, moved)
        return sum(len(draft.table) for draft in drafts)

    def drafts(
        self, stored: Sequence[pa.RecordBatch], places: Places, tops: Mapping[StreamKey, int]
    ) -> list[Draft]:
        """Files of events by date and site, without those that are in the lake already.

        Args:
            stored: rows of the table `event`.
            places: of their edges.
            tops: up to which number events of a stream may be in the lake already.
        """
        if not stored:
            return []
        found = []
        for day, site, table in by_place(events_table(stored, places)):
            place = Place(Kind.EVENTS, f"{from_ms(day * _DAY_MS):%Y-%m-%d}", site)
            new = self._new(place, table, tops) if tops else table
            if len(new):
                found.append(Draft(place, new))
        return found

    def batch(self, rows: Sequence[Sequence[Any]]) -> pa.RecordBatch:
        """Rows of the table `event`, without hashes that are too old to be kept."""
        return stored_batch(self._unhashed(rows))

    def _unhashed(self, rows: Sequence[Sequence[Any]]) -> Sequence[Sequence[Any]]:
        """The rows, those of passages without hashes that are too old to be kept."""
        if not any(row[4] == "gate" for row in rows):
            return rows
        return [
            (*row[:-1], body_without_hash(row[-1]))
            if row[4] == "gate" and row[6] < self.hash_ms and '"hash"' in row[-1]
            else row
            for row in rows
        ]

    def _new(self, place: Place, table: pa.Table, tops: Mapping[StreamKey, int]) -> pa.Table:
        """The rows of a file to be that the lake does not have yet."""
        keys = _keys(table)
        if not any(seq <= tops.get((name, epoch), 0) for name, epoch, seq in keys):
            return table
        known = self._keys_at(place)
        return table.filter(pa.array([key not in known for key in keys]))

    def _keys_at(self, place: Place) -> frozenset[tuple[str, int, int]]:
        """The events that the live files of a place hold."""
        with self.catalogue.database.read() as session:
            files = self.catalogue.live(session, place)
        keys: set[tuple[str, int, int]] = set()
        for file in files:
            keys.update(_keys(table_of(self.catalogue.store.read(file.path))))
        return frozenset(keys)

    def _export_records(self) -> None:
        while True:
            with self.catalogue.database.read() as session:
                rows = session.rows(_RECORDS)
            if not rows:
                return
            groups: dict[Place, list[tuple[str, str, int, str]]] = defaultdict(list)
            for row in rows:
                place = Place(Kind.RECORDS, f"{from_ms(row.time_ms):%Y-%m-%d}", row.site)
                groups[place].append((row.record, row.stream, row.time_ms, row.body))
            drafts = [Draft(place, records_table(of)) for place, of in sorted(groups.items())]
            names = [{"of": row.record} for row in rows]

            def taken(session: Session, names: list[dict[str, str]] = names) -> None:
                if session.run_many(_DROP_RECORD, names) != len(names):
                    msg = "another process wrote the same records to the lake meanwhile"
                    raise LakeError(msg)

            self.catalogue.publish(drafts, taken)


def _blocks(session: Session, spans: Sequence[Span]) -> Iterator[list[tuple[Any, ...]]]:
    """The rows of some spans, some hundreds at a time."""
    block: list[tuple[Any, ...]] = []
    for span in spans:
        name, epoch = span.key
        given = {"edge": name, "epoch": epoch, "after": span.after, "upto": span.upto}
        for part in session.parts(_ROWS, given, _BLOCK_ROWS):
            block += part
            if len(block) >= _BLOCK_ROWS:
                yield block
                block = []
    if block:
        yield block


def _keys(table: pa.Table | pa.RecordBatch) -> list[tuple[str, int, int]]:
    columns = (table[name].to_pylist() for name in ("edge", "epoch", "seq"))
    return list(zip(*columns, strict=True))


def _chunks(spans: Sequence[Span]) -> Iterator[list[Span]]:
    """The spans in their order, cut so that no chunk has many rows more than fit."""
    chunk: list[Span] = []
    room = _CHUNK_ROWS
    for span in spans:
        after = span.after
        while after < span.upto:
            upto = min(span.upto, after + room)
            chunk.append(Span(span.key, after, upto, span.known_top, span.is_late))
            room -= upto - after
            after = upto
            if room == 0:
                yield chunk
                chunk, room = [], _CHUNK_ROWS
    if chunk:
        yield chunk
