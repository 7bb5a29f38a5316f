"""Device-shadow documents with AWS IoT's semantics, as pure functions.

Only fields that an update names change; null deletes; arrays are replaced whole; the delta holds
the desired fields that differ from the reported ones; an update with another version than the
document's is refused (409), a document over 8 KB too (413), a malformed update (400) as well.
Source: AWS IoT Core developer guide, "Device Shadow service documents" and "error messages".
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final, NoReturn

from pydantic import JsonValue

from telemetry.bounds import MAX_DEPTH
from telemetry.errors import TelemetryError
from telemetry.payload_checks import check_json

JsonObject = dict[str, JsonValue]

MAX_DOCUMENT_BYTES = 8_192
"""Of desired and reported together, as compact JSON; metadata is not counted."""
MAX_PAYLOAD_BYTES = 32_768
"""A request of more is refused unread: twice a full document with blanks still fits."""
MAX_CLIENT_TOKEN_BYTES = 64
SECTIONS: Final = ("desired", "reported")


class ShadowRejection(TelemetryError):  # noqa: N818 - AWS calls the answer "rejected", not an error
    """An update that the shadow service refuses.

    Attributes:
        code: 400, 404, 409 or 413, as HTTP has them.
        message: what was wrong.
        client_token: of the request, where it could be read.
    """

    def __init__(self, code: int, message: str, client_token: str | None = None) -> None:
        super().__init__(f"shadow update rejected with {code}: {message}")
        self.code = code
        self.message = message
        self.client_token = client_token


@dataclass(frozen=True, slots=True)
class ShadowUpdate:
    """A request to change a shadow.

    Attributes:
        desired: fields to merge; None deletes the whole section.
        reported: likewise.
        sections: which of the two the request names.
        version: the document's version that the sender saw; None does not care.
        client_token: comes back in the answer.
    """

    desired: JsonObject | None = None
    reported: JsonObject | None = None
    sections: frozenset[str] = frozenset()
    version: int | None = None
    client_token: str | None = None

    def encode(self) -> bytes:
        """The request as UTF-8 JSON."""
        state: JsonObject = {
            name: getattr(self, name) for name in SECTIONS if name in self.sections
        }
        return _dump(_with_optional({"state": state}, self.version, self.client_token))


@dataclass(frozen=True, slots=True)
class ShadowDocument:
    """A shadow as the service keeps it. Treat the objects inside as read-only.

    Attributes:
        desired: what the cloud wants.
        reported: what the box says.
        desired_times: for each leaf of `desired`, when it last changed, Unix seconds.
        reported_times: likewise.
        version: rises by one with each accepted update.
        timestamp_s: Unix time of the last update.
    """

    desired: JsonObject = field(default_factory=dict)
    reported: JsonObject = field(default_factory=dict)
    desired_times: JsonObject = field(default_factory=dict)
    reported_times: JsonObject = field(default_factory=dict)
    version: int = 0
    timestamp_s: int = 0

    def to_json(self) -> JsonObject:
        """What `get/accepted` carries: empty sections are skipped, delta is worked out."""
        state: JsonObject = {name: section for name in SECTIONS if (section := getattr(self, name))}
        metadata: JsonObject = {
            name: times for name in SECTIONS if (times := getattr(self, f"{name}_times"))
        }
        if difference := delta(self.desired, self.reported):
            state["delta"] = difference
        return {
            "state": state,
            "metadata": metadata,
            "version": self.version,
            "timestamp": self.timestamp_s,
        }


def parse_update(payload: bytes) -> ShadowUpdate:
    """Read a request to change a shadow.

    Raises:
        ShadowRejection: 413 for too many bytes, 400 for anything that is not such a request.
    """
    if len(payload) > MAX_PAYLOAD_BYTES:
        _refuse(413, f"expected at most {MAX_PAYLOAD_BYTES} bytes, but got {len(payload)}")
    # Two levels lie above a section.
    request = _load_object(payload, MAX_DEPTH + 2)
    token = _client_token(request)
    unknown = sorted(set(request) - {"state", "version", "clientToken"})
    if unknown:
        _refuse(400, f"unknown field {unknown[0]!r}", token)
    version = request.get("version")
    if version is not None and (type(version) is not int or version < 0):
        _refuse(400, f"version must be a whole number from 0, but got {version!r}", token)
    state = request.get("state")
    if not isinstance(state, dict):
        _refuse(400, "expected an object 'state'", token)
    stray = sorted(set(state) - set(SECTIONS))
    if stray or not state:
        got = repr(stray[0]) if stray else "nothing"
        _refuse(400, f"state may hold 'desired' and 'reported', but got {got}", token)
    for name in SECTIONS:
        section = state.get(name)
        if section is not None and not isinstance(section, dict):
            _refuse(400, f"{name} must be an object or null, but got {section!r:.40}", token)
        if isinstance(section, dict):
            _check_section(name, section, token)
    desired, reported = state.get("desired"), state.get("reported")
    return ShadowUpdate(
        desired=desired if isinstance(desired, dict) else None,
        reported=reported if isinstance(reported, dict) else None,
        sections=frozenset(state),
        version=version if isinstance(version, int) else None,
        client_token=token,
    )


def apply_update(
    document: ShadowDocument | None, update: ShadowUpdate, timestamp_s: int
) -> ShadowDocument:
    """The document after an update.

    Args:
        document: as it stands; None when there is none yet (version 0).
        update: what to change.
        timestamp_s: Unix time of the update.

    Raises:
        ShadowRejection: 409 when the versions differ, 413 when the result is too large, 400 when
            the update is nested too deep or holds what no JSON of the contract may.
    """
    old = document or ShadowDocument()
    token = update.client_token
    if update.version is not None and update.version != old.version:
        _refuse(409, f"version is {old.version}, but the update expects {update.version}", token)
    merged: dict[str, JsonObject] = {}
    for name in SECTIONS:
        state: JsonObject = getattr(old, name)
        times: JsonObject = getattr(old, f"{name}_times")
        patch: JsonObject | None = getattr(update, name)
        if name in update.sections:
            if patch is not None:
                _check_section(name, patch, token)
            state = {} if patch is None else merge(state, patch)
            times = {} if patch is None else _stamp(times, patch, timestamp_s)
        merged[name], merged[f"{name}_times"] = state, times
    size = len(_dump({name: merged[name] for name in SECTIONS}))
    if size > MAX_DOCUMENT_BYTES:
        _refuse(413, f"the document may have {MAX_DOCUMENT_BYTES} bytes, but has {size}", token)
    return ShadowDocument(
        desired=merged["desired"],
        reported=merged["reported"],
        desired_times=merged["desired_times"],
        reported_times=merged["reported_times"],
        version=old.version + 1,
        timestamp_s=timestamp_s,
    )


def merge(state: Mapping[str, JsonValue], patch: Mapping[str, JsonValue]) -> JsonObject:
    """`state` with the fields of `patch`: null deletes, objects merge, all else is replaced."""
    result = dict(state)
    for key, value in patch.items():
        if value is None:
            result.pop(key, None)
        elif isinstance(value, dict):
            below = result.get(key)
            result[key] = merge(below if isinstance(below, dict) else {}, value)
        else:
            result[key] = value
    return result


def delta(desired: Mapping[str, JsonValue], reported: Mapping[str, JsonValue]) -> JsonObject:
    """The desired fields that differ from the reported ones; merged into these, they agree."""
    result: JsonObject = {}
    for key, wanted in desired.items():
        if key not in reported:
            result[key] = wanted
            continue
        got = reported[key]
        if isinstance(wanted, dict) and isinstance(got, dict):
            if below := delta(wanted, got):
                result[key] = below
        elif not same_json(wanted, got):
            result[key] = wanted
    return result


def same_json(left: JsonValue, right: JsonValue) -> bool:
    """Whether two JSON values are equal; unlike in Python, true is not 1."""
    if isinstance(left, bool) or isinstance(right, bool):
        return left is right
    if isinstance(left, dict) and isinstance(right, dict):
        return left.keys() == right.keys() and all(same_json(left[k], right[k]) for k in left)
    if isinstance(left, list) and isinstance(right, list):
        return len(left) == len(right) and all(map(same_json, left, right))
    return left == right


def accepted_message(
    document: ShadowDocument, update: ShadowUpdate, timestamp_s: int
) -> JsonObject:
    """What `update/accepted` carries: the fields of the update and the new version."""
    state: JsonObject = {name: getattr(update, name) for name in update.sections}
    metadata: JsonObject = {
        name: _stamp({}, patch, timestamp_s)
        for name in update.sections
        if (patch := getattr(update, name)) is not None
    }
    body: JsonObject = {"state": state, "metadata": metadata, "timestamp": timestamp_s}
    return _with_optional(body, document.version, update.client_token)


def rejected_message(rejection: ShadowRejection, timestamp_s: int) -> JsonObject:
    """What `update/rejected` carries."""
    body: JsonObject = {
        "code": rejection.code,
        "message": rejection.message,
        "timestamp": timestamp_s,
    }
    return _with_optional(body, None, rejection.client_token)


def delta_message(document: ShadowDocument, client_token: str | None = None) -> JsonObject | None:
    """What `update/delta` carries; None when desired and reported agree."""
    difference = delta(document.desired, document.reported)
    if not difference:
        return None
    body: JsonObject = {
        "state": difference,
        "metadata": _pick(document.desired_times, difference),
        "timestamp": document.timestamp_s,
    }
    return _with_optional(body, document.version, client_token)


def documents_message(
    before: ShadowDocument | None, after: ShadowDocument, client_token: str | None = None
) -> JsonObject:
    """What `update/documents` carries: the document before and after an update."""

    def part(document: ShadowDocument) -> JsonObject:
        whole = document.to_json()
        whole.pop("timestamp")
        state = whole["state"]
        if isinstance(state, dict):
            state.pop("delta", None)
        return whole

    body: JsonObject = {
        "previous": part(before) if before else None,
        "current": part(after),
        "timestamp": after.timestamp_s,
    }
    return _with_optional(body, None, client_token)


@dataclass(frozen=True, slots=True)
class ShadowDelta:
    """A delta as the box receives it.

    Attributes:
        state: the desired fields that differ.
        version: of the document; an older one than the last seen is stale.
    """

    state: JsonObject
    version: int


def parse_delta(payload: bytes) -> ShadowDelta:
    """Read an `update/delta` message, or the delta inside a `get/accepted` one.

    Raises:
        ShadowRejection: 400, it is neither.
    """
    # The metadata of a full document: two levels above it, and its times below each leaf.
    message = _load_object(payload, MAX_DEPTH + 3)
    state, version = message.get("state"), message.get("version")
    if not isinstance(state, dict) or type(version) is not int:
        _refuse(400, "expected a delta with an object 'state' and a whole number 'version'")
    if message.keys() & {"metadata"} and state.keys() & {"desired", "reported", "delta"}:
        below = state.get("delta", {})
        state = below if isinstance(below, dict) else {}
    return ShadowDelta(state, version)


def dump_json(value: Mapping[str, JsonValue]) -> bytes:
    """Compact UTF-8 JSON without NaN."""
    return _dump(value)


def _load_object(payload: bytes, max_depth: int) -> JsonObject:
    try:
        check_json(payload, "document", max_depth=max_depth)
        value = json.loads(payload)
    except TelemetryError as exc:
        raise ShadowRejection(400, str(exc)) from exc
    except (ValueError, RecursionError) as exc:
        raise ShadowRejection(400, "expected UTF-8 JSON") from exc
    if not isinstance(value, dict):
        _refuse(400, f"expected a JSON object, but got {type(value).__name__}")
    return value


def _check_section(name: str, section: Mapping[str, JsonValue], token: str | None) -> None:
    try:
        check_json(_dump(section), name, max_depth=MAX_DEPTH)
    except (ValueError, RecursionError, TelemetryError) as exc:
        _refuse(400, f"{exc}", token)


def _client_token(request: JsonObject) -> str | None:
    token = request.get("clientToken")
    if token is None:
        return None
    if not isinstance(token, str) or len(token.encode()) > MAX_CLIENT_TOKEN_BYTES:
        _refuse(400, f"clientToken must be a string of at most {MAX_CLIENT_TOKEN_BYTES} bytes")
    return token


def _refuse(code: int, message: str, client_token: str | None = None) -> NoReturn:
    raise ShadowRejection(code, message, client_token)


def _stamp(times: JsonObject, patch: Mapping[str, JsonValue], timestamp_s: int) -> JsonObject:
    """Metadata after `patch`: every leaf that it names gets the time, deleted ones vanish."""
    result = dict(times)
    for key, value in patch.items():
        below = result.get(key)
        if value is None:
            result.pop(key, None)
        elif isinstance(value, dict):
            is_leaf = isinstance(below, dict) and below.keys() == {"timestamp"}
            result[key] = _stamp(
                below if isinstance(below, dict) and not is_leaf else {}, value, timestamp_s
            )
        else:
            result[key] = {"timestamp": timestamp_s}
    return result


def _pick(times: JsonObject, keys: Mapping[str, JsonValue]) -> JsonObject:
    result: JsonObject = {}
    for key, value in keys.items():
        below = times.get(key)
        if isinstance(value, dict) and isinstance(below, dict):
            result[key] = _pick(below, value)
        elif below is not None:
            result[key] = below
    return result


def _with_optional(body: JsonObject, version: int | None, client_token: str | None) -> JsonObject:
    if version is not None:
        body["version"] = version
    if client_token is not None:
        body["clientToken"] = client_token
    return body


def _dump(value: Mapping[str, JsonValue]) -> bytes:
    text = json.dumps(value, separators=(",", ":"), ensure_ascii=False, allow_nan=False)
    return text.encode()
