"""Secrets in the database: sealed with the newest key, or dropped when the key is lost."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from sqlalchemy import ColumnElement, Table, bindparam, select, update

from cloud_app.accounts import people, totp
from cloud_app.accounts.audit import Actor
from cloud_app.accounts.tables import account
from cloud_app.alerts import notifications
from cloud_app.alerts.notifications import TargetKind
from cloud_app.alerts.tables import notification
from cloud_app.fleet.authority.tables import authority
from cloud_app.storage.database import Row, Session
from cloud_app.storage.vault import is_sealed

_IS_WEBHOOK = notification.c.kind == TargetKind.WEBHOOK.value
_PLACES: tuple[tuple[Table, str, str, ColumnElement[bool]], ...] = (
    (account, "account", "totp", account.c.totp.is_not(None)),
    (notification, "notification", "secret", notification.c.secret.is_not(None)),
    (notification, "notification", "target", _IS_WEBHOOK),
    (authority, "authority", "key", authority.c.key.is_not(None)),
)
"""Table, its key, the column, and in which rows it holds a secret."""


def seal_plain(session: Session) -> int:
    """Seal secrets that an earlier version left readable, and see that the rest can be opened.

    Returns:
        How many were sealed.

    Raises:
        VaultError: the file of keys is not the one that the database's secrets were sealed with.
    """
    count = 0
    for table, key, column, row in _secrets(session):
        if is_sealed(row.kept):
            session.vault.open(row.kept)
        else:
            _keep(session, table, key, column, row)
            count += 1
    return count


def seal_anew(session: Session) -> int:
    """Seal every secret with the newest key; how many there are.

    Raises:
        VaultError: a secret cannot be opened.
    """
    found = list(_secrets(session))
    for table, key, column, row in found:
        _keep(session, table, key, column, row)
    return len(found)


@dataclass(frozen=True, slots=True)
class Lost:
    """Whose secrets no key opens: account ids, and ids of notification rules."""

    accounts: frozenset[str]
    notifications: frozenset[str]

    def __bool__(self) -> bool:
        return bool(self.accounts or self.notifications)


def lost_secrets(session: Session) -> Lost:
    """The secrets that none of the keys opens; all of them if the file is gone.

    Raises:
        VaultError: the file is there but cannot be read, so that nothing is known to be lost.
    """
    found = [
        (table, row.of) for table, *_, row in _secrets(session) if not session.vault.opens(row.kept)
    ]
    return Lost(
        frozenset(of for table, of in found if table is account),
        frozenset(of for table, of in found if table is notification),
    )


def forget(session: Session, actor: Actor, lost: Lost) -> tuple[list[str], list[str]]:
    """Drop secrets that are lost.

    Returns:
        Addresses of the people who are without a second factor now, and names of the notification
        rules that were deleted, since nobody knows their address any more.
    """
    owners = sorted((people.by_id(session, each) for each in lost.accounts), key=lambda p: p.email)
    for person in owners:
        totp.remove(session, actor, person)
    names = [
        notifications.remove_unreadable(session, actor, each) for each in sorted(lost.notifications)
    ]
    return [person.email for person in owners], sorted(names)


def _secrets(session: Session) -> Iterator[tuple[Table, str, str, Row]]:
    for table, key, column, holds_one in _PLACES:
        query = select(table.c[key].label("of"), table.c[column].label("kept")).where(holds_one)
        for row in session.rows(query.order_by(table.c[key])):
            yield table, key, column, row


def _keep(session: Session, table: Table, key: str, column: str, row: Row) -> None:
    sealed = session.vault.seal(session.vault.open(row.kept))
    session.run(
        # If somebody was faster, theirs holds.
        update(table)
        .where(table.c[key] == bindparam("of"), table.c[column] == bindparam("was"))
        .values({column: bindparam("sealed")}),
        {"of": row.of, "was": row.kept, "sealed": sealed},
    )
