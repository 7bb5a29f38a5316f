"""`lotsight-cloud user ...` and `lotsight-cloud audit`: accounts from the machine itself.

Whoever may read the configuration's database may do everything here; each act is in the audit log
as done by the command line, with the name of the system's user.
"""

from __future__ import annotations

import getpass
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.table import Table

from cloud_app.config import CloudConfig, load_config
from cloud_app.terminal import plain_console, print_table
from telemetry import ConfigError, SystemClock

if TYPE_CHECKING:
    from cloud_app.accounts.assembly import Accounts
    from cloud_app.accounts.audit import Actor
    from cloud_app.accounts.people import Person
    from cloud_app.accounts.roles import Role

ConfigPath = Annotated[
    Path | None,
    typer.Option("--config", "-c", help="TOML file; without it a local broker and ./cloud.db."),
]
Email = Annotated[str, typer.Argument(help="E-mail address of the account.")]


class RoleName(StrEnum):
    """Roles as the command line writes them: without a space."""

    VIEWER = "viewer"
    TECHNICIAN = "technician"
    OPERATOR_ADMIN = "operator-admin"
    COUNCIL = "council"


RoleOption = Annotated[RoleName, typer.Option("--role", help="What they are.")]
TenantOption = Annotated[
    str | None,
    typer.Option("--tenant", help="council:NAME or operator:NAME; the only one if absent."),
]

user = typer.Typer(help="People who may log in.", no_args_is_help=True)


@dataclass(frozen=True, slots=True)
class Desk:
    """What a command works with.

    Attributes:
        config: of the service.
        accounts: with the database.
        actor: who types, for the audit log.
    """

    config: CloudConfig
    accounts: Accounts
    actor: Actor


@contextmanager
def opened(config: Path | None) -> Iterator[Desk]:
    """The accounts of a configuration.

    Raises:
        ConfigError: the extra is not installed.
    """
    try:
        from cloud_app.accounts.assembly import Accounts
        from cloud_app.accounts.audit import Actor, ActorKind
        from cloud_app.storage.open import open_database
        from cloud_app.storage.times import to_ms
    except ModuleNotFoundError as exc:
        msg = f"this needs the extra lotsight[cloud]; the Python module {exc.name} is missing"
        raise ConfigError(msg) from exc
    settings = load_config(config)
    database = open_database(settings.database)
    try:
        actor = Actor(ActorKind.COMMAND_LINE, getpass.getuser(), None, to_ms(SystemClock().utc()))
        yield Desk(settings, Accounts.of(settings, database), actor)
    finally:
        database.close()


@user.command("add")
def add(
    email: Email,
    role: RoleOption,
    tenant: TenantOption = None,
    name: Annotated[str | None, typer.Option(help="To show; the address if absent.")] = None,
    *,
    password: Annotated[
        bool, typer.Option("--password", help="Ask for a password instead of inviting.")
    ] = False,
    config: ConfigPath = None,
) -> None:
    """Add somebody, and invite them: by mail, or by a link that is printed."""
    with opened(config) as desk:
        from cloud_app.accounts import people, tickets
        from cloud_app.accounts.people import RoleChange
        from cloud_app.accounts.roles import Membership, known
        from cloud_app.accounts.tickets import TicketKind

        accounts, actor, wanted = desk.accounts, desk.actor, _role(role)
        kept = _asked_password(accounts, email, name) if password else None
        link = None
        with accounts.database.write() as session:
            at = known(accounts.tenants, session, tenant, wanted)
            member = Membership(at, wanted)
            person = people.create(session, actor, email, name or email)
            change = RoleChange(frozenset({member}), frozenset({at}))
            people.set_roles(session, actor, person, change, accounts.tenants)
            if kept is not None:
                tickets.set_password(session, actor, people.by_id(session, person.account), kept)
            else:
                link = accounts.send_link(session, actor, person, TicketKind.INVITATION)
        console = plain_console()
        console.print(f"{person.email}: {wanted.value} of {at}")
        _tell_link(desk, link)


@user.command("list")
def list_people(config: ConfigPath = None) -> None:
    """Show everybody, with their roles."""
    with opened(config) as desk:
        from cloud_app.accounts import people

        with desk.accounts.database.read() as session:
            found = people.people(session)
        table = Table(box=None, padding=(0, 2, 0, 0))
        for title in ("e-mail", "name", "roles", "second factor", "state"):
            table.add_column(title, overflow="fold")
        for person in found:
            table.add_row(
                person.email,
                person.name,
                "\n".join(
                    f"{each.role.value} of {each.tenant.name}" for each in person.memberships
                ),
                "on" if person.has_totp else "off",
                _state(person),
            )
        print_table(table)


def _state(person: Person) -> str:
    if person.is_disabled:
        return "disabled"
    return "active" if person.is_ready else "invited"


@user.command()
def disable(
    email: Email,
    *,
    undo: Annotated[bool, typer.Option("--undo", help="Enable the account again.")] = False,
    config: ConfigPath = None,
) -> None:
    """Close an account and end all its sessions."""
    with opened(config) as desk:
        from cloud_app.accounts import people, sessions

        with desk.accounts.database.write() as session:
            person = people.by_email(session, email)
            people.set_disabled(
                session, desk.actor, person, desk.accounts.tenants, disabled=not undo
            )
            ended = 0 if undo else sessions.end_all(session, desk.actor, person)
        told = "enabled" if undo else f"disabled, {ended} sessions ended"
        plain_console().print(f"{person.email}: {told}")


@user.command("email")
def change_email(
    email: Email,
    new: Annotated[str, typer.Argument(help="The address from now on.")],
    config: ConfigPath = None,
) -> None:
    """Give an account another e-mail address; both addresses are told."""
    with opened(config) as desk:
        from cloud_app.accounts import people, sessions
        from cloud_app.accounts.warnings import Proof, warn_owner

        with desk.accounts.database.write() as session:
            before = people.by_email(session, email)
            after = people.change_email(session, desk.actor, before, new)
            sessions.end_all(session, desk.actor, after)
            for address in (before.email, after.email):
                warn_owner(session, desk.actor, before, Proof.EMAIL, address)
        plain_console().print(f"{before.email} is {after.email} now; all sessions ended")


@user.command("reset-password")
def reset_password(
    email: Email,
    *,
    password: Annotated[
        bool, typer.Option("--password", help="Ask for a password instead of sending a link.")
    ] = False,
    totp: Annotated[bool, typer.Option("--totp", help="Switch the second factor off too.")] = False,
    config: ConfigPath = None,
) -> None:
    """Send or print a link to set a new password."""
    with opened(config) as desk:
        from cloud_app.accounts import people, tickets
        from cloud_app.accounts import totp as second_factor
        from cloud_app.accounts.tickets import TicketKind

        accounts, actor = desk.accounts, desk.actor
        kept = _asked_password(accounts, email, None) if password else None
        link = None
        with accounts.database.write() as session:
            person = people.by_email(session, email)
            if totp and person.has_totp:
                second_factor.remove(session, actor, person)
                person = people.by_id(session, person.account)
            if kept is not None:
                tickets.set_password(session, actor, person, kept)
            else:
                link = accounts.send_link(session, actor, person, TicketKind.RESET)
        if kept is not None:
            plain_console().print(f"{person.email}: new password set, all sessions ended")
        _tell_link(desk, link)


@user.command("role")
def role(
    email: Email,
    role: RoleOption,
    tenant: TenantOption = None,
    *,
    remove: Annotated[bool, typer.Option("--remove", help="Take the role away.")] = False,
    config: ConfigPath = None,
) -> None:
    """Give somebody a role, or take it away."""
    with opened(config) as desk:
        from cloud_app.accounts import people
        from cloud_app.accounts.people import RoleChange
        from cloud_app.accounts.roles import Membership, known

        accounts, wanted = desk.accounts, _role(role)
        with accounts.database.write() as session:
            at = known(accounts.tenants, session, tenant, wanted)
            person = people.by_email(session, email)
            held = {each for each in person.memberships if each.tenant == at}
            member = {Membership(at, wanted)}
            after = held - member if remove else held | member
            change = RoleChange(frozenset(after), frozenset({at}))
            people.set_roles(session, desk.actor, person, change, accounts.tenants)
        roles = ", ".join(sorted(each.role.value for each in after)) or "nothing"
        plain_console().print(f"{person.email}: {roles} of {at}")


def audit(
    actor: Annotated[str | None, typer.Option(help="Of this actor only.")] = None,
    action: Annotated[
        str | None, typer.Option(help="This action only: role, key.create, ...")
    ] = None,
    subject: Annotated[str | None, typer.Option(help="About this only.")] = None,
    *,
    ndjson: Annotated[bool, typer.Option("--ndjson", help="One JSON object a line.")] = False,
    config: ConfigPath = None,
) -> None:
    """Write the audit log to standard output as CSV, the newest first."""
    with opened(config) as desk:
        from cloud_app.accounts.audit import AuditFilter, every_line
        from cloud_app.api.audit_routes import ExportFormat, file_of

        wanted = AuditFilter(actor=actor, action=action, subject=subject)
        form = ExportFormat.NDJSON if ndjson else ExportFormat.CSV
        for text in file_of(every_line(desk.accounts.database, wanted), form):
            sys.stdout.write(text)


def _role(name: RoleName) -> Role:
    from cloud_app.accounts.roles import Role

    return Role(name.value.replace("-", " "))


def _asked_password(accounts: Accounts, email: str, name: str | None) -> str:
    """The hash of a password that is typed twice, or read from a pipe."""
    from cloud_app.accounts.passwords import check_strength

    if sys.stdin.isatty():
        typed = typer.prompt("Password", hide_input=True, confirmation_prompt=True)
    else:
        typed = sys.stdin.readline().rstrip("\n")
    check_strength(typed, (email, name or ""))
    return accounts.passwords.hash(typed)


def _tell_link(desk: Desk, link: str | None) -> None:
    if link is None:
        return
    if desk.accounts.sends_mail:
        plain_console().print("a mail with a link goes out as soon as the service runs")
    else:
        plain_console().print(f"there is no mail server ([mail]); hand this link over: {link}")
