"""Ways out of the service: where the messages of rules go."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol

from cloud_app.alerts.addresses import check_url
from cloud_app.alerts.webhook import WebhookTarget
from cloud_app.config import CloudConfig, KafkaConfig
from cloud_app.errors import MailError, NotSentError, SinkError
from cloud_app.mail import Letter, Mailer, SmtpMailer
from cloud_app.rules.actions import (
    Action,
    KafkaAction,
    LakeAction,
    MailAction,
    MqttAction,
    WebhookAction,
)
from cloud_app.rules.errors import RuleError
from cloud_app.rules.spec import RuleSpec
from cloud_app.rules.store import Rule
from telemetry.topics import Topic

if TYPE_CHECKING:
    from cloud_app.sinks.kafka import KafkaSink

_CLIENT: dict[str, str | int] = {"client.id": "lotsight-rules"}


class Publish(Protocol):
    """Publishes, and waits until the broker has taken it; `NotSentError` if it did not."""

    def __call__(self, topic: Topic, payload: bytes, *, retain: bool = False) -> None:
        """Publish one message."""
        ...


@dataclass(frozen=True, slots=True)
class Message:
    """Something that a rule has to send.

    Attributes:
        id: the same for each delivery, so that a receiver can drop repetitions.
        body: JSON.
        now_ms: when it is sent.
    """

    id: str
    body: str
    now_ms: int

    @property
    def facts(self) -> dict[str, Any]:
        """What the body says."""
        facts: dict[str, Any] = json.loads(self.body)
        return facts


def no_broker(topic: Topic, payload: bytes, *, retain: bool = False) -> None:
    """Publishing where there is no link."""
    del topic, payload, retain
    msg = "this process has no connection to a broker"
    raise NotSentError(msg, is_away=True)


@dataclass(slots=True)
class Outlets:
    """Sends messages by the action that wants it.

    Attributes:
        mailer: takes letters; None where there is no mail server.
        allow_private: whether webhooks may be at private addresses.
        publish: to the broker; None where rules may not.
        prefix: first level of the broker's topics.
        kafka: the cluster; None where there is none.
        kafka_prefix: topics begin so.
        has_lake: whether records of rules get anywhere.
        kafka_more: further librdkafka settings; tests turn on its own mock cluster here.
    """

    mailer: Mailer | None = None
    allow_private: bool = False
    publish: Publish | None = None
    prefix: str = "pk"
    kafka: KafkaConfig | None = None
    kafka_prefix: str = ""
    has_lake: bool = False
    kafka_more: dict[str, str | int] = field(default_factory=dict)
    _sink: KafkaSink | None = None
    _one_sends: threading.Lock = field(default_factory=threading.Lock)

    @classmethod
    def of(cls, config: CloudConfig, publish: Publish) -> Outlets:
        """As configured."""
        return cls(
            mailer=None if config.mail is None else SmtpMailer(config.mail),
            allow_private=config.notifications.allow_private_urls,
            publish=publish if config.rules.mqtt_topics else None,
            prefix=config.broker.prefix,
            kafka=config.kafka,
            kafka_prefix=config.rules.kafka_prefix,
            has_lake=config.lake is not None,
        )

    def missing(self, action: Action) -> str | None:
        """Why an action cannot work here; None if it can."""
        match action:
            case MailAction() if self.mailer is None:
                return "there is no mail server here: [mail] of the configuration names one"
            case MqttAction() if self.publish is None:
                return "rules may not publish here: [rules] mqtt_topics of the configuration"
            case KafkaAction() if self.kafka is None:
                return "there is no Kafka here: [kafka] of the configuration names it"
            case KafkaAction() if not action.topic.startswith(self.kafka_prefix):
                return f"topics of rules begin with {self.kafka_prefix!r}, but got {action.topic!r}"
            case LakeAction() if not self.has_lake:
                return "there is no lake here: [lake] of the configuration says where it is"
        return None

    def check(self, spec: RuleSpec) -> None:
        """Refuse a rule with an action that cannot work here.

        Raises:
            AlertError: a webhook is where it must not be.
            RuleError: something is not configured.
        """
        for action in spec.actions:
            if isinstance(action, WebhookAction):
                check_url(action.url, allow_private=self.allow_private)
            why = self.missing(action)
            if why is not None:
                raise RuleError(why)

    def send(self, rule: Rule, action: Action, messages: Sequence[Message]) -> None:
        """Send some messages of one action, all or none.

        Raises:
            NotSentError: they were not taken; they will come again.
        """
        why = self.missing(action)
        if why is not None:
            raise NotSentError(why, is_away=True)
        match action:
            case MailAction():
                self._each(messages, lambda each: self._mail(rule, action, each))
            case WebhookAction():
                target = WebhookTarget(action.url, action.secret, anywhere=self.allow_private)
                self._each(
                    messages,
                    lambda each: target.post(each.body.encode(), each.id, each.now_ms),
                )
            case MqttAction():
                self._each(messages, lambda each: self._publish(rule, action, each))
            case KafkaAction():
                self._produce(action, messages)
            case _:
                msg = f"an action {action.kind!r} sends nothing"
                raise NotSentError(msg, is_away=False)

    @staticmethod
    def one_by_one(action: Action) -> bool:
        """Whether each message is a delivery of its own."""
        return isinstance(action, MailAction | WebhookAction | MqttAction)

    @staticmethod
    def _each(messages: Sequence[Message], send: Callable[[Message], None]) -> None:
        for each in messages:
            send(each)

    def _mail(self, rule: Rule, action: MailAction, message: Message) -> None:
        facts = message.facts
        over = "over: " if facts["type"] == "rule.ended" else ""
        subject = f"[lotsight] {over}{rule.spec.name}, {facts['site']}: {facts['key']}"[:200]
        shown = "\n".join(f"{name:<24}{value}" for name, value in facts["values"].items())
        reason = f"You get this because of the rule {rule.spec.name!r} of {rule.tenant}."
        body = f"{facts['text']}\n\n{facts['timestamp']}\n{shown}\n\n-- \n{reason}\n"
        letter = Letter(message.id[:32], action.address, subject, body, message.now_ms)
        assert self.mailer is not None  # noqa: S101 - `missing` saw to it
        try:
            self.mailer.send(letter)
        except MailError as exc:
            msg = f"the mail server did not take it: {exc.answer}"
            raise NotSentError(msg, is_away=True) from exc

    def _publish(self, rule: Rule, action: MqttAction, message: Message) -> None:
        tenant = f"{rule.tenant.kind.value}/{rule.tenant.name}"
        topic = Topic(f"{self.prefix}/rules/{tenant}/{action.topic}")
        assert self.publish is not None  # noqa: S101 - `missing` saw to it
        self.publish(topic, message.body.encode(), retain=action.retain)

    def _produce(self, action: KafkaAction, messages: Sequence[Message]) -> None:
        from cloud_app.sinks.kafka import KafkaRecord, KafkaSink

        assert self.kafka is not None  # noqa: S101 - `missing` saw to it
        records = [
            KafkaRecord(
                action.topic,
                f"{each.facts['site']}/{each.facts['key']}".encode(),
                each.body.encode(),
                {"content-type": b"application/json", "id": each.id.encode()},
            )
            for each in messages
        ]
        try:
            with self._one_sends:
                if self._sink is None:
                    self._sink = KafkaSink(self.kafka, _CLIENT | self.kafka_more)
                self._sink.send(records)
        except SinkError as exc:
            msg = f"Kafka did not take it: {exc}"
            raise NotSentError(msg, is_away=True) from exc
