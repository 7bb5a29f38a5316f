"""What a campaign does next, as a pure function of how its boxes stand."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cloud_app.fleet.campaigns.planning import (
    BoxNow,
    BoxState,
    CampaignState,
    Plan,
    Step,
    next_step,
)
from cloud_app.fleet.commands import CommandError

PLAN = Plan(canaries=1, batch=2, stop_after_failures=2, attempts=2, soak_s=60)
DONE, FAILED, PENDING, QUEUED, RUNNING = (
    BoxState.DONE, BoxState.FAILED, BoxState.PENDING, BoxState.QUEUED, BoxState.RUNNING,
)  # fmt: skip


def box(place: int, state: BoxState = PENDING, **facts: object) -> BoxNow:
    now = BoxNow(f"b{place}", PLAN.batch_of(place), state, attempts=int(state is not PENDING))
    return replace(now, **facts)  # type: ignore[arg-type]


def test_the_canary_goes_first_then_batches_after_the_soak_time() -> None:
    boxes = [box(place) for place in range(5)]
    assert next_step(PLAN, boxes, 0).give == ("b0",)
    boxes[0] = box(0, RUNNING)
    assert next_step(PLAN, boxes, 0) == Step()
    boxes[0] = box(0, DONE, ended_ms=1_000)
    assert next_step(PLAN, boxes, 60_999) == Step(), "the soak time is not over"
    assert next_step(PLAN, boxes, 61_000).give == ("b1", "b2")
    boxes[1:3] = [box(1, DONE, ended_ms=70_000), box(2, DONE, ended_ms=80_000)]
    assert next_step(PLAN, boxes, 140_000).give == ("b3", "b4")
    boxes[3:] = [box(3, DONE), box(4, DONE)]
    assert next_step(PLAN, boxes, 140_000).state is CampaignState.FINISHED


@pytest.mark.parametrize(
    ("is_online", "expected"), [(False, ("b3", "b4")), (True, ())], ids=["away", "there"]
)
def test_a_box_that_is_away_holds_up_nobody(is_online: bool, expected: tuple[str, ...]) -> None:
    boxes = [
        box(0, DONE, ended_ms=0), box(1, QUEUED, is_online=is_online), box(2, DONE, ended_ms=0),
        box(3), box(4),
    ]  # fmt: skip
    assert next_step(PLAN, boxes, 10**9) == Step(expected)


def test_without_a_canary_that_succeeded_nothing_goes_on() -> None:
    boxes = [box(0, QUEUED, is_online=False), box(1)]
    assert next_step(PLAN, boxes, 10**9) == Step()


def test_a_box_tries_again_and_then_counts_as_failed() -> None:
    boxes = [box(0, DONE, ended_ms=0), box(1, FAILED, ended_ms=0), box(2, DONE, ended_ms=0), box(3)]
    assert next_step(PLAN, boxes, 10**9) == Step(("b1",)), "the next batch waits for it"
    boxes[1] = box(1, FAILED, attempts=2, ended_ms=0)
    assert next_step(PLAN, boxes, 10**9) == Step(("b3",)), "one failure is allowed"
    boxes[2] = box(2, FAILED, attempts=2, ended_ms=0)
    step = next_step(PLAN, boxes, 10**9)
    assert (step.state, step.give) == (CampaignState.STOPPED, ())
    assert step.reason == "2 of 4 boxes failed: b1, b2"


def test_accuracy_that_falls_stops_it() -> None:
    boxes = [box(0, DONE, ended_ms=0, accuracy_drop=0.05), box(1)]
    step = next_step(PLAN, boxes, 10**9)
    assert step.state is CampaignState.STOPPED
    assert step.reason == "audited accuracy fell by 5.0% on b0, at most 2.0% expected"
    blind = replace(PLAN, audit_drop=None)
    assert next_step(blind, boxes, 10**9) == Step(("b1",))
    boxes[0] = replace(boxes[0], accuracy_drop=0.01)
    assert next_step(PLAN, boxes, 10**9) == Step(("b1",))


@pytest.mark.parametrize(
    ("figures", "told"),
    [
        ({"canaries": 0}, "expected canaries from 1 to 10000, but got 0"),
        ({"attempts": 11}, "expected attempts from 1 to 10, but got 11"),
        ({"soak_s": -1}, "expected soak_s from 0 to 2592000, but got -1"),
        ({"audit_drop": 0}, "expected audit_drop above 0 and at most 1, but got 0"),
    ],
)
def test_a_plan_that_cannot_be_is_refused(figures: Mapping[str, float], told: str) -> None:
    with pytest.raises(CommandError, match=told):
        Plan(**figures)  # type: ignore[arg-type]


@settings(max_examples=60, deadline=None)
@given(
    plan=st.builds(
        Plan,
        canaries=st.integers(1, 3),
        batch=st.integers(1, 5),
        stop_after_failures=st.integers(1, 4),
        attempts=st.integers(1, 3),
        soak_s=st.just(0.0),
    ),
    fates=st.lists(st.sampled_from(["well", "badly", "away"]), min_size=1, max_size=20),
)
def test_every_campaign_ends_or_waits_for_boxes_that_are_away(plan: Plan, fates: list[str]) -> None:
    """No box is begun twice at once or past its attempts; failures never pass the limit by more
    than what had begun with them."""
    boxes = [
        BoxNow(f"b{place}", plan.batch_of(place), PENDING, is_online=fate != "away")
        for place, fate in enumerate(fates)
    ]
    fate_of = {f"b{place}": fate for place, fate in enumerate(fates)}
    state = CampaignState.RUNNING
    for _ in range(200):
        step = next_step(plan, boxes, 0)
        state = step.state
        if state is not CampaignState.RUNNING or not step.give:
            break
        assert len({each.batch for each in boxes if each.edge in step.give}) >= 1
        for place, each in enumerate(boxes):
            if each.edge not in step.give:
                continue
            assert each.state in {PENDING, FAILED}
            assert each.attempts < plan.attempts
            ended = {"well": DONE, "badly": FAILED, "away": QUEUED}[fate_of[each.edge]]
            boxes[place] = replace(each, state=ended, attempts=each.attempts + 1, ended_ms=0)
    failed = [each for each in boxes if each.state is FAILED and each.attempts >= plan.attempts]
    if state is CampaignState.STOPPED:
        assert len(failed) >= plan.stop_after_failures
    elif state is CampaignState.FINISHED:
        assert all(each.state in {DONE, FAILED} for each in boxes)
        assert len(failed) < plan.stop_after_failures
    else:
        away = [each for each in boxes if each.state is QUEUED]
        canaries = [each for each in boxes if each.batch == 0]
        assert away or not any(each.state is DONE for each in canaries)
