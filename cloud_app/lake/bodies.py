"""Taking the bodies of events apart, many at once.

By DuckDB, which looks for some fields in 600 bytes of JSON in about two millionths of a second:
a third of what pyarrow's reader takes, and a sixth of Python's.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from functools import cache
from typing import Any

import duckdb
import pyarrow as pa
import pyarrow.compute as pc

# Kinds of events whose fields the contract fixes; of the others only the type is sure.
_KNOWN = pa.array(["changed", "incident", "gap", "gate", "count", "sensor", "output"])
_PATHS = {
    "type": "$.type",
    "subject": "$.subject",
    **{
        name: f"$.data.{name}"
        for name in ("camera", "sensor", "method", "lot", "direction", "hash", "count")
    },
}
# One look at each body for all of them.
_QUERY = (
    f"SELECT {', '.join(f'said[{n}] AS {name}' for n, name in enumerate(_PATHS, 1))}"  # noqa: S608
    f" FROM (SELECT json_extract_string(body, {list(_PATHS.values())}) AS said FROM bodies)"
)
_SAID = pa.schema([(name, pa.string()) for name in _PATHS])


def read_bodies(kinds: pa.Array, bodies: pa.Array) -> Mapping[str, pa.Array]:
    """What events say beside what the store's columns have.

    Args:
        kinds: of the store.
        bodies: texts, each a JSON object in any form that the contract allows.

    Returns:
        By name, a value for every event: `type`, `subject`, and fields of its data.
    """
    try:
        said = _extracted(bodies)
    except duckdb.Error:
        # One of them is written in a way that DuckDB does not take, though the contract allows it.
        said = pa.Table.from_pylist([_said_by(each.as_py()) for each in bodies], schema=_SAID)
    found = {name: said[name].combine_chunks() for name in _PATHS}
    is_known = pc.is_in(kinds, _KNOWN)
    if is_known.false_count:
        nothing = pa.scalar(None, pa.string())
        found = {
            name: values if name == "type" else pc.if_else(is_known, values, nothing)
            for name, values in found.items()
        }
    return found | {"count": _numbers(found["count"])}


@cache
def _engine() -> duckdb.DuckDBPyConnection:
    # The lake works beside the intake: it has one thread, and no more.
    return duckdb.connect(config={"threads": 1})


def _extracted(bodies: pa.Array) -> pa.Table:
    with _engine().cursor() as cursor:
        cursor.register("bodies", pa.table({"body": bodies}))
        return cursor.sql(_QUERY).to_arrow_table()


def _said_by(body: str) -> Mapping[str, Any]:
    told = json.loads(body)
    data = told.get("data")
    fields = {**(data if isinstance(data, dict) else {}), **told}
    return {name: _text_of(fields.get(name)) for name in _PATHS}


def _text_of(value: object) -> str | None:
    if value is None:
        return None
    text = value if isinstance(value, str) else json.dumps(value)
    # Half of a surrogate pair is no text; it must not hold up all others.
    return text.encode(errors="replace").decode()


def _numbers(texts: pa.Array) -> pa.Array:
    """Whole numbers; what is none is null."""
    whole = pc.replace_substring_regex(texts, r"^(-?[0-9]{1,15})(\.0+)?$", r"\1")
    fitting = pc.match_substring_regex(whole, r"^-?[0-9]{1,15}$")
    return pc.if_else(fitting, whole, pa.scalar(None, pa.string())).cast(pa.int64())
