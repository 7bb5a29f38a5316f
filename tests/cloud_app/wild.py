"""Hypothesis strategies made from the published schemas, and values that nobody should send."""

from __future__ import annotations

import json
from collections.abc import Callable
from copy import deepcopy
from dataclasses import dataclass
from datetime import datetime
from random import Random
from typing import Any

from hypothesis import strategies as st
from pydantic import BaseModel

from telemetry import (
    aws,
    aws_provisioning,
    cloudevents,
    commands,
    health,
    layout,
    messages,
    schemas,
)
from telemetry.layout import layout_hash

Json = Any
EDGES = ("box-1", "box-2", "box-3")
SITES = ("north", "south")

# As JSON text, since some of it is none that Python would write.
WILD = (
    "null", "true", "-1", "0", "1e400", "-1e400", "NaN", "Infinity", "-Infinity", "1e308", "0.5",
    "9007199254740992", "9007199254740993", "9223372036854775807", "9223372036854775808",
    "-9223372036854775809", "1" + "0" * 5000, '""', '"x"', '"\\u0000"', '"a\\u0000b"', '"\\ud800"',
    '"\\udc00\\ud800"', '"\\ud83d\\ude00"', '"' + "x" * 70_000 + '"', "[]", "{}", "[[]]",
    '{"a":{"b":{"c":{"d":{"e":{"f":{"g":{"h":{"i":1}}}}}}}}}', "[" * 10_000 + "]" * 10_000,
    '{"a":' * 10_000 + "1" + "}" * 10_000, '"0001-01-01T00:00:00+01:00"',
    '"9999-12-31T23:59:59-01:00"', '"9999-12-31T23:59:59Z"', '"0001-01-01T00:00:00Z"',
    '"1999-12-31T23:59:59Z"', '"2100-01-01T00:00:00Z"', '"2026-02-30T00:00:00Z"',
    '"2026-05-04T03:02:01"', '"2026-05-04T03:02:01+23:59"', '"2026-05-04T03:02:01.1234567Z"',
    '"1-9223372036854775807"', '"9999999999999999-9999999999999999"', '"1-1"', '"1e3"', "1e3",
    '"__proto__"', '"\\\\u0000"', '"\\u2028\\u202e"', '"%"', '"\'; DROP TABLE edge; --"',
)  # fmt: skip
_MARK = "@wild-{}@"

_TOPICS = (
    "pk/v1/north/\0/event", "pk/v1/nor\ud800th/box-1/event", "pk/v1//box-1/event", "",
    "pk/v1/north/box-1/event/more", "pk/v1/" + "x" * 65_000 + "/box-1/event",
    "pk/v1/north/box-1/bay/a1", "pk/v1/north/box-1/cmd/c1/res", "$SYS/broker/uptime",
    "pk/v1/+/box-1/event", "pk/v1/north/box-1/#",
)  # fmt: skip

KINDS: dict[str, tuple[type[BaseModel], ...]] = {
    "status": (messages.Status,),
    "event": (
        cloudevents.BayChangedEvent,
        cloudevents.IncidentChangedEvent,
        cloudevents.StreamGapEvent,
        cloudevents.OtherEvent,
    ),
    "snapshot": (messages.Snapshot,),
    "layout": (layout.Layout,),
    "aggregate": (messages.Aggregate,),
    "health": (health.Health,),
}
DOWN: tuple[type[BaseModel], ...] = (
    messages.Ack,
    commands.Command,
    commands.CommandResult,
    aws.NextJob,
    aws.JobDocument,
    aws.ErrorResponse,
    aws_provisioning.CertificateIssued,
    aws_provisioning.ThingProvisioned,
)


@dataclass(frozen=True)
class Sent:
    """A message that somebody sends."""

    topic: str
    payload: bytes


def from_schema(schema: Json, root: Json | None = None) -> st.SearchStrategy[Json]:
    """Values that a JSON Schema of ours describes."""
    root = root or schema
    if "$ref" in schema:
        return from_schema(root["$defs"][schema["$ref"].rsplit("/", 1)[1]], root)
    if "const" in schema:
        return st.just(schema["const"])
    if "enum" in schema:
        return st.sampled_from(schema["enum"])
    if "anyOf" in schema:
        return st.one_of([from_schema(each, root) for each in schema["anyOf"]])
    makers: dict[str, Callable[[Json, Json], st.SearchStrategy[Json]]] = {
        "object": _objects, "array": _arrays, "string": _strings, "number": _numbers,
        "integer": _integers,
    }  # fmt: skip
    kind = schema.get("type")
    if kind in makers:
        return makers[kind](schema, root)
    return st.booleans() if kind == "boolean" else st.none() if kind == "null" else _ANY_JSON


_ANY_JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.text(max_size=3), inner),
    max_leaves=4,
)


def _objects(schema: Json, root: Json) -> st.SearchStrategy[Json]:
    if "properties" not in schema:
        values = schema.get("additionalProperties")
        inner = from_schema(values, root) if isinstance(values, dict) else _ANY_JSON
        return st.dictionaries(st.text(max_size=4), inner, max_size=2)
    return st.fixed_dictionaries(
        {name: from_schema(each, root) for name, each in schema["properties"].items()}
    )


def _arrays(schema: Json, root: Json) -> st.SearchStrategy[Json]:
    if "prefixItems" in schema:
        return st.tuples(*(from_schema(each, root) for each in schema["prefixItems"])).map(list)
    least = schema.get("minItems", 0)
    return st.lists(from_schema(schema["items"], root), min_size=least, max_size=least + 3)


def _strings(schema: Json, root: Json) -> st.SearchStrategy[Json]:
    if schema.get("format") == "date-time":
        return st.sampled_from(("2026-05-04T03:02:01Z", "2000-01-01T00:00:00Z")) | st.datetimes(
            min_value=_naive(2000), max_value=_naive(2099)
        ).map(lambda moment: f"{moment.isoformat()}Z")
    most = min(schema.get("maxLength", 12), 12)
    pattern = schema.get("pattern")
    if pattern is None or pattern == r"^[^\x00]*$":
        return st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]),
                       min_size=schema.get("minLength", 0), max_size=most)  # fmt: skip
    return st.from_regex(pattern.removesuffix("$") + r"\Z")


def _naive(year: int) -> Json:
    return datetime(year, 1, 1)  # noqa: DTZ001 - hypothesis wants it so; a Z is put behind it


def _numbers(schema: Json, root: Json) -> st.SearchStrategy[Json]:
    return (
        st.floats(
            schema.get("minimum", -1e12), schema.get("maximum", 1e12), allow_nan=False, width=32
        )
        if "minimum" not in schema
        else st.floats(schema["minimum"], schema.get("maximum", 1e12))
    )


def _integers(schema: Json, root: Json) -> st.SearchStrategy[Json]:
    if "exclusiveMinimum" in schema:
        return st.integers(schema["exclusiveMinimum"] + 1, 2**53)
    low, high = schema.get("minimum", -(2**53)), schema.get("maximum", 2**53)
    return st.integers(low, min(high, low + 40)) | st.integers(low, high)


_OF_SCHEMA: dict[type[BaseModel], st.SearchStrategy[Json]] = {}


def of_type(kind: type[BaseModel]) -> st.SearchStrategy[Json]:
    """Values that a message's schema describes."""
    if kind not in _OF_SCHEMA:
        _OF_SCHEMA[kind] = from_schema(schemas.json_schema(kind))
    return _OF_SCHEMA[kind]


def _agreeing(body: Json) -> Json:
    """The body with the facts mended that a schema cannot tie together, so that many are valid."""
    for facts in [body.get("data"), *(body.get("bays") or ())]:
        if isinstance(facts, dict) and "occ" in facts:
            facts["state"] = {True: "occupied", False: "free", None: "unknown"}[facts["occ"]]
            facts["reason"] = "dark" if facts["occ"] is None else None
    data = body.get("data") or {}
    if "ranges" in data:
        data["ranges"] = [{"first": 3, "last": 5}, {"first": 9, "last": 9}]
        data["lost"] = 4
    if "open" in data and data["open"] != (data["end"] is None):
        data |= {"open": True, "end": None, "ended": None}
    if "online" in body:
        body["reason"] = None if body["online"] else body["reason"]
    if "hash" in body and "lots" in body:
        body["bays"] = list({each["bay"]: each for each in body["bays"]}.values())
        body["hash"] = layout_hash(each["bay"] for each in body["bays"])
    return body


@st.composite
def bodies(draw: st.DrawFn, kind: type[BaseModel]) -> Json:
    """A message as its schema describes it, with facts that agree."""
    body = _agreeing(draw(of_type(kind)))
    if kind is cloudevents.OtherEvent:
        body["type"] = "pk.gate.passed.v1"
    return body


@st.composite
def shadow_bodies(draw: st.DrawFn) -> Json:
    """A request to the shadow service."""
    section = _ANY_JSON | st.dictionaries(st.text(max_size=3), _ANY_JSON)
    names = st.sampled_from(("desired", "reported", "reported", "other"))
    body: Json = {"state": draw(st.dictionaries(names, section, max_size=2))}
    if draw(st.booleans()):
        body |= {"version": draw(st.integers(-1, 5)), "clientToken": draw(st.text(max_size=70))}
    return body


def gone_wild(rng: Random, body: Json) -> str:
    """A message as JSON text, with none to three of its values gone wild."""
    body = deepcopy(body)
    wild: list[str] = []
    for _ in range(rng.choice((0, 0, 0, 1, 1, 2, 3))):
        if _replace_one(rng, body, _MARK.format(len(wild))):
            wild.append(rng.choice(WILD))
    text = json.dumps(body)
    for number, fragment in enumerate(wild):
        text = text.replace(json.dumps(_MARK.format(number)), fragment)
    return text


def _replace_one(rng: Random, body: Json, mark: str) -> bool:
    """Put `mark` at some place below `body`, as a value or under a new key."""
    here = body
    while True:
        keys = list(here) if isinstance(here, dict) else list(range(len(here)))
        if not keys:
            return False
        key = rng.choice(keys)
        below = here[key]
        if isinstance(below, (dict, list)) and below and rng.random() < 0.6:
            here = below
            continue
        if isinstance(here, dict) and rng.random() < 0.1:
            here[rng.choice(("\0", "\ud800", "x" * 300, "", "new"))] = mark
        else:
            here[key] = mark
        return True


def sent(rng: Random, kind: str, body: Json) -> Sent:
    """A message to the ingest: mostly of its kind and by its schema, sometimes anything."""
    edge = rng.choice(EDGES)
    # Mostly under one's own site, else there would be nothing but quarantine.
    site = SITES[rng.random() < 0.05]
    base = f"pk/v1/{site}/{edge}"
    if "source" in body:
        body = {**body, "source": base, "id": f"{rng.randint(1, 3)}-{rng.randint(1, 200)}"}
    payload = gone_wild(rng, body).encode()
    topic = f"{base}/{kind}"
    whim = rng.randrange(40)
    if whim == 0:
        payload = rng.randbytes(rng.randrange(40))
    elif whim == 1:
        payload = rng.choice(WILD).encode()
    elif whim == 2:
        payload = payload[: rng.randrange(len(payload))]
    elif whim == 3:
        topic = rng.choice(_TOPICS)
    elif whim == 4 and rng.random() < 0.01:
        payload = b'{"x":"' + b"y" * 10_000_000 + payload
    return Sent(topic, payload)


def shadow_request(rng: Random, body: Json) -> Sent:
    """A request to the shadow service, as it comes from a broker."""
    action = rng.choice(("update", "update", "update", "get", "delete"))
    name = rng.choice(("", "name/config/", "name/bays/", "name/nobody/"))
    return Sent(f"$aws/things/box-1/shadow/{name}{action}", gone_wild(rng, body).encode())
