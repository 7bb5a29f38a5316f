"""`lotsight-cloud rules ...`: rules in files, from the machine itself."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from rich.table import Table

from cloud_app.storage.times import from_ms
from cloud_app.terminal import print_table
from cloud_app.user_commands import ConfigPath, TenantOption, opened
from telemetry import ConfigError

app = typer.Typer(help="Rules: from events to alerts and messages.", no_args_is_help=True)

RuleId = Annotated[str, typer.Argument(help="Id of the rule, as `list` shows it.")]
RuleFile = Annotated[Path, typer.Argument(help="TOML file with [[rule]] tables.")]


@app.command("list")
def list_rules(config: ConfigPath = None) -> None:
    """All rules, and how they are."""
    with opened(config) as desk:
        from cloud_app.rules import outbox, store

        with desk.accounts.database.read() as session:
            rules = store.every_one(session)
            counts = outbox.counts(session, [each.id for each in rules])
    table = Table(box=None)
    if not rules:
        typer.echo("there are no rules; `rules built-in` shows those of the service")
        return
    for heading in ("id", "of", "name", "about", "fired", "waiting", "given up", "state"):
        table.add_column(heading, no_wrap=heading == "id")
    for each in rules:
        waiting, dead, _ = counts.get(each.id, (0, 0, None))
        state = each.fault or ("on" if each.spec.enabled else "off")
        about = each.spec.replaces or each.spec.trigger
        table.add_row(
            each.id, str(each.tenant), each.spec.name, about.value, str(each.fired), str(waiting),
            str(dead), state,
        )  # fmt: skip
    print_table(table)


@app.command("built-in")
def built_in(config: ConfigPath = None) -> None:
    """The rules of the service itself, as a file: import what is to be otherwise for a tenant."""
    from cloud_app.config import load_config
    from cloud_app.rules.files import written_shipped
    from cloud_app.rules.shipped import shipped

    known = load_config(config)
    rules = [each.rule for each in shipped(known.rules, known.gates).values()]
    typer.echo(written_shipped(rules), nl=False)


@app.command("letters")
def letters(
    rule: RuleId,
    limit: Annotated[int, typer.Option(min=1, max=1000, help="At most so many.")] = 50,
    config: ConfigPath = None,
) -> None:
    """Messages of a rule that were given up, the newest first."""
    with opened(config) as desk:
        from cloud_app.rules import outbox, store

        with desk.accounts.database.read() as session:
            known = store.by_id(session, rule)
            rows = outbox.dead_letters(session, rule, limit)
    if not rows:
        typer.echo(f"{known.spec.name}: no message was given up")
        return
    table = Table(box=None)
    for heading in ("id", "action", "made", "given up", "tries", "fault"):
        table.add_column(heading, no_wrap=heading == "id")
    for row in rows:
        made, gone = (f"{from_ms(at_ms):%Y-%m-%d %H:%M:%S}" for at_ms in (row.made_ms, row.dead_ms))
        table.add_row(row.id, row.kind, made, gone, str(row.tries), row.fault or "")
    print_table(table)


@app.command("replay")
def replay(rule: RuleId, config: ConfigPath = None) -> None:
    """Send the messages of a rule that were given up again, to where it now sends them."""
    with opened(config) as desk:
        from cloud_app.rules import outbox, store

        with desk.accounts.database.write() as session:
            done = outbox.replay(session, desk.actor, store.by_id(session, rule))
    typer.echo(f"{done} message{'' if done == 1 else 's'} will be sent again")


@app.command("check")
def check(file: RuleFile) -> None:
    """Check a file; no database is needed, and nothing is changed."""
    from cloud_app.rules.files import read_rules

    rules = read_rules(_text(file), str(file))
    typer.echo(f"{file}: {len(rules)} rules, ok")


@app.command("import")
def import_rules(file: RuleFile, tenant: TenantOption = None, config: ConfigPath = None) -> None:
    """Make the rules of a file, or change those of the same name; all of them, or none."""
    with opened(config) as desk:
        from cloud_app.accounts.roles import Role, known
        from cloud_app.rules.files import Importer, read_rules
        from cloud_app.rules.outlets import Outlets, no_broker

        rules = read_rules(_text(file), str(file))
        accounts = desk.accounts
        with accounts.database.write() as session:
            needs = any(each.tenant is None for each in rules)
            at = known(accounts.tenants, session, tenant, Role.OPERATOR_ADMIN) if needs else None
            importer = Importer(accounts.tenants, Outlets.of(desk.config, no_broker), at)
            done = importer.bring(session, desk.actor, rules)
    typer.echo(f"{len(done.made)} made, {len(done.changed)} changed, {len(done.same)} unchanged")


@app.command("export")
def export_rules(
    file: Annotated[Path, typer.Argument(help="TOML file to write; - for the terminal.")],
    config: ConfigPath = None,
) -> None:
    """Write all rules to a file. Secrets of webhooks are left out; an import keeps them."""
    with opened(config) as desk:
        from cloud_app.rules import store
        from cloud_app.rules.files import written

        with desk.accounts.database.read() as session:
            text = written(store.every_one(session))
    if str(file) == "-":
        typer.echo(text, nl=False)
        return
    try:
        file.write_text(text, encoding="utf-8")
    except OSError as exc:
        msg = f"{file}: expected a file that can be written, but got: {exc.strerror}"
        raise ConfigError(msg) from exc


def _text(file: Path) -> str:
    try:
        return file.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as exc:
        msg = f"{file}: expected a readable TOML file, but got: {exc}"
        raise ConfigError(msg) from exc
