"""Alembic's entry: the service hands its connection over, a developer names a URL.

alembic -x url=postgresql+psycopg://... revision --autogenerate -m "registry"
alembic -x url=postgresql+psycopg://... upgrade head --sql
"""

from __future__ import annotations

from alembic import context
from sqlalchemy import Connection, create_engine

from cloud_app.errors import StorageError
from cloud_app.storage.migrate import differ, every_table, is_compared


def _run(connection: Connection | None, url: str | None) -> None:
    context.configure(
        connection=connection,
        url=url,
        target_metadata=None if context.config.cmd_opts is None else every_table(),
        include_object=is_compared,
        compare_type=differ,
        literal_binds=connection is None,
        transactional_ddl=True,
    )
    with context.begin_transaction():
        context.run_migrations()


def main() -> None:
    """Run what was asked for, on whichever connection there is."""
    connection = context.config.attributes.get("connection")
    if connection is not None:
        _run(connection, None)
        return
    url = context.get_x_argument(as_dictionary=True).get("url")
    if url is None:
        msg = "expected -x url=..., a URL as SQLAlchemy writes it, but got none"
        raise StorageError(msg)
    if context.is_offline_mode():
        _run(None, url)
        return
    with create_engine(url).connect() as opened, opened.begin():
        _run(opened, None)


main()
