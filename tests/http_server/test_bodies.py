"""JSON as we take it, and how large."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from http_server.bodies import JsonFault, strict_json


@pytest.mark.parametrize(
    ("data", "value"),
    [
        pytest.param(b'{"a": [1, 2.5, null, "\xc3\xa4"]}', {"a": [1, 2.5, None, "ä"]}, id="plain"),
        pytest.param(b'"\\ud83d\\ude00"', "😀", id="pair"),
        pytest.param(b"-9223372036854775808", -(2**63), id="least"),
        pytest.param(b"1e308", 1e308, id="large"),
        pytest.param(b"[" * 32 + b"]" * 32, None, id="32-levels"),
    ],
)  # fmt: skip
def test_sound_json_is_read(data: bytes, value: object) -> None:
    read = strict_json(data)
    assert value is None or read == value


@pytest.mark.parametrize(
    ("data", "words"),
    [
        pytest.param(b"NaN", "NaN", id="nan"),
        pytest.param(b"[-Infinity]", "-Infinity", id="infinity"),
        pytest.param(b"1e400", "1e400", id="1e400"),
        pytest.param(b"-1e999", "-1e999", id="negative"),
        pytest.param(b"9" * 10_000, "64-bit", id="digits"),
        pytest.param(b"9223372036854775808", "64-bit", id="2^63"),
        pytest.param(b'"\\ud800"', "surrogate", id="surrogate"),
        pytest.param(b'{"\\udc00": 1}', "surrogate", id="surrogate-key"),
        pytest.param(b'[["a", {"b": "\\udbff"}]]', "surrogate", id="surrogate-inside"),
        pytest.param(b'{"a": 1, "b": 2, "a": 3}', "'a' twice", id="doubled"),
        pytest.param(b'{"a": 1, "\\u0061": 3}', "'a' twice", id="doubled-escape"),
        pytest.param(b'"\xff"', "byte 0xff at 1", id="bytes"),
        pytest.param('"a"'.encode("utf-16"), "UTF-8", id="utf-16"),
        pytest.param(b'\xef\xbb\xbf"a"', "BOM", id="bom"),
        pytest.param(b"[" * 33 + b"]" * 33, "32 levels", id="33-levels"),
        pytest.param(b"[" * 200_000 + b"]" * 200_000, "32 levels", id="200,000-levels"),
        pytest.param(b'{"a":' * 100_000, "", id="half-of-100,000"),
        pytest.param(b"", "JSON", id="nothing"),
        pytest.param(b"{} {}", "JSON", id="two"),
        pytest.param(b"01", "JSON", id="zero-first"),
    ],
)
def test_what_readers_disagree_on_is_refused(data: bytes, words: str) -> None:
    with pytest.raises(JsonFault) as caught:
        strict_json(data)
    assert words in str(caught.value)
    assert len(str(caught.value)) < 200


@given(st.binary(max_size=200))
def test_bytes_are_json_or_a_fault(data: bytes) -> None:
    try:
        strict_json(data)
    except JsonFault as fault:
        str(fault).encode()
