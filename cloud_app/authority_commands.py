"""`lotsight-cloud ca` and `lotsight-cloud broker`: certificates, and the broker's files."""

from __future__ import annotations

import os
import time
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.table import Table

from cloud_app.errors import AuthorityError
from cloud_app.terminal import plain_console, print_table
from cloud_app.user_commands import ConfigPath, Desk, opened
from telemetry import ConfigError, LotsightError, SystemClock, is_identifier

if TYPE_CHECKING:
    from cloud_app.fleet.authority.x509 import Key
    from cloud_app.storage.database import Session

authority = typer.Typer(help="The certificate authority of boxes and broker.", no_args_is_help=True)
broker = typer.Typer(help="Configuration of the broker (mosquitto).", no_args_is_help=True)

RootKey = Annotated[
    Path,
    typer.Option("--root-key", help="File of the root's private key; keep it offline."),
]
PassphraseFile = Annotated[
    Path | None,
    typer.Option("--passphrase-file", help="First line: passphrase of the root key."),
]
_DEFAULT_KEY = Path("lotsight-root.key")


@authority.command("init")
def init(
    root_key: RootKey = _DEFAULT_KEY,
    name: Annotated[str, typer.Option(help="Name of the root.")] = "lotsight root",
    passphrase_file: PassphraseFile = None,
    config: ConfigPath = None,
) -> None:
    """Make the root, and the certificate that issues; run again, it changes nothing."""
    from cloud_app.fleet.authority.own_issuer import initialise

    passphrase = _passphrase(passphrase_file)
    with opened(config) as desk:
        key = _root_key(root_key, passphrase, may_make=not _has_root(desk))
        with desk.accounts.database.write() as session:
            is_new = initialise(session, key, name, desk.actor.at_ms)
            if is_new:
                _note(desk, session, "authority.init", name)
        told = "made" if is_new else "there already, nothing changed"
        _say(f"authority {told}; its fingerprint is {_fingerprint(key)}")
    _say(f"take {root_key} offline now: only `ca renew-intermediate` needs it, in some years")


@authority.command("renew-intermediate")
def renew_intermediate(
    root_key: RootKey = _DEFAULT_KEY,
    passphrase_file: PassphraseFile = None,
    config: ConfigPath = None,
) -> None:
    """Make a new issuing certificate; what earlier ones issued keeps its life."""
    from cloud_app.fleet.authority.own_issuer import renew_issuing
    from cloud_app.fleet.authority.x509 import moment

    key = _root_key(root_key, _passphrase(passphrase_file), may_make=False)
    with opened(config) as desk:
        with desk.accounts.database.write() as session:
            made = renew_issuing(session, key, desk.actor.at_ms)
            _note(desk, session, "authority.renew", made.authority)
        _say(f"issuing certificate {made.authority} holds until {moment(made.ends_ms):%d %B %Y}")


@authority.command("status")
def status(config: ConfigPath = None) -> None:
    """The root and the issuing certificates."""
    from cloud_app.fleet.authority.own_issuer import NOT_SET_UP, authorities
    from cloud_app.fleet.authority.x509 import moment

    with opened(config) as desk, desk.accounts.database.read() as session:
        found = authorities(session)
        if not found:
            raise AuthorityError(NOT_SET_UP)
        table = Table("kind", "fingerprint", "holds until", box=None)
        for each in found:
            ends = "ran out on " if desk.actor.at_ms >= each.ends_ms else ""
            table.add_row(each.kind, each.authority, f"{ends}{moment(each.ends_ms):%d %B %Y}")
    print_table(table)


@authority.command("issue")
def issue(
    name: Annotated[
        str, typer.Argument(help="CN: a server's name, or lotsight-cloud's user name.")
    ],
    out: Annotated[Path, typer.Option("--out", help="Folder for NAME.crt, NAME.key and ca.crt.")],
    host: Annotated[
        list[str] | None,
        typer.Option("--host", help="Name or address of a server; without, it is for a client."),
    ] = None,
    config: ConfigPath = None,
) -> None:
    """Issue a certificate for a server (`--host`), or for lotsight-cloud at the broker."""
    from cloud_app.fleet.authority.broker_files import write_files
    from cloud_app.fleet.authority.issuing import Order
    from cloud_app.fleet.authority.own_issuer import OwnIssuer
    from cloud_app.fleet.authority.x509 import Profile, key_pem, new_key
    from cloud_app.storage.placing import sites_of

    if not is_identifier(name):
        msg = f"name must be letters, digits, '_', '.', '-', but got {name!r}"
        raise ConfigError(msg)
    hosts, issuer, key = tuple(host or ()), OwnIssuer(), new_key()
    with opened(config) as desk:
        life = timedelta(days=desk.config.provisioning.server_days)
        order = Order(
            Profile.SERVER if hosts else Profile.CONSUMER, name, key.public_key(), life, None, hosts
        )
        with desk.accounts.database.write() as session:
            if sites_of(session, [name]):
                msg = f"{name} is a box: a box makes its own key (`lotsight provision`)"
                raise ConfigError(msg)
            issued = issuer.issue(session, order, desk.actor.name, desk.actor.at_ms)
            _note(desk, session, "certificate.issue", name)
            chain, roots = issuer.chain(session, issued), issuer.roots(session)
    texts = {f"{name}.key": key_pem(key).decode(), f"{name}.crt": chain, "ca.crt": roots}
    write_files(out, texts, secret={f"{name}.key"})
    _say(f"{out / name}.crt and .key; trust {out / 'ca.crt'}")


@authority.command("list")
def list_certificates(
    name: Annotated[str | None, typer.Argument(help="Of this box or server only.")] = None,
    config: ConfigPath = None,
) -> None:
    """Certificates that were issued, the newest first."""
    from cloud_app.fleet.authority.issuing import issued
    from cloud_app.fleet.authority.x509 import moment

    with opened(config) as desk, desk.accounts.database.read() as session:
        found = issued(session, None, name)
    table = Table("serial", "for", "name", "site", "holds until", "state", box=None)
    for each in found:
        if each.revoked_ms is not None:
            state = f"revoked by {each.revoked_by}"
        else:
            state = "holds" if each.holds(desk.actor.at_ms) else "ran out"
        until = f"{moment(each.ends_ms):%Y-%m-%d}"
        table.add_row(each.serial, each.profile, each.name, each.site or "", until, state)
    print_table(table)


@authority.command("revoke")
def revoke(
    name: Annotated[str, typer.Argument(help="Edge id, or CN of a server.")],
    config: ConfigPath = None,
) -> None:
    """Revoke every certificate of a box or server; the broker refuses it within a minute."""
    from cloud_app.fleet.authority.admission import Admissions

    with opened(config) as desk:
        with desk.accounts.database.write() as session:
            ended = Admissions.of(desk.config, desk.accounts).put_out(session, desk.actor, name)
        _say(f"{name}: {len(ended)} certificates revoked")


@broker.command("files")
def files(
    out: Annotated[Path, typer.Argument(help="Folder; mosquitto must be able to read it.")],
    *,
    watch: Annotated[
        bool, typer.Option("--watch", help="Go on: write what changes, and reload the broker.")
    ] = False,
    config: ConfigPath = None,
) -> None:
    """Write mosquitto's configuration, certificates, access list, passwords and revocations."""
    from cloud_app.config import BrokerFilesConfig
    from cloud_app.fleet.authority.broker_files import BrokerFiles
    from cloud_app.fleet.authority.keeper import BrokerFileKeeper, end_connection
    from cloud_app.fleet.authority.own_issuer import OwnIssuer

    with opened(config) as desk:
        given = desk.config.broker_files or BrokerFilesConfig(folder=out)
        settings = given.model_copy(update={"folder": out})
        keeper = BrokerFileKeeper(
            BrokerFiles(desk.config, settings, OwnIssuer()),
            desk.accounts.database,
            SystemClock(),
            lambda name: end_connection(desk.config.broker, name),
        )
        written = keeper.tick()
        _say(f"{out}: {', '.join(written) if written else 'nothing changed'}")
        while watch:
            time.sleep(settings.every_s)
            try:
                if written := keeper.tick():
                    _say(f"{out}: {', '.join(written)}")
            except LotsightError as exc:
                _say(f"{out}: {exc}; trying again")


@broker.command("password")
def password(
    name: Annotated[str, typer.Argument(help="User name; what it may do follows the registry.")],
    *,
    drop: Annotated[bool, typer.Option("--drop", help="Let it work no longer.")] = False,
    config: ConfigPath = None,
) -> None:
    """Give a client without a certificate a password, shown only now."""
    from cloud_app.fleet.authority.passwords import drop_password, set_password

    if not is_identifier(name):
        msg = f"name must be letters, digits, '_', '.', '-', but got {name!r}"
        raise ConfigError(msg)
    with opened(config) as desk, desk.accounts.database.write() as session:
        if drop:
            drop_password(session, desk.actor, name)
            _say(f"{name}: no password any more")
        else:
            _say(f"{name}: {set_password(session, desk.actor, name)}")


def _has_root(desk: Desk) -> bool:
    from cloud_app.fleet.authority.pinning import root_fingerprint

    with desk.accounts.database.read() as session:
        return root_fingerprint(session) is not None


def _root_key(path: Path, passphrase: bytes | None, *, may_make: bool) -> Key:
    """The key of a file; a new one, if there is no file and it may be made."""
    from cloud_app.fleet.authority.x509 import key_pem, load_key, new_key

    if may_make and not path.exists():
        key = new_key()
        draft = path.with_name(path.name + ".new")
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            draft.unlink(missing_ok=True)
            made = os.open(draft, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600)
            with os.fdopen(made, "wb") as file:
                file.write(key_pem(key, passphrase))
                file.flush()
                os.fsync(file.fileno())
            draft.replace(path)
        except OSError as exc:
            msg = f"{path}: cannot write the root key here: {exc.strerror}"
            raise AuthorityError(msg) from exc
        return key
    try:
        return load_key(path.read_bytes(), str(path), passphrase)
    except OSError as exc:
        msg = f"{path}: expected the root's private key, but got: {exc.strerror}"
        raise AuthorityError(msg) from exc


def _passphrase(file: Path | None) -> bytes | None:
    if file is None:
        return None
    try:
        lines = file.read_bytes().splitlines()
    except OSError as exc:
        msg = f"{file}: cannot read the passphrase: {exc.strerror}"
        raise ConfigError(msg) from exc
    if not lines or not lines[0]:
        msg = f"{file}: expected a passphrase on the first line, but got none"
        raise ConfigError(msg)
    return lines[0]


def _fingerprint(key: Key) -> str:
    from cloud_app.fleet.authority.x509 import fingerprint_of

    return fingerprint_of(key.public_key())


def _note(desk: Desk, session: Session, action: str, name: str) -> None:
    from cloud_app.accounts.audit import Subject, record

    record(session, desk.actor, action, Subject("certificate", name))


def _say(text: str) -> None:
    plain_console().print(text)
