"""Conditions: what is told of one that cannot be used, and where it is wrong."""

from __future__ import annotations

import pytest
from pydantic import ValidationError

from cloud_app.rules.conditions import activation, condition
from cloud_app.rules.errors import ConditionError, ConditionFailed
from cloud_app.rules.spec import RuleSpec
from cloud_app.rules.texts import filled
from cloud_app.rules.variables import NAN, VARIABLES, nothing
from cloud_app.rules.words import Trigger
from tests.cloud_app.rules.kit import spec


@pytest.mark.parametrize(
    ("text", "trigger", "line", "column", "told"),
    [
        ("event.stat == 'free'", Trigger.EVENT, 1, 6, "did you mean event.state?"),
        ("true &&\n  lot.fre > 1", Trigger.LOT, 2, 6, "did you mean lot.free?"),
        ("event.state == 'free'", Trigger.LOT, 1, 6, "a rule about lots has no name"),
        ("event.state = 'free'", Trigger.EVENT, 1, 13, "expected ==, but got ="),
        ("lot.share > 1", Trigger.LOT, 1, 11, "write 1.0 rather than 1"),
        ("lot.free == 'x'", Trigger.LOT, 1, 10, "== does not go with (int, string)"),
        ("lot.free", Trigger.LOT, 1, 1, "this is of type int"),
        ("event.data.x", Trigger.EVENT, 1, 1, "this is of type dyn"),
        ("lot.free >", Trigger.LOT, 1, 11, "mismatched input"),
        ("shout(event.bay)", Trigger.EVENT, 1, 6, "has no name 'shout'"),
        ("  ", Trigger.EVENT, 1, 1, "expected a condition"),
        ("true || " * 300 + "true", Trigger.EVENT, 1, 2001, "expected at most 2000 characters"),
        ("'\udcff' == event.bay", Trigger.EVENT, 1, 2, "half of a surrogate pair"),
    ],
)  # fmt: skip
def test_faults_have_a_place(
    text: str, trigger: Trigger, line: int, column: int, told: str
) -> None:
    with pytest.raises(ConditionError) as caught:
        condition(text, trigger)
    fault = caught.value.faults[0]
    assert (fault.line, fault.column) == (line, column)
    assert told in fault.message


@pytest.mark.parametrize(
    ("text", "uses"),
    [("lot.free > 1", True), ("event.lot == 'a'", False), ("event.bay == 'lot.free'", False),
     ("event . lot == 'x' && lot . free > 1", True), ("true // lot.free", False)],
)  # fmt: skip
def test_whether_counts_matter(text: str, uses: bool) -> None:
    assert condition(text, Trigger.EVENT).uses_lot is uses


@pytest.mark.parametrize(
    "text",
    ["event.data.x > 1", "1 / lot.free > 0", "event.data['y'] == true"],
)
def test_what_only_shows_at_run_time_is_told(text: str) -> None:
    given = activation(Trigger.EVENT, nothing(Trigger.EVENT))
    with pytest.raises(ConditionFailed, match=r"\w"):
        condition(text, Trigger.EVENT).holds(given)


def test_figures_that_are_not_known_fulfil_nothing() -> None:
    values = nothing(Trigger.EDGE)
    assert values["health.fps"] is NAN
    given = activation(Trigger.EDGE, values)
    for text in ("health.fps < 1.0", "health.fps >= 0.0", "health.temperature_c > 80.0"):
        assert not condition(text, Trigger.EDGE).holds(given)


def test_each_variable_can_be_named() -> None:
    for trigger, variables in VARIABLES.items():
        given = activation(trigger, nothing(trigger))
        for each in variables:
            # Unknown figures differ from themselves.
            condition(f"{each.name} == {each.name}", trigger).holds(given)


@pytest.mark.parametrize(
    ("facts", "told"),
    [
        ({"trigger": "lot", "when": "true", "kinds": ["gate"]}, "kinds are for rules about events"),
        ({"trigger": "lot", "when": "true", "key": "bay"}, "key must be lot"),
        ({"trigger": "lot", "when": "true", "window": {"kind": "rate", "span_s": 9, "count": 2}},
         "window.kind must be none or for"),
        ({"when": "true", "alerts": ["lot_full"]}, "alerts are for rules about alerts"),
        ({"trigger": "alert", "when": "true", "alerts": ["nonsense"]}, "but got 'nonsense'"),
        ({"when": "true", "actions": []}, "at least 1 item"),
        ({"when": "true", "actions": [{"kind": "alert", "text": "{event.nose}"}]},
         "names {event.nose}"),
        ({"when": "true", "actions": [{"kind": "mqtt", "topic": "a/#"}]}, "match pattern"),
        ({"when": "true", "actions": [{"kind": "mail", "address": "nobody"}]}, "e-mail address"),
        ({"when": "true", "actions": [{"kind": "webhook", "url": "ftp://x"}]}, "url must be"),
        ({"when": "true", "name": "a\nb"}, "printable"),
        ({"when": "true", "window": {"kind": "for"}}, "span_s must be 1"),
        ({"when": "true", "colour": "red"}, "Extra inputs"),
        ({"when": "nose"}, "line 1, column 1"),
    ],
)  # fmt: skip
def test_rules_that_are_none(facts: dict[str, object], told: str) -> None:
    given = {"name": "n", "actions": [{"kind": "alert"}], **facts}
    with pytest.raises(ValidationError) as caught:
        RuleSpec.model_validate(given)
    assert told in str(caught.value)


def test_texts_are_filled_in() -> None:
    event = {"event.bay": "a1", "lot.share": 0.98765}
    assert filled("{event.bay} {lot.share}", event, Trigger.EVENT) == "a1 0.9877"
    health = {"health.fps": NAN, "health.online": True}
    assert filled("{health.fps} {health.online}", health, Trigger.EDGE) == "- yes"
    assert filled("{health.online}", health, Trigger.EVENT) == "-", "an event has no health"


def test_secrets_are_in_no_text() -> None:
    secret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
    made = spec("true", {"kind": "webhook", "url": "https://a.org/path", "secret": secret})
    assert secret not in repr(made)
    assert secret not in str(made.facts())
    assert "path" not in str(made.facts())
