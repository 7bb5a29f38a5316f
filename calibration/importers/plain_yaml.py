"""YAML as people write it by hand: every scalar stays the text that stands there.

YAML reads `id: 007` as the number 7 and a zone called `off` as false; names must stay as they are.
"""

from __future__ import annotations

import re
from collections import Counter
from typing import Any

import yaml

from telemetry.errors import CalibrationError

# A mapping that merges others may double with each level of aliases.
_LARGEST_MAPPING = 10_000
# The reader needs minutes for what nests deeply, only to refuse it at Python's own limit.
_DEEPEST = 100
_OPENINGS = re.compile(rf"[\[{{]\s*(?:[\[{{]\s*){{{_DEEPEST}}}")


class _TextLoader(yaml.SafeLoader):
    # All that is resolved is the merge key.
    yaml_implicit_resolvers = {  # noqa: RUF012 - yaml's own way of declaring it
        "<": [("tag:yaml.org,2002:merge", re.compile(r"^<<$"))]
    }

    def compose_mapping_node(self, anchor: dict[Any, yaml.Node]) -> yaml.MappingNode:
        node = super().compose_mapping_node(anchor)
        keys = Counter(key.value for key, _ in node.value if isinstance(key, yaml.ScalarNode))
        for key, count in keys.items():
            if count > 1:
                raise _fault(node, f"'{key}' {count} times in a mapping")
        return node

    def flatten_mapping(self, node: yaml.MappingNode) -> None:
        super().flatten_mapping(node)
        if len(node.value) > _LARGEST_MAPPING:
            raise _fault(node, f"more than {_LARGEST_MAPPING} keys in a mapping")


def _fault(node: yaml.Node, problem: str) -> yaml.constructor.ConstructorError:
    return yaml.constructor.ConstructorError(None, None, problem, node.start_mark)


def parse_yaml(text: str, source: str) -> Any:
    """Parse YAML; an empty value is the empty text.

    Args:
        text: the document.
        source: what to call it in errors: the file's path.

    Raises:
        CalibrationError: it is not YAML, or has a key twice in a mapping; names line and column.
    """
    if deep := _OPENINGS.search(text):
        line = text.count("\n", 0, deep.start()) + 1
        msg = f"{source}: line {line}: expected YAML of at most {_DEEPEST} levels, but got more"
        raise CalibrationError(msg)
    try:
        return yaml.load(text, _TextLoader)  # noqa: S506 - a SafeLoader with fewer types  # nosec B506
    except yaml.MarkedYAMLError as exc:
        mark = exc.problem_mark
        place = f"line {mark.line + 1}, column {mark.column + 1}" if mark else "the file"
        msg = f"{source}: {place}: expected YAML, but got {exc.problem or 'another thing'}"
        raise CalibrationError(msg) from exc
    except (yaml.YAMLError, RecursionError, ValueError) as exc:
        said = str(exc).splitlines() or [type(exc).__name__]
        msg = f"{source}: the file: expected YAML, but got {said[0]}"
        raise CalibrationError(msg) from exc
