"""`lotsight-cloud edge`: which edges there are and which site each belongs to."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import typer
from rich.table import Table

from cloud_app.accounts.audit import Subject, record
from cloud_app.acl import access_list
from cloud_app.command_cli import command
from cloud_app.config import load_config
from cloud_app.registry.layouts import take_layouts
from cloud_app.storage.database import Database, Session
from cloud_app.storage.open import open_database
from cloud_app.storage.placing import move_edge, register_edge, registered
from cloud_app.terminal import print_table
from cloud_app.user_commands import Desk, opened
from telemetry import EdgeTopics

app = typer.Typer(
    help="Which edges there are, and which site each belongs to.", no_args_is_help=True
)

app.command("command")(command)

Edge = Annotated[str, typer.Argument(help="The edge's id.")]
Site = Annotated[str, typer.Argument(help="The site's id.")]
ConfigPath = Annotated[
    Path | None, typer.Option("--config", "-c", help="TOML file of the service.")
]


@app.command("add")
def add(edge: Edge, site: Site, config: ConfigPath = None) -> None:
    """Register an edge before it speaks; needed where `registration = "listed"`."""
    EdgeTopics(site, edge)
    with opened(config) as desk, desk.accounts.database.write() as session:
        register_edge(session, edge, site)
        take_layouts(session, [edge], desk.actor.at_ms)
        _note(desk, session, "edge.add", edge, (None, site))
    typer.echo(f"{edge} belongs to {site}")


@app.command("move")
def move(edge: Edge, site: Site, config: ConfigPath = None) -> None:
    """Let an edge belong to another site; then give the box that site in its own configuration."""
    EdgeTopics(site, edge)
    with opened(config) as desk, desk.accounts.database.write() as session:
        before = move_edge(session, edge, site)
        take_layouts(session, [edge], desk.actor.at_ms)
        _note(desk, session, "edge.move", edge, (before, site))
    typer.echo(f"{edge} belonged to {before} and belongs to {site} now; its history goes with it")


@app.command("list")
def list_edges(config: ConfigPath = None) -> None:
    """All edges with their sites."""
    with _database(config) as database, database.read() as session:
        rows = registered(session)
    table = Table("edge", "site", box=None)
    for edge, site in rows:
        table.add_row(edge, site)
    print_table(table)


@app.command("acl")
def print_acl(
    config: ConfigPath = None,
    consumer: Annotated[str, typer.Option(help="User name of lotsight-cloud.")] = "consumer",
) -> None:
    """Print mosquitto's access list: each registered edge its own branch, under its own site."""
    with _database(config) as database, database.read() as session:
        edges = registered(session)
    settings = load_config(config)
    text = access_list(edges, settings.broker.prefix, settings.shadow.root, consumer)
    typer.echo(text, nl=False)


def _note(
    desk: Desk, session: Session, action: str, edge: str, sites: tuple[str | None, str]
) -> None:
    """Into the audit log, for those whose site the edge is at now."""
    before, after = sites
    owner = desk.accounts.tenants.owner(session, after)
    record(
        session, desk.actor, action, Subject("edge", edge, None if owner is None else str(owner)),
        None if before is None else {"site": before}, {"site": after},
    )  # fmt: skip


@contextmanager
def _database(config: Path | None) -> Iterator[Database]:
    database = open_database(load_config(config).database)
    try:
        yield database
    finally:
        database.close()
