"""What docs/accounts.md says is so."""

from __future__ import annotations

import re
from pathlib import Path

from typer.main import get_command

from cloud_app.accounts.roles import Role
from cloud_app.api import route_permissions
from cloud_app.cli import app

PAGE = Path(__file__).resolve().parents[3] / "docs" / "accounts.md"


def _first_cells(heading: str) -> list[str]:
    lines = PAGE.read_text().split(heading)[1].split("\n\n")[0].splitlines()
    return [line.split("|")[1] for line in lines if line.count("|") > 2]


def test_every_path_is_in_the_docs_and_no_other() -> None:
    cells = _first_cells("| path | for whom | what |")
    told = {f"/api/v1/{name}" for cell in cells for name in re.findall(r"`([^`]+)`", cell)}
    assert told == set(route_permissions.OF_PEOPLE)


def test_every_command_is_in_the_docs_and_no_other() -> None:
    cells = _first_cells("| command | does |")
    told = {
        " ".join(re.findall(r"`([a-z -]+?)(?= [A-Z\[]|`)", cell)) for cell in cells if "`" in cell
    }
    user = get_command(app).commands["user"]  # type: ignore[attr-defined]
    assert told == {*(f"user {name}" for name in user.commands), "audit"}


def test_every_role_is_in_the_docs() -> None:
    cells = _first_cells(
        "| role | at | sees | sees to [alerts](alerts.md) | keeps the [registry](registry.md) "
        "| changes shadows "
        "| people, keys, notification rules, audit log |"
    )
    assert {cell.strip() for cell in cells if "-" not in cell} == {role.value for role in Role}
