"""People: who there is, what they are where, and changing it."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable
from dataclasses import dataclass

from sqlalchemy import bindparam, delete, func, insert, select, update

from cloud_app.accounts.audit import Actor, Subject, record
from cloud_app.accounts.roles import Membership, Role, Tenant, Tenants
from cloud_app.accounts.secret import new_id
from cloud_app.accounts.tables import account, membership, oidc_identity
from cloud_app.errors import AccountError, LastAdminError, StaleError, UnknownError
from cloud_app.storage.database import Row, Session

_EMAIL = re.compile(r"[^@\s\x00-\x1f\x7f<>,;]{1,64}@[^@\s\x00-\x1f\x7f<>,;]{1,189}")
_NAME_MAX = 120


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody with an account.

    Attributes:
        account: its identifier.
        email: lower case; what one logs in with.
        name: to show.
        memberships: what they are where, sorted.
        is_disabled: they cannot log in.
        is_ready: they have a password or a provider's identity, so they have been here.
        has_totp: a second factor is asked for.
        version: counts changes.
    """

    account: str
    email: str
    name: str
    memberships: tuple[Membership, ...]
    is_disabled: bool
    is_ready: bool
    has_totp: bool
    version: int

    def has(self, tenants: Collection[Tenant]) -> bool:
        """Whether they are anything at one of these."""
        return any(each.tenant in tenants for each in self.memberships)


def plain_email(text: str) -> str:
    """An address as it is kept.

    Raises:
        AccountError: invalid.
    """
    email = text.strip().lower()
    if not _EMAIL.fullmatch(email):
        msg = f"expected an e-mail address, but got {text[:80]!r}"
        raise AccountError(msg)
    return email


def plain_name(text: str) -> str:
    """A name as it is kept: one line.

    Raises:
        AccountError: empty, too long, or with control characters.
    """
    name = text.strip()
    if not 0 < len(name) <= _NAME_MAX or not name.isprintable():
        msg = f"expected a name of 1 to {_NAME_MAX} printable characters, but got {text[:80]!r}"
        raise AccountError(msg)
    return name


_HAS_IDENTITY = (
    select(func.count()).where(oidc_identity.c.account == account.c.account).scalar_subquery()
)
_PEOPLE = select(account, _HAS_IDENTITY.label("identities")).order_by(account.c.email)
_BY_EMAIL = _PEOPLE.where(account.c.email == bindparam("which"))
_BY_ID = _PEOPLE.where(account.c.account == bindparam("which"))
_ROLES = select(membership).where(membership.c.account == bindparam("which"))


def people(session: Session, tenants: Collection[Tenant] | None = None) -> list[Person]:
    """Everybody who is something at one of these tenants, by address; None: everybody there is."""
    query, roles = _PEOPLE, select(membership)
    if tenants is not None:
        ids = select(membership.c.account).where(membership.c.tenant.in_(sorted(map(str, tenants))))
        query = query.where(account.c.account.in_(ids))
        roles = roles.where(membership.c.account.in_(ids))
    by_account: dict[str, list[Row]] = {}
    for row in session.rows(roles):
        by_account.setdefault(row.account, []).append(row)
    return [_person(row, by_account.get(row.account, ())) for row in session.rows(query)]


def tenants_with_people(session: Session) -> frozenset[Tenant]:
    """The tenants where anybody is anything."""
    rows = session.rows(select(membership.c.tenant).distinct())
    return frozenset(Tenant.parse(row.tenant) for row in rows)


def by_email(session: Session, email: str) -> Person:
    """The person with an address.

    Raises:
        UnknownError: there is none.
    """
    found = session.rows(_BY_EMAIL, {"which": email.strip().lower()})
    if not found:
        msg = f"there is no account {email[:80]!r}"
        raise UnknownError(msg)
    return _with_roles(session, found[0])


def by_id(session: Session, which: str) -> Person:
    """The person of an account.

    Raises:
        UnknownError: there is none.
    """
    found = session.rows(_BY_ID, {"which": which})
    if not found:
        msg = f"there is no account {which[:80]!r}"
        raise UnknownError(msg)
    return _with_roles(session, found[0])


def _with_roles(session: Session, row: Row) -> Person:
    return _person(row, session.rows(_ROLES, {"which": row.account}))


def _person(row: Row, roles: Iterable[Row]) -> Person:
    held = (Membership(Tenant.parse(each.tenant), Role(each.role)) for each in roles)
    return Person(
        account=row.account,
        email=row.email,
        name=row.name,
        memberships=tuple(sorted(held, key=lambda each: (each.tenant, each.role))),
        is_disabled=bool(row.disabled),
        is_ready=row.password is not None or row.identities > 0,
        has_totp=bool(row.totp_on),
        version=row.version,
    )


def exist(session: Session) -> bool:
    """Whether anybody has an account."""
    return bool(session.rows(select(account.c.account).limit(1)))


def create(session: Session, actor: Actor, email: str, name: str) -> Person:
    """Make an account that nobody can log in to yet.

    Raises:
        AccountError: the address or name is none, or the address has an account.
    """
    email = plain_email(email)
    if session.rows(_BY_EMAIL, {"which": email}):
        msg = f"{email} has an account already"
        raise AccountError(msg)
    which = new_id()
    facts = {"account": which, "email": email, "name": plain_name(name)}
    session.run(insert(account), facts | {"created_ms": actor.at_ms})
    record(session, actor, "person.create", Subject("person", email), None, facts)
    return by_id(session, which)


_TOUCH = (
    update(account)
    .where(account.c.account == bindparam("which"), account.c.version == bindparam("seen"))
    .values(version=account.c.version + 1)
)


def touch(session: Session, person: Person, version: int | None) -> None:
    """Count a change, and lock the account until the transaction ends.

    Args:
        session: of the change.
        person: as just read.
        version: that the caller has seen; None: whatever it is.

    Raises:
        StaleError: another change came first.
    """
    seen = person.version if version is None else version
    if not session.run(_TOUCH, {"which": person.account, "seen": seen}):
        msg = (
            f"{person.email} was changed meanwhile: expected version {seen}, but it is at "
            f"{by_id(session, person.account).version}"
        )
        raise StaleError(msg)


def rename(
    session: Session, actor: Actor, person: Person, name: str, version: int | None = None
) -> None:
    """Change the name that is shown.

    Raises:
        AccountError: invalid.
        StaleError: another change came first.
    """
    name = plain_name(name)
    touch(session, person, version)
    session.run(update(account).where(account.c.account == person.account).values(name=name))
    record(
        session, actor, "person.rename", Subject("person", person.email),
        {"name": person.name}, {"name": name},
    )  # fmt: skip


def change_email(session: Session, actor: Actor, person: Person, email: str) -> Person:
    """Change the address that one logs in with; roles, password and history stay.

    Raises:
        AccountError: invalid, or has an account.
    """
    email = plain_email(email)
    if session.rows(_BY_EMAIL, {"which": email}):
        msg = f"{email} has an account already"
        raise AccountError(msg)
    touch(session, person, None)
    session.run(update(account).where(account.c.account == person.account).values(email=email))
    facts = {"email": person.email}, {"email": email}
    # Once under each name, so that whoever looks for either finds it.
    for name in (person.email, email):
        record(session, actor, "person.email", Subject("person", name), *facts)
    return by_id(session, person.account)


def set_disabled(
    session: Session, actor: Actor, person: Person, tenants: Tenants, *, disabled: bool,
    version: int | None = None,
) -> None:  # fmt: skip
    """Close an account, with all its sessions at once, or open it again.

    Raises:
        LastAdminError: nobody could open it again.
        StaleError: another change came first.
    """
    held = {each.tenant for each in person.memberships if each.role.manages_people}
    before = _managed(session, tenants, held)
    touch(session, person, version)
    session.run(
        update(account).where(account.c.account == person.account).values(disabled=int(disabled))
    )
    _check_managed(session, tenants, before, person)
    record(
        session, actor, "person.disable" if disabled else "person.enable",
        Subject("person", person.email),
        {"disabled": person.is_disabled}, {"disabled": disabled},
    )  # fmt: skip


@dataclass(frozen=True, slots=True)
class RoleChange:
    """What somebody is to be at some tenants; what they are elsewhere stays.

    Attributes:
        wanted: all roles at `within`.
        within: tenants that are set; whoever makes the change has seen that the actor may.
    """

    wanted: frozenset[Membership]
    within: frozenset[Tenant]

    def __post_init__(self) -> None:
        for each in self.wanted:
            if each.tenant not in self.within:
                msg = f"no roles can be given at {each.tenant} here"
                raise AccountError(msg)


def set_roles(
    session: Session,
    actor: Actor,
    person: Person,
    change: RoleChange,
    tenants: Tenants,
    version: int | None = None,
) -> None:
    """Give and take roles.

    Args:
        session: of the change.
        actor: who changes it.
        person: whose roles.
        change: to them.
        tenants: who there is.
        version: that the caller has seen.

    Raises:
        LastAdminError: nobody would be left who can give roles at one of them.
        StaleError: another change came first.
    """
    now = {each for each in person.memberships if each.tenant in change.within}
    lost, won = now - change.wanted, change.wanted - now
    before = _managed(session, tenants, {each.tenant for each in lost})
    touch(session, person, version)
    session.run_many(_TAKE, [_columns(person, each) for each in lost])
    session.run_many(_GIVE, [_columns(person, each) for each in won])
    _check_managed(session, tenants, before, person)
    for action, changed in (("role.revoke", lost), ("role.grant", won)):
        for each in sorted(changed, key=lambda one: (one.tenant, one.role)):
            facts = {"role": each.role.value}
            record(
                session, actor, action, Subject("person", person.email, str(each.tenant)),
                facts if action == "role.revoke" else None,
                facts if action == "role.grant" else None,
            )  # fmt: skip


_GIVE = insert(membership).values(
    account=bindparam("who"), tenant=bindparam("where"), role=bindparam("what")
)
_TAKE = delete(membership).where(
    membership.c.account == bindparam("who"),
    membership.c.tenant == bindparam("where"),
    membership.c.role == bindparam("what"),
)


def _columns(person: Person, each: Membership) -> dict[str, str]:
    return {"who": person.account, "where": str(each.tenant), "what": each.role.value}


# Locked before anything else and in order, so that two administrators who take each other's role
# wait for one another.
_MANAGERS = (
    select(membership.c.tenant, membership.c.role, account.c.account)
    .join(account, account.c.account == membership.c.account)
    .where(account.c.disabled == 0)
    .where(
        account.c.password.is_not(None)
        | select(oidc_identity.c.subject)
        .where(oidc_identity.c.account == account.c.account)
        .exists()
    )
    .order_by(account.c.account, membership.c.tenant, membership.c.role)
    .with_for_update()
)


def _managed(session: Session, tenants: Tenants, which: Iterable[Tenant]) -> set[Tenant]:
    """Those of some tenants, and of what is below them, where somebody can give roles."""
    affected = {below for each in which for below in tenants.within(session, each) | {each}}
    managed_at = {
        row.tenant for row in session.rows(_MANAGERS) if Role(row.role).manages_people
    }  # fmt: skip
    return {
        each
        for each in affected
        if managed_at & {str(each), *map(str, tenants.above(session, each))}
    }


def _check_managed(session: Session, tenants: Tenants, before: set[Tenant], person: Person) -> None:
    lost = before - _managed(session, tenants, before)
    if lost:
        msg = (
            f"{person.email} is the last one who can give roles at "
            f"{', '.join(map(str, sorted(lost)))}: give that role to somebody else first"
        )
        raise LastAdminError(msg)
