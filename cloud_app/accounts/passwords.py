"""Passwords: which are good enough, and checking them at the same cost for everybody."""

from __future__ import annotations

import secrets
import threading
import unicodedata
from collections.abc import Iterable, Iterator
from contextlib import contextmanager

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from cloud_app.errors import AccountError, BusyError

LENGTH_MIN = 12
LENGTH_MAX = 256
# zxcvbn's scale is 0 to 4; 3 is "safely unguessable: moderate protection from offline attacks".
_SCORE_MIN = 3
_SCORED = 72
# argon2 takes 64 MiB and a core each. Beyond that, requests wait for their turn; not too many of
# them, since each holds a thread that others need.
_AT_ONCE = 4
_WAITING_MAX = 12


def check_strength(password: str, known: Iterable[str] = ()) -> None:
    """Refuse a password that is guessed easily.

    Args:
        password: new one.
        known: words that a guesser would try first: the person's name and address.

    Raises:
        AccountError: too short, too long, common, or made of what is known.
    """
    if not LENGTH_MIN <= len(password) <= LENGTH_MAX:
        msg = f"expected a password of {LENGTH_MIN} to {LENGTH_MAX} characters"
        msg_0 = f"{msg}, but got {len(password)}"
        raise AccountError(msg_0)
    words = ["lotsight"]
    for text in known:
        words += [text, *text.replace("@", " ").split()]
    # Its lists of words take a while to load, and few commands judge a password.
    from zxcvbn import zxcvbn

    found = zxcvbn(password[:_SCORED], user_inputs=words)
    if found["score"] < _SCORE_MIN:
        hints = [found["feedback"]["warning"], *found["feedback"]["suggestions"]]
        told = " ".join(f"{hint.rstrip('.')}." for hint in hints if hint)
        raise AccountError(f"this password is guessed easily. {told}".strip())


class Passwords:
    """Hashes and checks with argon2id (RFC 9106, the library's second recommended parameters).

    Args:
        hasher: its parameters; a hash with other ones is replaced at the next login.
    """

    def __init__(self, hasher: PasswordHasher | None = None) -> None:
        self._hasher = hasher or PasswordHasher()
        self._turns = threading.BoundedSemaphore(_AT_ONCE)
        self._room = threading.BoundedSemaphore(_AT_ONCE + _WAITING_MAX)
        # What nobody's password matches: an unknown account costs as much as a known one.
        self._nobody = self._hasher.hash(secrets.token_urlsafe())

    def hash(self, password: str) -> str:
        """The hash to keep of a password."""
        with self._turn():
            return self._hasher.hash(_plain(password))

    def is_right(self, kept: str | None, password: str) -> bool:
        """Whether it is the password.

        Args:
            kept: hash; None where there is no account or no password, which takes as long.
            password: that was given.

        Raises:
            BusyError: too many are being checked.
        """
        with self._turn():
            try:
                self._hasher.verify(kept or self._nobody, _plain(password))
            except (VerificationError, InvalidHashError):
                return False
        return kept is not None

    def is_outdated(self, kept: str) -> bool:
        """Whether a hash was made with other parameters than today's."""
        return self._hasher.check_needs_rehash(kept)

    @contextmanager
    def _turn(self) -> Iterator[None]:
        if not self._room.acquire(blocking=False):
            msg = "too many log in at once; try again in a few seconds"
            raise BusyError(msg)
        try:
            with self._turns:
                yield
        finally:
            self._room.release()


def _plain(password: str) -> bytes:
    # The same password typed on another keyboard is the same (RFC 8265).
    return unicodedata.normalize("NFC", password).encode("utf-8", "surrogatepass")
