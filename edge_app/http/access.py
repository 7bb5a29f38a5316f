"""Who may see the pages: no login on loopback; with a password, sessions or a bearer token.

The password is kept as an argon2id hash only (RFC 9106), given as one or made of the setting at the
start. Sessions live in memory: a restart of the service logs everybody out.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
import threading
import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, field

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError
from pydantic import SecretStr

from telemetry import ConfigError, LotsightError

SESSION_COOKIE = "lotsight_session"
CSRF_HEADER = "X-Lotsight-Csrf"
CSRF_FIELD = "csrf"

_SESSION_IDLE_S = 12 * 3600.0
_SESSIONS_KEPT = 64
_TOKENS_KEPT = 32
_LOGIN_PAGE_S = 3600.0


class TooManyTriesError(LotsightError):
    """Login is closed for a while.

    Attributes:
        wait_s: for how long.
    """

    def __init__(self, wait_s: float) -> None:
        super().__init__(f"too many attempts; try again in {wait_s:.0f} s")
        self.wait_s = wait_s


@dataclass(slots=True)
class LoginThrottle:
    """Slows down guessing: by address, and over all addresses together.

    After `free_tries` wrong ones in a row each further try waits twice as long as the one before.

    Attributes:
        free_tries: wrong tries that cost nothing.
        first_wait_s: wait after the next one.
        longest_wait_s: longest wait.
        all_tries: wrong tries of all addresses in `window_s` after which all have to wait.
        window_s: see `all_tries`.
    """

    free_tries: int = 5
    first_wait_s: float = 2.0
    longest_wait_s: float = 900.0
    all_tries: int = 60
    window_s: float = 300.0
    _wrong: OrderedDict[str, tuple[int, float]] = field(default_factory=OrderedDict)
    _recent_s: list[float] = field(default_factory=list)

    def check(self, address: str, now_s: float) -> None:
        """Reject a try that comes too early.

        Raises:
            TooManyTriesError: it does.
        """
        self._recent_s = [t for t in self._recent_s if now_s - t < self.window_s]
        if len(self._recent_s) >= self.all_tries:
            raise TooManyTriesError(self.window_s - (now_s - self._recent_s[0]))
        count, last_s = self._wrong.get(address, (0, now_s))
        if count < self.free_tries:
            return
        wait_s = min(self.first_wait_s * 2.0 ** (count - self.free_tries), self.longest_wait_s)
        if now_s - last_s < wait_s:
            raise TooManyTriesError(wait_s - (now_s - last_s))

    def failed(self, address: str, now_s: float) -> None:
        """Note a wrong try."""
        self._recent_s.append(now_s)
        count, _ = self._wrong.pop(address, (0, now_s))
        self._wrong[address] = (count + 1, now_s)
        while len(self._wrong) > 1000:  # noqa: PLR2004 - bounds memory under attack
            self._wrong.popitem(last=False)

    def succeeded(self, address: str) -> None:
        """Forget an address's wrong tries."""
        self._wrong.pop(address, None)


class Access:
    """Password, sessions and tokens of the pages; safe between threads.

    Args:
        password_hash: Argon2 hash; None: no login required.
        secure: whether the pages are served over TLS, so that cookies may be bound to it.
        mono_s: time for idle sessions and waits.
    """

    def __init__(
        self,
        password_hash: str | None = None,
        *,
        secure: bool = False,
        mono_s: Callable[[], float] = time.monotonic,
    ) -> None:
        self.secure = secure
        self.throttle = LoginThrottle()
        self._hash = password_hash
        self._mono_s = mono_s
        self._hasher = PasswordHasher()
        self._key = secrets.token_bytes(32)
        self._sessions: OrderedDict[str, float] = OrderedDict()
        self._tokens: OrderedDict[str, None] = OrderedDict()
        self._lock = threading.Lock()
        # One hash at a time: argon2 takes 64 MiB and a core, and a small box has neither to spare.
        self._hashing = threading.Lock()

    @classmethod
    def of(cls, password: SecretStr | None, *, secure: bool = False) -> Access:
        """As a setting says: none, a password, or its argon2 hash (`$argon2id$...`).

        Raises:
            ConfigError: it begins like a hash and is none.
        """
        if password is None:
            return cls(secure=secure)
        text = password.get_secret_value()
        if not text.startswith("$argon2"):
            return cls(PasswordHasher().hash(text), secure=secure)
        try:
            PasswordHasher().check_needs_rehash(text)
        except InvalidHashError as exc:
            msg = "http.password begins with $argon2, but is not an Argon2 hash"
            raise ConfigError(msg) from exc
        return cls(text, secure=secure)

    @property
    def is_open(self) -> bool:
        """Whether no password is required."""
        return self._hash is None

    def log_in(self, password: str, address: str) -> str | None:
        """A new session's id; None for a wrong password. Slow: call it off the event loop.

        Raises:
            TooManyTriesError: this address, or all together, tried too often.
        """
        now_s = self._mono_s()
        with self._lock:
            self.throttle.check(address, now_s)
        if not self._matches(password):
            with self._lock:
                self.throttle.failed(address, self._mono_s())
            return None
        session = secrets.token_urlsafe(32)
        with self._lock:
            self.throttle.succeeded(address)
            self._sessions[_digest(session)] = self._mono_s()
            while len(self._sessions) > _SESSIONS_KEPT:
                self._sessions.popitem(last=False)
        return session

    def log_out(self, session: str) -> None:
        """End a session."""
        with self._lock:
            self._sessions.pop(_digest(session), None)

    def has_session(self, session: str) -> bool:
        """Whether a session is alive; resets its idle time."""
        now_s = self._mono_s()
        with self._lock:
            seen_s = self._sessions.get(_digest(session))
            if seen_s is None:
                return False
            if now_s - seen_s > _SESSION_IDLE_S:
                del self._sessions[_digest(session)]
                return False
            self._sessions[_digest(session)] = now_s
            return True

    def has_token(self, token: str, address: str) -> bool:
        """Whether a bearer token is the password: for scrapers, which hold no session.

        A token that was right once is known by its keyed hash, so a scraper costs one argon2.

        Raises:
            TooManyTriesError: as for `log_in`.
        """
        keyed = hmac.new(self._key, token.encode(), hashlib.sha256).hexdigest()
        with self._lock:
            if keyed in self._tokens:
                return True
            self.throttle.check(address, self._mono_s())
        right = self._matches(token)
        with self._lock:
            if not right:
                self.throttle.failed(address, self._mono_s())
                return False
            self._tokens[keyed] = None
            while len(self._tokens) > _TOKENS_KEPT:
                self._tokens.popitem(last=False)
        return True

    def csrf_of(self, session: str) -> str:
        """The token that changes within a session must carry."""
        return hmac.new(self._key, b"session|" + session.encode(), hashlib.sha256).hexdigest()

    def login_token(self) -> str:
        """A token for the login form; good for an hour."""
        stamp = f"{self._mono_s():.0f}"
        return f"{stamp}.{self._sign_login(stamp)}"

    def is_login_token(self, token: str) -> bool:
        """Whether a token was given out with a login form, lately."""
        stamp, _, signature = token.partition(".")
        if not stamp.isdigit() or not stamp.isascii():
            return False
        right = hmac.compare_digest(signature.encode(), self._sign_login(stamp).encode())
        return right and 0 <= self._mono_s() + 1 - float(stamp) <= _LOGIN_PAGE_S

    def _sign_login(self, stamp: str) -> str:
        return hmac.new(self._key, b"login|" + stamp.encode(), hashlib.sha256).hexdigest()

    def _matches(self, password: str) -> bool:
        if self._hash is None:
            return False
        with self._hashing:
            try:
                return self._hasher.verify(self._hash, password)
            except (VerificationError, InvalidHashError):
                return False


def _digest(session: str) -> str:
    return hashlib.sha256(session.encode()).hexdigest()
