"""When a barrier is to be open: as long as an alarm lasts, and a while longer. Pure."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, replace

from telemetry.outputs import OutputState


@dataclass(frozen=True, slots=True)
class HoldRule:
    """What happens when an alarm is over.

    Attributes:
        hold_s: the barrier stays open for so long after the last alarm ended.
        close_after_alarm: whether it is closed then, or let go as it is.
    """

    hold_s: float
    close_after_alarm: bool


@dataclass(frozen=True, slots=True)
class BarrierWish:
    """What the rule wants of a barrier.

    Attributes:
        held: whether the box holds it open.
        inputs: which alarm inputs asked for that, in the order of their names.
        over_s: since when none of them does, monotonic; None while one does, or nothing is held.
    """

    held: bool = False
    inputs: tuple[str, ...] = ()
    over_s: float | None = None


def step(
    rule: HoldRule, wish: BarrierWish, alarms: Collection[str], now_s: float
) -> tuple[BarrierWish, OutputState | None]:
    """Go on by one look.

    Args:
        rule: what happens when an alarm is over.
        wish: what was wanted so far.
        alarms: the inputs that are in alarm.
        now_s: monotonic.

    Returns:
        What is wanted now, and what is to be done for it; None: nothing new.
    """
    if alarms:
        inputs = tuple(sorted({*alarms, *(wish.inputs if wish.held else ())}))
        return BarrierWish(True, inputs), None if wish.held else OutputState.OPEN
    if not wish.held:
        return wish, None
    if wish.over_s is None:
        wish = replace(wish, over_s=now_s)
    if now_s - (wish.over_s or 0.0) < rule.hold_s:
        return wish, None
    done = OutputState.CLOSED if rule.close_after_alarm else OutputState.RELEASED
    return BarrierWish(inputs=wish.inputs), done


def wait_s(rule: HoldRule, wish: BarrierWish, now_s: float) -> float | None:
    """Until the hold ends; None while nothing but an alarm can change anything."""
    if not wish.held or wish.over_s is None:
        return None
    return max(0.0, wish.over_s + rule.hold_s - now_s)
