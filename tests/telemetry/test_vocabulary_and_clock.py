from __future__ import annotations

from datetime import UTC, datetime

import pytest

from telemetry import BayState, ManualClock, SystemClock, UnknownReason, is_identifier


def test_manual_clock_moves_only_when_told() -> None:
    clock = ManualClock()
    start = clock.utc()
    clock.sleep(1.5)
    clock.advance(0.5)
    assert clock.mono_s() == 2.0
    assert (clock.utc() - start).total_seconds() == 2.0
    with pytest.raises(ValueError, match="must not be negative, but got -1"):
        clock.advance(-1)


def test_system_clock_is_aware_and_monotonic() -> None:
    clock = SystemClock()
    first = clock.mono_s()
    clock.sleep(0.001)
    assert clock.mono_s() > first
    assert clock.utc().tzinfo is UTC


@pytest.mark.parametrize(
    ("text", "good"),
    [
        pytest.param("A01", True, id="plain"),
        pytest.param("north-2.b_7", True, id="punctuation"),
        pytest.param("", False, id="empty"),
        pytest.param("a/b", False, id="topic-level"),
        pytest.param("a+", False, id="wildcard"),
        pytest.param("#", False, id="hash"),
        pytest.param("-a", False, id="leading-dash"),
        pytest.param("a" * 65, False, id="too-long"),
        pytest.param("a\n", False, id="newline"),
    ],
)
def test_identifiers(text: str, good: bool) -> None:
    assert is_identifier(text) is good


NOW = datetime(2026, 1, 1, tzinfo=UTC)


def test_unknown_needs_a_reason_and_known_has_none() -> None:
    BayState("A1", None, UnknownReason.DARK, 0.0, NOW)
    BayState("A1", True, None, 0.9, NOW)
    with pytest.raises(ValueError, match="reason is only valid for an unknown state"):
        BayState("A1", None, None, 0.0, NOW)
    with pytest.raises(ValueError, match="reason is only valid for an unknown state"):
        BayState("A1", True, UnknownReason.DARK, 0.9, NOW)


@pytest.mark.parametrize(
    ("bay", "conf", "since", "match"),
    [
        pytest.param("a/b", 0.5, NOW, "bay must match", id="id"),
        pytest.param("A1", 1.5, NOW, r"conf must lie in 0\.\.1, but got 1.5", id="conf"),
        pytest.param("A1", 0.5, datetime(2026, 1, 1), "timezone-aware", id="naive"),  # noqa: DTZ001
    ],
)
def test_bad_states_are_refused(bay: str, conf: float, since: datetime, match: str) -> None:
    with pytest.raises(ValueError, match=match):
        BayState(bay, True, None, conf, since)
