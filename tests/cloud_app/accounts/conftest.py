from __future__ import annotations

import pytest

from cloud_app.storage.database import Database
from tests.cloud_app.accounts.kit import PEOPLE
from tests.cloud_app.hub import Hub


@pytest.fixture
def hub(database: Database) -> Hub:
    """An app with two councils, each with an operator."""
    return Hub(database, people=PEOPLE)
