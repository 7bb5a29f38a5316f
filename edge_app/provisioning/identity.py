"""The folder with a box's identity, below its state folder.

    edge.pem       private key, certificate and those that issued it: one file, so that they change
                   together; mode 0600
    edge.pem.old   the one before, until the new one has connected
    next.key       key of a request that is under way
    ca.pem         whom the box trusts
    cloud-ca.pem   whom it trusts for the cloud's API, if a technician named a file
    home.json      broker, site and name

`edge.pem` is written last: until it is there, the box has no identity, and asking again gives the
same one.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from cryptography import x509
from pydantic import ValidationError

from edge_app.delivery.errors import CertificateError
from edge_app.provisioning.keys import (
    PUBLIC_MODE,
    SECRET_MODE,
    Key,
    check_certificate,
    check_chain,
    key_pem,
    load_key,
    own_key,
    write_file,
)
from telemetry import ConfigError
from telemetry.provisioning import Admission, Home

FOLDER = "identity"
_CERTIFICATE, _OLD, _NEXT_KEY = "edge.pem", "edge.pem.old", "next.key"


@dataclass(frozen=True, slots=True)
class Validity:
    """When a certificate holds."""

    starts: datetime
    ends: datetime


@dataclass(frozen=True, slots=True)
class IdentityFolder:
    """A box's identity.

    Attributes:
        path: of the folder.
    """

    path: Path

    @classmethod
    def of(cls, state_dir: Path) -> IdentityFolder:
        """That of a state folder."""
        return cls(state_dir / FOLDER)

    @property
    def pem_file(self) -> Path:
        """Key and certificate."""
        return self.path / _CERTIFICATE

    @property
    def old_file(self) -> Path:
        """The ones before, while the new ones have to prove themselves."""
        return self.path / _OLD

    @property
    def ca_file(self) -> Path:
        """Whom the box trusts."""
        return self.path / "ca.pem"

    @property
    def cloud_ca_file(self) -> Path:
        """Whom it trusts for the cloud's API besides."""
        return self.path / "cloud-ca.pem"

    @property
    def home_file(self) -> Path:
        """Where the box belongs."""
        return self.path / "home.json"

    def home(self) -> Home | None:
        """Where the box belongs; None before it has an identity.

        Raises:
            ConfigError: the file is broken.
        """
        try:
            if not self.pem_file.exists():
                return None
            return Home.model_validate_json(self.home_file.read_bytes())
        except (OSError, ValidationError) as exc:
            msg = f"{self.home_file}: cannot read the box's home: {exc}; provision the box again"
            raise ConfigError(msg) from exc

    def next_key(self) -> Key:
        """The key of the request under way, made if there is none.

        Raises:
            CertificateError: the file holds no such key.
        """
        self.path.mkdir(mode=0o700, parents=True, exist_ok=True)
        path = self.path / _NEXT_KEY
        # A power cut just after the certificate was written leaves the key, which is in use now.
        if path.exists() and self.pem_file.exists():
            used, left = self.key().public_key(), load_key(path).public_key()
            if used == left:
                path.unlink()
        return own_key(path)

    def key(self) -> Key:
        """The present key.

        Raises:
            CertificateError: the file holds no such key.
        """
        return load_key(self.pem_file)

    def chain(self) -> str:
        """The present certificate and those that issued it, PEM, without the key."""
        text = self.pem_file.read_text(encoding="ascii")
        return text[text.index("-----BEGIN CERTIFICATE") :]

    def validity(self) -> Validity:
        """When the present certificate holds.

        Raises:
            CertificateError: it cannot be read.
        """
        try:
            found = x509.load_pem_x509_certificate(self.chain().encode())
        except (OSError, ValueError) as exc:
            msg = f"{self.pem_file}: expected key and certificate as PEM: {exc}"
            raise CertificateError(msg) from exc
        return Validity(found.not_valid_before_utc, found.not_valid_after_utc)

    def install(self, admission: Admission, key: Key, *, keep_old: bool = False) -> None:
        """Take over what the cloud answered, once it is seen to be ours.

        Args:
            admission: the answer.
            key: that was asked with.
            keep_old: the present certificate has to stay until the new one has connected.

        Raises:
            CertificateError: the certificate is for another key or name, or of another authority.
        """
        check_certificate(admission.certificate, key, admission.home.edge)
        check_chain(admission.certificate, admission.authority)
        write_file(self.ca_file, admission.authority.encode(), PUBLIC_MODE)
        write_file(self.home_file, admission.home.model_dump_json(indent=1).encode(), PUBLIC_MODE)
        if keep_old and not self.old_file.exists():
            write_file(self.old_file, self.pem_file.read_bytes(), SECRET_MODE)
        write_file(self.pem_file, key_pem(key) + admission.certificate.encode(), SECRET_MODE)
        (self.path / _NEXT_KEY).unlink(missing_ok=True)

    def proven(self) -> None:
        """The present certificate has connected: the one before may go."""
        self.old_file.unlink(missing_ok=True)

    def go_back(self) -> None:
        """The present certificate does not work: back to the one before."""
        self.old_file.replace(self.pem_file)

    def begin_again(self) -> None:
        """Forget certificate and key; the next request is that of a new box."""
        for each in (self.pem_file, self.old_file, self.path / _NEXT_KEY):
            each.unlink(missing_ok=True)


def with_identity(raw: dict[str, Any], state_dir: Path, where: Path) -> dict[str, Any]:
    """A configuration file with what provisioning said: name, site, broker, certificates.

    What `[mqtt]` says itself stands; a file that names its broker is left alone.

    Args:
        raw: the file.
        state_dir: of the box.
        where: the file, for error texts.

    Raises:
        ConfigError: the file names another box than the certificate.
    """
    mqtt, edge = raw.get("mqtt", {}), raw.get("edge", {})
    if not isinstance(mqtt, dict) or not isinstance(edge, dict) or "host" in mqtt:
        return raw
    folder = IdentityFolder.of(state_dir)
    home = folder.home()
    if home is None:
        return raw
    for name, value in (("site", home.site), ("edge", home.edge)):
        if edge.get(name, value) != value:
            msg = (
                f"{where}: edge.{name} is {edge[name]!r}, but this box was provisioned with "
                f"{value!r}: remove the line, or provision the box again"
            )
            raise ConfigError(msg)
    tls = {
        "ca_file": str(folder.ca_file),
        "cert_file": str(folder.pem_file),
        "key_file": str(folder.pem_file),
    }
    given = mqtt.get("tls")
    link = {
        "host": home.host,
        "port": home.port,
        "prefix": home.prefix,
        "aws_root": home.aws_root,
        **mqtt,
        "tls": {**tls, **(given if isinstance(given, dict) else {})},
    }
    return {**raw, "edge": {**edge, "site": home.site, "edge": home.edge}, "mqtt": link}
