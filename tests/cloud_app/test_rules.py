"""Rules: what opens an alert, once, and what closes it, once."""

from __future__ import annotations

from datetime import timedelta

import pytest
from pydantic import ValidationError
from sqlalchemy import select

from cloud_app.alert_words import SEVERITIES, AlertRule, Severity
from cloud_app.config import RulesConfig
from cloud_app.rules.builtin import judge
from cloud_app.storage.alert_life import prune_alerts
from cloud_app.storage.alert_tables import alert_log
from cloud_app.storage.alerts import EVERY_ALERT, alerts
from cloud_app.storage.database import Database
from cloud_app.stream import FaultKind
from cloud_app.views import AlertItem
from telemetry import UnknownReason
from telemetry.messages import OfflineReason, Status
from telemetry.topics import TopicKind
from tests.cloud_app.scripted_edge import ScriptedEdge
from tests.cloud_app.test_intake import now_of, take

RULES = RulesConfig()


def judged(
    database: Database, edge: ScriptedEdge, later_s: float = 0.0, listening_since_ms: int = 0
) -> list[AlertItem]:
    with database.write() as session:
        judge(session, now_of(edge, later_s), RULES, listening_since_ms)
    with database.read() as session:
        return alerts(session, 0, EVERY_ALERT, 50)


def test_an_edge_that_is_away_opens_an_alert_once_and_its_return_closes_it(
    database: Database,
) -> None:
    edge = ScriptedEdge()
    take(database, [*edge.hello(), edge.health()])
    assert judged(database, edge, 500) == []
    [alert] = judged(database, edge, 601)
    assert (alert.rule, alert.subject, alert.closed) == ("edge_offline", "box-1", None)
    assert len(judged(database, edge, 700)) == 1

    take(database, [edge.health()])

    [alert] = judged(database, edge, 1)
    assert alert.closed is not None


def test_our_own_absence_is_not_the_edges(database: Database) -> None:
    edge = ScriptedEdge()
    take(database, [*edge.hello(), edge.health()])
    just_back_ms = now_of(edge, 3600).now_ms
    assert judged(database, edge, 3601, just_back_ms) == []
    assert len(judged(database, edge, 3600 + 601, just_back_ms)) == 1


def test_a_restart_of_ours_ends_no_alert(database: Database) -> None:
    """What was not heard of since keeps its alerts, and with them who acknowledged them."""
    bays = tuple(f"b{n}" for n in range(20))
    edge, gone = ScriptedEdge(bay_ids=bays), ScriptedEdge(edge="box-2", lot="p2")
    take(database, [*edge.hello(), *(edge.change(bay, True) for bay in bays)])
    take(database, [edge.incident("i-1"), *gone.hello(), gone.health()])
    edge.now += timedelta(seconds=700)
    take(database, [edge.health()])
    before = judged(database, edge, 1)
    assert {each.rule for each in before} == {"lot_full", "incident", "edge_offline"}

    back_ms = now_of(edge, 5_000).now_ms
    assert judged(database, edge, 5_001, back_ms) == before
    assert judged(database, edge, 5_599, back_ms) == before

    # Heard of again, an edge is judged as ever; who is not heard of in time is away.
    edge.now += timedelta(seconds=5_590)
    take(database, [edge.health(), *(edge.change(bay, False) for bay in bays)])
    for later_s in (1, 20):
        after = {each.rule: each for each in judged(database, edge, later_s, back_ms)}
        assert len(after) == 3
        assert after["lot_full"].closed is not None
        assert {after["incident"], after["edge_offline"]} < set(before)


def test_a_box_that_moved_away_is_not_missed(database: Database) -> None:
    edge = ScriptedEdge()
    gone = Status(online=False, epoch=1, conn=1, reason=OfflineReason.MOVED, at=edge.now)
    take(database, [*edge.hello(), edge.health(), edge.inbound(TopicKind.STATUS, gone)])
    assert judged(database, edge, 9000) == []


def test_a_lost_camera_is_told_after_a_while(database: Database) -> None:
    edge = ScriptedEdge(reason=UnknownReason.BLIND)
    take(database, [*edge.hello(), *(edge.change(bay, None) for bay in edge.bay_ids)])
    assert judged(database, edge, 100) == []
    edge.now += timedelta(seconds=300)
    take(database, [edge.health()])
    [alert] = judged(database, edge)
    assert (alert.rule, alert.subject) == ("camera_lost", "box-1/cam-1")
    assert "blind" in alert.text

    take(database, [edge.change("a1", True)])
    assert judged(database, edge)[0].closed is not None


def test_a_full_lot_is_called_so_until_it_clears(database: Database) -> None:
    bays = tuple(f"b{n}" for n in range(20))
    edge = ScriptedEdge(bay_ids=bays)
    take(database, [*edge.hello(), *(edge.change(bay, bay != "b0") for bay in bays)])
    assert judged(database, edge) == []
    take(database, [edge.change("b0", True)])
    [alert] = judged(database, edge)
    assert (alert.rule, alert.subject) == ("lot_full", "p1")
    take(database, [edge.change("b1", False)])
    assert judged(database, edge)[0].closed is None
    take(database, [edge.change("b2", False)])
    assert judged(database, edge)[0].closed is not None


def test_lost_events_are_told_once(database: Database) -> None:
    edge = ScriptedEdge()
    edge.change("a1", True)
    edge.change("a1", False)
    take(database, [*edge.hello(), edge.gap((1, 2))])
    [alert] = judged(database, edge)
    assert (alert.rule, alert.subject) == ("events_lost", "box-1 1-1")
    assert "lost events 1 to 2" in alert.text
    assert len(judged(database, edge)) == 1


def test_each_rule_has_a_severity_and_the_configuration_may_say_another(
    database: Database,
) -> None:
    edge = ScriptedEdge()
    take(database, [*edge.hello(), edge.health()])
    assert judged(database, edge, 601)[0].severity is Severity.CRITICAL
    others = RulesConfig.model_validate({"severity": {"lot_full": "critical"}})
    assert others.severity_of("lot_full") is Severity.CRITICAL
    assert others.severity_of("camera_lost") is Severity.CRITICAL
    assert others.severity_of("incident") is Severity.WARNING
    assert set(SEVERITIES) == set(AlertRule)
    assert {f"edge_{kind}" for kind in FaultKind} <= set(AlertRule)
    with pytest.raises(ValidationError, match="lot_fool"):
        RulesConfig.model_validate({"severity": {"lot_fool": "info"}})


def test_what_is_over_goes_with_its_log_and_what_lasts_stays(database: Database) -> None:
    edge = ScriptedEdge()
    take(database, [*edge.hello(), edge.health()])
    judged(database, edge, 601)
    take(database, [edge.health()])
    judged(database, edge)
    judged(database, edge, 601)
    with database.write() as session:
        assert prune_alerts(session, now_of(edge, 600).now_ms) == 0
        assert prune_alerts(session, now_of(edge, 100_000).now_ms) == 1
        logged = session.rows(select(alert_log.c.action))
    [alert] = judged(database, edge, 602)
    assert alert.closed is None
    assert [row.action for row in logged] == ["opened"]
