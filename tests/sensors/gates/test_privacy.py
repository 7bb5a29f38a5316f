"""A plate leaves no function that reads it: wherever it stands in a message, whatever is wrong."""

from __future__ import annotations

import json
import logging
import traceback
from collections.abc import Callable, Iterator
from copy import deepcopy
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from sensors.errors import SensorError
from sensors.gates import (
    GateReport,
    PlateHash,
    read_axis,
    read_hikvision,
    read_plate_recognizer,
    read_pulses,
)
from tests.sensors.gates.messages import (
    AXIS,
    HIKVISION,
    PLATE,
    PLATE_RECOGNIZER,
    PULSE,
    encoded,
    multipart,
)

NOW = datetime(2026, 6, 1, 6, tzinfo=UTC)
KEY = PlateHash(b"k" * 32)
# What names a device names it for ever; a plate in its place would be the installer's doing.
_NAMES = {"gate", "camera_id", "SerialNumber"}

# A busy machine is no fault of the readers.
_UNHURRIED = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])

Read = Callable[[bytes], list[GateReport]]
READERS: dict[str, tuple[Read, dict[str, Any]]] = {
    "pulses": (lambda body: read_pulses(body, NOW, KEY), PULSE),
    "axis": (lambda body: read_axis(body, KEY), AXIS),
    "plate_recognizer": (lambda body: read_plate_recognizer(body, "", KEY), PLATE_RECOGNIZER),
}


def _everything(read: Read, body: bytes) -> str:
    """All that comes out: the result, or the error with all that hangs on it."""
    error: SensorError
    try:
        return repr(read(body))
    except SensorError as exc:
        error = exc
    # A parser's exception that hung on it would hold the text which it choked on.
    assert (error.__cause__, error.__context__) == (None, None)
    return "".join(traceback.format_exception(error)) + repr(error.args)


def _with_plate_at_each_leaf(message: dict[str, Any]) -> Iterator[dict[str, Any]]:
    def leaves(value: Any, path: tuple[Any, ...]) -> Iterator[tuple[Any, ...]]:
        inner = value.items() if isinstance(value, dict) else enumerate(value)
        for name, each in inner:
            if isinstance(each, dict | list):
                yield (*path, name)
                yield from leaves(each, (*path, name))
            elif name not in _NAMES:
                yield (*path, name)

    for path in leaves(message, ()):
        changed = deepcopy(message)
        place: Any = changed
        for name in path[:-1]:
            place = place[name]
        place[path[-1]] = PLATE
        yield changed


def _holds(text: str) -> bool:
    plain = "".join(each for each in text.upper() if each.isalnum())
    return PLATE in plain


@pytest.mark.parametrize("name", READERS)
def test_no_plate_wherever_it_stands(name: str, caplog: pytest.LogCaptureFixture) -> None:
    read, message = READERS[name]
    caplog.set_level(logging.DEBUG)
    outputs = [_everything(read, encoded(message))]
    outputs += [
        _everything(read, json.dumps(each).encode()) for each in _with_plate_at_each_leaf(message)
    ]
    # Cut off anywhere, the plate inside.
    body = encoded(message)
    outputs += [_everything(read, body[:end]) for end in range(0, len(body), 7)]
    assert len(outputs) > 20
    assert not any(map(_holds, outputs))
    assert not _holds(caplog.text)


def test_no_plate_of_an_xml_event(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)

    def read(body: bytes) -> list[GateReport]:
        return read_hikvision(body, "", KEY)

    outputs = [_everything(read, HIKVISION)]
    outputs += [_everything(read, HIKVISION[:end]) for end in range(0, len(HIKVISION), 7)]
    for line in HIKVISION.decode().splitlines():
        if line.count("<") == 2 and "macAddress" not in line:
            name = line[1:].partition(">")[0]
            outputs.append(
                _everything(
                    read, HIKVISION.replace(line.encode(), f"<{name}>{PLATE}</{name}>".encode())
                )
            )
    body, content_type = multipart(HIKVISION.replace(b"</ANPR>", b""))
    outputs.append(_everything(lambda some: read_hikvision(some, content_type, KEY), body))
    assert not any(map(_holds, outputs))
    assert not _holds(caplog.text)


def test_a_key_shows_in_no_text() -> None:
    assert "kkkk" not in repr(KEY)


@_UNHURRIED
@pytest.mark.parametrize("name", [*READERS, "hikvision"])
@given(body=st.binary(max_size=200))
def test_random_bytes_give_errors_of_gates_only(name: str, body: bytes) -> None:
    read = READERS[name][0] if name in READERS else read_hikvision
    _everything(read, body)


_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: (
        st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4)
    ),
    max_leaves=10,
)


@_UNHURRIED
@pytest.mark.parametrize("name", READERS)
@given(data=st.data())
def test_any_value_in_any_field_gives_errors_of_gates_only(name: str, data: st.DataObject) -> None:
    read, message = READERS[name]
    changed = deepcopy(message)
    place: Any = (
        changed["data"] if name == "plate_recognizer" and data.draw(st.booleans()) else changed
    )
    if "results" in place and data.draw(st.booleans()):
        place = place["results"][0]
    place[data.draw(st.sampled_from(sorted(place)))] = data.draw(_JSON)
    _everything(read, json.dumps(changed).encode())
