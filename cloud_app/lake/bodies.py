"""Taking the bodies of events apart, many at once."""

from __future__ import annotations

import io
import json
from collections.abc import Mapping, Sequence
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.json as pj

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


def read_bodies(kinds: Sequence[str], bodies: Sequence[str]) -> Mapping[str, pa.Array]:
    """What events say beside what the store's columns have.

    Args:
        kinds: of the store.
        bodies: each a JSON object, in any form that the contract allows.

    Returns:
        By name, a value for every event: `type`, `subject`, and fields of its data.
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
    return {"type": types, "subject": table["subject"].combine_chunks(), **fields}


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
