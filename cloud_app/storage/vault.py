"""Secrets that must be read again (TOTP, webhooks) are sealed with a key that lies in a file.

Whoever gets hold of a backup of the database, and of nothing else, reads none of them.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Sequence
from pathlib import Path

from cryptography.fernet import Fernet, InvalidToken, MultiFernet

from cloud_app.errors import VaultError

_SEALED = "sealed:"
_HEAD = (
    "# Keys of lotsight-cloud. The first line seals, all of them open. Back them up elsewhere.\n"
)
_REMEDY = (
    "Restore this file from its backup, or, if the key is lost, run: lotsight-cloud secrets forget"
)


class Vault:
    """Seals with Fernet (AES-128-CBC, HMAC-SHA256) and the keys of a file, one a line.

    The file is made when the first secret is sealed, for its owner's eyes only. It is read again
    when it changes, so that a running service takes a new key up.

    Args:
        file: with the keys, the newest first.
    """

    def __init__(self, file: Path) -> None:
        self.file = file
        self._lock = threading.Lock()
        self._read: tuple[tuple[int, int], Sequence[Fernet]] | None = None

    def seal(self, secret: str) -> str:
        """A secret as it is kept.

        Raises:
            VaultError: the file cannot be read or made, or holds something else than keys.
        """
        if not self.file.exists():
            self._make()
        return _SEALED + self._keys()[0].encrypt(secret.encode()).decode()

    def open(self, kept: str) -> str:
        """A secret that was kept; one of an earlier version that was not sealed is returned as is.

        Raises:
            VaultError: the file lacks the key.
        """
        if not is_sealed(kept):
            return kept
        try:
            return MultiFernet(self._keys()).decrypt(kept.removeprefix(_SEALED)).decode()
        except InvalidToken as exc:
            msg = (
                f"{self.file}: expected the key that the database's secrets were sealed with, but "
                f"none of its keys opens them. {_REMEDY}"
            )
            raise VaultError(msg) from exc

    def opens(self, kept: str) -> bool:
        """Whether one of the keys opens a secret; without a file there is no key.

        Raises:
            VaultError: the file is there but cannot be read, or holds something else than keys.
        """
        if not is_sealed(kept):
            return True
        if not self.file.exists():
            return False
        try:
            MultiFernet(self._keys()).decrypt(kept.removeprefix(_SEALED))
        except InvalidToken:
            return False
        return True

    def add_key(self) -> None:
        """Let a new key seal from now on; earlier ones still open.

        Raises:
            VaultError: as for `seal`.
        """
        if not self.file.exists():
            self._make()
            return
        self._keys()
        self._write([_new_key(), *_lines(self._text())])

    def drop_old_keys(self) -> int:
        """Forget all keys but the newest, once everything is sealed with it; how many went.

        Raises:
            VaultError: as for `seal`.
        """
        old = len(self._keys()) - 1
        self._write(_lines(self._text())[:1])
        return old

    def _make(self) -> None:
        """Make the file, unless another process is faster."""
        try:
            self.file.parent.mkdir(parents=True, exist_ok=True)
            made = os.open(self.file, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600)
        except FileExistsError:
            return
        except OSError as exc:
            msg = f"{self.file}: expected to make a file of keys here, but got: {exc.strerror}"
            raise VaultError(msg) from exc
        with os.fdopen(made, "w", encoding="ascii") as file:
            file.write(f"{_HEAD}{_new_key()}\n")

    def _write(self, keys: Sequence[str]) -> None:
        draft = self.file.with_name(self.file.name + ".new")
        try:
            with os.fdopen(
                os.open(draft, os.O_CREAT | os.O_TRUNC | os.O_WRONLY, 0o600), "w", encoding="ascii"
            ) as file:
                file.write(_HEAD + "".join(f"{key}\n" for key in keys))
                file.flush()
                os.fsync(file.fileno())
            draft.replace(self.file)
        except OSError as exc:
            msg = f"{self.file}: expected to write keys here, but got: {exc.strerror}"
            raise VaultError(msg) from exc

    def _text(self) -> str:
        try:
            return self.file.read_text(encoding="ascii")
        except (OSError, UnicodeDecodeError) as exc:
            what = exc.strerror if isinstance(exc, OSError) else "something that is no text"
            remedy = f". {_REMEDY}" if isinstance(exc, FileNotFoundError) else ""
            msg = (
                f"{self.file}: expected the keys of the database's secrets, but got: {what}{remedy}"
            )
            raise VaultError(msg) from exc

    def _keys(self) -> Sequence[Fernet]:
        with self._lock:
            try:
                found = self.file.stat()
            except OSError:
                # Reading it says what is wrong.
                stamp = (0, 0)
            else:
                stamp = (found.st_mtime_ns, found.st_ino)
            if self._read is None or self._read[0] != stamp:
                self._read = (stamp, self._parsed())
            return self._read[1]

    def _parsed(self) -> Sequence[Fernet]:
        keys = []
        for number, line in enumerate(self._text().splitlines(), start=1):
            if not line.strip() or line.startswith("#"):
                continue
            try:
                keys.append(Fernet(line.strip()))
            except ValueError as exc:
                msg = f"{self.file}:{number}: expected a key, 32 bytes in base64, but got none"
                raise VaultError(msg) from exc
        if not keys:
            msg = f"{self.file}: expected at least one key, but got none"
            raise VaultError(msg)
        return keys


def is_sealed(kept: str) -> bool:
    """Whether a kept secret is sealed; those of earlier versions are not."""
    return kept.startswith(_SEALED)


def _new_key() -> str:
    return Fernet.generate_key().decode()


def _lines(text: str) -> list[str]:
    """The keys of a file."""
    return [line for line in text.splitlines() if line.strip() and not line.startswith("#")]
