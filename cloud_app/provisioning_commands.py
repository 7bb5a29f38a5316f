"""`lotsight-cloud claim` and `lotsight-cloud box`: codes, and boxes that wait for approval."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer
from rich.table import Table

from cloud_app.terminal import plain_console, print_table
from cloud_app.user_commands import ConfigPath, Desk, opened
from telemetry import EdgeTopics

if TYPE_CHECKING:
    from cloud_app.fleet.authority.admission import Admissions

claim = typer.Typer(help="One-time codes that bring a box in.", no_args_is_help=True)
box = typer.Typer(help="Boxes that wait for approval.", no_args_is_help=True)

Fingerprint = Annotated[str, typer.Argument(help="As the box shows it.")]
_MS_PER_HOUR = 3_600_000


def admissions_of(desk: Desk) -> Admissions:
    """What lets boxes in."""
    from cloud_app.fleet.authority.admission import Admissions

    return Admissions.of(desk.config, desk.accounts)


@claim.command("new")
def new_claim(
    site: Annotated[str, typer.Option("--site", help="Where the box belongs.")],
    edge: Annotated[
        str | None, typer.Option("--edge", help="Its id; also to replace a box of that id.")
    ] = None,
    hours: Annotated[
        float | None, typer.Option("--hours", min=0.01, help="It works for so long.")
    ] = None,
    config: ConfigPath = None,
) -> None:
    """Make a code; it is shown only now, with what to type on the box."""
    from cloud_app.fleet.authority.claims import ClaimPlan, make_claim
    from cloud_app.fleet.authority.pinning import pin, provision_command

    EdgeTopics(site, edge or "box")
    with opened(config) as desk:
        life_ms = int((hours or desk.config.provisioning.code_hours) * _MS_PER_HOUR)
        with desk.accounts.database.write() as session:
            owner = desk.accounts.tenants.owner(session, site)
            plan = ClaimPlan(site, edge, None if owner is None else str(owner), life_ms)
            made, code = make_claim(session, desk.actor, plan)
            trust = pin(session, desk.config)
        cloud = admissions_of(desk).homes.of(edge or "box", site).cloud
        _say(f"code {code} works once until {_time(made.ends_ms)}; on the box:")
        _say(f"  {provision_command(cloud, code, trust)}")


@claim.command("list")
def list_claims(config: ConfigPath = None) -> None:
    """Codes and what became of them, the newest first."""
    from cloud_app.fleet.authority.claims import claims

    with opened(config) as desk, desk.accounts.database.read() as session:
        table = Table("id", "site", "edge", "made by", "until", "state", "box", box=None)
        for each in claims(session, None):
            state = each.state(desk.actor.at_ms)
            table.add_row(
                each.claim, each.site, each.edge or "", each.made_by, _time(each.ends_ms), state,
                each.box or "",
            )  # fmt: skip
    print_table(table)


@claim.command("revoke")
def revoke(
    claim_id: Annotated[str, typer.Argument(metavar="ID", help="As `claim list` shows it.")],
    config: ConfigPath = None,
) -> None:
    """Revoke a code."""
    from cloud_app.fleet.authority.claims import claim_of, revoke_claim

    with opened(config) as desk, desk.accounts.database.write() as session:
        revoke_claim(session, desk.actor, claim_of(session, claim_id))
    _say(f"{claim_id} works no longer")


@box.command("waiting")
def waiting(config: ConfigPath = None) -> None:
    """Boxes that came without a code; compare the fingerprint with the box's."""
    from cloud_app.fleet.authority.waiting import waiting_boxes

    with opened(config) as desk, desk.accounts.database.read() as session:
        table = Table(box=None)
        # It is compared letter by letter, so it is never cut.
        table.add_column("fingerprint", no_wrap=True, min_width=39)
        for head in ("state", "edge", "site", "from", "asked last"):
            table.add_column(head)
        for each in waiting_boxes(session, None):
            table.add_row(
                each.fingerprint, each.state, each.edge or "", each.site or "", each.address,
                _time(each.last_ms),
            )  # fmt: skip
    print_table(table)


@box.command("approve")
def approve(
    fingerprint: Fingerprint,
    site: Annotated[str, typer.Option("--site", help="Where the box belongs.")],
    edge: Annotated[str, typer.Option("--edge", help="Its id.")],
    config: ConfigPath = None,
) -> None:
    """Let a box in."""
    from cloud_app.fleet.authority.waiting import known_box

    EdgeTopics(site, edge)
    with opened(config) as desk, desk.accounts.database.write() as session:
        found = known_box(session, fingerprint)
        admissions_of(desk).approve(session, desk.actor, found, (edge, site))
    _say(f"{fingerprint} comes in as {edge} at {site} when it asks again")


@box.command("refuse")
def refuse(fingerprint: Fingerprint, config: ConfigPath = None) -> None:
    """Keep a box out."""
    from cloud_app.fleet.authority.waiting import known_box

    with opened(config) as desk, desk.accounts.database.write() as session:
        admissions_of(desk).refuse(session, desk.actor, known_box(session, fingerprint))
    _say(f"{fingerprint} is refused")


def _time(at_ms: int) -> str:
    from cloud_app.storage.times import from_ms

    return f"{from_ms(at_ms):%Y-%m-%d %H:%M} UTC"


def _say(text: str) -> None:
    plain_console().print(text)
