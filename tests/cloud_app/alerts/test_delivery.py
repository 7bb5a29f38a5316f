"""Notifications over a real SMTP server and a real HTTP server: who is told what, when, how often.

Time is the test's; what is due is told by the courier as it works in the service.
"""

from __future__ import annotations

import re
import threading
from dataclasses import replace

from pydantic import SecretStr

from cloud_app.alert_words import AlertRule, Severity
from cloud_app.alerts import acts, notifications
from cloud_app.alerts.courier import Courier
from cloud_app.alerts.targets import Targets
from cloud_app.config import DatabaseConfig, NotificationsConfig, RulesConfig
from cloud_app.rounds import LeaderRounds
from cloud_app.rules.builtin import judge
from cloud_app.storage.alert_life import Subject
from cloud_app.storage.database import Database
from cloud_app.storage.open import open_database
from cloud_app.storage.queries import Now
from tests.cloud_app.accounts.kit import CITY, PEOPLE, SEA, SOUTH, acting
from tests.cloud_app.alerts.kit import (
    FULL,
    Desk,
    Hook,
    Mailbox,
    left,
    mail_to,
    posted_to,
)
from tests.cloud_app.hub import Hub
from tests.cloud_app.scripted_edge import ScriptedEdge
from tests.cloud_app.servers import wait_until
from tests.cloud_app.test_intake import take

AWAY = Subject("edge_offline", "north", "box-1")
SOUTHERN = Subject("edge_offline", "south", "box-3")


# -- Mail ---------------------------------------------------------------------------------------


def test_a_mail_tells_what_a_person_needs(desk: Desk, mailbox: Mailbox) -> None:
    desk.rule(mail_to(), also_closed=True)
    [number] = desk.open(AWAY)
    desk.tell()
    desk.tell(60)
    [message] = mailbox.messages
    text = message.get_content()
    assert message["To"] == "night@example.org"
    assert message["Subject"] == "[lotsight] critical: edge offline, north: box-1"
    assert message["Auto-Submitted"] == "auto-generated"
    for part in (
        "box-1 of north.", "Severity  critical", "Now       open",
        f"http://127.0.0.1:8090/alerts/{number}",
        "because of the notification rule 'Night shift' of operator:north-op.",
    ):  # fmt: skip
        assert part in text
    assert desk.log(number)[1:] == ["notified: mail to night@example.org (Night shift)"]
    assert desk.seen(number).delivered
    desk.cease(number)
    desk.tell(60)
    assert mailbox.subjects[1:] == ["[lotsight] closed: edge offline, north: box-1"]
    assert "(its condition has ceased)" in mailbox.messages[1].get_content()
    assert desk.log(number)[-1] == "notified: mail to night@example.org (Night shift): closed"
    assert left(desk) == 0


def test_what_happens_at_once_is_one_mail(desk: Desk, mailbox: Mailbox) -> None:
    desk.rule(mail_to(), also_closed=True)
    subjects = [Subject("edge_offline", "north", f"box-{n}") for n in range(60)]
    numbers = desk.open(*subjects)
    desk.tell()
    assert mailbox.subjects == ["[lotsight] critical: 50 alerts, north"]
    desk.tell()
    assert mailbox.subjects[1:] == ["[lotsight] critical: 10 alerts, north"]
    body = "".join(message.get_content() for message in mailbox.messages)
    assert sorted(map(int, re.findall(r"/alerts/(\d+)", body))) == numbers
    desk.cease(*numbers[:2])
    desk.open(FULL)
    desk.tell()
    assert mailbox.subjects[2] == "[lotsight] critical: 3 alerts (2 closed), north"


def test_only_those_whom_it_concerns_are_told(desk: Desk, mailbox: Mailbox) -> None:
    """By severity, rule, site, tenant; a rule that is off tells nothing."""
    desk.rule(mail_to("critical@x.org"), severities=frozenset({Severity.CRITICAL}))
    desk.rule(mail_to("full@x.org"), rules=frozenset({AlertRule.LOT_FULL}))
    desk.rule(mail_to("elsewhere@x.org"), sites=frozenset({"north-2"}))
    desk.rule(mail_to("off@x.org"), enabled=False)
    desk.rule(mail_to("south@x.org"), SOUTH)
    desk.rule(mail_to("city@x.org"), CITY)
    desk.rule(mail_to("sea@x.org"), SEA, sites=frozenset({"south"}))
    desk.open(AWAY, FULL, SOUTHERN)
    for _ in range(3):
        desk.tell()
    told = sorted((message["To"], message["Subject"]) for message in mailbox.messages)
    assert told == [
        ("city@x.org", "[lotsight] critical: 2 alerts, north"),
        ("critical@x.org", "[lotsight] critical: edge offline, north: box-1"),
        ("full@x.org", "[lotsight] info: lot full, north: p1"),
        ("sea@x.org", "[lotsight] critical: edge offline, south: box-3"),
        ("south@x.org", "[lotsight] critical: edge offline, south: box-3"),
    ]


def test_without_a_mail_server_it_is_said_in_the_end(database: Database) -> None:
    desk = Desk(Hub(database, people=PEOPLE))
    desk.rule(mail_to())
    [number] = desk.open(FULL)
    for _ in range(110):
        desk.tell(900)
    assert desk.log(number)[1:] == [
        "not_notified: mail to night@example.org (Night shift): gave up, "
        "there is no mail server: [mail] is not configured"
    ]


# -- Escalation, silence ------------------------------------------------------------------------


def test_an_alert_that_nobody_cares_for_is_escalated_once(desk: Desk, mailbox: Mailbox) -> None:
    desk.rule(mail_to("boss@x.org"), after_s=900, also_closed=True)
    left_alone, taken, over, by_hand = desk.open(
        AWAY, FULL, *(Subject("camera_lost", "north", f"box-1/cam-{n}") for n in (1, 2))
    )
    desk.tell(899)
    assert mailbox.messages == []
    with desk.hub.database.write() as session:
        acts.acknowledge(session, desk.act(taken))
        acts.close(session, desk.act(by_hand))
    desk.cease(over)
    desk.tell(1)
    desk.tell(10_000)
    assert mailbox.subjects == ["[lotsight] critical, not acknowledged: edge offline, north: box-1"]
    assert "nobody has acknowledged it for 15 minutes" in mailbox.messages[0].get_content()
    seen = desk.seen(left_alone)
    assert seen.escalated_at is not None
    assert seen.log[-1].action == "escalated"
    assert [desk.seen(n).escalated_at for n in (taken, over, by_hand)] == [None] * 3
    # Its end is told to those who were told of it, and to nobody else.
    desk.cease(left_alone, taken)
    desk.tell()
    assert mailbox.subjects[1:] == ["[lotsight] closed: edge offline, north: box-1"]
    assert left(desk) == 0


def test_while_an_alert_is_silenced_nothing_is_sent_of_it(desk: Desk, mailbox: Mailbox) -> None:
    desk.rule(mail_to("first@x.org"), name="First", also_closed=True)
    desk.rule(mail_to("boss@x.org"), name="Boss", after_s=900)
    silenced, ended, closed = desk.open(
        *(Subject("edge_offline", "north", f"box-{n}") for n in range(3))
    )
    with desk.hub.database.write() as session:
        for number in (silenced, ended, closed):
            acts.silence(session, desk.act(number), desk.now_ms + 3_600_000)
    desk.cease(closed)
    desk.tell(1800)
    assert mailbox.messages == []
    with desk.hub.database.write() as session:
        acts.unsilence(session, desk.act(ended))
    desk.tell()
    assert {(m["To"], m["Subject"].split(":")[0]) for m in mailbox.messages} == {
        ("first@x.org", "[lotsight] critical"),
        ("boss@x.org", "[lotsight] critical, not acknowledged"),
    }
    mailbox.messages.clear()
    desk.tell(1800)
    desk.tell()
    told = [(m["To"], m["Subject"]) for m in mailbox.messages]
    # The end of the silence: what is still so is told, and of what is over, that it was and is.
    assert sorted(told) == [
        ("boss@x.org", "[lotsight] critical, not acknowledged: edge offline, north: box-0"),
        ("first@x.org", "[lotsight] closed: edge offline, north: box-2"),
        ("first@x.org", "[lotsight] critical: 2 alerts, north"),
    ]


def test_a_loss_is_told_and_not_its_end(desk: Desk, hook: Hook) -> None:
    desk.rule(posted_to(hook), also_closed=True)
    desk.rule(posted_to(hook), name="Later", after_s=60)
    edge = ScriptedEdge()
    take(desk.hub.database, [*edge.hello(), edge.gap((1, 2))])
    with desk.hub.database.write() as session:
        judge(session, Now(desk.now_ms, 180_000), RulesConfig())
    desk.open(FULL)
    desk.tell()
    desk.tell(3600)
    assert hook.types == [
        "alert.opened box-1 1-1", "alert.opened p1", "alert.escalated p1",
    ]  # fmt: skip


# -- Changes of mind, restarts ------------------------------------------------------------------


def test_a_rule_that_is_changed_or_gone_tells_nothing_it_should_not(
    desk: Desk, hook: Hook, mailbox: Mailbox
) -> None:
    gone, off, moved = (desk.rule(mail_to(f"{name}@x.org"), name=name) for name in "abc")
    desk.open(AWAY)
    with desk.hub.database.write() as session:
        actor = acting(desk.hub)
        notifications.remove(session, actor, gone)
        for rule, facts in (
            (off, {"enabled": False}), (moved, {"to": posted_to(hook)}),
        ):  # fmt: skip
            notifications.change(session, actor, rule, replace(rule.plan, **facts), 1)
    desk.tell()
    assert mailbox.messages == []
    assert hook.types == ["alert.opened box-1"]
    assert left(desk) == 0


def test_a_tenant_that_loses_a_site_is_told_nothing_of_it_any_more(
    desk: Desk, mailbox: Mailbox, database: Database
) -> None:
    desk.rule(mail_to())
    desk.open(AWAY)
    other = PEOPLE.model_copy(update={"operators": PEOPLE.operators[1:]})
    later = Desk(Hub(database, people=other, mail=mailbox.config))
    later.hub.clock.now_s = desk.hub.clock.now_s
    later.tell()
    assert mailbox.messages == []
    assert left(desk) == 0


def test_a_new_service_tells_what_the_old_one_left_and_nothing_twice(
    desk: Desk, hook: Hook, mailbox: Mailbox
) -> None:
    desk.rule(posted_to(hook))
    desk.rule(mail_to())
    hook.status = 500
    desk.open(FULL)
    desk.tell()
    hook.status = 204
    again = Desk(desk.hub)
    again.tell(10)
    again.tell(1000)
    assert (len(mailbox.messages), hook.types) == (1, ["alert.opened p1"])


def test_who_does_not_lead_any_more_stops_at_once(desk: Desk, hook: Hook) -> None:
    desk.rule(posted_to(hook))
    desk.open(FULL, AWAY)
    desk.lead[0] = False
    desk.tell()
    assert hook.bodies == []
    desk.lead[0] = True
    desk.tell()
    assert len(hook.bodies) == 2


def test_of_several_processes_one_tells_each_thing_once(
    database: Database, database_url: str, hook: Hook, mailbox: Mailbox
) -> None:
    """The real threads, three of them on one database, and the leader's lock between them."""
    hub = Hub(
        database, people=PEOPLE, mail=mailbox.config,
        notifications=NotificationsConfig(allow_private_urls=True),
    )  # fmt: skip
    desk = Desk(hub)
    desk.rule(posted_to(hook))
    desk.rule(mail_to())
    others = [open_database(DatabaseConfig(url=SecretStr(database_url))) for _ in range(2)]
    targets = Targets.of(hub.context.config, hub.accounts.url)
    couriers = [
        Courier(each, targets, hub.accounts.tenants, each.lead, hub.clock)
        for each in (database, *others)
    ]
    rounds = [
        LeaderRounds("notifications", courier.tick, each.lead, every_s=0.1, close=courier.close)
        for courier, each in zip(couriers, (database, *others), strict=True)
    ]
    threads = [threading.Thread(target=each.run) for each in rounds]
    for thread in threads:
        thread.start()
    try:
        numbers = desk.open(*(Subject("edge_offline", "north", f"box-{n}") for n in range(30)))

        def told() -> int:
            return sum(m.get_content().count("/alerts/") for m in mailbox.messages)

        wait_until(lambda: len(hook.bodies) >= 30 and told() >= 30, 60, "all to be told")
        wait_until(lambda: left(desk) == 0, 30, "all to be settled")
    finally:
        for each_round in rounds:
            each_round.stop()
        for thread in threads:
            thread.join(30)
        for each in others:
            each.close()
    assert sorted(body["alert"] for body in hook.bodies) == sorted(numbers)
    assert told() == 30


def test_an_end_that_comes_while_its_beginning_is_being_sent_is_told(
    desk: Desk, hook: Hook
) -> None:
    desk.rule(posted_to(hook), also_closed=True)
    [number] = desk.open(FULL)
    # The alert ceases after the receiver has the notice, before the courier knows.
    hook.before_answer = lambda: desk.cease(number)
    for which in desk.courier.due_rules():
        desk.courier.tell(which)
    hook.before_answer = None
    desk.tell()
    assert hook.types == ["alert.opened p1", "alert.closed p1"]
