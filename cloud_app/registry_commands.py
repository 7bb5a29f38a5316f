"""`lotsight-cloud registry`: files in and out, and what there is."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.console import Console
from rich.progress import Progress, TextColumn
from rich.table import Table

from cloud_app.config import load_config
from cloud_app.registry.errors import FactsError
from cloud_app.terminal import plain_console, print_table
from cloud_app.user_commands import opened
from telemetry import ConfigError

if TYPE_CHECKING:
    from cloud_app.accounts.audit import Actor
    from cloud_app.registry.imports import Import, Plan
    from cloud_app.registry.kinds import Kind
    from cloud_app.storage.database import Database, Session

app = typer.Typer(
    help="Councils, operators, sites, lots, zones, bays and devices: files in and out.",
    no_args_is_help=True,
)

# Lines of a plan that are read at a glance; `--all` prints the rest.
_SHOWN = 20

ConfigPath = Annotated[
    Path | None, typer.Option("--config", "-c", help="TOML file of the service.")
]


@app.command("import")
def import_file(
    file: Annotated[Path, typer.Argument(help="A .csv of one kind of thing, or a .geojson.")],
    config: ConfigPath = None,
    apply: Annotated[
        bool, typer.Option("--apply", help="Do it; without this it is only shown.")
    ] = False,
    remove_missing: Annotated[
        bool,
        typer.Option(
            "--remove-missing",
            help="Also delete bays of the file's lots, lots of its sites and so on, that it lacks.",
        ),
    ] = False,
    show_all: Annotated[bool, typer.Option("--all", help="Show every change.")] = False,
) -> None:
    """Show what a file would add, change and remove; with --apply, do it, all or nothing."""
    from cloud_app.registry.files import read_file
    from cloud_app.registry.imports import Import, dry_run, run

    with _progress("reading") as told:
        reading = read_file(file, told)
    reading.refuse_if_wrong()
    with opened(config) as desk, _progress("comparing") as told:
        database, actor = desk.accounts.database, desk.actor
        given = Import(reading.rows, f"cli:{actor.name}", file.name, remove_missing)
        if apply:
            note = partial(_note, actor, file.name)
            plan = run(database, given, actor.at_ms, note, told)
        else:
            plan = dry_run(database, given, told)
    _print_plan(plan, given, applied=apply, show_all=show_all)
    if plan.faults:
        raise FactsError(plan.faults, file.name)


def _note(actor: Actor, file: str, session: Session, plan: Plan) -> None:
    from cloud_app.accounts.registry_log import record_import

    record_import(session, actor, plan, file)


@app.command("export")
def export_file(
    file: Annotated[
        Path, typer.Argument(help="What is written: .geojson for all, .csv for one kind.")
    ],
    config: ConfigPath = None,
    kind: Annotated[
        str | None, typer.Option("--kind", help="Only this: council, operator, site, lot, ...")
    ] = None,
    site: Annotated[str | None, typer.Option("--site", help="Only what is at this site.")] = None,
) -> None:
    """Write the registry to a file, in the form that import reads."""
    from cloud_app.registry.files import write_csv, write_geojson
    from cloud_app.registry.kinds import KINDS
    from cloud_app.registry.queries import Filter, every_thing

    chosen = [_kind(kind)] if kind is not None else list(KINDS.values())
    is_table = file.suffix.lower() == ".csv"
    if is_table and kind is None:
        msg = f"a table holds one kind of thing: expected --kind with one of {', '.join(KINDS)}"
        raise ConfigError(msg)
    if not is_table and file.suffix.lower() not in {".geojson", ".json"}:
        msg = f"expected a name that ends in .csv or .geojson, but got {file.name!r}"
        raise ConfigError(msg)
    sites = None if site is None else [site]
    with _database(config) as database, database.read() as session:
        things = (
            thing for each in chosen for thing in every_thing(session, Filter(each, sites=sites))
        )
        with file.open("w", encoding="utf-8", newline="") as out:
            count = write_csv(chosen[0], things, out) if is_table else write_geojson(things, out)
    typer.echo(f"{file}: {count:,} things")


@app.command("list")
def list_things(
    kind: Annotated[str, typer.Argument(help="council, operator, site, lot, zone, bay or device.")],
    config: ConfigPath = None,
    of: Annotated[
        str | None,
        typer.Option("--of", help="Only what belongs to it: a site, or a lot as SITE/LOT."),
    ] = None,
    limit: Annotated[int, typer.Option("--limit", min=1, help="At most so many.")] = 200,
) -> None:
    """Things of one kind and what is known of them."""
    from cloud_app.registry.queries import Filter, things
    from cloud_app.registry.things import Speaker

    chosen = _kind(kind)
    with _database(config) as database, database.read() as session:
        found = things(session, Filter(chosen, of), limit + 1)
    columns = [
        name
        for name in chosen.facts.model_fields
        if name not in chosen.ids and any(thing.said.get(name) is not None for thing in found)
    ]
    table = Table(*chosen.ids, *columns, box=None, header_style="bold")
    for thing in found[:limit]:
        by = thing.said_by
        table.add_row(
            *thing.ids.values(),
            *(
                _cell(thing.said.get(name)) + ("*" if by.get(name) is Speaker.PERSON else "")
                for name in columns
            ),
        )
    print_table(table)
    console = plain_console()
    more = f"; there are more (--limit {limit * 10})" if len(found) > limit else ""
    console.print(f"{len(found[:limit])} {chosen.plural}, * said by a person{more}", style="dim")


@app.command("history")
def show_history(
    kind: Annotated[str, typer.Argument(help="council, operator, site, lot, zone, bay, device.")],
    key: Annotated[str, typer.Argument(help="Its id; of a bay SITE/LOT/BAY.")],
    config: ConfigPath = None,
) -> None:
    """Who changed a thing, when, and what it was before."""
    from cloud_app.registry.kinds import Ref
    from cloud_app.registry.queries import history
    from cloud_app.storage.times import from_ms

    ref = Ref(_kind(kind).name, key)
    with _database(config) as database, database.read() as session:
        entries = history(session, ref, 1_000)
    table = Table("version", "time", "who", "what", "before", "after", box=None)
    for entry in entries:
        table.add_row(
            str(entry.version),
            f"{from_ms(entry.at_ms):%Y-%m-%d %H:%M:%S} UTC",
            entry.actor,
            entry.action.value,
            _facts(entry.before),
            _facts(entry.after),
        )
    print_table(table)


def _facts(facts: Any) -> str:
    return ", ".join(f"{name}={_cell(value)}" for name, value in facts.items())


def _cell(value: Any) -> str:
    if value is None:
        return "-"
    if isinstance(value, list):
        return " ".join(value)
    if isinstance(value, dict) and "lat" in value:
        return f"{value['lat']:.6f},{value['lon']:.6f}"
    return f"({value['type']})" if isinstance(value, dict) else str(value)


def _kind(name: str) -> Kind:
    from cloud_app.registry.kinds import KINDS

    by_name = {**KINDS, **{kind.plural: kind for kind in KINDS.values()}}
    if name not in by_name:
        msg = f"expected one of {', '.join(KINDS)}, but got {name!r}"
        raise ConfigError(msg)
    return by_name[name]


def _print_plan(plan: Plan, given: Import, *, applied: bool, show_all: bool) -> None:
    from cloud_app.registry.imports import summary
    from cloud_app.registry.things import Action

    for change in plan.changes if show_all else plan.changes[:_SHOWN]:
        typer.echo(summary(change))
    if not show_all and len(plan.changes) > _SHOWN:
        typer.echo(f"... and {len(plan.changes) - _SHOWN:,} more; --all shows them")
    counts = ", ".join(
        f"{len(plan.of(action)):,} {word}"
        for action, word in (
            (Action.CREATED, "added"),
            (Action.CHANGED, "changed"),
            (Action.DELETED, "removed"),
        )
    )
    typer.echo(f"{given.name}: {counts}, {plan.untouched:,} untouched")
    if plan.missing:
        shown = ", ".join(ref.key for ref in plan.missing[:3])
        more = ", ..." if len(plan.missing) > len(plan.missing[:3]) else ""
        typer.echo(
            f"kept though not in the file: {len(plan.missing):,} ({shown}{more});"
            " --remove-missing deletes them"
        )
    if not applied and not plan.faults:
        typer.echo("nothing was written; --apply does it")


@contextmanager
def _progress(what: str) -> Iterator[Any]:
    """A line of progress on a terminal, and only there."""
    columns = (*Progress.get_default_columns(), TextColumn("{task.completed:,} lines"))
    console = Console(stderr=True)
    with Progress(
        *columns, console=console, transient=True, disable=not console.is_terminal
    ) as bar:
        task = bar.add_task(what, total=None)
        yield lambda done, total: bar.update(task, completed=done, total=total)


@contextmanager
def _database(config: Path | None) -> Iterator[Database]:
    from cloud_app.storage.open import open_database

    database = open_database(load_config(config).database)
    try:
        yield database
    finally:
        database.close()
