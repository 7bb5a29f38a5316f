"""`lotsight-cloud edge command`: has boxes do something, and waits for their answers."""

from __future__ import annotations

import json
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.table import Table

from cloud_app.accounts.audit import Subject, record
from cloud_app.fleet.commands import CommandError, CommandFilter, CommandNow, Order, listed, send
from cloud_app.fleet.files import file_of
from cloud_app.storage.database import Database, Session
from cloud_app.storage.placing import registered
from cloud_app.terminal import print_table
from cloud_app.user_commands import Desk, opened
from telemetry.commands import CommandName

_POLL_S = 0.5


def command(  # noqa: PLR0913, PLR0917 - each is an option of the command line
    name: Annotated[CommandName, typer.Argument(help="What to do.")],
    edge: Annotated[list[str] | None, typer.Option("--edge", "-e", help="A box.")] = None,
    site: Annotated[str | None, typer.Option(help="All boxes of a site.")] = None,
    arg: Annotated[
        list[str] | None, typer.Option("--arg", "-a", help="camera=north; may be repeated.")
    ] = None,
    life_s: Annotated[
        float | None, typer.Option(help="A box that comes back later does not begin it.")
    ] = None,
    wait_s: Annotated[float, typer.Option(help="Wait so long for answers.")] = 30.0,
    out: Annotated[Path | None, typer.Option(help="Folder for files that answer it.")] = None,
    config: Annotated[
        Path | None, typer.Option("--config", "-c", help="TOML file of the service.")
    ] = None,
) -> None:
    """Have boxes do something; the running service sends it. Exit code 1 if one did not do it."""
    with opened(config) as desk:
        with desk.accounts.database.write() as session:
            life = desk.config.fleet.command_life_s if life_s is None else life_s
            names = _targets(session, edge or (), site)
            orders = [Order(each, name, _args(arg or ()), life) for each in names]
            made = send(session, orders, desk.actor.name, desk.actor.at_ms)
            for each in made:
                _note(desk, session, each)
        ended = _followed(desk.accounts.database, [each.id for each in made], wait_s)
        _show(ended)
        if out is not None:
            _save(desk.accounts.database, ended, out)
    if any(each.state.value != "done" for each in ended):
        raise typer.Exit(1)


def _targets(session: Session, edges: Sequence[str], site: str | None) -> list[str]:
    if bool(edges) == (site is not None):
        msg = "expected --edge, or --site, to say which boxes are meant"
        raise CommandError(msg)
    if site is None:
        return list(dict.fromkeys(edges))
    found = [name for name, at in registered(session) if at == site]
    if not found:
        msg = f"expected a site with boxes, but got {site!r}"
        raise CommandError(msg)
    return found


def _args(pairs: Sequence[str]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for pair in pairs:
        name, equals, value = pair.partition("=")
        if not equals:
            msg = f"expected an argument as name=value, but got {pair!r}"
            raise CommandError(msg)
        try:
            found[name] = json.loads(value)
        except ValueError:
            found[name] = value
    return found


def _note(desk: Desk, session: Session, made: CommandNow) -> None:
    owner = desk.accounts.tenants.owner(session, made.site)
    subject = Subject("edge", made.edge, None if owner is None else str(owner))
    facts = {"id": made.id, "name": made.name, "args": made.args}
    record(session, desk.actor, "command.send", subject, None, facts)


def _followed(database: Database, ids: Sequence[str], wait_s: float) -> list[CommandNow]:
    """The commands once all of them are over, or after `wait_s`."""
    end_s = time.monotonic() + wait_s
    while True:
        with database.read() as session:
            found = listed(session, CommandFilter(ids=ids))
        if all(each.state.is_final for each in found) or time.monotonic() >= end_s:
            return sorted(found, key=lambda each: each.edge)
        time.sleep(_POLL_S)


def _show(found: Sequence[CommandNow]) -> None:
    table = Table("edge", "command", "state", "answer", box=None)
    for each in found:
        answer = each.detail or (json.dumps(each.result) if each.result else "")
        table.add_row(each.edge, each.id, each.state.value, answer)
    print_table(table)


def _save(database: Database, found: Sequence[CommandNow], folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for each in found:
        with database.read() as session:
            file = file_of(session, each.id)
        if file is not None:
            path = folder / Path(file.name).name
            path.write_bytes(file.data)
            typer.echo(str(path))
