#!/usr/bin/env python3
"""Writes deploy/requirements.lock: those lines of requirements.lock that an edge box needs.

    .venv/bin/python deploy/box_lock.py [--check]

What the service needs follows from pyproject.toml and, package by package, from what is installed
in this environment, which is made from requirements.lock. No development tool, cloud or demo
package belongs on a box. With --check nothing is written; exit code 1 tells of a stale file.
"""

from __future__ import annotations

import sys
import tomllib
from importlib.metadata import requires
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

REPO = Path(__file__).resolve().parents[1]
LOCK = REPO / "requirements.lock"
BOX_LOCK = REPO / "deploy" / "requirements.lock"


def needed(wanted: list[str]) -> set[str]:
    """All packages that `wanted` needs on this platform, itself included."""
    names: set[str] = set()
    seen: set[tuple[str, str]] = set()
    waiting = [(Requirement(text), "") for text in wanted]
    while waiting:
        requirement, extra = waiting.pop()
        if requirement.marker and not requirement.marker.evaluate({"extra": extra}):
            continue
        name = canonicalize_name(requirement.name)
        names.add(name)
        for own in requirement.extras | {""}:
            if (name, own) not in seen:
                seen.add((name, own))
                waiting += [(Requirement(text), own) for text in requires(name) or []]
    return names


def entries(text: str) -> list[tuple[str, str]]:
    """Package and lines of each entry; some packages have one for each of several Pythons."""
    found: list[tuple[str, str]] = []
    for line in text.splitlines(keepends=True):
        if line[:1].isalnum():
            found.append((canonicalize_name(line.split("==")[0].split("[")[0]), line))
        else:
            name, lines = found[-1]
            found[-1] = (name, lines + line)
    return found


def box_lock() -> str:
    """What deploy/requirements.lock must hold."""
    project = tomllib.loads((REPO / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    names = needed(project["dependencies"])
    locked = entries(LOCK.read_text(encoding="utf-8"))
    return "".join(lines for name, lines in locked if name in names)


def main() -> None:
    """Write or check."""
    text = box_lock()
    if "--check" not in sys.argv[1:]:
        BOX_LOCK.write_text(text, encoding="utf-8")
    elif not BOX_LOCK.is_file() or BOX_LOCK.read_text(encoding="utf-8") != text:
        sys.exit(f"{BOX_LOCK} is not what requirements.lock says: run deploy/box_lock.py")


if __name__ == "__main__":
    main()
