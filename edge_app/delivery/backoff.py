"""When to try again."""

from __future__ import annotations

import random

_MAX_DOUBLINGS = 16


class Backoff:
    """Waits with full jitter: uniform between 0 and a bound that doubles with each failure.

    Full jitter spreads a fleet that lost its broker in the same second evenly over the bound, where
    a fixed wait would bring all boxes back at once. Source: M. Brooker, "Exponential Backoff And
    Jitter", AWS Architecture Blog, 2015.
    """

    def __init__(self, min_s: float, max_s: float, rng: random.Random) -> None:
        self._min_s = min_s
        self._max_s = max_s
        self._rng = rng
        self._failures = 0

    def next_s(self) -> float:
        """How long to wait after one more failure, seconds."""
        bound_s = min(self._max_s, self._min_s * 2.0 ** min(self._failures, _MAX_DOUBLINGS))
        self._failures += 1
        return self._rng.uniform(0.0, bound_s)

    def reset(self) -> None:
        """It worked."""
        self._failures = 0


class TokenBucket:
    """At most `rate_hz` a second over time, at most `burst` at once."""

    def __init__(self, rate_hz: float, burst: int, now_s: float) -> None:
        self._rate_hz = rate_hz
        self._burst = float(burst)
        self._tokens = float(burst)
        self._filled_s = now_s

    def available(self, now_s: float) -> int:
        """How many may go now."""
        elapsed_s = max(0.0, now_s - self._filled_s)
        self._tokens = min(self._burst, self._tokens + elapsed_s * self._rate_hz)
        self._filled_s = now_s
        return int(self._tokens)

    def take(self, count: int) -> None:
        """`count` of them went."""
        self._tokens -= count

    def wait_s(self) -> float:
        """Until the next one may go, counted from the last `available`."""
        return max(0.0, (1.0 - self._tokens) / self._rate_hz)
