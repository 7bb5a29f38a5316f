"""Bodies of requests: bounded in size, and JSON without what readers disagree on.

Python's reader takes NaN, numbers beyond a double, lone surrogates, doubled keys and any depth that
its stack holds. What lets such a value in must store it and send it on to readers that fail on it,
so it is refused at the door.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, NoReturn

from starlette.datastructures import Headers
from starlette.requests import ClientDisconnect
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

MAX_JSON_DEPTH = 32
"""Levels of objects and arrays; a calibration has six."""
_INT_MAX = 2**63
_SHOWN = 40


class JsonFault(ValueError):  # noqa: N818 - what is wrong with a text, not with us
    """A text is not JSON as we take it."""


def strict_json(data: bytes, max_depth: int = MAX_JSON_DEPTH) -> Any:
    """Read JSON of which every value can be stored and sent on.

    Args:
        data: UTF-8.
        max_depth: levels of objects and arrays, at most.

    Raises:
        JsonFault: not UTF-8, not JSON, a key twice in an object, a number that is not finite or
            beyond 64 bits, half of a surrogate pair, or too deep.
    """
    try:
        value = json.loads(
            data.decode("utf-8"),
            object_pairs_hook=_object,
            parse_constant=_no_constant,
            parse_float=_float,
            parse_int=_int,
        )
    except UnicodeDecodeError as exc:
        msg = f"expected UTF-8, but got byte {data[exc.start]:#04x} at {exc.start}"
        raise JsonFault(msg) from exc
    except RecursionError as exc:
        msg = f"expected at most {max_depth} levels, but got more"
        raise JsonFault(msg) from exc
    except json.JSONDecodeError as exc:
        msg = f"expected JSON, but got: {exc}"
        raise JsonFault(msg) from exc
    _check(value, max_depth)
    return value


def _check(value: Any, max_depth: int) -> None:
    level, depth = [value], 0
    while level:
        for text in (item for item in level if isinstance(item, str)):
            _check_text(text)
        containers = [item for item in level if isinstance(item, (dict, list))]
        depth += bool(containers)
        if depth > max_depth:
            msg = f"expected at most {max_depth} levels, but got more"
            raise JsonFault(msg)
        level = []
        for item in containers:
            level += [*item.keys(), *item.values()] if isinstance(item, dict) else item


def _check_text(text: str) -> None:
    try:
        text.encode()
    except UnicodeEncodeError as exc:
        msg = f"expected Unicode text, but got half of a surrogate pair in {text[:_SHOWN]!a}"
        raise JsonFault(msg) from exc


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        keys = [key for key, _ in pairs]
        twice = next(key for key in keys if keys.count(key) > 1)
        msg = f"expected each key once, but got {twice[:_SHOWN]!a} twice"
        raise JsonFault(msg)
    return found


def _no_constant(name: str) -> NoReturn:
    msg = f"expected a number, but got {name}"
    raise JsonFault(msg)


def _float(text: str) -> float:
    value = float(text)
    if not math.isfinite(value):
        msg = f"expected a number that a double can hold, but got {text[:_SHOWN]}"
        raise JsonFault(msg)
    return value


def _int(text: str) -> int:
    # Checked by length first: Python refuses to read thousands of digits.
    if len(text) > len(str(-_INT_MAX)) or not -_INT_MAX <= int(text) < _INT_MAX:
        msg = f"expected a 64-bit integer, but got {text[:_SHOWN]}"
        raise JsonFault(msg)
    return int(text)


class BodyGuard:
    """ASGI middleware: reads a body to its end before the application sees any of it.

    Args:
        app: what comes after.
        max_bytes: of a body, at most.
        besides: paths that begin so are passed on unread: what is mounted there has its own guard.
        files: the body of paths that end so is a file, which is not read as JSON here.
        roomy: how large the body of paths may be that begin so, instead of `max_bytes`.
    """

    def __init__(
        self,
        app: ASGIApp,
        max_bytes: int,
        besides: tuple[str, ...] = (),
        files: tuple[str, ...] = (),
        roomy: Mapping[str, int] = MappingProxyType({}),
    ) -> None:
        self._app = app
        self._max_bytes = max_bytes
        self._besides = besides
        self._files = files
        self._roomy = roomy

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a good body on, answer 400 or 413 to another."""
        if scope["type"] != "http" or scope["path"].startswith(self._besides):
            await self._app(scope, receive, send)
            return
        headers = Headers(scope=scope)
        if not _has_body(headers):
            await self._app(scope, receive, send)
            return
        try:
            limit = self._limit(scope["path"])
            body = await _read(headers, receive, limit)
        except ClientDisconnect:
            return  # half a body is none
        if body is None:
            detail = f"expected at most {limit} bytes, but got more"
            await JSONResponse({"detail": detail}, 413)(scope, receive, send)
            return
        if body and _is_json(headers) and not scope["path"].endswith(self._files):
            try:
                strict_json(body)
            except JsonFault as exc:
                await JSONResponse({"detail": f"body: {exc}"}, 400)(scope, receive, send)
                return
        await self._app(scope, _replay(body, receive), send)

    def _limit(self, path: str) -> int:
        return next(
            (most for start, most in self._roomy.items() if path.startswith(start)),
            self._max_bytes,
        )


def _has_body(headers: Headers) -> bool:
    return headers.get("content-length", "0") != "0" or "transfer-encoding" in headers


def _is_json(headers: Headers) -> bool:
    kind = headers.get("content-type", "").split(";")[0].strip().lower()
    return kind == "application/json" or kind.endswith("+json")


async def _read(headers: Headers, receive: Receive, limit: int) -> bytes | None:
    """The body; None when it is too large.

    Raises:
        ClientDisconnect: it did not come to its end.
    """
    declared = headers.get("content-length", "0")
    if declared.isdecimal() and int(declared[:20]) > limit:
        return None
    body = bytearray()
    while True:
        message = await receive()
        if message["type"] != "http.request":
            raise ClientDisconnect
        body += message.get("body", b"")
        if len(body) > limit:
            return None
        if not message.get("more_body", False):
            break
    return bytes(body)


def _replay(body: bytes, receive: Receive) -> Receive:
    was_given = False

    async def again() -> Message:
        nonlocal was_given
        if was_given:
            return await receive()
        was_given = True
        return {"type": "http.request", "body": body, "more_body": False}

    return again
