#!/usr/bin/env python3
"""The signed repository (TUF) that boxes fetch software, models and calibrations from.

    signed_repository.py init  REPOSITORY --keys KEYS       once; root.json goes onto the boxes
    signed_repository.py add   REPOSITORY --keys KEYS FILE...
    signed_repository.py drop  REPOSITORY --keys KEYS NAME...   boxes take it no more
    signed_repository.py renew REPOSITORY --keys KEYS       before the metadata expires

REPOSITORY is a folder that any web server or bucket serves: `metadata` and `targets`. KEYS holds
the private keys, one file a role: take `root.pem` away to a safe and bring it back once a year, for
`renew`; whoever has `targets.pem` decides what boxes run. Larger organisations sign with several
people or a KMS: tuf-on-ci and RSTUF write the same metadata.
"""

from __future__ import annotations

import argparse
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
)
from securesystemslib.signer import CryptoSigner  # type: ignore[attr-defined]
from tuf.api.metadata import (  # type: ignore[attr-defined]
    Metadata,
    MetaFile,
    Root,
    Snapshot,
    TargetFile,
    Targets,
    Timestamp,
)

from telemetry import LotsightError

ROLES = ("root", "targets", "snapshot", "timestamp")
ROOT_DAYS, DAYS = 365, 30


class RepositoryError(LotsightError):
    """The repository cannot be changed; the text says why."""


class SignedRepository:
    """A repository in a folder, and the keys that sign it."""

    def __init__(self, folder: Path, keys: Path, now: datetime | None = None) -> None:
        self._metadata, self._targets, self._keys = folder / "metadata", folder / "targets", keys
        self._now = (now or datetime.now(UTC)).replace(microsecond=0)

    @property
    def root_file(self) -> Path:
        """What boxes are shipped with."""
        return self._metadata / "1.root.json"

    def init(self) -> None:
        """Make keys and an empty repository.

        Raises:
            RepositoryError: there is one.
        """
        if self.root_file.exists():
            msg = f"{self._metadata}: there is a repository already"
            raise RepositoryError(msg)
        for folder in (self._metadata, self._targets, self._keys):
            folder.mkdir(parents=True, exist_ok=True)
        root = Root(expires=self._now + timedelta(days=ROOT_DAYS), consistent_snapshot=True)
        for role in ROLES:
            pem = Ed25519PrivateKey.generate().private_bytes(
                Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()
            )
            path = self._keys / f"{role}.pem"
            path.touch(mode=0o600, exist_ok=False)
            path.write_bytes(pem)
            root.add_key(self._signer(role).public_key, role)
        self._sign("1.root", "root", Metadata(root))
        self._publish(Targets(), 1)

    def add(self, files: list[Path]) -> None:
        """Sign files; one of a name that is there already takes its place.

        Raises:
            RepositoryError: there is no repository.
        """
        targets = self._current()
        for path in files:
            target = TargetFile.from_file(path.name, str(path), ["sha256"])
            place = self._targets / f"{target.hashes['sha256']}.{path.name}"
            place.write_bytes(path.read_bytes())
            targets.targets[path.name] = target
        self._publish(targets)

    def drop(self, names: list[str]) -> None:
        """Sign that files are no longer there, so that no job can bring boxes back to them.

        Raises:
            RepositoryError: there is no such file.
        """
        targets = self._current()
        for name in names:
            if targets.targets.pop(name, None) is None:
                msg = f"no file {name!r}; there are {', '.join(sorted(targets.targets))}"
                raise RepositoryError(msg)
        self._publish(targets)

    def renew(self) -> None:
        """Sign the same once more, for another month; where its key is there, the root too."""
        if (self._keys / "root.pem").exists():
            version = max(_numbers(self._metadata, "root"))
            root = Metadata[Root].from_file(str(self._metadata / f"{version}.root.json")).signed
            root.version, root.expires = version + 1, self._now + timedelta(days=ROOT_DAYS)
            self._sign(f"{version + 1}.root", "root", Metadata(root))
        self._publish(self._current())

    def _current(self) -> Targets:
        versions = _numbers(self._metadata, "targets")
        if not versions:
            msg = f"{self._metadata}: no repository; make one with `init`"
            raise RepositoryError(msg)
        path = self._metadata / f"{max(versions)}.targets.json"
        return Metadata[Targets].from_file(str(path)).signed

    def _publish(self, targets: Targets, version: int | None = None) -> None:
        """Write new metadata; the timestamp last, since boxes see nothing before."""
        version, expires = version or targets.version + 1, self._now + timedelta(days=DAYS)
        targets.version, targets.expires = version, expires
        snapshot = Snapshot(
            version=version, expires=expires, meta={"targets.json": MetaFile(version)}
        )
        timestamp = Timestamp(version=version, expires=expires, snapshot_meta=MetaFile(version))
        self._sign(f"{version}.targets", "targets", Metadata(targets))
        self._sign(f"{version}.snapshot", "snapshot", Metadata(snapshot))
        self._sign("timestamp", "timestamp", Metadata(timestamp))

    def _signer(self, role: str) -> CryptoSigner:
        path = self._keys / f"{role}.pem"
        try:
            return CryptoSigner(load_pem_private_key(path.read_bytes(), None))
        except (OSError, ValueError, TypeError) as exc:
            msg = f"{path}: expected a private key, but got {exc}"
            raise RepositoryError(msg) from exc

    def _sign(self, name: str, role: str, metadata: Metadata[Any]) -> None:
        metadata.sign(self._signer(role))
        fresh = self._metadata / f"{name}.json.new"
        metadata.to_file(str(fresh))
        fresh.replace(self._metadata / f"{name}.json")


def _numbers(folder: Path, role: str) -> list[int]:
    """Versions of a role's metadata."""
    return [int(path.name.split(".")[0]) for path in folder.glob(f"*.{role}.json")]


def main() -> None:
    """Read the command line, do it."""
    parser = argparse.ArgumentParser(description="The signed repository that boxes fetch from.")
    parser.add_argument("action", choices=["init", "add", "drop", "renew"])
    parser.add_argument("repository", type=Path)
    parser.add_argument("--keys", type=Path, required=True, help="folder with private keys")
    parser.add_argument("names", nargs="*", help="files to add, names to drop")
    given = parser.parse_intermixed_args()
    repository = SignedRepository(given.repository, given.keys)
    try:
        match given.action:
            case "init":
                repository.init()
                sys.stdout.write(f"{repository.root_file}: [rollout] root_file of the boxes\n")
            case "add":
                repository.add([Path(each) for each in given.names])
            case "drop":
                repository.drop(given.names)
            case _:
                repository.renew()
    except (RepositoryError, OSError) as exc:
        sys.exit(f"error: {exc}")


if __name__ == "__main__":
    main()
