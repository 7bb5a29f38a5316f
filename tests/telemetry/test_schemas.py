from __future__ import annotations

import ast
import importlib
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator

import telemetry
from telemetry import schemas
from telemetry.rules import DELIVERY_RULES
from telemetry.topics import TopicKind

FOLDER = Path(__file__).resolve().parents[2] / "docs" / "schemas"


def references(value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        if isinstance(value.get("$ref"), str):
            yield value["$ref"]
        for each in value.values():
            yield from references(each)
    elif isinstance(value, list):
        for each in value:
            yield from references(each)


def test_the_published_schemas_are_current() -> None:
    wanted = schemas.files()
    assert sorted(path.name for path in FOLDER.glob("*.json")) == sorted(wanted)
    stale = [name for name, text in wanted.items() if (FOLDER / name).read_text() != text]
    assert not stale, "run: python -m telemetry.schemas docs/schemas"


def test_writing_replaces_what_is_gone(tmp_path: Path) -> None:
    (tmp_path / "Old.schema.json").write_text("{}")
    schemas.main(tmp_path)
    assert {path.name for path in tmp_path.iterdir()} == set(schemas.files())


@pytest.mark.parametrize("kind", schemas.message_types(), ids=lambda kind: kind.__name__)
def test_each_schema_is_valid(kind: Any) -> None:
    Draft202012Validator.check_schema(schemas.json_schema(kind))


def test_asyncapi_covers_every_topic_and_all_references_resolve() -> None:
    document = schemas.asyncapi()
    assert document["asyncapi"] == "3.0.0"
    assert set(document["channels"]) == {kind.name.lower() for kind in TopicKind}
    for kind, rule in DELIVERY_RULES.items():
        operation = document["operations"][f"{kind.name.lower()}_{rule.direction.value}"]
        assert operation["action"] == ("send" if rule.direction.value == "up" else "receive")
        assert operation["bindings"]["mqtt"]["qos"] == rule.qos
        assert operation["bindings"]["mqtt"]["retain"] is rule.retain
    for reference in references(document):
        if reference.startswith("./"):
            assert (FOLDER / reference).is_file()
            continue
        node: Any = document
        for step in reference.removeprefix("#/").split("/"):
            node = node[step]
        assert isinstance(node, dict)


def test_schemas_describe_what_is_sent() -> None:
    status = telemetry.Status(online=False, epoch=3, conn=1)
    schema = schemas.json_schema(telemetry.Status)
    Draft202012Validator(schema).validate(json.loads(status.encode()))


def test_the_public_door_shows_all_that_is_public() -> None:
    shown = set(telemetry.__all__)
    assert len(shown) == len(telemetry.__all__)
    modules = imported_for_types()
    assert modules.keys() == shown
    for name, module in modules.items():
        assert getattr(telemetry, name) is vars(importlib.import_module(module))[name]


def imported_for_types() -> dict[str, str]:
    """The module of each name that type checkers see."""
    tree = ast.parse(Path(telemetry.__file__).read_text())
    imports = [node for node in ast.walk(tree) if isinstance(node, ast.ImportFrom) and node.module]
    return {
        alias.name: node.module
        for node in imports
        if node.module and node.module.startswith("telemetry.")
        for alias in node.names
    }


def test_an_unknown_name_is_told_as_python_tells_it() -> None:
    with pytest.raises(AttributeError, match="'telemetry' has no attribute 'Nothing'"):
        getattr(telemetry, "Nothing")  # noqa: B009 - a name that type checkers refuse
