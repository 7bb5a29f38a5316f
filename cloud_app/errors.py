"""Errors of the cloud side, under telemetry's tree.

LotsightError
└── CloudError
    ├── StorageError           the database refused a statement, or its schema is another version's
    │   ├── StorageDownError   the database cannot be reached now; the same work may succeed later
    │   └── VaultError         secrets in the database cannot be sealed or opened: the key file
    ├── PageLostError          the row that a page of a list is asked for after is gone
    ├── SinkError              a sink (Kafka) did not take a batch
    ├── LakeError              the lake cannot be written or read, or a query of it is wrong
    ├── BrokerError            the broker refused the connection or a subscription
    ├── DownlinkError          a sensor cannot be reached, or cannot be asked for this
    ├── AccountError           a person, role, key or proof is not as it must be
    │   ├── LoginError         who it is was not proven; the text never says what was wrong
    │   │   ├── NotInvitedError    the provider knows them, but they were not invited here
    │   │   ├── CodeNeededError    the password was right; a second factor is asked for
    │   │   └── TooManyTriesError  a try came too early
    │   ├── LastAdminError     no one would be left to undo the change
    │   ├── StaleError         the record was changed meanwhile
    │   └── UnknownError       there is no such person, key, session, ticket or notification rule
    ├── AlertError             an act on an alert, or a notification rule, is not as it must be
    │   ├── AlertClosedError   the alert is closed already
    │   └── StaleAlertError    the alert was changed meanwhile
    ├── NotSentError           a notification did not get through
    ├── BusyError              too much at once; the same may succeed in a few seconds
    ├── MailError              the mail server did not take a message
    ├── ProviderError          the OpenID provider is away, or answered what it must not
    ├── AuthorityError         the certificate authority cannot do it: not set up, or run out
    ├── RequestRefusedError    a box gets no certificate; `why` says in one word what is wrong
    ├── BrokerFilesError       the broker's files cannot be written, or it does not read them again
    ├── RuleError              a rule is not as it must be; see cloud_app.rules.errors
    └── RegistryError          a change of the registry is refused; see cloud_app.registry.errors
"""

from __future__ import annotations

from telemetry import LotsightError
from telemetry.provisioning import Refusal


class CloudError(LotsightError):
    """Base of every error of the cloud side."""


class StorageError(CloudError):
    """The database refused a statement, or its schema is another version's."""


class StorageDownError(StorageError):
    """The database cannot be reached now; the same work may succeed later."""


class VaultError(StorageError):
    """Secrets in the database cannot be sealed or opened; it lies with the file of keys."""


class PageLostError(CloudError):
    """The row that a page of a list is asked for after does not exist any more."""


class SinkError(CloudError):
    """A sink (Kafka) did not take a batch."""


class LakeError(CloudError):
    """The lake cannot be written or read, or a query of it is wrong."""


class BrokerError(CloudError):
    """The broker refused the connection or a subscription."""


class DownlinkError(CloudError):
    """A sensor cannot be reached, or cannot be asked for this."""


class AccountError(CloudError):
    """A person, role, key or proof is not as it must be."""


class LoginError(AccountError):
    """Who it is was not proven; the text never says what was wrong."""


class NotInvitedError(LoginError):
    """The provider knows who it is, but they were not invited here."""


class CodeNeededError(LoginError):
    """The password was right; a second factor is asked for."""


class TooManyTriesError(LoginError):
    """A try came too early.

    Attributes:
        wait_s: until the next one is looked at.
    """

    def __init__(self, wait_s: float) -> None:
        super().__init__(f"too many failed logins; the next try is looked at in {wait_s:.0f} s")
        self.wait_s = wait_s


class LastAdminError(AccountError):
    """Nobody would be left who could undo the change."""


class StaleError(AccountError):
    """The record was changed meanwhile."""


class UnknownError(AccountError):
    """There is no such person, key, session, ticket or notification rule."""


class AlertError(CloudError):
    """An act on an alert, or a notification rule, is not as it must be."""


class AlertClosedError(AlertError):
    """The alert is closed already."""


class StaleAlertError(AlertError):
    """The alert was changed meanwhile."""


class NotSentError(CloudError):
    """A notification did not get through.

    Attributes:
        is_away: the receiver accepts nothing now; else it refused this one.
    """

    def __init__(self, message: str, *, is_away: bool) -> None:
        super().__init__(message)
        self.is_away = is_away


class BusyError(CloudError):
    """Too much at once; the same may succeed in a few seconds."""


class MailError(CloudError):
    """The mail server did not take a message.

    Attributes:
        answer: what it said, without its name and address.
    """

    def __init__(self, message: str, answer: str = "no answer") -> None:
        super().__init__(message)
        self.answer = answer


class ProviderError(CloudError):
    """The OpenID provider is away, or answered what it must not."""


class AuthorityError(CloudError):
    """The certificate authority cannot do it: it is not set up, or a certificate of it ran out."""


class RequestRefusedError(CloudError):
    """A box gets no certificate.

    Attributes:
        why: in one word, for the box.
    """

    def __init__(self, message: str, why: Refusal = Refusal.BAD_REQUEST) -> None:
        super().__init__(message)
        self.why = why


class BrokerFilesError(CloudError):
    """The broker's files cannot be written, or it does not read them again."""


class RegistryError(CloudError):
    """A change of the registry is refused."""
