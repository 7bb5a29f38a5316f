"""Desks of rules: over SQLite, and over each database where that may differ."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from cloud_app.config import NotificationsConfig
from cloud_app.storage.database import Database
from cloud_app.storage.sqlite import SqliteDatabase
from tests.cloud_app.accounts.kit import PEOPLE
from tests.cloud_app.hub import Hub
from tests.cloud_app.rules.kit import RuleDesk


def _desk(database: Database) -> RuleDesk:
    private = NotificationsConfig(allow_private_urls=True)
    return RuleDesk(Hub(database, people=PEOPLE, notifications=private))


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[RuleDesk]:
    database = SqliteDatabase(tmp_path / "cloud.db")
    yield _desk(database)
    database.close()


@pytest.fixture
def any_desk(database: Database) -> RuleDesk:
    return _desk(database)
