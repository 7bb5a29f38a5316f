"""What a box must be told to trust the cloud before it has anything of it."""

from __future__ import annotations

from cloud_app.config import CloudConfig
from cloud_app.errors import RequestRefusedError
from cloud_app.fleet.authority.issuing import by_serial
from cloud_app.fleet.authority.own_issuer import AuthorityKind, authorities
from cloud_app.fleet.authority.x509 import load, serial_of
from cloud_app.storage.database import Session


def root_fingerprint(session: Session) -> str | None:
    """Of the root's key; None before there is one."""
    roots = (each for each in authorities(session) if each.kind is AuthorityKind.ROOT)
    return next((each.authority for each in roots), None)


def pin(session: Session, config: CloudConfig) -> str | None:
    """The fingerprint that a new box needs; None where a public authority vouches for the API.

    It needs one exactly if this service speaks TLS itself with a certificate that it issued.
    """
    if config.http.cert_file is None:
        return None
    try:
        shown = load(config.http.cert_file.read_text(encoding="ascii"))
    except (OSError, UnicodeDecodeError, RequestRefusedError):
        return None
    is_ours = by_serial(session, serial_of(shown)) is not None
    return root_fingerprint(session) if is_ours else None


def provision_command(cloud_url: str, code: str | None, trust: str | None) -> str:
    """What is typed on the box."""
    parts = ["lotsight provision", f"--cloud {cloud_url}"]
    parts += [f"--code {code}"] if code else []
    parts += [f"--trust {trust}"] if trust else []
    return " ".join(parts)
