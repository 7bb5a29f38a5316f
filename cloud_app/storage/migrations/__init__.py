"""Revisions of the tables, one after the other; see `cloud_app.storage` on adding one."""

from __future__ import annotations

from typing import NoReturn

from cloud_app.errors import StorageError


def refuse_downgrade(revision: str) -> NoReturn:
    """Say why a revision cannot be undone.

    Raises:
        StorageError: always.
    """
    msg = f"revision {revision} cannot be undone: restore the backup that was made before it"
    raise StorageError(msg)
