"""What the lake's columns say of bodies, in whichever form they are written."""

from __future__ import annotations

import json

import pyarrow as pa
import pytest

from cloud_app.lake.bodies import read_bodies

CHANGED = {"type": "pk.bay.changed.v1", "subject": "a1", "data": {"camera": "c", "method": "m"}}


@pytest.mark.parametrize(
    ("kind", "body", "told"),
    [
        pytest.param("changed", json.dumps(CHANGED, indent=2),
                     {"type": "pk.bay.changed.v1", "subject": "a1", "camera": "c", "method": "m"},
                     id="over many lines"),
        pytest.param("count", '{"type":"t","data":{"count":12,"lot":"p\\u00e9\\"1"}}',
                     {"type": "t", "count": 12, "lot": 'pé"1'}, id="escapes"),
        pytest.param("count", '{"type":"t","data":{"count":12.0}}', {"type": "t", "count": 12},
                     id="a whole number as a float"),
        pytest.param("changed", '{"type":"t","data":{"count":"many"}}', {"type": "t"},
                     id="a field of the same name that is no number"),
        pytest.param("changed", '{"type":"t","data":{"count":1e400,"camera":null}}', {"type": "t"},
                     id="a number beyond all"),
        pytest.param("changed", '{"data":null}', {}, id="no data"),
        pytest.param("changed", '{"type":"t","data":{"sensor":"\\ud800"}}',
                     {"type": "t", "sensor": "?"}, id="half of a surrogate pair"),
        pytest.param("other", '{"type":"new.v9","subject":"s","data":{"camera":"c"}}',
                     {"type": "new.v9"}, id="of a kind that nobody knows yet"),
    ],
)  # fmt: skip
def test_bodies(kind: str, body: str, told: dict[str, object]) -> None:
    # Beside one that is as usual, which must not suffer from it.
    kinds, bodies = pa.array([kind, "changed"]), pa.array([body, json.dumps(CHANGED)])
    columns = read_bodies(kinds, bodies)
    rows = [{name: of[n].as_py() for name, of in columns.items()} for n in range(2)]
    assert {name: value for name, value in rows[0].items() if value is not None} == told
    assert (rows[1]["subject"], rows[1]["camera"]) == ("a1", "c")
