"""Benchmarks and scripts are run by hand, so this sees that what they import is still there."""

from __future__ import annotations

import ast
import importlib
from collections.abc import Iterator
from pathlib import Path

import pytest

REPO = Path(__file__).resolve().parents[2]
# Training needs torch, which is not everywhere; its own tests import it.
OURS = {path.parent.name for path in REPO.glob("*/__init__.py")} | {"tests", "city"}


def _tools() -> Iterator[Path]:
    yield from REPO.glob("benchmarks/**/*.py")
    for path in (REPO / "scripts").iterdir():
        if path.is_file() and "python" in path.read_text(encoding="utf-8").partition("\n")[0]:
            yield path


def _imports(path: Path) -> Iterator[tuple[str, str]]:
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom) and node.module and not node.level:
            yield from ((node.module, each.name) for each in node.names)


@pytest.mark.parametrize("path", sorted(_tools()), ids=lambda path: path.name)
def test_what_a_tool_imports_is_there(path: Path) -> None:
    for module, name in _imports(path):
        if module.partition(".")[0] not in OURS or module.startswith("models.training"):
            continue
        if not hasattr(importlib.import_module(module), name):
            importlib.import_module(f"{module}.{name}")
