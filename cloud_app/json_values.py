"""Stored JSON that an older service let in: what can still be sent on of it."""

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
