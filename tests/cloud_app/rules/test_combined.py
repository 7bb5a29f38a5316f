"""Conditions evaluated at once answer as each does by itself."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cloud_app.accounts.roles import Tenant
from cloud_app.rules.combined import TOGETHER, Combined
from cloud_app.rules.conditions import activation, condition
from cloud_app.rules.errors import ConditionFailed
from cloud_app.rules.evaluation import Judge, RuleBook
from cloud_app.rules.occurrences import Occurrence, SiteClock
from cloud_app.rules.store import Rule
from cloud_app.rules.variables import NAN, nothing
from cloud_app.rules.words import Key, Trigger
from tests.cloud_app.rules.kit import TABLE, spec

TEXTS = (
    "event.state == 'occupied'",
    "event.bay.startsWith('a1') || event.data.x > 1",
    "event.data.x == 1 && event.state == 'free'",
    "1 / lot.free > 0",
    "event.confidence < 0.5 // a comment",
    "event.data.list.all(each, each != '') ? event.closed : !event.closed",
    "(" * 30 + "true" + ")" * 30,
    "true",
    "event.reason in ['blind', 'dark'] && lot.share >= 0.9",
)
DATA = st.sampled_from([{}, {"x": 1}, {"x": 5, "list": ["", "a"]}, {"x": "text", "list": []}])


def one_by_one(texts: list[str], values: Any) -> tuple[list[int], set[int]]:
    met, failed = [], set()
    for n, text in enumerate(texts):
        try:
            if condition(text, Trigger.EVENT).holds(activation(Trigger.EVENT, values)):
                met.append(n)
        except ConditionFailed:
            failed.add(n)
    return met, failed


@settings(max_examples=60, deadline=None)
@given(
    texts=st.lists(st.sampled_from(TEXTS), min_size=1, max_size=TOGETHER),
    state=st.sampled_from(["free", "occupied", ""]),
    bay=st.sampled_from(["a1", "a12", "b"]),
    confidence=st.sampled_from([0.2, 0.9, NAN]),
    free=st.integers(0, 2),
    data=DATA,
)
def test_together_as_one_by_one(
    texts: list[str], state: str, bay: str, confidence: float, free: int, data: dict[str, Any]
) -> None:
    values = {
        **nothing(Trigger.EVENT), "event.state": state, "event.bay": bay, "lot.free": free,
        "event.confidence": confidence, "event.data": data,
    }  # fmt: skip
    combined = Combined.of([condition(each, Trigger.EVENT) for each in texts])
    for _ in range(2):  # it may go over to one by one meanwhile
        met, failed = combined.met(activation(Trigger.EVENT, values))
        assert (list(met), set(failed)) == one_by_one(texts, values)


@pytest.mark.parametrize("count", [1, 2, TOGETHER])
def test_each_place_is_told(count: int) -> None:
    texts = [f"event.bay == 'a{n}'" for n in range(count)]
    combined = Combined.of([condition(each, Trigger.EVENT) for each in texts])
    assert combined._program is not None or count == 1
    for n in {0, count // 2, count - 1}:
        given_ = activation(Trigger.EVENT, {**nothing(Trigger.EVENT), "event.bay": f"a{n}"})
        assert combined.met(given_) == ([n], {})


def test_what_is_too_much_together_is_evaluated_apart() -> None:
    # CEL stops an expression after 10,000 steps: each of these has 200, all of them more.
    numbers = "[" + ",".join(map(str, range(200))) + "]"
    texts = [f"{numbers}.all(each, each < {1000 + n})" for n in range(60)]
    combined = Combined.of([condition(each, Trigger.EVENT) for each in texts])
    values = nothing(Trigger.EVENT)
    assert one_by_one(texts, values) == (list(range(60)), set())
    assert combined.met(activation(Trigger.EVENT, values)) == (list(range(60)), {})
    assert combined._program is None, "it is not tried again for nothing"


def _rule(number: int, when: str, **facts: Any) -> Rule:
    made = spec(when, TABLE, **facts)
    return Rule(f"{number:016x}", Tenant.parse("operator:main"), made, 1)


def _event(bay: str, data: dict[str, Any]) -> Occurrence:
    values = {**nothing(Trigger.EVENT), "event.bay": bay, "event.data": data}
    keys = {Key.EDGE: "box-1", Key.SITE: "north", Key.BAY: f"p1/{bay}"}
    return Occurrence(Trigger.EVENT, "changed", "north", 1000, bay, keys, values, "p1")


def test_a_rule_that_raises_takes_no_other_along() -> None:
    rules = [
        _rule(1, "event.data.x > 1"),
        _rule(2, "event.data.x > 1", key="lot"),  # the event has no such key: not looked at
        _rule(3, "event.bay == 'a1'"),
        _rule(4, "event.bay == 'a1'"),
        _rule(5, "event.bay == 'a2'"),
        _rule(6, "event.bay == 'a1'", sites=["south"]),
    ]
    judge = Judge(RuleBook(rules, {rules[0].tenant: None}), SiteClock({}), {})
    met = [(each.rule.id[-1], each.holds) for each in judge.verdicts([_event("a1", {})])]
    assert met == [("3", True), ("4", True)]
    assert [each[-1] for each in judge.failed] == ["1"]
    assert [each.id[-1] for each in judge.book.rules] == ["2", "3", "4", "5", "6"]
    # What began is told when it is over; what never was is not.
    judge.watch([(rules[4].id, "north", "p1/a9")])
    seen = [_event("a9", {"x": 5}), _event("a1", {"x": 5})]
    told = [(each.rule.id[-1], each.key, each.holds) for each in judge.verdicts(seen)]
    assert told == [("5", "p1/a9", False), ("3", "p1/a1", True), ("4", "p1/a1", True)]
