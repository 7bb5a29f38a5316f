"""Secrets that this process knows, taken out of every text that leaves it.

Whatever reads a secret registers it here: the configuration, a camera's address, a command line.
Logs, tracebacks, error texts, pages, messages and bundles go through `mask`, which finds a secret
however it was escaped on its way: percent-encoded, in JSON, in a Python repr, in HTML, in base64.
Patterns (`password=...`) are only the fallback, for secrets that could not be registered.
"""

from __future__ import annotations

import base64
import html
import logging
import re
import sys
import threading
import traceback
from collections.abc import Iterable, Iterator, Mapping, Sequence
from types import TracebackType
from typing import Any, NamedTuple
from urllib.parse import unquote, unquote_plus

MASK = "***"

for _name in ("httpx", "httpcore"):
    # They log each request with its whole address; we log what matters ourselves.
    logging.getLogger(_name).setLevel(logging.WARNING)

# A shorter secret is hidden where it stands alone: `7` as a password must not eat every figure.
_SHORT = 5
# And one of two characters only in its place, such as an address: everything else would be holes.
_LEAST = 3
# What base64 of less than this leaves certain is too little to be distinguished from chance.
_LEAST_BASE64 = 8

# User part of any URL inside a longer text. Greedy up to the last '@' before a blank or quote,
# since camera passwords contain unescaped '/', '?' and '@'.
_USER_INFO = re.compile(r"(?P<scheme>[a-z][a-z0-9+.-]*://)(?P<user>[^\s:@/'\"]*):[^\s'\"]*@", re.I)
_NAMED = re.compile(
    r"(?P<name>(?<![a-z0-9])[a-z0-9_-]*(?:pass|pas|pwd|psw|passwd|password|token|auth|secret|sig"
    r"|signature|api_?key|key|credentials?)[a-z0-9]*=|(?<=[?&])p=)"
    r"(?!\*\*\*)(?:\"[^\"]*\"|'[^']*'|[^&\s'\";,)]+)",
    re.I,
)
_LOGIN_HEADER = re.compile(
    r"(?P<name>\b(?:basic|bearer)\s+)[A-Za-z0-9+/=_.~-]{8,}|(?P<digest>\bresponse=\"?)[0-9a-f]{32,}",
    re.I,
)
_PLAIN = re.compile(r"[A-Za-z0-9]+")
_URL_SAFE = str.maketrans("-_", "+/")
_LITERAL = {
    "\n": r"\\+n", "\r": r"\\+r", "\t": r"\\+t", "\b": r"\\+b", "\f": r"\\+f", " ": r"\+",
}  # fmt: skip


class _Secret(NamedTuple):
    core: str
    pattern: re.Pattern[str]


class Registry:
    """The secrets of one process; safe between threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._secrets: dict[str, _Secret] = {}
        self._ordered: tuple[_Secret, ...] = ()
        self._base64: tuple[str, ...] = ()

    def add(self, secret: str, username: str | None = None) -> None:
        """Hide this from now on.

        Args:
            secret: verbatim, not escaped; empty ones are ignored.
            username: whose password it is; hides the login that HTTP sends too.
        """
        if not secret.strip():
            return
        encoded = _base64_forms(secret, username)
        with self._lock:
            if secret not in self._secrets and len(secret) >= _LEAST:
                self._secrets[secret] = _Secret(_core(secret), re.compile(_pattern(secret)))
                # The longest first: a password may begin with another one.
                ordered = sorted(self._secrets, key=len, reverse=True)
                self._ordered = tuple(self._secrets[each] for each in ordered)
            if not encoded <= set(self._base64):
                self._base64 = tuple(sorted({*self._base64, *encoded}, key=len, reverse=True))

    def forget(self) -> None:
        """Know none any more, as a new process."""
        with self._lock:
            self._secrets.clear()
            self._ordered, self._base64 = (), ()

    def mask(self, text: str) -> str:
        """`text` without any secret."""
        if not text:
            return text
        for secret in self._ordered:
            if secret.core in text:
                text = secret.pattern.sub(MASK, text)
        return mask_patterns(_mask_base64(text, self._base64))

    def mask_values(self, value: Any) -> Any:
        """A tree of dicts and lists with every text in it masked; keys and numbers stay."""
        if isinstance(value, str):
            return self.mask(value)
        if isinstance(value, Mapping):
            return {key: self.mask_values(each) for key, each in value.items()}
        if isinstance(value, Sequence) and not isinstance(value, (bytes, bytearray)):
            return [self.mask_values(each) for each in value]
        return value


SECRETS = Registry()
"""Those of this process."""


def register_secret(secret: str, username: str | None = None) -> None:
    """See `Registry.add`."""
    SECRETS.add(secret, username)


def mask_secrets(text: str) -> str:
    """`text` without the secrets that this process knows, and without what looks like one."""
    return SECRETS.mask(text)


def mask_patterns(text: str) -> str:
    """The second net alone: logins in addresses, `password=...`, HTTP's login headers."""
    if "://" in text:
        text = _USER_INFO.sub(rf"\g<scheme>\g<user>:{MASK}@", text)
    if "=" in text:
        text = _NAMED.sub(rf"\g<name>{MASK}", text)
    return _LOGIN_HEADER.sub(_masked_header, text)


def mask_error(error: BaseException) -> str:
    """A whole traceback as text, without secrets."""
    return mask_secrets("".join(traceback.format_exception(error)))


# -- for the whole process -------------------------------------------------------------------------


class MaskedRecord(logging.LogRecord):
    """A log record whose text and traceback hold no secret, whatever handler writes it."""

    def __init__(self, *args: Any, **more: Any) -> None:
        super().__init__(*args, **more)
        if self.exc_info and self.exc_info[1] is not None:
            self.exc_text = mask_error(self.exc_info[1]).rstrip("\n")

    def getMessage(self) -> str:  # noqa: N802 - logging's name
        """The message, masked."""
        return mask_secrets(super().getMessage())


class _Uncaught(NamedTuple):
    error: BaseException
    thread: str = ""


def guard_output() -> None:
    """From now on neither a log line nor an uncaught exception shows a secret."""
    logging.setLogRecordFactory(MaskedRecord)
    sys.excepthook = _on_uncaught
    threading.excepthook = _on_uncaught_in_thread


def _on_uncaught(
    _kind: type[BaseException], error: BaseException, _trace: TracebackType | None
) -> None:
    _print_uncaught(_Uncaught(error))


def _on_uncaught_in_thread(args: threading.ExceptHookArgs) -> None:
    if args.exc_value is not None and not isinstance(args.exc_value, SystemExit):
        _print_uncaught(_Uncaught(args.exc_value, args.thread.name if args.thread else "?"))


def _print_uncaught(found: _Uncaught) -> None:
    head = f"Exception in thread {found.thread}:\n" if found.thread else ""
    sys.stderr.write(head + mask_error(found.error))


# -- forms of a secret -----------------------------------------------------------------------------


def spellings(secret: str) -> Iterator[str]:
    """A secret that was read from an address, as it may have been meant: escaped, or not."""
    yield from {secret, unquote(secret), unquote_plus(secret)}


def _mask_base64(text: str, encoded: Iterable[str]) -> str:
    """Both alphabets of base64; plain searches, since these are many."""
    usual = text.translate(_URL_SAFE)
    for form in encoded:
        while (place := usual.find(form)) >= 0:
            text = text[:place] + MASK + text[place + len(form) :]
            usual = usual[:place] + MASK + usual[place + len(form) :]
    return text


def _core(secret: str) -> str:
    """Its longest part that is never escaped: a text without it needs no further check."""
    return max(_PLAIN.findall(secret), key=len, default="")


def _pattern(form: str) -> str:
    body = "".join(map(_character, form))
    if len(form) >= _SHORT:
        return body
    return rf"(?<![A-Za-z0-9]){body}(?![A-Za-z0-9])"


def _character(character: str) -> str:
    """Every way in which a character of a secret is written."""
    if _PLAIN.fullmatch(character):
        return character
    code = ord(character)
    ways = [re.escape(character)]
    if character in "'\"\\/&<>":
        ways = [rf"\\*{re.escape(character)}"] if character != "\\" else [r"\\+"]
    if character in _LITERAL:
        ways.append(_LITERAL[character])
    escaped = html.escape(character)
    if escaped != character:
        ways += [re.escape(escaped), rf"&#0*{code};"]
    for encoding in ("utf-8", "latin-1"):
        try:
            data = character.encode(encoding, "surrogateescape")
        except UnicodeEncodeError:
            continue
        ways += ["".join(_percent(byte) for byte in data)]
        if code > 0x7E or code < 0x20:  # noqa: PLR2004 - what a repr escapes
            ways += ["".join(rf"\\+x{_hex(f'{byte:02x}')}" for byte in data)]
    units = character.encode("utf-16-be", "surrogatepass")
    pairs = [units[place : place + 2].hex() for place in range(0, len(units), 2)]
    ways.append("".join(rf"\\+u{_hex(pair)}" for pair in pairs))
    if code > 0xFFFF:  # noqa: PLR2004 - outside UTF-16's plane
        ways.append(rf"\\+U{_hex(f'{code:08x}')}")
    return f"(?:{'|'.join(dict.fromkeys(ways))})"


def _percent(byte: int) -> str:
    return f"%(?:25)*{_hex(f'{byte:02x}')}"


def _hex(digits: str) -> str:
    return "".join(f"[{d}{d.upper()}]" if d.isalpha() else d for d in digits)


def _base64_forms(secret: str, username: str | None) -> set[str]:
    """The characters of base64 that the secret alone decides, wherever in the data it stands."""
    found = set()
    for encoding in ("utf-8", "latin-1"):
        try:
            data = secret.encode(encoding)
            login = None if username is None else f"{username}:{secret}".encode(encoding)
        except UnicodeEncodeError:
            continue
        if login is not None:
            found.add(base64.b64encode(login).decode().rstrip("="))
        for before in range(3):
            text = base64.b64encode(bytes(before) + data).decode()
            begin = -(-before * 8 // 6)
            end = (before + len(data)) * 8 // 6
            core = text[begin:end]
            if len(core) >= _LEAST_BASE64:
                found.add(core)
    return found


def _masked_header(match: re.Match[str]) -> str:
    return f"{match['name'] or match['digest']}{MASK}"
