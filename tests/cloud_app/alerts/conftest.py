from __future__ import annotations

from collections.abc import Iterator

import pytest

from cloud_app.config import NotificationsConfig
from cloud_app.storage.database import Database
from tests.cloud_app.accounts.kit import PEOPLE
from tests.cloud_app.alerts.kit import Desk, Hook, Mailbox, receiving_mail, receiving_posts
from tests.cloud_app.hub import Hub


@pytest.fixture
def hook() -> Iterator[Hook]:
    with receiving_posts() as hook:
        yield hook


@pytest.fixture
def mailbox() -> Iterator[Mailbox]:
    with receiving_mail() as mailbox:
        yield mailbox


@pytest.fixture
def hub(database: Database, mailbox: Mailbox) -> Hub:
    """Two councils, each with an operator; a mail server; webhooks may be on loopback."""
    return Hub(
        database, people=PEOPLE, mail=mailbox.config,
        notifications=NotificationsConfig(allow_private_urls=True),
    )  # fmt: skip


@pytest.fixture
def desk(hub: Hub) -> Desk:
    """Alerts that are opened, closed and told as a test says."""
    return Desk(hub)
