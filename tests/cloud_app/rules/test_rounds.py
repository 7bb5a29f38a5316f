"""Rules over real databases: what fires, what ends, what is left alone."""

from __future__ import annotations

import json

import pytest
from sqlalchemy import select, update

from cloud_app.alert_words import AlertRule
from cloud_app.rules import feed, ledger, outbox, store
from cloud_app.rules.builtin import judge
from cloud_app.rules.cycles import DEPTH_MAX
from cloud_app.rules.errors import RuleError
from cloud_app.rules.tables import rule_position, rule_spell
from cloud_app.storage.alert_life import Subject, open_all
from cloud_app.storage.alert_tables import alert, alert_notice
from tests.cloud_app.accounts.kit import NORTH, SOUTH, acting
from tests.cloud_app.rules.kit import ALERT, TABLE, RuleDesk, spec


def test_an_alert_opens_closes_and_is_planned(any_desk: RuleDesk) -> None:
    desk = any_desk
    made = desk.make(
        "event.state == 'occupied' && event.bay == 'a1'",
        {"kind": "alert", "severity": "critical", "text": "{event.bay} of {event.lot}: {rule}"},
    )
    desk.happen(desk.edge.change("a1", True), desk.edge.change("a2", True))
    [row] = desk.alerts()
    assert (row.rule, row.site, row.subject) == (f"rule:{made.id}", "north", "p1/a1")
    assert (row.text, row.severity) == ("a1 of p1: a rule", "critical")
    with desk.hub.database.read() as session:
        assert session.rows(select(alert_notice))
    # The service's own rules do not close what is not theirs.
    with desk.hub.database.write() as session:
        judge(session, desk.hub.context.now(), desk.hub.rules)
    assert len(desk.alerts()) == 1
    desk.happen(desk.edge.change("a1", False))
    assert desk.alerts() == []
    assert desk.rule(made).fired == 1


def test_a_state_that_lasts_fires_when_its_time_has_come(desk: RuleDesk) -> None:
    desk.make(
        "event.state == 'occupied'",
        ALERT,
        window={"kind": "for", "span_s": 3600},
        kinds=["changed"],
    )
    desk.happen(desk.edge.change("a1", True), desk.edge.change("a2", True))
    desk.later(1800)
    desk.happen(desk.edge.change("a2", False))
    assert desk.alerts() == []
    desk.later(1800)
    [row] = desk.alerts()
    assert row.subject == "p1/a1"
    desk.happen(desk.edge.change("a1", False))
    assert desk.alerts() == []


def test_a_rate_fires_and_is_over_when_it_falls(desk: RuleDesk) -> None:
    made = desk.make("true", ALERT, window={"kind": "rate", "span_s": 60, "count": 3}, key="edge")
    desk.happen(*(desk.edge.change("a1", each % 2 == 0, 10) for each in range(2)))
    assert desk.alerts() == []
    desk.happen(desk.edge.change("a1", True, 10))
    [row] = desk.alerts()
    assert row.subject == desk.edge.edge
    desk.later(45)
    assert desk.alerts() == []
    assert desk.rule(made).fired == 1


def test_an_absence_fires_even_where_nothing_was_ever_seen(desk: RuleDesk) -> None:
    desk.make("event.type == 'changed'", window={"kind": "absence", "span_s": 600}, key="edge")
    desk.later(0)
    desk.later(601)
    [row] = desk.alerts()
    assert row.subject == desk.edge.edge
    desk.happen(desk.edge.change("a1", True))
    assert desk.alerts() == []


def test_counts_of_lots_and_health_of_edges_are_polled(any_desk: RuleDesk) -> None:
    desk = any_desk
    lots = desk.make("lot.share >= 0.6", name="full", trigger="lot")
    edges = desk.make("!health.online", name="away", trigger="edge")
    desk.happen(*(desk.edge.change(each, True) for each in ("a1", "a2")))
    desk.later(11)
    assert [(row.rule, row.subject) for row in desk.alerts()] == [(f"rule:{lots.id}", "p1")]
    # It lasts: no second firing.
    desk.later(11)
    assert desk.rule(lots).fired == 1
    # Stale bays are not occupied: unknown is neither full nor free.
    desk.later(3600)
    assert [(row.rule, row.subject) for row in desk.alerts()] == [(f"rule:{edges.id}", "box-1")]


def test_counts_of_a_lot_in_rules_about_events(desk: RuleDesk) -> None:
    desk.make("event.state == 'occupied' && lot.free == 0", TABLE)
    desk.happen(*(desk.edge.change(each, False) for each in desk.edge.bay_ids))
    desk.happen(desk.edge.change("a1", True), desk.edge.change("a2", True))
    desk.happen(desk.edge.change("a3", True))
    [made] = _rules(desk)
    with desk.hub.database.read() as session:
        [row] = ledger.outcomes(session, made.id, 10)
    body = json.loads(row.body)
    assert (row.key, body["values"]["lot.occupied"], body["type"]) == ("p1/a3", 3, "rule.fired")
    assert "event.data" not in body["values"]


def _rules(desk: RuleDesk) -> list[store.Rule]:
    with desk.hub.database.read() as session:
        return store.every_one(session)


def test_positions_make_repetitions_harmless(any_desk: RuleDesk) -> None:
    desk = any_desk
    made = desk.make("true", {"kind": "mqtt", "topic": "all"}, key="site")
    messages = [desk.edge.change("a1", True), desk.edge.change("a1", False)]
    desk.happen(*messages)
    desk.happen(*messages)
    assert desk.rule(made).fired == 2
    before = [row.id for row in desk.queued()]
    # A crash after the outcome was written, before the position: what a transaction rules out.
    with desk.hub.database.write() as session:
        session.run(update(rule_position).values(seq=0))
    desk.later(0)
    assert sorted(row.id for row in desk.queued()) == sorted(before)
    with desk.hub.database.read() as session:
        assert feed.behind(session) == 0


def test_a_hole_holds_up_its_own_stream_alone(desk: RuleDesk) -> None:
    made = desk.make("true", TABLE, key="edge")
    lost = desk.edge.change("a1", True)
    desk.happen(desk.edge.change("a1", False))
    assert desk.rule(made).fired == 0
    desk.happen(lost)
    assert desk.rule(made).fired == 2


def test_what_is_too_old_is_passed_over(desk: RuleDesk) -> None:
    made = desk.make("true", TABLE, key="edge")
    late = desk.edge.change("a1", True)
    desk.edge.change("a2", True, 100_000)
    desk.edge.seq -= 1
    desk.happen(late)
    assert desk.rule(made).fired == 0


def test_a_rule_that_raises_is_left_alone_and_told(any_desk: RuleDesk) -> None:
    desk = any_desk
    bad = desk.make("event.data.no_such.thing > 1", name="bad")
    good = desk.make("event.state == 'occupied'", name="good")
    desk.happen(desk.edge.change("a1", True))
    held = desk.rule(bad)
    assert held.quarantined_ms is not None
    assert "no_such" in (held.fault or "")
    opened = {row.rule: row.subject for row in desk.alerts()}
    assert opened == {f"rule:{good.id}": "p1/a1", AlertRule.RULE_QUARANTINED: bad.id}
    desk.happen(desk.edge.change("a2", True))
    assert desk.rule(good).fired == 2
    with desk.hub.database.write() as session:
        store.release(session, acting(desk.hub), held)
    assert desk.rule(bad).is_active
    assert AlertRule.RULE_QUARANTINED not in {row.rule for row in desk.alerts()}


def test_a_condition_that_takes_too_many_steps_is_a_fault(desk: RuleDesk) -> None:
    tens = "[" + ",".join("1" * 1 for _ in range(30)) + "]"
    slow = f"{tens}.all(a, {tens}.all(b, {tens}.all(c, a + b + c < 100)))"
    made = desk.make(slow)
    desk.happen(desk.edge.change("a1", True))
    assert "budget" in (desk.rule(made).fault or "")


def test_tenants_see_their_own_sites_alone(desk: RuleDesk) -> None:
    other = desk.make("true", TABLE, tenant=SOUTH)
    desk.happen(desk.edge.change("a1", True))
    assert desk.rule(other).fired == 0
    tenants, strange = desk.hub.accounts.tenants, spec("true", sites=["north"])
    with desk.hub.database.read() as session, pytest.raises(RuleError, match="those of operator"):
        store.check_sites(session, tenants, SOUTH, strange)


def test_rules_about_alerts_end_at_a_depth(desk: RuleDesk) -> None:
    first = desk.make("true", name="first", trigger="alert", key="site")
    chain = desk.make("true", name="next", trigger="alert", alerts=[f"rule:{first.id}"])
    with desk.hub.database.write() as session:
        text = [(Subject(AlertRule.LOT_FULL, "north", "p1"), "Full.")]
        open_all(session, text, desk.now_ms, desk.hub.rules.severity_of)
    for _ in range(3):
        desk.later(1)
    depths = {row.rule: row.depth for row in desk.alerts()}
    assert depths == {
        AlertRule.LOT_FULL: 0, f"rule:{first.id}": 1, f"rule:{chain.id}": 2,
    }  # fmt: skip
    # However it came to be so deep: here by hand.
    with desk.hub.database.write() as session:
        session.run(
            update(alert)
            .where(alert.c.rule == f"rule:{first.id}")
            .values(depth=DEPTH_MAX, judged=0)
        )
    fired = desk.rule(chain).fired
    desk.later(1)
    assert desk.rule(chain).fired == fired


def test_circles_are_refused_with_the_way(desk: RuleDesk) -> None:
    first = desk.make("true", name="first", trigger="alert")
    second = desk.make("true", name="second", trigger="alert", alerts=[f"rule:{first.id}"])
    circle = spec("true", name="first", trigger="alert", alerts=[f"rule:{second.id}"])
    with desk.hub.database.write() as session, pytest.raises(RuleError, match="'first' > 'second'"):
        store.change(session, acting(desk.hub), first, circle, 1)


def test_a_change_begins_anew_and_a_pause_holds_messages_back(desk: RuleDesk) -> None:
    made = desk.make(
        "event.state == 'occupied'", {"kind": "mqtt", "topic": "t"}, ALERT, pause_s=600, key="site",
        tell_end=True,
    )  # fmt: skip
    desk.happen(desk.edge.change("a1", True))
    desk.happen(desk.edge.change("a1", False))
    desk.happen(desk.edge.change("a1", True), desk.edge.change("a1", False))
    told = [json.loads(row.body)["type"] for row in desk.queued()]
    assert sorted(told) == ["rule.ended", "rule.fired"]
    desk.happen(desk.edge.change("a1", True, 700))
    assert len(desk.queued()) == 3
    assert len(desk.alerts()) == 1
    with desk.hub.database.write() as session:
        store.change(session, acting(desk.hub), made, made.spec, 1)
        assert session.rows(select(rule_spell)) == []
    assert desk.alerts() == []


def test_the_outbox_of_one_rule_is_bounded(desk: RuleDesk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(outbox, "QUEUED_MAX", 2)
    desk.make("true", {"kind": "mqtt", "topic": "t"})
    desk.happen(*(desk.edge.change("a1", each % 2 == 0) for each in range(5)))
    assert len(desk.queued()) == 2


def test_names_are_unique_within_a_tenant(desk: RuleDesk) -> None:
    desk.make("true")
    desk.make("true", tenant=SOUTH)
    with pytest.raises(RuleError, match="operator:north-op has a rule 'a rule' already"):
        desk.make("true", tenant=NORTH)
