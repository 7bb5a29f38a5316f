"""Whoever catches `LotsightError` catches every error that is raised on purpose."""

from __future__ import annotations

import ast
import builtins
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PACKAGES = (
    "telemetry", "pages", "sensors", "vision", "simulator", "calibration", "harvest", "models",
    "datasets", "edge_app", "http_server", "cloud_app",
)  # fmt: skip
ALLOWED = {
    "LotsightError": "the base itself",
    "JsonFault": "http_server knows nothing of lotsight; its middleware alone catches it",
}
BUILT_IN = {
    name
    for name, each in vars(builtins).items()
    if isinstance(each, type) and issubclass(each, BaseException)
}


def exception_classes() -> Iterator[tuple[Path, str]]:
    """Classes that come straight from an exception of Python's."""
    for package in PACKAGES:
        for path in sorted((ROOT / package).rglob("*.py")):
            for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
                if isinstance(node, ast.ClassDef) and any(
                    isinstance(base, ast.Name) and base.id in BUILT_IN for base in node.bases
                ):
                    yield path.relative_to(ROOT), node.name


def test_every_error_is_a_lotsight_error() -> None:
    found = list(exception_classes())
    assert [(str(path), name) for path, name in found if name not in ALLOWED] == []
    assert {name for _, name in found} == set(ALLOWED)
