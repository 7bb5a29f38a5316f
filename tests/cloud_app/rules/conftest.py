"""A desk of rules over each database."""

from __future__ import annotations

import pytest

from cloud_app.config import NotificationsConfig
from cloud_app.storage.database import Database
from tests.cloud_app.accounts.kit import PEOPLE
from tests.cloud_app.hub import Hub
from tests.cloud_app.rules.kit import RuleDesk


@pytest.fixture
def desk(database: Database) -> RuleDesk:
    private = NotificationsConfig(allow_private_urls=True)
    return RuleDesk(Hub(database, people=PEOPLE, notifications=private))
