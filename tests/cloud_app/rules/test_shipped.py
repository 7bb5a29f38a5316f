"""The rules that the service brings are data, which tenants replace; what lasts, for all rules."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from pydantic import ValidationError

from cloud_app.alert_words import AlertRule
from cloud_app.config import GatesConfig, RulesConfig
from cloud_app.rules import store
from cloud_app.rules.builtin import judge
from cloud_app.rules.errors import RuleError
from cloud_app.rules.files import read_rules, written_shipped
from cloud_app.rules.shipped import shipped
from cloud_app.rules.spec import RuleSpec
from cloud_app.rules.store import Rule
from cloud_app.storage.queries import Now
from sensors.reliability import LIES_AT
from telemetry import UnknownReason
from tests.cloud_app.accounts.kit import CITY, NORTH, acting
from tests.cloud_app.rules.kit import ALERT, RuleDesk, spec
from tests.cloud_app.scripted_edge import ScriptedEdge
from tests.cloud_app.test_intake import take

OURS = shipped(RulesConfig(), GatesConfig())
SILENT_S = 700.0


def test_a_sensor_lies_for_its_alert_when_it_lies_for_its_bay() -> None:
    assert dict(OURS[AlertRule.SENSOR_LIES].rule.spec.limits) == {"suspicion": LIES_AT}


def judged(desk: RuleDesk, config: RulesConfig | None = None, since_ms: int = 0) -> list[str]:
    """The open alerts after a round, at the desk's time."""
    with desk.hub.database.write() as session:
        now = Now(desk.now_ms, 180_000)
        tenants = desk.hub.accounts.tenants
        judge(session, now, config or RulesConfig(), since_ms, None, tenants)
    return [f"{row.rule} {row.site} {row.subject} {row.severity}" for row in desk.alerts()]


def version(which: AlertRule, **facts: Any) -> RuleSpec:
    return OURS[which].rule.spec.model_copy(update={"name": f"our {which.value}", **facts})


def save(desk: RuleDesk, made: RuleSpec, tenant: Any = NORTH) -> Rule:
    with desk.hub.database.write() as session:
        return store.create(
            session, acting(desk.hub), tenant, RuleSpec.model_validate(made.model_dump())
        )


def away(desk: RuleDesk, seconds: float = SILENT_S) -> None:
    """Two boxes, of which nothing is heard for a while."""
    other = ScriptedEdge(edge="box-2", site="south", lot="p2")
    take(desk.hub.database, [desk.edge.health(), *other.hello(), other.health()])
    desk.later(seconds)


def test_all_rules_but_the_one_about_rules_are_data() -> None:
    assert set(OURS) == set(AlertRule) - {AlertRule.RULE_QUARANTINED}
    # As a file they are rules of whoever imports it.
    read = read_rules(written_shipped([each.rule for each in OURS.values()]), "file")
    assert [each.spec for each in read] == [each.rule.spec for each in OURS.values()]


def test_settings_of_the_configuration_are_limits() -> None:
    config = RulesConfig(edge_offline_s=77.0, incident_kinds=frozenset())
    found = shipped(config, GatesConfig(silent_after_s=99.0))
    assert found[AlertRule.EDGE_OFFLINE].rule.spec.limits == {"after_s": 77.0}
    assert found[AlertRule.INCIDENT].rule.spec.limits["kinds"] == ()
    assert found[AlertRule.GATE_SILENT].settings == {"gates.silent_after_s": 99.0}


def test_a_tenants_version_judges_at_its_sites_alone(any_desk: RuleDesk) -> None:
    desk = any_desk
    save(desk, version(AlertRule.EDGE_OFFLINE, limits={"after_s": 1000.0}))
    away(desk)
    assert judged(desk) == ["edge_offline south box-2 critical"]
    desk.later(400)
    assert sorted(judged(desk)) == [
        "edge_offline north box-1 critical", "edge_offline south box-2 critical",
    ]  # fmt: skip


def test_a_council_is_heard_where_its_operator_says_nothing(desk: RuleDesk) -> None:
    save(desk, version(AlertRule.EDGE_OFFLINE, limits={"after_s": 5000.0}), CITY)
    away(desk)
    assert judged(desk) == ["edge_offline south box-2 critical"]
    save(desk, version(AlertRule.EDGE_OFFLINE, limits={"after_s": 200.0}))
    assert len(judged(desk)) == 2


@pytest.mark.parametrize(
    ("change", "open_then"),
    [
        pytest.param({"enabled": False}, 0, id="switched off"),
        pytest.param({"limits": {"after_s": 650.0}}, 1, id="met as well"),
        pytest.param({"limits": {"after_s": 900.0}}, 0, id="not met"),
        pytest.param({"when": "1 / (health.bays - health.bays) > 0"}, 1, id="broken"),
    ],
)
def test_an_alert_goes_on_in_another_version(
    desk: RuleDesk, change: dict[str, Any], open_then: int
) -> None:
    away(desk)
    judged(desk)
    [before] = [row.alert for row in desk.alerts() if row.site == "north"]
    made = save(desk, version(AlertRule.EDGE_OFFLINE, **change))
    for _ in range(2):
        judged(desk)
    found = [row.alert for row in desk.alerts() if row.rule == "edge_offline"]
    assert [each for each in found if each == before] == [before] * open_then
    # It is the one of the north: what it does never touches the south.
    assert len(found) == 1 + open_then
    stopped = desk.rule(made).quarantined_ms is not None
    assert stopped is ("when" in change)
    assert ("rule_quarantined" in {row.rule for row in desk.alerts()}) is stopped


def test_deleting_a_version_brings_the_shipped_one_back(desk: RuleDesk) -> None:
    made = save(desk, version(AlertRule.EDGE_OFFLINE, enabled=False))
    away(desk)
    assert len(judged(desk)) == 1
    with desk.hub.database.write() as session, pytest.raises(RuleError, match="which replaces"):
        store.create(
            session, acting(desk.hub), NORTH, version(AlertRule.EDGE_OFFLINE, name="again")
        )
    with desk.hub.database.write() as session:
        store.remove(session, acting(desk.hub), made)
    assert len(judged(desk)) == 2


def test_a_restart_of_ours_ends_no_alert_of_a_sensor_or_gate(desk: RuleDesk) -> None:
    made = desk.make("!health.online", trigger="edge")
    away(desk)
    assert [row.rule for row in desk.alerts()] == [f"rule:{made.id}"]
    # Back, and nothing was heard of yet: what it says of now is not known.
    desk.worker = replace(desk.worker, listening_since_ms=lambda: desk.now_ms - 1000)
    desk.later(1)
    assert [row.rule for row in desk.alerts()] == [f"rule:{made.id}"]
    silent = desk.make("health.silent_s > 60.0", trigger="edge", name="silent")
    desk.later(10)
    assert desk.rule(silent).fired == 0


def _dark(desk: RuleDesk) -> None:
    edge = desk.edge
    edge.reason = UnknownReason.BLIND
    desk.happen(*(edge.change(bay, None) for bay in edge.bay_ids), edge.health())


def _seen(desk: RuleDesk) -> None:
    desk.happen(desk.edge.change("a1", True, 20))


@pytest.mark.parametrize(
    ("trigger", "when", "begin", "end", "key"),
    [
        ("camera", "camera.blind && camera.reason == 'blind'", _dark, _seen, "box-1/cam-1"),
        ("camera", "camera.known == 0", _dark, _seen, "box-1/cam-1"),
        (
            "incident",
            "incident.kind == 'double_parking'",
            lambda desk: desk.happen(desk.edge.incident("i-1")),
            lambda desk: desk.happen(desk.edge.incident("i-1", 60, end="left")),
            "box-1/i-1",
        ),
    ],
)
def test_own_rules_look_at_what_lasts_and_end_when_it_is_gone(
    desk: RuleDesk,
    trigger: str,
    when: str,
    begin: Callable[[RuleDesk], None],
    end: Callable[[RuleDesk], None],
    key: str,
) -> None:
    made = desk.make(when, trigger=trigger)
    begin(desk)
    desk.later(10)
    assert [(row.rule, row.subject) for row in desk.alerts()] == [(f"rule:{made.id}", key)]
    end(desk)
    desk.later(10)
    assert desk.alerts() == []


def test_until_keeps_a_rule_on(desk: RuleDesk) -> None:
    when, until = (
        "event.state == 'occupied'",
        "event.state == 'free' && event.confidence > limit.sure",
    )
    desk.make(when, until=until, limits={"sure": 0.99}, key="lot")
    desk.happen(desk.edge.change("a1", True))
    desk.happen(desk.edge.change("a1", False))
    assert len(desk.alerts()) == 1
    desk.make(when, until="true", key="lot", name="soon")
    desk.happen(desk.edge.change("a1", True), desk.edge.change("a1", False))
    assert len(desk.alerts()) == 1


def test_a_momentary_alert_is_over_at_once(desk: RuleDesk) -> None:
    desk.make("event.state == 'occupied'", {**ALERT, "momentary": True}, key="bay")
    desk.happen(desk.edge.change("a1", True), desk.edge.change("a1", True))
    assert [row.closed_ms == row.opened_ms for row in desk.alerts(is_open=False)] == [True, True]


@pytest.mark.parametrize(
    ("facts", "told"),
    [
        ({"until": "lot.shar > 1.0"}, "no name 'lot.shar'; did you mean lot.share"),
        ({"when": "lot.share > limit.x"}, "no name 'limit.x'"),
        ({"limits": {"x": 1.0}, "when": "lot.free > limit.x"}, "line 1, column 10: > does not go"),
        ({"limits": {"X": 1.0}}, "String should match pattern"),
        ({"actions": [{**ALERT, "text": "{lot.free +}"}]}, r"has \{lot.free \+\}: line 1"),
        ({"actions": [{**ALERT, "text": "{lot.fre}"}]}, r"names \{lot.fre\}, which a rule about"),
        ({"replaces": "rule_quarantined"}, "cannot be replaced"),
        ({"replaces": "lot_full", "trigger": "event", "when": "true"}, "cannot be about event"),
        ({"replaces": "lot_full", "actions": [{"kind": "table"}]}, "must open alerts"),
        ({"trigger": "loss", "when": "true"}, "can only replace"),
        ({"trigger": "event", "when": "true", "together": {"above": 2, "text": "x"}}, "together"),
    ],
)
def test_what_cannot_work_is_refused(facts: dict[str, Any], told: str) -> None:
    given = {"trigger": "lot", "when": "true", **facts}
    actions = given.pop("actions", [ALERT])
    with pytest.raises(ValidationError, match=told):
        spec(given.pop("when"), *actions, **given)


def test_texts_hold_expressions_and_what_fails_is_a_dash(desk: RuleDesk) -> None:
    text = "{event.bay} {limit.n + 1.0} {event.state == '' ? 'a' : 'b'} {event.data.nose}"
    desk.make("event.bay == 'a1'", {**ALERT, "text": text}, limits={"n": 2.0})
    desk.happen(desk.edge.change("a1", True))
    assert [row.text for row in desk.alerts()] == ["a1 3 b -"]
