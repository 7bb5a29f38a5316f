"""Values of JSON: what may be stored and sent on, and what is left of a value that may not."""

from __future__ import annotations

import json
import math
from typing import Any

_DEPTH_MAX = 16
_MISSING = object()


def read_json(text: str) -> Any:
    """Read stored JSON, without what no reader could take.

    A number that is not finite and what lies too deep are left out; half of a surrogate pair
    becomes U+FFFD. The text itself is ours, so it is JSON.
    """
    value = mended(json.loads(text))
    return None if value is _MISSING else value


def mended(value: Any, depth: int = 0) -> Any:
    """A value without what cannot be sent; `_MISSING` if nothing of it is left."""
    if isinstance(value, float):
        return value if math.isfinite(value) else _MISSING
    if isinstance(value, str):
        return value.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    if not isinstance(value, dict | list):
        return value
    if depth >= _DEPTH_MAX:
        return _MISSING
    if isinstance(value, list):
        items = (mended(item, depth + 1) for item in value)
        return [item for item in items if item is not _MISSING]
    pairs = ((mended(key), mended(item, depth + 1)) for key, item in value.items())
    return {key: item for key, item in pairs if item is not _MISSING}


def fault_of(value: Any, max_depth: int) -> str | None:
    """Why a value may not be stored; None if it may.

    Args:
        value: as a JSON reader gave it.
        max_depth: levels of objects and arrays, at most.
    """
    level, depth = [value], 0
    while level:
        for item in level:
            if isinstance(item, float) and not math.isfinite(item):
                return f"expected finite numbers, but got {item}"
            if isinstance(item, int) and not -(2**63) <= item < 2**63:
                return "expected whole numbers of 64 bits, but got a larger one"
            if isinstance(item, str) and not _is_text(item):
                return f"expected Unicode text, but got half of a surrogate pair: {item!a:.40}"
        containers = [item for item in level if isinstance(item, dict | list)]
        depth += bool(containers)
        if depth > max_depth:
            return f"expected at most {max_depth} levels, but got more"
        level = []
        for item in containers:
            level += [*item, *item.values()] if isinstance(item, dict) else item
    return None


def _is_text(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True
