"""Messages of rules: sent to real receivers, tried again, given up, sent again by people."""

from __future__ import annotations

import json
import random
import time
from pathlib import Path

import pytest
from sqlalchemy import select
from standardwebhooks import Webhook

from cloud_app.config import KafkaConfig, LakeConfig
from cloud_app.errors import NotSentError
from cloud_app.mail import SmtpMailer
from cloud_app.rules import ledger, outbox, store
from cloud_app.rules.errors import RuleError
from cloud_app.rules.outlets import Outlets, no_broker
from cloud_app.storage.lake_tables import lake_record
from tests.cloud_app.accounts.kit import acting
from tests.cloud_app.alerts.kit import receiving_mail, receiving_posts
from tests.cloud_app.lake.kit import Lake
from tests.cloud_app.rules.kit import TABLE, RuleDesk, spec

SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"


def test_webhooks_are_signed_and_tried_again_with_the_same_id(desk: RuleDesk) -> None:
    with receiving_posts() as hook:
        made = desk.make(
            "event.state == 'occupied'", {"kind": "webhook", "url": hook.url, "secret": SECRET}
        )
        desk.outlets.allow_private = True
        hook.status = 503
        desk.happen(desk.edge.change("a1", True), desk.edge.change("a2", True))
        desk.send()
        # The receiver is away: the second message is not tried on top.
        assert hook.tried == 1
        desk.send()
        assert hook.tried == 1, "not before its time"
        [fault] = {row.fault for row in desk.queued()}
        assert fault == "expected 2xx, but got: HTTP 503"
        hook.status = 204
        desk.later(5)
        desk.send()
        assert [body["key"] for body in hook.bodies] == ["p1/a1", "p1/a2"]
        for body, raw, headers in zip(hook.bodies, hook.raw, hook.headers, strict=True):
            assert headers["webhook-id"].startswith(f"msg_{body['id']}")
            stamp = int(headers["webhook-timestamp"])
            age_s = abs(time.time() - stamp)
            if age_s < 240:  # the library has no clock to give
                Webhook(SECRET).verify(raw, headers)
            assert body["type"] == "rule.fired"
            assert (body["rule"], body["depth"]) == (made.id, 1)
    assert desk.queued() == []


def test_what_is_refused_waits_alone_and_is_given_up_after_a_day(desk: RuleDesk) -> None:
    with receiving_posts() as hook:
        url = {"kind": "webhook", "url": hook.url}
        made = desk.make("event.state == 'occupied'", url)
        desk.outlets.allow_private = True
        hook.status = 410
        desk.happen(desk.edge.change("a1", True), desk.edge.change("a2", True))
        desk.send()
        assert hook.tried == 2
        desk.later(86_500)
        desk.send()
        with desk.hub.database.write() as session:
            letters = outbox.dead_letters(session, made.id, 10)
            assert [row.fault for row in letters] == ["expected 2xx, but got: HTTP 410"] * 2
            assert outbox.counts(session, [made.id])[made.id][:2] == (0, 2)
        hook.status = 204
        desk.send()
        assert hook.bodies == []
        with desk.hub.database.write() as session:
            assert outbox.replay(session, acting(desk.hub), made) == 2
        desk.send()
        assert len(hook.bodies) == 2
        assert {f"{body['id']}-0" for body in hook.bodies} == {row.id for row in letters}


def test_messages_of_an_action_that_is_gone_are_dead_at_once(desk: RuleDesk) -> None:
    made = desk.make("true", {"kind": "mqtt", "topic": "t"})
    desk.happen(desk.edge.change("a1", True))
    with desk.hub.database.write() as session:
        store.change(session, acting(desk.hub), made, spec("true"), 1)
    desk.send()
    assert desk.published == []
    with desk.hub.database.write() as session:
        [letter] = outbox.dead_letters(session, made.id, 10)
        assert letter.fault == "the rule has no such action any more"
        assert outbox.discard(session, acting(desk.hub), made) == 1
    assert desk.queued() == []


def test_mqtt_topics_are_below_the_tenants(desk: RuleDesk) -> None:
    desk.make(
        "event.state == 'occupied'", {"kind": "mqtt", "topic": "signs/p1", "retain": True},
        tell_end=True,
    )  # fmt: skip
    desk.happen(desk.edge.change("a1", True), desk.edge.change("a1", False))
    desk.send()
    [(topic, first, retain), (_, second, _)] = desk.published
    assert (topic, retain) == ("pk/rules/operator/north-op/signs/p1", True)
    assert [json.loads(each)["type"] for each in (first, second)] == ["rule.fired", "rule.ended"]


def test_mail_says_what_and_why(desk: RuleDesk) -> None:
    with receiving_mail() as mailbox:
        desk.outlets.mailer = SmtpMailer(mailbox.config)
        desk.make(
            "event.state == 'occupied'",
            {"kind": "mail", "address": "Ada@example.org", "text": "Bay {event.bay} is taken."},
        )
        desk.happen(desk.edge.change("a1", True))
        desk.send()
        [message] = mailbox.messages
    assert message["To"] == "ada@example.org"
    assert message["Subject"] == "[lotsight] a rule, north: p1/a1"
    text = message.get_content()
    assert text.startswith("Bay a1 is taken.")
    assert "because of the rule 'a rule' of operator:north-op" in text


def test_records_go_to_the_lake_with_the_transaction_that_fires(
    desk: RuleDesk, tmp_path: Path
) -> None:
    made = desk.make("true", {"kind": "lake"}, TABLE, pause_s=3600)
    lake = Lake(desk.hub.database, LakeConfig(folder=tmp_path / "lake"))
    # Others of the same key pause, as messages do.
    desk.happen(desk.edge.change("a1", True), desk.edge.change("a1", False))
    desk.happen(desk.edge.change("a2", True))
    assert desk.queued() == []
    lake.worker.seal()
    with desk.hub.database.read() as session:
        ids = {row.at_ms: row.id for row in ledger.outcomes(session, made.id, 10)}
    first, _, third = sorted(ids)
    rows = lake.ask(
        "SELECT record, stream, site, epoch_ms(time), body->>'$.key' FROM records ORDER BY time"
    )
    assert rows == [
        (f"{ids[first]}-0", made.id, "north", first, "p1/a1"),
        (f"{ids[third]}-0", made.id, "north", third, "p1/a2"),
    ]


def test_records_that_no_lake_takes_go_with_the_retention(desk: RuleDesk) -> None:
    desk.make("true", {"kind": "lake"})
    desk.happen(desk.edge.change("a1", True))
    with desk.hub.database.write() as session:
        ledger.prune(session, desk.now_ms)
        assert session.rows(select(lake_record)) != []
        ledger.prune(session, desk.now_ms + 1)
        assert session.rows(select(lake_record)) == []


def test_what_is_not_configured_is_refused_on_save(desk: RuleDesk) -> None:
    del desk
    outlets = Outlets()
    for kind, told in (
        ("mail", "there is no mail server here"),
        ("mqtt", "rules may not publish here"),
        ("kafka", "there is no Kafka here"),
        ("lake", "there is no lake here"),
    ):
        facts = {"address": "a@b.org"} if kind == "mail" else {"topic": "t"}
        made = spec("true", {"kind": kind, **({} if kind == "lake" else facts)})
        with pytest.raises(RuleError, match=told):
            outlets.check(made)
    with pytest.raises(RuleError, match="topics of rules begin with"):
        Outlets(kafka=KafkaConfig(bootstrap="x:1"), kafka_prefix="lotsight.rules.").check(
            spec("true", {"kind": "kafka", "topic": "lotsight.events"})
        )


def test_retries_come_later_and_later_and_not_together() -> None:
    chance = random.Random(3)
    waits = [[outbox.wait_ms(tries, chance) for _ in range(50)] for tries in range(12)]
    assert all(len(set(each)) > 10 for each in waits)
    assert max(waits[0]) <= 5_000
    assert min(waits[1]) >= 5_000
    assert all(450_000 <= wait <= 900_000 for wait in waits[11])


def test_without_a_broker_messages_wait() -> None:
    from telemetry.topics import Topic

    with pytest.raises(NotSentError, match="no connection"):
        no_broker(Topic("a"), b"")


def test_kafka_takes_messages(desk: RuleDesk) -> None:
    kafka = pytest.importorskip("confluent_kafka")
    desk.outlets.kafka = KafkaConfig(bootstrap="", timeout_s=20)
    desk.outlets.kafka_more = {"test.mock.num.brokers": 1}
    desk.make("true", {"kind": "kafka", "topic": "lotsight.rules.north"})
    desk.happen(desk.edge.change("a1", True), desk.edge.change("a1", False))
    desk.send()
    assert desk.queued() == []
    assert desk.outlets._sink is not None
    reader = kafka.Consumer(
        {
            "bootstrap.servers": desk.outlets._sink.brokers(),
            "group.id": "t",
            "auto.offset.reset": "earliest",
        }
    )
    reader.assign([kafka.TopicPartition("lotsight.rules.north", each, 0) for each in range(4)])
    got = reader.consume(2, timeout=15)
    reader.close()
    assert [json.loads(each.value())["type"] for each in got] == ["rule.fired"] * 2
    assert {each.key() for each in got} == {b"north/p1/a1"}
