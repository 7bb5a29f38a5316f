"""Waiting for what other threads and processes do."""

from __future__ import annotations

import time
from collections.abc import Callable

_LOOK_S = 0.01
_PAUSE = 4.0
"""A pause is so many times as long as a look, so that waiting leaves the cores to the work."""


def eventually(
    condition: Callable[[], bool], what: str = "the condition", timeout_s: float = 60.0
) -> float:
    """Poll until `condition` holds.

    Args:
        condition: asked up to a hundred times a second.
        what: is waited for, for the failure's text.
        timeout_s: generous: the tests share their cores with others.

    Returns:
        How long that took, seconds.

    Raises:
        AssertionError: it did not hold in time.
    """
    started_s = began_s = time.monotonic()
    while not condition():
        now_s = time.monotonic()
        if now_s - started_s > timeout_s:
            msg = f"waited {timeout_s:g} s in vain for {what}"
            raise AssertionError(msg)
        time.sleep(max(_LOOK_S, _PAUSE * (now_s - began_s)))
        began_s = time.monotonic()
    return time.monotonic() - started_s
