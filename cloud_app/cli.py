"""`lotsight-cloud`: the reference consumer."""

from __future__ import annotations

import importlib.metadata
import logging
import secrets
import sys
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from cloud_app import (
    authority_commands,
    edge_cli,
    lake_commands,
    notification_commands,
    provisioning_commands,
    registry_commands,
    rule_commands,
    secret_commands,
    user_commands,
)
from cloud_app.accounts.secret import digest_of
from cloud_app.config import SAMPLE, CloudConfig, Scope, load_config
from cloud_app.terminal import plain_console, print_table
from telemetry import ConfigError, LotsightError, SystemClock, is_identifier

app = typer.Typer(
    help="Takes bay states of any number of edge boxes in, and serves them.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
)

app.add_typer(user_commands.user, name="user")
app.command("audit")(user_commands.audit)
app.add_typer(notification_commands.app, name="notification")
app.add_typer(edge_cli.app, name="edge")
app.add_typer(registry_commands.app, name="registry")
app.add_typer(lake_commands.app, name="lake")
app.add_typer(rule_commands.app, name="rules")
app.add_typer(secret_commands.app, name="secrets")
app.add_typer(authority_commands.authority, name="ca")
app.add_typer(authority_commands.broker, name="broker")
app.add_typer(provisioning_commands.claim, name="claim")
app.add_typer(provisioning_commands.box, name="box")

ConfigPath = Annotated[
    Path | None,
    typer.Option("--config", "-c", help="TOML file; without it a local broker and ./cloud.db."),
]


def _print_version(asked: bool) -> None:
    if asked:
        typer.echo(f"lotsight {importlib.metadata.version('lotsight')}")
        raise typer.Exit


@app.callback()
def main_options(
    _version: Annotated[
        bool,
        typer.Option(
            "--version", callback=_print_version, is_eager=True, help="Print the version."
        ),
    ] = False,
) -> None:
    """Takes bay states of any number of edge boxes in, and serves them."""


@app.command()
def serve(
    config: ConfigPath = None,
    verbose: Annotated[bool, typer.Option("--verbose", "-v", help="Log more.")] = False,
) -> None:
    """Run the service until it is stopped."""
    try:
        from cloud_app.service import CloudService
    except ModuleNotFoundError as exc:
        if exc.name not in {"sqlalchemy", "alembic"}:
            raise
        msg = f"serve needs the extra lotsight[cloud]; the Python module {exc.name} is missing"
        raise ConfigError(msg) from exc

    logging.basicConfig(
        level=logging.DEBUG if verbose else logging.INFO,
        format="%(asctime)s %(levelname)-7s %(name)s: %(message)s",
    )
    settings = load_config(config)
    Console(stderr=True).print(f"lotsight-cloud: {_address(settings)}", highlight=False)
    CloudService(settings, SystemClock()).run()


@app.command("check-config")
def check_config(
    config: Annotated[Path, typer.Argument(help="TOML file.")],
) -> None:
    """Check a configuration file and say what it comes to; passwords are not shown."""
    settings = load_config(config)
    table = Table(box=None, show_header=False, padding=(0, 2, 0, 0))
    for name, value in _summary(settings):
        table.add_row(name, value)
    print_table(table)
    plain_console().print(f"{config}: ok", style="green")


@app.command("sample-config")
def sample_config() -> None:
    """Print an annotated configuration file with all defaults."""
    typer.echo(SAMPLE.read_text(encoding="utf-8"), nl=False)


@app.command()
def token(
    name: Annotated[str, typer.Argument(help="Who will use it.")],
    write: Annotated[bool, typer.Option("--write", help="May also change shadows.")] = False,
    site: Annotated[
        list[str] | None, typer.Option("--site", help="Only this site; may be repeated.")
    ] = None,
) -> None:
    """Make a token for a reader of the API; the token itself is shown only now."""
    if not is_identifier(name):
        msg = f"name must be letters, digits, '_', '.', '-', but got {name!r}"
        raise ConfigError(msg)
    secret = secrets.token_urlsafe(32)
    scopes = [Scope.READ.value, *([Scope.WRITE.value] if write else [])]
    lines = [
        "[[http.tokens]]",
        f'name = "{name}"',
        f'sha256 = "{digest_of(secret)}"',
        f"scopes = {_toml_list(scopes)}",
    ]
    if site:
        lines.append(f"sites = {_toml_list(site)}")
    typer.echo(f"# give to {name}, and to no one else: {secret}")
    typer.echo("\n".join(lines))


def _toml_list(values: list[str]) -> str:
    return "[" + ", ".join(f'"{value}"' for value in values) + "]"


def _summary(config: CloudConfig) -> list[tuple[str, str]]:
    url = config.database.url.get_secret_value()
    database = url if url.startswith("sqlite:") else f"PostgreSQL at {url.rsplit('@', 1)[-1]}"
    tls = "TLS" if config.broker.tls else "plaintext"
    return [
        (
            "broker",
            f"{config.broker.host}:{config.broker.port} ({tls}) as {config.broker.client_id}",
        ),
        ("database", database),
        ("page and API", _address(config)),
        ("tokens", ", ".join(t.name for t in config.http.tokens) or "none"),
        ("shadow service", config.shadow.root if config.shadow.enabled else "off"),
        ("lake", _place_of_lake(config)),
        ("Kafka", _topics(config)),
        ("people", _people(config)),
        ("alerts", "webhook" if config.rules.webhook_url else "log"),
    ]


def _address(config: CloudConfig) -> str:
    return f"{config.http.scheme}://{config.http.host}:{config.http.port}/"


def _place_of_lake(config: CloudConfig) -> str:
    if config.lake is None:
        return "off"
    s3 = config.lake.s3
    return str(config.lake.folder) if s3 is None else f"s3://{s3.bucket}/{s3.prefix}"


def _topics(config: CloudConfig) -> str:
    kafka = config.kafka
    if kafka is None:
        return "off"
    ways = [f"to {kafka.topic}"] if kafka.sink else []
    if kafka.source is not None:
        ways.append(f"from {kafka.source.topic} as {kafka.source.group}")
    return ", ".join(ways)


def _people(config: CloudConfig) -> str:
    oidc, mail = config.accounts.oidc, config.mail
    ways = "password" if oidc is None else f"password or {oidc.issuer}"
    sent = "no mail" if mail is None else f"mail by {mail.host}:{mail.port} ({mail.security.value})"
    return f"{ways}; {sent}"


def main() -> None:
    """Run the command line; an error of ours is one red line and exit code 1, no traceback."""
    try:
        app(prog_name="lotsight-cloud")
    except LotsightError as exc:
        console = Console(stderr=True, soft_wrap=True, highlight=False)
        console.print("error:", style="bold red", end=" ")
        console.print(str(exc), markup=False)
        sys.exit(1)
