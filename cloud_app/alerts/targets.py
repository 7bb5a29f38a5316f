"""From a notification rule to the way of telling: mail, webhook, log."""

from __future__ import annotations

from dataclasses import dataclass

from cloud_app.alert_words import AlertState, Severity
from cloud_app.alerts.letters import MailTarget
from cloud_app.alerts.notices import LogTarget, Notice, NoticeKind, Target
from cloud_app.alerts.notifications import Notification, TargetKind
from cloud_app.alerts.webhook import WebhookTarget
from cloud_app.config import CloudConfig
from cloud_app.mail import Mailer, SmtpMailer
from cloud_app.storage.times import from_ms
from cloud_app.views import AlertItem


@dataclass(frozen=True, slots=True)
class Targets:
    """Makes the targets of rules.

    Attributes:
        mailer: takes letters; None where there is no mail server.
        configured: of the configuration's own rule.
        allow_private: whether tenants' webhooks may be at private addresses.
        url: of the pages as people type it, without a slash at its end.
    """

    mailer: Mailer | None
    configured: Target
    allow_private: bool
    url: str

    @classmethod
    def of(cls, config: CloudConfig, url: str) -> Targets:
        """As configured."""
        rules, secret = config.rules, config.rules.webhook_secret
        return cls(
            mailer=None if config.mail is None else SmtpMailer(config.mail),
            configured=LogTarget()
            if rules.webhook_url is None
            else WebhookTarget(
                rules.webhook_url, secret.get_secret_value() if secret else None, anywhere=True
            ),
            allow_private=config.notifications.allow_private_urls,
            url=url,
        )

    def target(self, rule: Notification) -> Target:
        """Of a tenant's rule."""
        to = rule.plan.to
        if to.kind is TargetKind.MAIL:
            name = rule.plan.name
            reason = f"You get this because of the notification rule {name!r} of {rule.tenant}."
            return MailTarget(self.mailer, to.address, reason)
        return WebhookTarget(to.address, to.secret, anywhere=self.allow_private)

    def link(self, number: int) -> str:
        """The page of an alert."""
        return f"{self.url}/alerts/{number}"

    def test_notice(self, rule: Notification, now_ms: int) -> Notice:
        """What is sent to try a rule out."""
        item = AlertItem(
            id=0,
            rule="test",
            site=min(rule.plan.sites, default="-"),
            subject="test",
            text=f"This is a test of the notification rule {rule.plan.name!r}. Nothing is wrong.",
            severity=Severity.INFO,
            state=AlertState.OPEN,
            opened=from_ms(now_ms),
            closed=None,
            closed_by=None,
            lasts=False,
            acknowledged_at=None,
            acknowledged_by=None,
            assignee=None,
            silenced_until=None,
            comments=0,
            escalated_at=None,
            delivered=False,
            version=1,
        )
        return Notice(NoticeKind.TEST, item, f"{self.url}/alerts", rule.rule_name, now_ms)
