"""`lotsight-cloud notification ...`: who is notified of which alerts, from the machine itself."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Annotated

import typer
from rich.table import Table

from cloud_app.alert_words import AlertRule, Severity
from cloud_app.terminal import print_table
from cloud_app.user_commands import ConfigPath, TenantOption, opened
from telemetry import ConfigError

if TYPE_CHECKING:
    from cloud_app.alerts.notifications import Destination
    from cloud_app.user_commands import Desk

app = typer.Typer(help="Who is notified of which alerts.", no_args_is_help=True)

Which = Annotated[str, typer.Argument(help="Identifier of the rule, as `list` shows it.")]


@app.command("list")
def list_rules(config: ConfigPath = None) -> None:
    """All notification rules, and how their deliveries go."""
    with opened(config) as desk:
        from cloud_app.alerts import notifications

        with desk.accounts.database.read() as session:
            rules = notifications.every_one(session)
    table = Table(box=None)
    for heading in ("id", "of", "name", "to", "of which", "when", "state"):
        # Narrow terminals fold cells; an id stays in one piece to be copied.
        table.add_column(heading, no_wrap=heading == "id")
    for rule in rules:
        plan = rule.plan
        which = [*sorted(plan.severities), *sorted(plan.rules), *sorted(plan.sites)]
        state = "off" if not plan.enabled else (rule.fault or "on")
        table.add_row(
            rule.id,
            str(rule.tenant),
            plan.name,
            f"{plan.to.kind.value} {plan.to.shown}",
            ", ".join(which) or "all",
            f"after {plan.after_s} s" if plan.after_s else "at once",
            state,
        )
    print_table(table)


@app.command("add")
def add(  # noqa: PLR0913, PLR0917 - each is an option
    name: Annotated[str, typer.Argument(help="For people.")],
    tenant: TenantOption = None,
    mail: Annotated[str | None, typer.Option(help="Address of mail.")] = None,
    webhook: Annotated[str | None, typer.Option(help="URL of a webhook.")] = None,
    severity: Annotated[
        list[Severity] | None, typer.Option(help="Only these; may be repeated.")
    ] = None,
    rule: Annotated[
        list[AlertRule] | None, typer.Option(help="Only these; may be repeated.")
    ] = None,
    site: Annotated[list[str] | None, typer.Option(help="Only these; may be repeated.")] = None,
    after_s: Annotated[int, typer.Option(help="Only of what is left alone for so long.")] = 0,
    *,
    also_closed: Annotated[
        bool, typer.Option("--also-closed", help="Tell of ends as well.")
    ] = False,
    config: ConfigPath = None,
) -> None:
    """Tell somebody of alerts; a webhook's secret is asked for, or read from a pipe."""
    if (mail is None) == (webhook is None):
        msg = "expected --mail ADDRESS or --webhook URL"
        raise ConfigError(msg)
    with opened(config) as desk:
        from cloud_app.accounts.roles import Role, known
        from cloud_app.alerts import notifications
        from cloud_app.alerts.notifications import Plan, check_sites

        plan = Plan(
            name=name,
            enabled=True,
            to=_destination(desk, mail, webhook),
            severities=frozenset(severity or ()),
            rules=frozenset(rule or ()),
            sites=frozenset(site or ()),
            after_s=after_s,
            also_closed=also_closed,
        )
        accounts = desk.accounts
        with accounts.database.write() as session:
            at = known(accounts.tenants, session, tenant, Role.OPERATOR_ADMIN)
            check_sites(session, accounts.tenants, at, plan.sites)
            made = notifications.create(session, desk.actor, at, plan)
    typer.echo(f"{made.id}: {plan.to.shown} is notified of alerts of {at}")


@app.command("remove")
def remove(which: Which, config: ConfigPath = None) -> None:
    """Delete a notification rule."""
    with opened(config) as desk:
        from cloud_app.alerts import notifications

        with desk.accounts.database.write() as session:
            rule = notifications.by_id(session, which)
            notifications.remove(session, desk.actor, rule)
    typer.echo(f"{rule.plan.name} of {rule.tenant} is deleted")


@app.command("test")
def try_out(which: Which, config: ConfigPath = None) -> None:
    """Send a test by a notification rule now."""
    with opened(config) as desk:
        from cloud_app.alerts import notifications
        from cloud_app.alerts.targets import Targets

        with desk.accounts.database.write() as session:
            rule = notifications.by_id(session, which)
            notifications.note_test(session, desk.actor, rule, desk.actor.at_ms)
        targets = Targets.of(desk.config, desk.accounts.url)
        target = targets.target(rule)
        target.send([targets.test_notice(rule, desk.actor.at_ms)])
    typer.echo(f"{target.name}: delivered")


def _destination(desk: Desk, mail: str | None, webhook: str | None) -> Destination:
    from cloud_app.alerts.notifications import Destination

    if mail is not None:
        return Destination.mail(mail)
    assert webhook is not None  # noqa: S101 - for the types; one of both was given
    if sys.stdin.isatty():
        asked = "Secret (empty: unsigned)"
        typed = typer.prompt(asked, default="", hide_input=True, show_default=False)
    else:
        typed = sys.stdin.readline().rstrip("\n")
    allow_private = desk.config.notifications.allow_private_urls
    return Destination.webhook(webhook, typed or None, allow_private=allow_private)
