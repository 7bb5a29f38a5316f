"""Fixtures of the cloud's tests: each database for real."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from pydantic import SecretStr

from cloud_app.config import DatabaseConfig
from cloud_app.storage.database import Database
from cloud_app.storage.open import open_database
from cloud_app.storage.sqlite import SqliteDatabase
from tests.cloud_app.servers import Broker, PostgresCluster, running_broker, running_postgres


@pytest.fixture(scope="session")
def postgres(postgres_bin: Path) -> Iterator[PostgresCluster]:
    with running_postgres(postgres_bin, is_durable=False) as cluster:
        yield cluster


@pytest.fixture
def broker(mosquitto: Path, tmp_path: Path) -> Iterator[Broker]:
    with running_broker(mosquitto, tmp_path) as running:
        yield running


@pytest.fixture(scope="session")
def migrated_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An empty database of today's form: a copy costs a thirtieth of all revisions."""
    file = tmp_path_factory.mktemp("migrated") / "cloud.db"
    SqliteDatabase(file).close()
    return file


@pytest.fixture(params=["sqlite", pytest.param("postgres", marks=pytest.mark.postgres)])
def database_url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    if request.param == "sqlite":
        shutil.copyfile(request.getfixturevalue("migrated_file"), tmp_path / "cloud.db")
        yield f"sqlite:{tmp_path / 'cloud.db'}"
        return
    cluster: PostgresCluster = request.getfixturevalue("postgres")
    url = cluster.migrated_database()
    yield url
    cluster.drop(url)


@pytest.fixture
def database(database_url: str) -> Iterator[Database]:
    opened = open_database(DatabaseConfig(url=SecretStr(database_url)))
    yield opened
    opened.close()
