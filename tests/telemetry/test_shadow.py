from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from telemetry.shadow import (
    MAX_DOCUMENT_BYTES,
    JsonObject,
    ShadowDocument,
    ShadowRejection,
    ShadowUpdate,
    accepted_message,
    apply_update,
    delta,
    delta_message,
    documents_message,
    merge,
    parse_delta,
    parse_update,
    rejected_message,
    same_json,
)

LEAVES = st.booleans() | st.integers(-3, 3) | st.text("ab", max_size=2) | st.floats(-2, 2)
VALUES: st.SearchStrategy[Any] = st.recursive(
    LEAVES,
    lambda inner: (
        st.dictionaries(st.text("xyz", min_size=1, max_size=1), inner, max_size=3)
        | st.lists(inner, max_size=3)
    ),
    max_leaves=8,
)
OBJECTS = st.dictionaries(st.text("xyz", min_size=1, max_size=1), VALUES, max_size=3)
PATCH_VALUES: st.SearchStrategy[Any] = st.recursive(
    LEAVES | st.none(),
    lambda inner: st.dictionaries(st.text("xyz", min_size=1, max_size=1), inner, max_size=3),
    max_leaves=8,
)
PATCHES = st.dictionaries(st.text("xyz", min_size=1, max_size=1), PATCH_VALUES, max_size=3)


def update(**state: Any) -> ShadowUpdate:
    return parse_update(json.dumps({"state": state}).encode())


def has_null(value: Any) -> bool:
    if isinstance(value, dict):
        return any(map(has_null, value.values()))
    return value is None


@pytest.mark.parametrize(
    ("state", "patch", "after"),
    [
        pytest.param({"a": 1, "b": 2}, {"a": 3}, {"a": 3, "b": 2}, id="only named fields change"),
        pytest.param({"a": 1, "b": 2}, {"a": None}, {"b": 2}, id="null deletes"),
        pytest.param({"a": {"x": 1, "y": 2}}, {"a": {"x": None}}, {"a": {"y": 2}}, id="null below"),
        pytest.param({"a": [1, 2]}, {"a": [3]}, {"a": [3]}, id="arrays replaced whole"),
        pytest.param({"a": 1}, {"a": {"x": 1}}, {"a": {"x": 1}}, id="object over a leaf"),
        pytest.param({"a": {"x": 1}}, {"a": 1}, {"a": 1}, id="leaf over an object"),
        pytest.param({}, {"a": {"x": None, "y": 1}}, {"a": {"y": 1}}, id="null of nothing"),
        pytest.param({"a": 1}, {}, {"a": 1}, id="empty"),
    ],
)
def test_merge(state: JsonObject, patch: JsonObject, after: JsonObject) -> None:
    assert merge(state, patch) == after


@given(OBJECTS, PATCHES)
def test_merging_twice_is_merging_once_and_leaves_no_null(
    state: JsonObject, patch: JsonObject
) -> None:
    once = merge(state, patch)
    assert merge(once, patch) == once
    assert not any(has_null(once.get(key)) for key in patch if key in once)


@given(OBJECTS, OBJECTS)
def test_the_delta_brings_reported_to_desired(desired: JsonObject, reported: JsonObject) -> None:
    after = merge(reported, delta(desired, reported))
    assert delta(desired, after) == {}


@given(OBJECTS)
def test_equal_documents_have_no_delta(state: JsonObject) -> None:
    assert delta(state, state) == {}


@pytest.mark.parametrize(
    ("desired", "reported", "expected"),
    [
        pytest.param({"a": 1}, {}, {"a": 1}, id="missing"),
        pytest.param({}, {"a": 1}, {}, id="reported alone says nothing"),
        pytest.param({"a": {"x": 1, "y": 2}}, {"a": {"x": 1}}, {"a": {"y": 2}}, id="nested"),
        pytest.param({"a": [1, 2]}, {"a": [1, 3]}, {"a": [1, 2]}, id="arrays whole"),
        pytest.param({"a": True}, {"a": 1}, {"a": True}, id="true is not 1"),
        pytest.param({"a": [True]}, {"a": [1]}, {"a": [True]}, id="true is not 1 in an array"),
        pytest.param({"a": 1}, {"a": 1.0}, {}, id="1 is 1.0"),
    ],
)
def test_delta(desired: JsonObject, reported: JsonObject, expected: JsonObject) -> None:
    assert same_json(delta(desired, reported), expected)


def test_versions_rise_and_stale_writers_are_refused() -> None:
    first = apply_update(None, update(desired={"a": 1}), 10)
    second = apply_update(first, update(reported={"a": 1}), 11)
    assert (first.version, second.version, second.timestamp_s) == (1, 2, 11)
    stale = parse_update(b'{"state": {"desired": {"a": 2}}, "version": 1, "clientToken": "t"}')
    with pytest.raises(ShadowRejection) as caught:
        apply_update(second, stale, 12)
    assert (caught.value.code, caught.value.client_token) == (409, "t")
    fresh = parse_update(b'{"state": {"desired": {"a": 2}}, "version": 2}')
    assert apply_update(second, fresh, 12).version == 3


def test_a_null_section_is_deleted() -> None:
    document = apply_update(None, update(desired={"a": 1}, reported={"b": 2}), 1)
    after = apply_update(document, update(desired=None), 2)
    assert (after.desired, after.reported) == ({}, {"b": 2})
    assert after.desired_times == {}


def test_a_document_has_8192_bytes_at_most() -> None:
    empty = len(b'{"desired":{},"reported":{"t":""}}')
    fits = apply_update(None, update(reported={"t": "x" * (MAX_DOCUMENT_BYTES - empty)}), 1)
    with pytest.raises(ShadowRejection, match="has 8193") as caught:
        apply_update(fits, update(reported={"t": "x" * (MAX_DOCUMENT_BYTES - empty + 1)}), 1)
    assert caught.value.code == 413


@pytest.mark.parametrize(
    "payload",
    [
        pytest.param(b"", id="nothing"),
        pytest.param(b"[]", id="no object"),
        pytest.param(b'{"state": 1}', id="state is no object"),
        pytest.param(b"{}", id="no state"),
        pytest.param(b'{"state": {}}', id="empty state"),
        pytest.param(b'{"state": {"wanted": {}}}', id="unknown section"),
        pytest.param(b'{"state": {"desired": [1]}}', id="section is an array"),
        pytest.param(b'{"state": {"desired": {}}, "version": "1"}', id="version is a string"),
        pytest.param(b'{"state": {"desired": {}}, "version": true}', id="version is true"),
        pytest.param(b'{"state": {"desired": {}}, "other": 1}', id="unknown field"),
        pytest.param(b'{"state": {"desired": {"a": NaN}}}', id="NaN"),
        pytest.param(b'{"state": {"desired": ' + b'{"a":' * 9 + b"1" + b"}" * 9 + b"}}", id="deep"),
        pytest.param(b"[" * 30_000, id="very deep"),
        pytest.param(
            b'{"state": {"desired": {}}, "clientToken": "' + b"t" * 65 + b'"}', id="token"
        ),
        pytest.param(b'{"state": {"desired": {"a": "\xff"}}}', id="no UTF-8"),
    ],
)
def test_malformed_updates_are_400(payload: bytes) -> None:
    with pytest.raises(ShadowRejection) as caught:
        parse_update(payload)
    assert caught.value.code == 400


def test_an_update_of_too_many_bytes_is_413() -> None:
    with pytest.raises(ShadowRejection) as caught:
        parse_update(b" " * 40_000)
    assert caught.value.code == 413


def test_an_update_round_trips() -> None:
    sent = ShadowUpdate(
        reported={"a": None}, sections=frozenset({"reported"}), version=3, client_token="t" * 64
    )
    assert parse_update(sent.encode()) == sent


def test_answers_carry_what_aws_carries() -> None:
    before = apply_update(None, update(reported={"m": {"v": 1}, "k": 0}), 5)
    request = parse_update(b'{"state":{"desired":{"m":{"v":2}}},"clientToken":"c"}')
    after = apply_update(before, request, 6)
    accepted = accepted_message(after, request, 6)
    assert accepted == {
        "state": {"desired": {"m": {"v": 2}}},
        "metadata": {"desired": {"m": {"v": {"timestamp": 6}}}},
        "version": 2,
        "timestamp": 6,
        "clientToken": "c",
    }
    assert delta_message(after, "c") == {
        "state": {"m": {"v": 2}},
        "metadata": {"m": {"v": {"timestamp": 6}}},
        "version": 2,
        "timestamp": 6,
        "clientToken": "c",
    }
    whole = after.to_json()
    assert whole["state"] == {
        "desired": {"m": {"v": 2}},
        "reported": {"m": {"v": 1}, "k": 0},
        "delta": {"m": {"v": 2}},
    }
    documents = documents_message(before, after, "c")
    assert documents["previous"] == {
        "state": {"reported": {"m": {"v": 1}, "k": 0}},
        "metadata": {"reported": {"m": {"v": {"timestamp": 5}}, "k": {"timestamp": 5}}},
        "version": 1,
    }
    assert isinstance(documents["current"], dict)
    assert documents["current"]["version"] == 2
    rejection = rejected_message(ShadowRejection(409, "no", "c"), 7)
    assert rejection == {"code": 409, "message": "no", "timestamp": 7, "clientToken": "c"}


def test_no_delta_message_when_both_agree() -> None:
    assert delta_message(apply_update(None, update(desired={}, reported={"a": 1}), 1)) is None


def test_metadata_follows_the_fields() -> None:
    document = apply_update(None, update(reported={"a": {"x": 1, "y": 1}, "b": 1}), 1)
    document = apply_update(document, update(reported={"a": {"x": 2}, "b": None}), 9)
    assert document.reported_times == {"a": {"x": {"timestamp": 9}, "y": {"timestamp": 1}}}
    document = apply_update(document, update(reported={"a": 5}), 10)
    document = apply_update(document, update(reported={"a": {"z": 1}}), 11)
    assert document.reported_times == {"a": {"z": {"timestamp": 11}}}


def test_a_delta_is_read_from_both_messages() -> None:
    document = apply_update(None, update(desired={"a": 1}), 4)
    told = parse_delta(json.dumps(delta_message(document)).encode())
    got = parse_delta(json.dumps(document.to_json()).encode())
    assert told == got
    assert (got.state, got.version) == ({"a": 1}, 1)
    nothing = parse_delta(
        json.dumps(ShadowDocument(reported={"a": 1}, version=3).to_json()).encode()
    )
    assert (nothing.state, nothing.version) == ({}, 3)
    with pytest.raises(ShadowRejection, match="delta"):
        parse_delta(b'{"state": 3}')
