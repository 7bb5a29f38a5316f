"""The form of the lake's files, version 1; docs/lake.md says it to readers.

`date` and `site` are in the path (`date=2026-11-24/site=north`) and not in the file, as Hive,
Spark, Trino and DuckDB have it. `body` is the event as its edge sent it, to the byte; the other
columns are what the store and the event itself say, so that a reader need not take JSON apart.
"""

from __future__ import annotations

import io
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.json as pj
import pyarrow.parquet as pq
from sqlalchemy import select

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
# Kinds of events whose fields the contract fixes; of the others only the body is sure.
_KNOWN = frozenset({"changed", "incident", "gap", "gate", "count", "sensor", "output"})
_TEXTS = ("camera", "sensor", "method", "lot", "direction", "hash")
_SAID = pa.schema(
    [
        ("type", pa.string()),
        ("subject", pa.string()),
        ("data", pa.struct([*((name, pa.string()) for name in _TEXTS), ("count", pa.int64())])),
    ]
)


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


@dataclass(frozen=True, slots=True)
class Places:
    """What the layouts say of bays, and the store of edges.

    Attributes:
        bays: (lot, zone, camera, carried) by (edge, layout, bay).
        kinds: `box` or `cloud` by edge.
    """

    bays: Mapping[tuple[str, str, str], tuple[str, str | None, str, int]]
    kinds: Mapping[str, str]

    @classmethod
    def of(cls, session: Session, edges: Iterable[str]) -> Places:
        """Read those of some edges."""
        given = {"edges": sorted(set(edges))}
        bays = {tuple(row[:3]): tuple(row[3:]) for row in session.rows(_BAYS, given)}
        return cls(bays, dict(map(tuple, session.rows(_KINDS, given))))


_BAYS = select(
    bay.c.edge, bay.c.layout, bay.c.bay, bay.c.lot, bay.c.zone, bay.c.camera, bay.c.carried
).where(among(bay.c.edge, "edges"))
_KINDS = select(edge.c.edge, edge.c.kind).where(among(edge.c.edge, "edges"))
_NOWHERE = (None, None, None, None)


def events_table(rows: Sequence[Values], places: Places) -> pa.Table:
    """Rows of the table `event` in the form of a file.

    Args:
        rows: with the columns of `EventRow`.
        places: of their edges.
    """
    of: Mapping[str, Sequence[Any]] = dict(
        zip(EventRow._fields, zip(*rows, strict=True), strict=True)
    )
    said = _said(of["kind"], of["body"])
    data = said["data"]
    at = [
        places.bays.get(key, _NOWHERE)
        for key in zip(of["edge"], of["layout"], of["bay"], strict=True)
    ]
    lot, zone, camera, carried = zip(*at, strict=True)
    columns: dict[str, Any] = {
        "edge": of["edge"],
        "epoch": of["epoch"],
        "seq": of["seq"],
        "time": of["time_ms"],
        "type": said["type"],
        "subject": said["subject"],
        "lot": pc.coalesce(pa.array(lot, pa.string()), data["lot"]),
        "zone": zone,
        "bay": of["bay"],
        "camera": pc.coalesce(data["camera"], pa.array(camera, pa.string())),
        "sensor": data["sensor"],
        "occ": _flags(of["occ"]),
        "closed": _flags(of["closed"]),
        "reason": of["reason"],
        "since": of["since_ms"],
        "conf": of["conf"],
        "cause": of["cause"],
        "method": data["method"],
        "layout": of["layout"],
        "direction": data["direction"],
        "count": data["count"],
        "vehicle_hash": data["hash"],
        "edge_kind": [places.kinds.get(each) for each in of["edge"]],
        "carried": _flags(carried),
        "body": of["body"],
    }
    return pa.table([_column(columns[field.name], field.type) for field in EVENTS], schema=EVENTS)


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


def _said(kinds: Sequence[str], bodies: Sequence[str]) -> Mapping[str, Any]:
    """What events say beside what the store's columns have.

    Returns:
        `type`, `subject`, and in `data` the fields of `_SAID`, each with a value for every event.
    """
    lines = [
        body.replace("\n", " ") if kind in _KNOWN else "{}"
        for kind, body in zip(kinds, bodies, strict=True)
    ]
    raw = "\n".join(lines).encode()
    try:
        table = pj.read_json(
            io.BytesIO(raw),
            # One block, since an event may be longer than a block is by default.
            pj.ReadOptions(use_threads=False, block_size=len(raw) + 1),
            pj.ParseOptions(explicit_schema=_SAID, unexpected_field_behavior="ignore"),
        )
    except pa.ArrowInvalid:
        table = None
    if table is None or len(table) != len(bodies):
        # Written in a way that this reader does not take, though the contract allows it.
        table = pa.Table.from_pylist([_said_by(line) for line in lines], schema=_SAID)
    data = table["data"].combine_chunks()
    fields = {name: pc.struct_field(data, name) for name in (*_TEXTS, "count")}
    types = table["type"].combine_chunks()
    if types.null_count:
        others = [
            None if kind in _KNOWN else _type_of(b) for kind, b in zip(kinds, bodies, strict=True)
        ]
        types = pc.coalesce(types, pa.array(others, pa.string()))
    return {"type": types, "subject": table["subject"].combine_chunks(), "data": fields}


def _said_by(line: str) -> Mapping[str, Any]:
    told = json.loads(line)
    data = told.get("data") or {}
    texts = {name: data.get(name) for name in _TEXTS}
    count = data.get("count")
    return {
        "type": told.get("type"),
        "subject": told.get("subject"),
        "data": {
            **{name: value if isinstance(value, str) else None for name, value in texts.items()},
            "count": count if isinstance(count, int) else None,
        },
    }


def _type_of(body: str) -> str | None:
    told = json.loads(body)
    kind = told.get("type") if isinstance(told, dict) else None
    return kind if isinstance(kind, str) else None
