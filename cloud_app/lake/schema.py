"""The form of the lake's files, version 1; docs/lake.md says it to readers.

`date` and `site` are in the path (`date=2026-11-24/site=north`) and not in the file, as Hive,
Spark, Trino and DuckDB have it. `body` is the event as its edge sent it, to the byte; the other
columns are what the store and the event itself say, so that a reader need not take JSON apart.
"""

from __future__ import annotations

import io
import itertools
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from operator import itemgetter
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from sqlalchemy import select

from cloud_app.lake.bodies import read_bodies
from cloud_app.storage.database import Session, Values
from cloud_app.storage.tables import bay, edge
from cloud_app.storage.upsert import among

VERSION = 1
_TIME = pa.timestamp("ms", tz="UTC")
_WORD = pa.dictionary(pa.int32(), pa.string())

EVENTS = pa.schema(
    [
        ("edge", _WORD),
        ("epoch", pa.int64()),
        ("seq", pa.int64()),
        ("time", _TIME),
        ("type", _WORD),
        ("subject", pa.string()),
        ("lot", _WORD),
        ("zone", _WORD),
        ("bay", pa.string()),
        ("camera", _WORD),
        ("sensor", pa.string()),
        ("occ", pa.bool_()),
        ("closed", pa.bool_()),
        ("reason", _WORD),
        ("since", _TIME),
        ("conf", pa.float64()),
        ("cause", _WORD),
        ("method", _WORD),
        ("layout", _WORD),
        ("direction", _WORD),
        ("count", pa.int64()),
        ("vehicle_hash", pa.string()),
        ("edge_kind", _WORD),
        ("carried", pa.bool_()),
        ("body", pa.string()),
    ],
    metadata={"lotsight.lake": f"events/{VERSION}"},
)
RECORDS = pa.schema(
    [("record", pa.string()), ("stream", _WORD), ("time", _TIME), ("body", pa.string())],
    metadata={"lotsight.lake": f"records/{VERSION}"},
)

# A row group is what a reader skips or reads: about a megabyte of compressed events.
_GROUP_ROWS = 32_768
_DAY_MS = 86_400_000


class EventRow(NamedTuple):
    """A row of the table `event`, in the order of its columns."""

    edge: str
    epoch: int
    seq: int
    site: str
    kind: str
    bay: str | None
    time_ms: int
    occ: int | None
    closed: int | None
    reason: str | None
    since_ms: int | None
    conf: float | None
    cause: str | None
    layout: str | None
    body: str


_STORED = pa.schema(
    [
        *((name, pa.string()) for name in ("edge", "site", "kind", "bay", "reason")),
        *((name, pa.string()) for name in ("cause", "layout", "body")),
        *((name, pa.int64()) for name in ("epoch", "seq", "time_ms", "since_ms")),
        *((name, pa.int8()) for name in ("occ", "closed")),
        ("conf", pa.float64()),
    ]
)


def stored_batch(rows: Sequence[Values]) -> pa.RecordBatch:
    """Some rows of the table `event` as columns: the sooner after they were read, the cheaper."""
    # Not by `zip(*rows)`, which makes an iterator of each row, for the garbage collector to visit.
    of = {name: list(map(itemgetter(n), rows)) for n, name in enumerate(EventRow._fields)}
    return pa.record_batch([pa.array(of[f.name], f.type) for f in _STORED], schema=_STORED)


@dataclass(frozen=True, slots=True)
class Places:
    """What the layouts say of bays, and the store of edges.

    Attributes:
        bays: a row for each, with `key` (edge, layout and bay), `lot`, `zone`, `camera`, `carried`.
        edges: a row for each, with `edge` and `kind`: `box` or `cloud`.
    """

    bays: pa.Table
    edges: pa.Table

    @classmethod
    def of(cls, session: Session, edges: Iterable[str]) -> Places:
        """Read those of some edges."""
        given = {"edges": sorted(set(edges))}
        return cls.made(session.tuples(_BAYS, given), session.tuples(_KINDS, given))

    @classmethod
    def made(cls, bays: Sequence[Values], edges: Sequence[Values]) -> Places:
        """Of rows (edge, layout, bay, lot, zone, camera, carried) and (edge, kind)."""
        text = pa.string()
        columns = list(zip(*bays, strict=True)) or [()] * 7
        names = [pa.array(column, text) for column in columns[:6]]
        carried = _flags(columns[6])
        rows = [pc.binary_join_element_wise(*names[:3], _NUL), *names[3:], carried]
        kinds = [pa.array(column, text) for column in zip(*edges, strict=True)] or [
            pa.array([], text)
        ] * 2
        return cls(
            pa.table(rows, ["key", "lot", "zone", "camera", "carried"]),
            pa.table(kinds, ["edge", "kind"]),
        )

    def at(self, edge_: pa.Array, layout: pa.Array, bay_: pa.Array) -> pa.Table:
        """The row of each bay; nulls where there is none."""
        keys = pc.binary_join_element_wise(edge_, layout, bay_, _NUL)
        return self.bays.take(_found(keys, self.bays["key"])).combine_chunks()

    def kinds_of(self, edge_: pa.Array) -> pa.ChunkedArray:
        """The kind of each edge."""
        return self.edges["kind"].take(_found(edge_, self.edges["edge"]))


def _found(keys: pa.Array, among_: pa.ChunkedArray) -> pa.Array:
    """Where each key stands; null where it does not, or is null itself."""
    return pc.index_in(keys, among_, skip_nulls=True)


_BAYS = select(
    bay.c.edge, bay.c.layout, bay.c.bay, bay.c.lot, bay.c.zone, bay.c.camera, bay.c.carried
).where(among(bay.c.edge, "edges"))
_KINDS = select(edge.c.edge, edge.c.kind).where(among(edge.c.edge, "edges"))
_NUL = "\0"


def events_table(stored: Sequence[pa.RecordBatch], places: Places) -> pa.Table:
    """Rows of the table `event` as columns of `EVENTS`, and `site` and `day` for the path.

    Args:
        stored: of `stored_batch`, at least one row.
        places: of their edges.
    """
    table = pa.Table.from_batches(stored).combine_chunks()
    of: Mapping[str, pa.Array] = {name: table[name].combine_chunks() for name in table.column_names}
    edge_, layout, bay_, time = of["edge"], of["layout"], of["bay"], of["time_ms"]
    said = read_bodies(of["kind"], of["body"])
    at = places.at(edge_, layout, bay_)
    columns: dict[str, Any] = {
        "edge": edge_,
        "epoch": of["epoch"],
        "seq": of["seq"],
        "time": time,
        "lot": pc.coalesce(at["lot"], said["lot"]),
        "zone": at["zone"],
        "bay": bay_,
        "camera": pc.coalesce(said["camera"], at["camera"]),
        "occ": of["occ"],
        "closed": of["closed"],
        "reason": of["reason"],
        "since": of["since_ms"],
        "conf": of["conf"],
        "cause": of["cause"],
        "layout": layout,
        "vehicle_hash": said["hash"],
        "edge_kind": places.kinds_of(edge_),
        "carried": at["carried"],
        "body": of["body"],
        **{name: said[name] for name in ("type", "subject", "sensor", "method")},
        **{name: said[name] for name in ("direction", "count")},
    }
    made = [_column(columns[field.name], field.type) for field in EVENTS]
    table = pa.table(made, schema=EVENTS)
    table = table.append_column("site", of["site"].dictionary_encode())
    return table.append_column("day", pc.divide(time, _DAY_MS))


def by_place(table: pa.Table) -> Iterator[tuple[int, str, pa.Table]]:
    """Cut what `events_table` made by day and site; each part in the order of a file."""
    table = sorted_events(table)
    sites = table["site"].combine_chunks()
    places = np.stack([sites.indices.to_numpy(), table["day"].combine_chunks().to_numpy()])
    cuts = np.flatnonzero(np.any(np.diff(places), axis=0)) + 1
    files = table.drop_columns(["site", "day"])
    for start, end in itertools.pairwise([0, *cuts.tolist(), len(table)]):
        day = int(places[1, start])
        yield day, sites[start].as_py(), files.slice(start, end - start)


def sorted_events(table: pa.Table) -> pa.Table:
    """Events by lot and time, so that a reader of one lot skips the others' row groups."""
    keys = {}
    for name in ("site", "day", "lot", "time", "edge", "seq"):
        if name not in table.column_names:
            continue
        column = table[name].combine_chunks()
        # Any order of the words will do, as long as the same ones stand together.
        keys[name] = column.indices if pa.types.is_dictionary(column.type) else column
    order = [(name, "ascending") for name in keys]
    return table.take(pc.sort_indices(pa.table(keys), sort_keys=order))


def records_table(rows: Sequence[tuple[str, str, int, str]]) -> pa.Table:
    """Rows (record, stream, time_ms, body) in the form of a file."""
    columns = zip(*rows, strict=True)
    return pa.table(
        [_column(values, field.type) for values, field in zip(columns, RECORDS, strict=True)],
        schema=RECORDS,
    )


def parquet_of(table: pa.Table) -> bytes:
    """A file's content."""
    out = io.BytesIO()
    pq.write_table(table, out, compression="zstd", row_group_size=_GROUP_ROWS)
    return out.getvalue()


def table_of(content: bytes) -> pa.Table:
    """A file's rows, in the form of this version."""
    table = pq.read_table(io.BytesIO(content))
    return table.cast(EVENTS if "seq" in table.column_names else RECORDS)


def without_hash(body: str) -> str:
    """An event of a gate without the keyed hash of the plate."""
    told = json.loads(body)
    told["data"].pop("hash", None)
    return json.dumps(told, ensure_ascii=False, separators=(",", ":"))


def _column(values: Any, kind: pa.DataType) -> pa.Array:
    if isinstance(values, pa.ChunkedArray):
        values = values.combine_chunks()
    if not isinstance(values, pa.Array):
        is_word = pa.types.is_dictionary(kind)
        values = pa.array(values, pa.string() if is_word else _plain(kind))
    if pa.types.is_dictionary(kind):
        return values.dictionary_encode()
    return values.cast(kind)


def _plain(kind: pa.DataType) -> pa.DataType:
    return pa.int64() if pa.types.is_timestamp(kind) else kind


def _flags(values: Iterable[int | None]) -> pa.Array:
    return pa.array(values, pa.int8()).cast(pa.bool_())
