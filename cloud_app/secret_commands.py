"""`lotsight-cloud secrets ...`: the keys that seal TOTP and webhook secrets in the database."""

from __future__ import annotations

from typing import Annotated

import typer

from cloud_app.user_commands import ConfigPath, opened

app = typer.Typer(help="Keys that seal secrets in the database.", no_args_is_help=True)


@app.command()
def rotate(
    *,
    drop_old: Annotated[
        bool, typer.Option("--drop-old", help="Forget all earlier keys; backups need them.")
    ] = False,
    config: ConfigPath = None,
) -> None:
    """Make a new key and seal everything with it; a service that runs takes it up by itself."""
    with opened(config) as desk:
        from cloud_app.accounts.audit import Subject, record
        from cloud_app.alerts.sealing import seal_anew

        with desk.accounts.database.write() as session:
            session.vault.add_key()
            count = seal_anew(session)
            record(session, desk.actor, "secrets.rotate", Subject("secrets", "database"))
        dropped = session.vault.drop_old_keys() if drop_old else 0
    told = f", {dropped} earlier keys forgotten" if drop_old else ""
    typer.echo(f"{session.vault.file}: new key, {count} secrets sealed with it{told}")


@app.command()
def forget(
    *,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask for confirmation.")] = False,
    config: ConfigPath = None,
) -> None:
    """Drop secrets whose key is lost, so that the service starts again.

    The people concerned log in with their password alone and set up their authenticator app again;
    webhooks are deleted. Secrets that a key still opens stay.
    """
    with opened(config) as desk:
        from cloud_app.accounts.audit import Subject, record
        from cloud_app.alerts import sealing

        with desk.accounts.database.read() as session:
            lost = sealing.lost_secrets(session)
            file = session.vault.file
        if not lost:
            typer.echo(f"{file}: opens every secret; nothing to drop")
            return
        typer.echo(
            f"{file}: no key for the second factor of {len(lost.accounts)} people and for "
            f"{len(lost.notifications)} webhooks"
        )
        if not yes:
            typer.confirm("Drop them for good?", abort=True)
        with desk.accounts.database.write() as session:
            emails, webhooks = sealing.forget(session, desk.actor, sealing.lost_secrets(session))
            record(session, desk.actor, "secrets.forget", Subject("secrets", "database"))
    for email in emails:
        typer.echo(f"second factor removed: {email}")
    for name in webhooks:
        typer.echo(f"webhook deleted: {name}")
