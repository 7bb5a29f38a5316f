"""Many conditions evaluated at once.

What one evaluation costs is the way into CEL and back, about 2.5 millionths of a second; what the
condition itself does costs a tenth of that. So the conditions of one trigger are compiled into one
expression, `((first) ? 1 : 0) + ((second) ? 2 : 0) + ...`, whose value has a bit for each.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from cloud_app.rules.conditions import Condition, evaluated, program_of
from cloud_app.rules.errors import ConditionFailed

BUDGET_S = 0.05
"""Of processor time for one evaluation; a usual one takes a few millionths."""
TOGETHER = 62
"""An int of CEL has 64 bits, of which one is the sign."""


@dataclass(slots=True)
class Combined:
    """Conditions of one trigger.

    Attributes:
        conditions: at most `TOGETHER`.
    """

    conditions: tuple[Condition, ...]
    _program: Any = None

    @classmethod
    def of(cls, conditions: Sequence[Condition]) -> Combined:
        """Compile them together; what CEL refuses as too long or too deep stays apart."""
        made = cls(tuple(conditions))
        if len(conditions) > 1:
            bits = [f"(({each.text}\n) ? {1 << n} : 0)" for n, each in enumerate(conditions)]
            try:
                made._program = program_of(_sum(bits), conditions[0].trigger)
            except (RuntimeError, ValueError):
                made._program = None
        return made

    def met(self, given: Any) -> tuple[Sequence[int], dict[int, str]]:
        """Which are met, and which came to no answer, with why.

        Args:
            given: of `activation`.
        """
        if self._program is not None:
            try:
                return _bits(within_budget(self._all, given)), {}
            except ConditionFailed:
                pass  # one of them, or all together are too much: each by itself tells which
        found: list[int] = []
        failed: dict[int, str] = {}
        for n, each in enumerate(self.conditions):
            try:
                if within_budget(each.holds, given):
                    found.append(n)
            except ConditionFailed as exc:
                failed[n] = str(exc)
        if not failed:
            self._program = None
        return found, failed

    def _all(self, given: Any) -> int:
        value = evaluated(self._program, given)
        if not isinstance(value, int):
            raise ConditionFailed(str(value))
        return value


def within_budget(holds: Callable[[Any], int], given: Any) -> int:
    """What an evaluation comes to.

    Raises:
        ConditionFailed: it takes too long, or came to no answer.
    """
    start_s = time.perf_counter()
    answer = holds(given)
    if time.perf_counter() - start_s > BUDGET_S:
        # It may be that others had the processor meanwhile: once more, by its own time.
        start_s = time.thread_time()
        holds(given)
        took_s = time.thread_time() - start_s
        if took_s > BUDGET_S:
            msg = f"too slow: expected at most {BUDGET_S} s, but it took {took_s:.2f} s"
            raise ConditionFailed(msg)
    return answer


def _bits(mask: int) -> list[int]:
    found = []
    while mask:
        lowest = mask & -mask
        found.append(lowest.bit_length() - 1)
        mask ^= lowest
    return found


def _sum(terms: Sequence[str]) -> str:
    """Terms added up as a balanced tree: CEL takes no expression deeper than 32."""
    if len(terms) == 1:
        return terms[0]
    half = len(terms) // 2
    return f"({_sum(terms[:half])} + {_sum(terms[half:])})"
