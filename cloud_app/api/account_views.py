"""What the API tells of people, their sessions and keys."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime
from typing import Annotated, Any, Self

from pydantic import BaseModel, ConfigDict, Field

from cloud_app.accounts.audit import ActorKind
from cloud_app.accounts.keys import ApiKey
from cloud_app.accounts.people import Person
from cloud_app.accounts.roles import Membership, Role, Tenant
from cloud_app.accounts.sessions import LoginSession, csrf_token
from cloud_app.api.policy import Access, Permission, SignedIn
from cloud_app.config import Scope
from cloud_app.storage.times import from_ms
from telemetry import SiteId

TenantName = Annotated[
    str, Field(pattern=r"^(council|operator):[A-Za-z0-9_.-]{1,64}$", examples=["operator:main"])
]
Email = Annotated[str, Field(min_length=3, max_length=254)]
Name = Annotated[str, Field(min_length=1, max_length=120)]
Password = Annotated[str, Field(min_length=1, max_length=256)]
Secret = Annotated[str, Field(min_length=1, max_length=100)]
Code = Annotated[str, Field(min_length=6, max_length=30)]


class Body(BaseModel):
    """What a request sends: nothing unknown."""

    model_config = ConfigDict(extra="forbid")


class RoleAt(Body):
    """A role at a tenant."""

    tenant: TenantName
    role: Role

    def membership(self) -> Membership:
        """The same in the domain.

        Raises:
            AccountError: there is no such role at such a tenant.
        """
        return Membership(Tenant.parse(self.tenant), self.role)

    @classmethod
    def of(cls, each: Membership) -> Self:
        """As the API writes it."""
        return cls(tenant=str(each.tenant), role=each.role)


class PersonView(BaseModel):
    """A person with an account, as seen by an administrator."""

    account: str
    email: str
    name: str
    roles: list[RoleAt] = Field(description="at tenants that the caller administers")
    disabled: bool
    ready: bool = Field(description="has logged in: has a password or used single sign-on")
    totp: bool
    version: int = Field(description="send as If-Match to change the person")
    governed: bool = Field(description="the caller may rename, disable and log out this person")

    @classmethod
    def of(cls, person: Person, access: Access) -> Self:
        """What the caller may see."""
        seen = access.tenants
        return cls(
            account=person.account,
            email=person.email,
            name=person.name,
            roles=[RoleAt.of(each) for each in person.memberships if each.tenant in seen],
            disabled=person.is_disabled,
            ready=person.is_ready,
            totp=person.has_totp,
            version=person.version,
            governed=access.governs(person),
        )


class PersonRow(BaseModel):
    """The same person as a line of a file."""

    email: str
    name: str
    roles: str
    disabled: bool
    ready: bool
    totp: bool

    @classmethod
    def of(cls, person: PersonView) -> Self:
        """Of somebody as the caller sees them."""
        return cls(
            email=person.email,
            name=person.name,
            roles="; ".join(f"{each.role.value} of {each.tenant}" for each in person.roles),
            disabled=person.disabled,
            ready=person.ready,
            totp=person.totp,
        )


class StalePerson(BaseModel):
    """The rejected change's error and the current state."""

    detail: str
    person: PersonView


class Invited(BaseModel):
    """A person who was invited or given roles."""

    person: PersonView
    link: str | None = Field(
        description="to hand over, where there is no mail server; null if a mail goes out or "
        "the person has been here already"
    )


class SessionNow(BaseModel):
    """The current login session."""

    account: str
    email: str
    name: str
    roles: list[RoleAt]
    may: list[Permission] = Field(description="permissions at any tenant")
    totp: bool
    session: str
    method: str
    csrf: str = Field(description="send as X-CSRF-Token with every change")

    @classmethod
    def of(cls, who: SignedIn, may: Collection[Permission]) -> Self:
        """Of a session."""
        person = who.person
        return cls(
            account=person.account,
            email=person.email,
            name=person.name,
            roles=[RoleAt.of(each) for each in person.memberships],
            may=sorted(may),
            totp=person.has_totp,
            session=who.session,
            method=who.method,
            csrf=csrf_token(who.secret),
        )


class AccessNow(BaseModel):
    """The caller and their permissions, which decide what a page shows."""

    kind: ActorKind | None = Field(description="null: they must log in")
    name: str = Field(description="e-mail address, or name of the token or key")
    may: list[Permission] = Field(description="somewhere")
    session: SessionNow | None = Field(description="null: not a person who has logged in")


class SessionView(BaseModel):
    """A session of the caller."""

    session: str
    current: bool
    method: str
    address: str
    agent: str
    created: datetime
    seen: datetime
    ends: datetime

    @classmethod
    def of(cls, each: LoginSession, current: str) -> Self:
        """As its owner sees it."""
        return cls(
            session=each.session,
            current=each.session == current,
            method=each.method,
            address=each.address,
            agent=each.agent,
            created=from_ms(each.created_ms),
            seen=from_ms(each.seen_ms),
            ends=from_ms(each.ends_ms),
        )


class KeyView(BaseModel):
    """An API key; the secret is shown only once, on creation."""

    key: str
    prefix: str = Field(description="first characters of the key")
    name: str
    tenant: str
    scopes: list[Scope]
    sites: list[SiteId] | None
    created_by: str
    created: datetime
    expires: datetime | None
    used: datetime | None
    revoked: datetime | None

    @classmethod
    def of(cls, key: ApiKey) -> Self:
        """As it is shown."""
        plan = key.plan
        return cls(
            key=key.key,
            prefix=f"lsk_{key.key}_",
            name=plan.name,
            tenant=str(plan.tenant),
            scopes=sorted(plan.scopes),
            sites=None if plan.sites is None else sorted(plan.sites),
            created_by=key.created_by,
            created=from_ms(key.created_ms),
            expires=from_ms(plan.expires_ms),
            used=from_ms(key.used_ms),
            revoked=from_ms(key.revoked_ms),
        )


class NewKey(BaseModel):
    """A newly created key."""

    secret: str = Field(description="the key itself, shown only now")
    key: KeyView


class AuditLine(BaseModel):
    """A line of the audit log."""

    id: str
    at: datetime
    actor_kind: ActorKind
    actor: str
    address: str | None
    action: str
    subject_kind: str
    subject: str
    tenant: str | None
    before: dict[str, Any] | None
    after: dict[str, Any] | None
