"""Bringing a database up to the tables of this version.

The revisions lie in `cloud_app/storage/migrations/versions` and travel in the wheel. A service runs
what is missing when it starts, in one transaction and under the caller's lock: a start that dies
half way leaves the database as it was, and of two that start together the second finds the work
done. Nothing is fetched and no configuration file is read.

There is no way down: rows that the newer tables hold have no place in the older ones. Going back
means restoring the backup that was made before.
"""

from __future__ import annotations

import importlib
import pkgutil
import threading
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sqlalchemy import Connection, Float, MetaData, inspect, text
from sqlalchemy.schema import SchemaItem

from cloud_app.errors import StorageError
from cloud_app.storage.partitions import is_partition
from cloud_app.storage.tables import metadata

if TYPE_CHECKING:
    from alembic.config import Config

_FOLDER = Path(__file__).with_name("migrations")
# Which revision stands for each version of the time before Alembic, when a table `meta` held it.
_BEFORE_ALEMBIC = {"1": "0001", "2": "0002"}
# Alembic hands its context to the revisions through a module, so only one thread may run them.
_RUNNING = threading.Lock()


def configuration() -> Config:
    """Alembic's configuration, without a file."""
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(_FOLDER).replace("%", "%%"))
    return config


def migrate(connection: Connection, name: str) -> None:
    """Run the revisions that a database has not seen yet.

    Args:
        connection: in a transaction that keeps other migrations out.
        name: of the database, for error texts.

    Raises:
        StorageError: a newer version made the database, or it belongs to something else.
    """
    # The files' names begin with their revisions, so a start with nothing to do needs no Alembic.
    known = sorted(path.name[:4] for path in (_FOLDER / "versions").glob("[0-9]*.py"))
    found = _revision(connection)
    if found == known[-1]:
        return
    if found is not None and found not in known:
        msg = (
            f"{name}: the database is at revision {found}, which a newer lotsight made; expected "
            f"at most {known[-1]}. There is no way down: install that version again, or restore "
            "the backup from before it"
        )
        raise StorageError(msg)
    from alembic import command

    config = configuration()
    config.attributes["connection"] = connection
    with _RUNNING:
        if found is None and inspect(connection).has_table("meta"):
            command.stamp(config, _revision_of_meta(connection, name))
        command.upgrade(config, "head")


def _revision(connection: Connection) -> str | None:
    if not inspect(connection).has_table("alembic_version"):
        return None
    found = connection.execute(text("SELECT version_num FROM alembic_version"))
    return found.scalar_one_or_none()


def _revision_of_meta(connection: Connection, name: str) -> str:
    version = connection.execute(
        text("SELECT value FROM meta WHERE key = 'schema_version'")
    ).scalar_one_or_none()
    if version not in _BEFORE_ALEMBIC:
        msg = f"{name}: the database's schema_version must be 1 or 2, but it is {version}"
        raise StorageError(msg)
    return _BEFORE_ALEMBIC[version]


def is_compared(_item: SchemaItem, name: str | None, kind: str, *_: object) -> bool:
    """Whether a table is one of ours to compare: PostgreSQL's partitions come and go by month."""
    return not (kind == "table" and name is not None and is_partition(name))


def differ(*compared: Any) -> bool | None:
    """Whether two types differ; None leaves it to Alembic. SQLite has one floating-point type."""
    *_, found, wanted = compared
    return False if isinstance(found, Float) and isinstance(wanted, Float) else None


def every_table() -> MetaData:
    """The metadata with the tables of every package of `cloud_app`, for comparing and drafting."""
    import cloud_app
    from cloud_app import storage

    for module in pkgutil.iter_modules(storage.__path__, f"{storage.__name__}."):
        if module.name.endswith("_tables"):
            importlib.import_module(module.name)
    root = Path(cloud_app.__path__[0])
    for path in sorted(root.rglob("tables.py")):
        importlib.import_module(
            ".".join(("cloud_app", *path.relative_to(root).parent.parts, "tables"))
        )
    return metadata
