"""Every example of docs/telemetry.md: JSON blocks are read as the type they name, Python is run."""

from __future__ import annotations

import re
from pathlib import Path

from jsonschema import Draft202012Validator
from pydantic import BaseModel, TypeAdapter

from telemetry import schemas
from telemetry.messages import decode
from telemetry.rules import DELIVERY_RULES

PAGE = Path(__file__).resolve().parents[2] / "docs" / "telemetry.md"
BLOCK = re.compile(r"^```(\w+)(?: (\w+))?\n(.*?)^```$", re.DOTALL | re.MULTILINE)
TYPES: dict[str, type[BaseModel]] = {kind.__name__: kind for kind in schemas.message_types()}


def test_json_examples_are_what_they_say() -> None:
    seen: set[str] = set()
    for language, name, body in BLOCK.findall(PAGE.read_text()):
        if language == "json":
            message = decode(TYPES[name], body.encode(), f"docs/telemetry.md, {name}")
            sent = TypeAdapter(dict).validate_json(message.model_dump_json(by_alias=True))
            Draft202012Validator(schemas.json_schema(TYPES[name])).validate(sent)
            seen.add(name)
    below_base = {kind.__name__ for group in schemas.MESSAGES.values() for kind in group}
    assert below_base - seen == {"BayTopicState"}


def test_python_examples_run() -> None:
    blocks = BLOCK.findall(PAGE.read_text())
    examples = {name: body.encode() for language, name, body in blocks if language == "json"}
    scope: dict[str, object] = {"examples": examples}
    programs = [body for language, _, body in blocks if language == "python"]
    assert len(programs) >= 4
    for program in programs:
        exec(compile(program, str(PAGE), "exec"), scope)


def test_the_table_of_topics_is_that_of_the_rules() -> None:
    rows = re.findall(
        r"^\| `([a-z/{}]+)` \| (up|down) \| (\d) \| (yes|no) \| (\S+)(?: h)? \|",
        PAGE.read_text(),
        re.M,
    )
    tails = {"cmd/{id}": "cmd", "cmd/{id}/res": "cmd_res", "bay/{bay}": "bay"}
    told = {
        tails.get(tail, tail): (direction, int(qos), retained == "yes", expiry)
        for tail, direction, qos, retained, expiry in rows
    }
    assert told == {
        kind.value: (
            rule.direction.value,
            rule.qos,
            rule.retain,
            "-" if rule.expiry_s is None else str(rule.expiry_s // 3600),
        )
        for kind, rule in DELIVERY_RULES.items()
    }
