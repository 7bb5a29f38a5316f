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
