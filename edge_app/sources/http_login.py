"""HTTP logins of cameras: which of the offered ones to answer, and how.

Sources: RFC 9110 (section 11, challenges), RFC 7616 (digest), RFC 7617 (basic). httpx has a digest
login too, but it answers the first digest challenge alone, knows nothing of `auth-int`, and cannot
say whether a camera refused a password or only found its nonce too old.
"""

from __future__ import annotations

import base64
import hashlib
import re
import secrets
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field

_WORD = r"[!#$%&'*+.^_`|~0-9A-Za-z-]+"
_SCHEME = re.compile(rf"[\s,]*(?P<scheme>{_WORD})(?=[\s,]|$)")
_PARAMETER = re.compile(
    rf"[\s,]*(?P<name>{_WORD})\s*=\s*(?:\"(?P<quoted>(?:[^\"\\]|\\.)*)\"?|(?P<plain>[^\s,\"]*))",
    re.S,
)
_TOKEN68 = re.compile(r"\s+[A-Za-z0-9._~+/-]+=*(?=\s*(?:,|$))")
_ESCAPE = re.compile(r"\\(.)", re.S)

_HASHES: Mapping[str, Callable[[bytes], str]] = {
    "SHA-512-256": lambda data: hashlib.new("sha512_256", data).hexdigest(),
    "SHA-256": lambda data: hashlib.sha256(data).hexdigest(),
    # What most cameras speak; weaker than the others, stronger than a password in the clear.
    "MD5": lambda data: hashlib.md5(data, usedforsecurity=False).hexdigest(),
}
"""Strongest first."""
_SESSION = "-SESS"
_QOPS = ("auth", "auth-int")


@dataclass(frozen=True, slots=True)
class Login:
    """User name and password of a camera."""

    username: str
    password: str

    def __repr__(self) -> str:
        """Without the password, since a repr ends in logs."""
        return f"Login(username={self.username!r}, password='***')"


@dataclass(frozen=True, slots=True)
class Challenge:
    """One way to log in that a server offers.

    Attributes:
        scheme: lower case, such as `digest`.
        parameters: by lower-case name, unquoted.
    """

    scheme: str
    parameters: Mapping[str, str] = field(default_factory=dict)

    @property
    def algorithm(self) -> str:
        """Of a digest: upper case, without `-SESS`."""
        return self._named.removesuffix(_SESSION)

    @property
    def is_session(self) -> bool:
        """Whether the nonces go into the first hash (`-sess`)."""
        return self._named.endswith(_SESSION)

    @property
    def is_stale(self) -> bool:
        """Whether the login before was right, and only its nonce too old."""
        return self.parameters.get("stale", "").lower() == "true"

    @property
    def qop(self) -> str | None:
        """What the response vouches for; None as in RFC 2069."""
        offered = [each.strip().lower() for each in self.parameters.get("qop", "").split(",")]
        return next((each for each in _QOPS if each in offered), None)

    @property
    def can_be_answered(self) -> bool:
        """Whether we know how."""
        if self.scheme != "digest":
            return self.scheme == "basic"
        knows_qop = self.qop is not None or not self.parameters.get("qop", "").strip()
        return self.algorithm in _HASHES and "nonce" in self.parameters and knows_qop

    def __str__(self) -> str:
        """For errors: scheme and algorithm."""
        if self.scheme != "digest":
            return self.scheme.capitalize()
        qop = self.parameters.get("qop")
        return f"Digest {self._named}" + (f" with qop {qop}" if qop else "")

    @property
    def _named(self) -> str:
        return self.parameters.get("algorithm", "MD5").strip().upper()


@dataclass(frozen=True, slots=True)
class Request:
    """What a login is for.

    Attributes:
        method: such as GET.
        uri: path and query, as sent.
        body: for `auth-int`.
    """

    method: str
    uri: str
    body: bytes = b""


def parse_challenges(headers: Iterable[str]) -> tuple[Challenge, ...]:
    """All challenges of one or several `WWW-Authenticate` headers, in their order.

    Several may stand in one header, between commas as their own parameters are; quoted values may
    hold commas. What cannot be read is skipped: cameras write strange things.
    """
    return tuple(challenge for header in headers for challenge in _parse(header))


def strongest(challenges: Sequence[Challenge]) -> Challenge | None:
    """The strongest that we can answer: SHA-512/256, SHA-256, MD5, then basic."""
    order = list(_HASHES)

    def rank(challenge: Challenge) -> int:
        return order.index(challenge.algorithm) if challenge.scheme == "digest" else len(order)

    return min((each for each in challenges if each.can_be_answered), key=rank, default=None)


def answer(challenge: Challenge, login: Login, request: Request) -> bytes:
    """The `Authorization` header that answers a challenge which can be answered."""
    charset = "utf-8" if _wants_utf8(challenge, login) else "latin-1"
    if challenge.scheme == "basic":
        pair = f"{login.username}:{login.password}".encode(charset)
        return b"Basic " + base64.b64encode(pair)
    return _digest(challenge, login, request, charset).encode(charset)


def _digest(challenge: Challenge, login: Login, request: Request, charset: str) -> str:
    given, hashed = challenge.parameters, _HASHES[challenge.algorithm]

    def digest(*parts: str) -> str:
        return hashed(":".join(parts).encode(charset))

    realm, nonce, qop = given.get("realm", ""), given["nonce"], challenge.qop
    cnonce, count = secrets.token_hex(8), "00000001"
    who = digest(login.username, realm, login.password)
    if challenge.is_session:
        who = digest(who, nonce, cnonce)
    what = [request.method, request.uri]
    if qop == "auth-int":
        what.append(hashed(request.body))
    proof = [nonce] if qop is None else [nonce, count, cnonce, qop]
    quoted = {
        "username": login.username,
        "realm": realm,
        "nonce": nonce,
        "uri": request.uri,
        "response": digest(who, *proof, digest(*what)),
    }
    plain = {}
    if "algorithm" in given:
        plain["algorithm"] = given["algorithm"]
    if "opaque" in given:
        quoted["opaque"] = given["opaque"]
    if qop is not None:
        plain |= {"qop": qop, "nc": count}
    if qop is not None or challenge.is_session:
        quoted["cnonce"] = cnonce
    if _is_true(given.get("userhash")):
        quoted["username"], plain["userhash"] = digest(login.username, realm), "true"
    fields = [f'{name}="{_escaped(value)}"' for name, value in quoted.items()]
    return "Digest " + ", ".join(fields + [f"{name}={value}" for name, value in plain.items()])


def _parse(header: str) -> list[Challenge]:
    found: list[Challenge] = []
    parameters: dict[str, str] = {}
    place = 0
    while place < len(header):
        parameter = _PARAMETER.match(header, place) if found else None
        if parameter is not None:
            quoted = parameter["quoted"]
            value = parameter["plain"] if quoted is None else _ESCAPE.sub(r"\1", quoted)
            parameters.setdefault(parameter["name"].lower(), value or "")
            place = parameter.end()
            continue
        scheme = _SCHEME.match(header, place)
        if scheme is None:
            place += 1
            continue
        parameters = {}
        found.append(Challenge(scheme["scheme"].lower(), parameters))
        token = _TOKEN68.match(header, scheme.end())
        place = scheme.end() if token is None else token.end()
    return found


def _wants_utf8(challenge: Challenge, login: Login) -> bool:
    """UTF-8 if requested, or if nothing else can encode it."""
    text = login.username + login.password + challenge.parameters.get("realm", "")
    if challenge.parameters.get("charset", "").lower() == "utf-8":
        return True
    try:
        text.encode("latin-1")
    except UnicodeEncodeError:
        return True
    return False


def _escaped(value: str) -> str:
    return value.replace("\\", "\\\\").replace('"', '\\"')


def _is_true(value: str | None) -> bool:
    return value is not None and value.lower() == "true"
