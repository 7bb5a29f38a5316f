"""How urgent a pass is, from what gate and evidence say."""

from __future__ import annotations

from datetime import UTC, datetime

import numpy as np
import pytest

from edge_app.schedule import PassRequest, Urgency
from edge_app.urgency import request_for_next, urgency_of
from telemetry import UnknownReason
from vision.change_gate import Finding
from vision.evidence import EvidenceFilter
from vision.types import BayEvidence

NOW = datetime(2026, 1, 1, tzinfo=UTC)


def see(bays: EvidenceFilter, prob: float, *times_s: float) -> None:
    for time_s in times_s:
        one = np.ones(1, np.float32)
        bays.update(BayEvidence(one * np.float32(prob), one), time_s, NOW)


@pytest.fixture
def free() -> EvidenceFilter:
    bays = EvidenceFilter(("a",), start_utc=NOW)
    see(bays, 0.01, 0, 1)
    return bays


@pytest.mark.parametrize(
    ("found", "urgency"),
    [
        (Finding.NOTHING, None),
        (Finding.HEARTBEAT, Urgency.HEARTBEAT),
        (Finding.EVERYTHING, Urgency.HEARTBEAT),
        (Finding.CHANGED, Urgency.CHANGED),
        (Finding.FIRST, Urgency.STARTING),
        (None, Urgency.EVERY),
    ],
)
def test_a_bay_at_rest(
    free: EvidenceFilter, found: Finding | None, urgency: Urgency | None
) -> None:
    assert urgency_of(free, found, 2) is urgency
    assert request_for_next(free, has_gate=True) is None
    assert request_for_next(free, has_gate=False) == PassRequest(Urgency.EVERY, has_picture=False)


def test_a_bay_that_changes_is_most_urgent_when_one_pass_settles_it(free: EvidenceFilter) -> None:
    see(free, 0.99, 2)
    assert free.decides_at_s() is None, "two frames speak for free, one for occupied"
    assert urgency_of(free, Finding.NOTHING, 3) is Urgency.CHANGED
    see(free, 0.99, 6)
    assert free.decides_at_s() == 10
    assert urgency_of(free, Finding.NOTHING, 9.9) is Urgency.SETTLING
    assert urgency_of(free, Finding.CHANGED, 9.9) is Urgency.CHANGED
    assert urgency_of(free, Finding.NOTHING, 10) is Urgency.DECIDING
    assert request_for_next(free, has_gate=True) == PassRequest(Urgency.SETTLING, has_picture=False)
    see(free, 0.99, 10)
    assert urgency_of(free, Finding.NOTHING, 11) is None


def test_bays_without_a_state_start(free: EvidenceFilter) -> None:
    for bays in (EvidenceFilter(("a",), start_utc=NOW), free):
        bays.mark_unknown(UnknownReason.CAMERA_LOST, 2, NOW)
        assert urgency_of(bays, Finding.NOTHING, 3) is Urgency.STARTING
        assert urgency_of(bays, Finding.CHANGED, 3) is Urgency.CHANGED
        assert request_for_next(bays, has_gate=True) == PassRequest(
            Urgency.STARTING, has_picture=False
        )
