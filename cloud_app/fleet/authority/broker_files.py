"""mosquitto's own files, made from the registry: configuration, access, passwords, revocation.

Every file is written whole or not at all, and the broker is told to read them again only when all
are there. A box's certificate is shown at the next connection, so the connection of a box that was
put out is ended too (`disconnecting`).
"""

from __future__ import annotations

import os
import signal
import subprocess  # nosec B404
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

from cryptography.hazmat.primitives import serialization

from cloud_app.acl import access_list
from cloud_app.config import BrokerFilesConfig, CloudConfig
from cloud_app.errors import BrokerFilesError
from cloud_app.fleet.authority.issuing import Issuer, Order, put_out
from cloud_app.fleet.authority.own_issuer import AuthorityKind, authorities
from cloud_app.fleet.authority.passwords import passwords
from cloud_app.fleet.authority.x509 import (
    Profile,
    fingerprint_of,
    key_pem,
    load,
    new_key,
    public_key_of,
)
from cloud_app.storage.database import Session
from cloud_app.storage.placing import registered

CONFIGURATION = "mosquitto.conf"
SERVER_CERTIFICATE, SERVER_KEY = "server.crt", "server.key"
SECRET_FILES = frozenset({SERVER_KEY, "passwords"})
# Renewed with so much of its life left that a broker which is down meanwhile loses nothing.
_RENEW_LEFT = 1 / 3


@dataclass(frozen=True, slots=True)
class BrokerFiles:
    """Makes the files of one broker.

    Attributes:
        config: of the whole service.
        settings: of the files.
        issuer: of the broker's own certificate, and of revocation lists.
    """

    config: CloudConfig
    settings: BrokerFilesConfig
    issuer: Issuer

    def texts(self, session: Session, now_ms: int) -> dict[str, str]:
        """Every file by its name; the server's key and certificate only when they are new.

        Args:
            session: a writing transaction: a revocation list or certificate may be made.
            now_ms: wall time.

        Raises:
            AuthorityError: there is no authority yet, or it cannot issue.
        """
        clients = passwords(session)
        outside = put_out(session, now_ms).keys() - {each.name for each in clients}
        provisioning = self.config.provisioning
        acl = access_list(
            [(edge, site) for edge, site in registered(session) if edge not in outside],
            self.config.broker.prefix,
            self.config.shadow.root,
            provisioning.consumer,
        )
        return {
            "ca.crt": self.issuer.roots(session) + _issuing(session, now_ms),
            "crl.pem": self.issuer.crls(session, now_ms),
            "acl": acl,
            "passwords": "".join(f"{each.name}:{each.hash}\n" for each in clients),
            **self._server(session, now_ms),
            CONFIGURATION: configuration(self.settings, provisioning.broker_port),
        }

    def _server(self, session: Session, now_ms: int) -> dict[str, str]:
        """A new certificate and key where those in the folder are missing, wrong or soon over."""
        hosts = self._hosts()
        if self._serves(hosts, now_ms):
            return {}
        key = new_key()
        life = timedelta(days=self.config.provisioning.server_days)
        order = Order(Profile.SERVER, hosts[0], key.public_key(), life, None, hosts)
        issued = self.issuer.issue(session, order, "broker files", now_ms)
        return {
            SERVER_KEY: key_pem(key).decode(),
            SERVER_CERTIFICATE: self.issuer.chain(session, issued),
        }

    def _hosts(self) -> tuple[str, ...]:
        """Every name and address by which boxes and the cloud reach the broker."""
        given = self.config.provisioning
        regions = (each.broker_host for each in given.region)
        named = [given.broker_host or self.config.broker.host, self.config.broker.host, *regions]
        return tuple(dict.fromkeys(named))

    def _serves(self, hosts: Sequence[str], now_ms: int) -> bool:
        from cryptography import x509

        folder = self.settings.folder
        try:
            found = load((folder / SERVER_CERTIFICATE).read_text(encoding="ascii"))
            key = serialization.load_pem_private_key((folder / SERVER_KEY).read_bytes(), None)
            names = found.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
        except Exception:  # whatever is wrong with them, they are made again
            return False
        whole_s = (found.not_valid_after_utc - found.not_valid_before_utc).total_seconds()
        left_s = found.not_valid_after_utc.timestamp() - now_ms / 1000
        is_pair = fingerprint_of(public_key_of(found)) == fingerprint_of(key.public_key())  # type: ignore[arg-type]
        covers = set(hosts) <= {str(each.value) for each in names}
        return is_pair and covers and left_s > whole_s * _RENEW_LEFT


def configuration(settings: BrokerFilesConfig, port: int) -> str:
    """The file that mosquitto is started with, or that its own configuration includes."""
    folder = settings.folder.absolute()
    lines = [
        "# Written by lotsight-cloud; changes here are lost. Further settings belong into a file",
        "# beside it that mosquitto reads too.",
        *([] if settings.pid_file is None else [f"pid_file {settings.pid_file.absolute()}"]),
        "per_listener_settings false",
        "allow_anonymous false",
        f"acl_file {folder / 'acl'}",
        f"password_file {folder / 'passwords'}",
        "message_size_limit 1048576",
        "max_inflight_messages 500",
        "max_queued_messages 20000",
        "persistent_client_expiration 14d",
    ]
    for each, is_for_boxes in ((port, True), (settings.password_port, False)):
        if each is None:
            continue
        lines += [
            "",
            f"listener {each} {settings.listen}",
            f"cafile {folder / 'ca.crt'}",
            f"certfile {folder / SERVER_CERTIFICATE}",
            f"keyfile {folder / SERVER_KEY}",
        ]
        if is_for_boxes:
            lines += [
                f"crlfile {folder / 'crl.pem'}",
                "require_certificate true",
                "use_identity_as_username true",
            ]
    return "\n".join(lines) + "\n"


def _issuing(session: Session, now_ms: int) -> str:
    return "".join(
        each.pem
        for each in authorities(session)
        if each.kind is AuthorityKind.ISSUING and now_ms < each.ends_ms
    )


def write_files(
    folder: Path, texts: Mapping[str, str], secret: Collection[str] = SECRET_FILES
) -> list[str]:
    """Write the files that differ, each whole or not at all.

    Args:
        folder: where they go.
        texts: by name.
        secret: those that not everybody may read.

    Returns:
        The names of those that were written.

    Raises:
        BrokerFilesError: the folder cannot be written.
    """
    written = []
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for name, text in texts.items():
            if _put(folder / name, text, 0o640 if name in secret else 0o644):
                written.append(name)
    except OSError as exc:
        msg = f"{exc.filename or folder}: cannot write the broker's files here: {exc.strerror}"
        raise BrokerFilesError(msg) from exc
    return written


def _put(path: Path, text: str, mode: int) -> bool:
    content = text.encode()
    if path.exists() and path.read_bytes() == content:
        return False
    draft = path.with_name(path.name + ".new")
    draft.unlink(missing_ok=True)
    with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode), "wb") as file:
        # The broker runs as another user, which reads through the folder's group.
        if os.geteuid() == 0:
            os.fchown(file.fileno(), -1, path.parent.stat().st_gid)
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    draft.replace(path)
    return True


def reload_broker(settings: BrokerFilesConfig) -> str:
    """Have the broker read its files again; what was done, for the log.

    Raises:
        BrokerFilesError: the command failed.
    """
    if not settings.reload_command:
        if settings.pid_file is None:
            return "nothing tells the broker: set [broker_files] reload_command, or reload it"
        return _hang_up(settings.pid_file)
    command = " ".join(settings.reload_command)
    try:
        done = subprocess.run(  # noqa: S603  # nosec B603 - the operator's own command
            settings.reload_command,
            capture_output=True,
            text=True,
            timeout=settings.reload_timeout_s,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired) as exc:
        msg = f"reload_command {command!r} failed: {exc}"
        raise BrokerFilesError(msg) from exc
    if done.returncode:
        told = (done.stderr or done.stdout).strip()[-300:]
        msg = f"reload_command {command!r} ended with {done.returncode}: {told}"
        raise BrokerFilesError(msg)
    return f"ran {command!r}"


def _hang_up(pid_file: Path) -> str:
    try:
        number = int(pid_file.read_text(encoding="ascii"))
    except FileNotFoundError:
        return "the broker does not run yet"
    except (OSError, ValueError) as exc:
        msg = f"{pid_file}: expected the number of mosquitto's process, but got: {exc}"
        raise BrokerFilesError(msg) from exc
    try:
        # A number that outlived its process may be anybody's by now.
        name = Path(f"/proc/{number}/comm").read_text(encoding="ascii").strip()
        if not name.startswith("mosquitto"):
            return "the broker does not run now"
        os.kill(number, signal.SIGHUP)
    except (FileNotFoundError, ProcessLookupError):
        return "the broker does not run now"
    except PermissionError as exc:
        msg = f"process {number} of {pid_file}: may not be sent SIGHUP; set reload_command"
        raise BrokerFilesError(msg) from exc
    return f"sent SIGHUP to mosquitto, process {number}"
