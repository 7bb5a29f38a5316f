"""From a database URL to a database."""

from __future__ import annotations

from pathlib import Path

from cloud_app.config import DatabaseConfig
from cloud_app.storage.database import Database
from cloud_app.storage.sqlite import SqliteDatabase
from cloud_app.storage.vault import Vault
from telemetry import ConfigError


def open_database(config: DatabaseConfig) -> Database:
    """Open, and where needed create, the tables.

    Raises:
        StorageError: the database cannot be reached, or holds another version's schema.
        ConfigError: PostgreSQL is asked for without the extra `cloud`.
    """
    url = config.url.get_secret_value()
    vault = Vault(config.key_file)
    if url.startswith("sqlite:"):
        return SqliteDatabase(Path(url.removeprefix("sqlite:")), vault)
    try:
        from cloud_app.storage.postgres import PostgresDatabase
    except ImportError as exc:
        msg = (
            "database.url asks for PostgreSQL, which needs the extra lotsight[cloud]; "
            f"expected the Python module psycopg, but got: {exc}"
        )
        raise ConfigError(msg) from exc
    return PostgresDatabase(url, vault, config.pool_size)
