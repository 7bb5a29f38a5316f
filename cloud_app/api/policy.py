"""Who may do what: the one place that decides it, for every route, role, tenant and site.

Which permission a route asks for stands in `route_permissions`. What a caller may see within a
route is its `sites` and its `tenants`, which go into the query itself, so that a limit counts what
the caller sees. Both are those where the caller has the permission of that route: a viewer of one
operator who is technician of another changes only what is the latter's.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum

from cloud_app.accounts.audit import ActorKind
from cloud_app.accounts.people import Person
from cloud_app.accounts.roles import Role, Tenant
from cloud_app.config import Scope
from telemetry.commands import CommandName


class Permission(StrEnum):
    """The permission that a route requires."""

    PUBLIC = "public"
    SELF = "self"
    """Somebody who has logged in, whatever their roles: what concerns themselves."""
    READ = "read"
    WRITE = "write"
    """Changing what boxes are to be (shadows)."""
    OPERATE = "operate"
    """Having boxes do something: commands, settings."""
    PICTURES = "pictures"
    """Having a box send what a camera sees."""
    REGISTRY = "registry"
    """Changing the registry: sites, lots, zones, bays, devices."""
    RESPOND = "respond"
    """Seeing to alerts: acknowledging, assigning, silencing, commenting, closing."""
    NOTIFICATIONS = "notifications"
    """Saying who of a tenant is notified of which alerts, and gets which reports."""
    RULES = "rules"
    """Saying what of a tenant's sites leads to what: rules, and what they could not send."""
    PEOPLE = "people"
    """Inviting, disabling, giving and taking roles."""
    INTAKE = "intake"
    """Bringing what sensors and gates send."""
    KEYS = "keys"
    """Making and revoking API keys."""
    PROVISION = "provision"
    """Letting boxes in, and putting them out."""
    AUDIT = "audit"
    """Reading the audit log."""


_ADMIN = frozenset(
    {
        Permission.READ,
        Permission.REGISTRY,
        Permission.RESPOND,
        Permission.NOTIFICATIONS,
        Permission.RULES,
        Permission.PEOPLE,
        Permission.KEYS,
        Permission.AUDIT,
    }
)
_BOXES = frozenset(
    {Permission.WRITE, Permission.OPERATE, Permission.PICTURES, Permission.PROVISION}
)
ROLES: Mapping[Role, frozenset[Permission]] = {
    Role.VIEWER: frozenset({Permission.READ}),
    Role.TECHNICIAN: _BOXES | {Permission.READ, Permission.REGISTRY, Permission.RESPOND},
    # A user who makes keys for the network server may bring what it brings.
    Role.OPERATOR_ADMIN: _ADMIN | _BOXES | {Permission.INTAKE},
    # A council sees all that its operators run, appoints their people, and says what its kerb is:
    # who runs a site, where a lot lies. The boxes are the operators'.
    Role.COUNCIL: _ADMIN,
}
"""What each role allows at its tenant; a council's reaches its operators."""

SCOPES: Mapping[Scope, frozenset[Permission]] = {
    Scope.READ: frozenset({Permission.READ}),
    # Pictures are for people: no machine gets them.
    Scope.WRITE: _BOXES - {Permission.PICTURES} | {Permission.REGISTRY, Permission.RESPOND},
    Scope.INTAKE: frozenset({Permission.INTAKE}),
}
"""What each scope of a token or key allows."""

_NEEDED_BY_COMMAND: Mapping[str, Permission] = {
    CommandName.CAMERA_STILL: Permission.PICTURES,
    CommandName.CAMERA_REFERENCE: Permission.PICTURES,
}


def needed_for(command: str) -> Permission:
    """What sending a command to a box, and reading the file that answers it, asks of somebody."""
    return _NEEDED_BY_COMMAND.get(command, Permission.OPERATE)


@dataclass(frozen=True, slots=True)
class SiteSet:
    """The sites that a caller sees.

    Attributes:
        names: these; none at all if empty.
        is_all: every site there is, whatever `names` holds.
    """

    names: frozenset[str] = frozenset()
    is_all: bool = False

    def sees(self, site: str) -> bool:
        """Whether a site's facts may be shown."""
        return self.is_all or site in self.names

    def __or__(self, other: SiteSet) -> SiteSet:
        """The sites of either."""
        return SiteSet(self.names | other.names, self.is_all or other.is_all)

    def __and__(self, names: frozenset[str] | None) -> SiteSet:
        """Of these the named ones; None for all of these."""
        if names is None:
            return self
        return SiteSet(names if self.is_all else self.names & names)

    @classmethod
    def of(cls, wanted: frozenset[str] | None) -> SiteSet:
        """The other way round than `wanted`."""
        return ALL_SITES if wanted is None else cls(wanted)

    def only(self, site: str | None) -> SiteSet:
        """These sites, or of them only the one that was asked for."""
        if site is None:
            return self
        return SiteSet(frozenset({site} if self.sees(site) else ()))

    @property
    def wanted(self) -> frozenset[str] | None:
        """For queries: the sites to look at; None for all."""
        return None if self.is_all else self.names


ALL_SITES = SiteSet(is_all=True)


@dataclass(frozen=True, slots=True)
class Grant:
    """Some permissions, and where.

    Attributes:
        permissions: that are given.
        sites: for what concerns sites.
        tenants: for what concerns people, keys and the audit log.
    """

    permissions: frozenset[Permission]
    sites: SiteSet
    tenants: frozenset[Tenant] = frozenset()


@dataclass(frozen=True, slots=True)
class SignedIn:
    """Somebody who has logged in.

    Attributes:
        person: who.
        session: which of their sessions.
        secret: of its cookie.
        method: how they logged in.
    """

    person: Person
    session: str
    secret: str = field(repr=False)
    method: str


@dataclass(frozen=True, slots=True)
class Access:
    """What a caller may do.

    Attributes:
        kind: of caller.
        name: of the token or key, e-mail address of a person, or `anonymous`.
        grants: what is given where.
        who: the person, if it is one.
        needed: the permission that the rest is about; the gate sets the route's.
    """

    kind: ActorKind
    name: str
    grants: tuple[Grant, ...]
    who: SignedIn | None = None
    needed: Permission = Permission.READ

    def may(self, permission: Permission) -> bool:
        """Whether a route with this need is open to the caller."""
        if permission is Permission.PUBLIC:
            return True
        if permission is Permission.SELF:
            return self.who is not None
        return any(permission in grant.permissions for grant in self.grants)

    def to(self, permission: Permission) -> Access:
        """The same caller, where they have a permission."""
        return replace(self, needed=permission)

    @property
    def sites(self) -> SiteSet:
        """Sites where the caller has the permission that is needed."""
        found = SiteSet()
        for grant in self.grants:
            if self.needed in grant.permissions:
                found |= grant.sites
        return found

    @property
    def tenants(self) -> frozenset[Tenant]:
        """Tenants where the caller has the permission that is needed."""
        return frozenset(
            tenant
            for grant in self.grants
            if self.needed in grant.permissions
            for tenant in grant.tenants
        )

    def governs(self, person: Person) -> bool:
        """Whether the caller may change the account itself: no other tenant is concerned."""
        held = {each.tenant for each in person.memberships}
        return bool(held) and held <= self.tenants

    def may_key(self, tenant: Tenant, scopes: Iterable[Scope]) -> bool:
        """Whether the caller may make a key: no one grants more than they hold."""
        return tenant in self.tenants and all(
            tenant in self.to(permission).tenants
            for scope in scopes
            for permission in SCOPES[scope]
        )
