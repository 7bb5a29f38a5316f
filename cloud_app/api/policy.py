"""Who may do what: the one place that decides it, for every route, role, tenant and site.

What is not in `ROUTES` does not exist, whatever the application has: a route that somebody adds is
closed until a line here opens it. What a caller may see within a route is its `sites` and its
`tenants`, which go into the query itself, so that a limit counts what the caller sees. Both are
those where the caller has the permission of that route: a viewer of one operator who is technician
of another changes only what is the latter's.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum

from cloud_app.accounts.audit import ActorKind
from cloud_app.accounts.people import Person
from cloud_app.accounts.roles import Role, Tenant
from cloud_app.config import Scope
from telemetry.commands import CommandName
from telemetry.provisioning import (
    ANNOUNCE_PATH,
    AUTHORITY_PATH,
    CLAIM_PATH,
    CRL_PATH,
    RENEW_PATH,
)


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
        Permission.PEOPLE,
        Permission.KEYS,
        Permission.AUDIT,
    }
)
ROLES: Mapping[Role, frozenset[Permission]] = {
    Role.VIEWER: frozenset({Permission.READ}),
    Role.TECHNICIAN: frozenset(
        {
            Permission.READ,
            Permission.WRITE,
            Permission.OPERATE,
            Permission.PICTURES,
            Permission.REGISTRY,
            Permission.RESPOND,
            Permission.PROVISION,
        }
    ),
    # Whoever makes keys for the network server may bring what it brings.
    Role.OPERATOR_ADMIN: _ADMIN
    | {
        Permission.WRITE,
        Permission.OPERATE,
        Permission.PICTURES,
        Permission.INTAKE,
        Permission.PROVISION,
    },
    # A council sees all that its operators run, appoints their people, and says what its kerb is:
    # who runs a site, where a lot lies. The boxes are the operators'.
    Role.COUNCIL: _ADMIN,
}
"""What each role allows at its tenant; a council's reaches its operators."""

SCOPES: Mapping[Scope, frozenset[Permission]] = {
    Scope.READ: frozenset({Permission.READ}),
    # Pictures are for people: no machine gets them.
    Scope.WRITE: frozenset(
        {
            Permission.WRITE,
            Permission.OPERATE,
            Permission.REGISTRY,
            Permission.RESPOND,
            Permission.PROVISION,
        }
    ),
    Scope.INTAKE: frozenset({Permission.INTAKE}),
}
"""What each scope of a token or key allows."""

_NEEDED_BY_COMMAND: Mapping[str, Permission] = {
    CommandName.CAMERA_STILL.value: Permission.PICTURES,
}


def needed_for(command: str) -> Permission:
    """What sending a command to a box, and reading the file that answers it, asks of somebody."""
    return _NEEDED_BY_COMMAND.get(command, Permission.OPERATE)


_V1 = "/api/v1"
_OF_PEOPLE: Mapping[str, Mapping[str, Permission]] = {
    f"{_V1}/login": {"GET": Permission.PUBLIC, "POST": Permission.PUBLIC},
    f"{_V1}/login/provider": {"GET": Permission.PUBLIC},
    f"{_V1}/login/provider/answer": {"GET": Permission.PUBLIC},
    f"{_V1}/password-resets": {"POST": Permission.PUBLIC},
    f"{_V1}/links/{{kind}}": {"POST": Permission.PUBLIC},
    f"{_V1}/access": {"GET": Permission.PUBLIC},
    f"{_V1}/session": {"GET": Permission.SELF, "DELETE": Permission.SELF},
    f"{_V1}/sessions": {"GET": Permission.SELF, "DELETE": Permission.SELF},
    f"{_V1}/sessions/{{session_id}}": {"DELETE": Permission.SELF},
    f"{_V1}/me/password": {"PUT": Permission.SELF},
    f"{_V1}/me/totp": {"POST": Permission.SELF, "PUT": Permission.SELF},
    f"{_V1}/me/totp/removal": {"POST": Permission.SELF},
    f"{_V1}/tenants": {"GET": Permission.PEOPLE},
    f"{_V1}/people": {"GET": Permission.PEOPLE, "POST": Permission.PEOPLE},
    f"{_V1}/people/{{account}}": {"GET": Permission.PEOPLE, "PATCH": Permission.PEOPLE},
    f"{_V1}/people/{{account}}/roles": {"PUT": Permission.PEOPLE},
    f"{_V1}/people/{{account}}/invitation": {"POST": Permission.PEOPLE},
    f"{_V1}/people/{{account}}/sessions": {"DELETE": Permission.PEOPLE},
    f"{_V1}/keys": {"GET": Permission.KEYS, "POST": Permission.KEYS},
    f"{_V1}/keys/{{key}}": {"DELETE": Permission.KEYS},
    f"{_V1}/audit": {"GET": Permission.AUDIT},
    f"{_V1}/audit/export": {"GET": Permission.AUDIT},
}
_OF_ALERTS: Mapping[str, Mapping[str, Permission]] = {
    f"{_V1}/alerts": {"GET": Permission.READ},
    # Before the alerts themselves, of which it would be one.
    f"{_V1}/alerts/assignees": {"GET": Permission.RESPOND},
    f"{_V1}/alerts/{{alert}}": {"GET": Permission.READ},
    f"{_V1}/alerts/{{alert}}/actions": {"POST": Permission.RESPOND},
    f"{_V1}/notifications": {
        "GET": Permission.NOTIFICATIONS,
        "POST": Permission.NOTIFICATIONS,
    },
    f"{_V1}/notifications/{{notification}}": {
        "GET": Permission.NOTIFICATIONS,
        "PUT": Permission.NOTIFICATIONS,
        "DELETE": Permission.NOTIFICATIONS,
    },
    f"{_V1}/notifications/{{notification}}/test": {"POST": Permission.NOTIFICATIONS},
    f"{_V1}/report-schedules": {
        "GET": Permission.NOTIFICATIONS,
        "POST": Permission.NOTIFICATIONS,
    },
    f"{_V1}/report-schedules/{{schedule}}": {
        "PUT": Permission.NOTIFICATIONS,
        "DELETE": Permission.NOTIFICATIONS,
    },
    f"{_V1}/report-schedules/{{schedule}}/send": {"POST": Permission.NOTIFICATIONS},
}
_OF_BOXES: Mapping[str, Mapping[str, Permission]] = {
    # Before a box is known: its code, a person or its key lets it in, not a session.
    CLAIM_PATH: {"POST": Permission.PUBLIC},
    ANNOUNCE_PATH: {"POST": Permission.PUBLIC},
    RENEW_PATH: {"POST": Permission.PUBLIC},
    AUTHORITY_PATH: {"GET": Permission.PUBLIC},
    CRL_PATH: {"GET": Permission.PUBLIC},
    f"{_V1}/provisioning": {"GET": Permission.PROVISION},
    f"{_V1}/provisioning/codes": {"GET": Permission.PROVISION, "POST": Permission.PROVISION},
    f"{_V1}/provisioning/codes/{{code_id}}": {"DELETE": Permission.PROVISION},
    f"{_V1}/provisioning/boxes": {"GET": Permission.PROVISION},
    f"{_V1}/provisioning/boxes/{{fingerprint}}": {"GET": Permission.PROVISION},
    f"{_V1}/provisioning/boxes/{{fingerprint}}/approval": {"POST": Permission.PROVISION},
    f"{_V1}/provisioning/boxes/{{fingerprint}}/refusal": {"POST": Permission.PROVISION},
    f"{_V1}/provisioning/certificates": {"GET": Permission.READ},
    f"{_V1}/provisioning/certificates/{{edge}}/revocation": {"POST": Permission.PROVISION},
}
_NEEDED: Mapping[str, Mapping[str, Permission]] = {
    "/health/live": {"GET": Permission.PUBLIC},
    "/health/ready": {"GET": Permission.PUBLIC},
    "/metrics": {"GET": Permission.READ},
    "/api/docs": {"GET": Permission.PUBLIC},
    "/api/openapi.json": {"GET": Permission.PUBLIC},
    f"{_V1}/sites": {"GET": Permission.READ},
    f"{_V1}/lots": {"GET": Permission.READ},
    f"{_V1}/lots/{{site}}/{{lot}}": {"GET": Permission.READ},
    f"{_V1}/lots/{{site}}/{{lot}}/bays": {"GET": Permission.READ},
    f"{_V1}/lots/{{site}}/{{lot}}/availability": {"GET": Permission.READ},
    f"{_V1}/lots/{{site}}/{{lot}}/bays/{{bay}}/sources": {"GET": Permission.READ},
    f"{_V1}/lots/{{site}}/{{lot}}/bays/{{bay}}/manual": {
        "PUT": Permission.WRITE,
        "DELETE": Permission.WRITE,
    },
    f"{_V1}/lots/{{site}}/{{lot}}/plan": {"GET": Permission.READ},
    f"{_V1}/lots/{{site}}/{{lot}}/series": {"GET": Permission.READ},
    f"{_V1}/lots/{{site}}/{{lot}}/forecast": {"GET": Permission.READ},
    f"{_V1}/lots/{{site}}/{{lot}}/forecast/accuracy": {"GET": Permission.READ},
    f"{_V1}/sites/{{site}}/local-events": {
        "GET": Permission.READ,
        "PUT": Permission.REGISTRY,
    },
    f"{_V1}/lots/{{site}}/{{lot}}/stays": {"GET": Permission.READ},
    f"{_V1}/lots/{{site}}/{{lot}}/dwell": {"GET": Permission.READ},
    f"{_V1}/lots/{{site}}/{{lot}}/count": {"GET": Permission.READ, "POST": Permission.WRITE},
    f"{_V1}/lots/{{site}}/{{lot}}/levels": {"GET": Permission.READ},
    f"{_V1}/lots/{{site}}/{{lot}}/true-counts": {"GET": Permission.READ},
    f"{_V1}/lots/{{site}}/{{lot}}/gates": {"GET": Permission.READ},
    f"{_V1}/lots/{{site}}/{{lot}}/passages": {"GET": Permission.READ},
    f"{_V1}/intake/gates": {"POST": Permission.INTAKE},
    f"{_V1}/intake/plate-recognizer": {"POST": Permission.INTAKE},
    f"{_V1}/intake/hikvision": {"POST": Permission.INTAKE},
    f"{_V1}/intake/axis": {"POST": Permission.INTAKE},
    f"{_V1}/incidents": {"GET": Permission.READ},
    f"{_V1}/sensors": {"GET": Permission.READ},
    f"{_V1}/sensors/{{device}}": {"GET": Permission.READ},
    f"{_V1}/sensors/{{device}}/frames": {"GET": Permission.READ},
    f"{_V1}/intake/chirpstack": {"POST": Permission.INTAKE},
    f"{_V1}/intake/things-stack": {"POST": Permission.INTAKE},
    f"{_V1}/intake/sensors": {"POST": Permission.INTAKE},
    f"{_V1}/edges": {"GET": Permission.READ},
    f"{_V1}/edges/{{edge}}": {"GET": Permission.READ},
    f"{_V1}/edges/{{edge}}/bays": {"GET": Permission.READ},
    f"{_V1}/edges/{{edge}}/health": {"GET": Permission.READ},
    f"{_V1}/edges/{{edge}}/gaps": {"GET": Permission.READ},
    f"{_V1}/edges/{{edge}}/bays/{{bay}}/history": {"GET": Permission.READ},
    f"{_V1}/edges/{{edge}}/shadow": {"GET": Permission.READ, "PATCH": Permission.WRITE},
    f"{_V1}/edges/{{edge}}/settings": {"GET": Permission.READ, "PATCH": Permission.OPERATE},
    f"{_V1}/edges/{{edge}}/commands": {"GET": Permission.READ, "POST": Permission.OPERATE},
    f"{_V1}/edges/{{edge}}/commands/{{command}}": {
        "GET": Permission.READ,
        "DELETE": Permission.OPERATE,
    },
    f"{_V1}/edges/{{edge}}/commands/{{command}}/file": {"GET": Permission.OPERATE},
    f"{_V1}/campaigns": {"GET": Permission.READ, "POST": Permission.OPERATE},
    f"{_V1}/campaigns/{{campaign}}": {"GET": Permission.READ},
    f"{_V1}/campaigns/{{campaign}}/boxes": {"GET": Permission.READ},
    f"{_V1}/campaigns/{{campaign}}/start": {"POST": Permission.OPERATE},
    f"{_V1}/campaigns/{{campaign}}/pause": {"POST": Permission.OPERATE},
    f"{_V1}/campaigns/{{campaign}}/stop": {"POST": Permission.OPERATE},
    f"{_V1}/campaigns/{{campaign}}/retry": {"POST": Permission.OPERATE},
    f"{_V1}/events": {"GET": Permission.READ},
    f"{_V1}/live": {"GET": Permission.READ},
    f"{_V1}/map/lots": {"GET": Permission.READ},
    f"{_V1}/map/base": {"GET": Permission.READ},
    f"{_V1}/map/base.pmtiles": {"GET": Permission.READ},
    f"{_V1}/overview": {"GET": Permission.READ},
    f"{_V1}/search": {"GET": Permission.READ},
    f"{_V1}/reports": {"GET": Permission.READ},
    f"{_V1}/planning/unmet": {"GET": Permission.READ},
    f"{_V1}/planning/plan": {"GET": Permission.READ},
    f"{_V1}/registry/map": {"GET": Permission.READ},
}
_THING = {
    "GET": Permission.READ,
    "PUT": Permission.REGISTRY,
    "PATCH": Permission.REGISTRY,
    "DELETE": Permission.REGISTRY,
}


def _registry(plural: str, ids: str) -> dict[str, Mapping[str, Permission]]:
    """The routes of one kind of thing of the registry."""
    one = f"{_V1}/registry/{plural}/{ids}"
    return {
        f"{_V1}/registry/{plural}": {"GET": Permission.READ},
        one: _THING,
        f"{one}/history": {"GET": Permission.READ},
        f"{one}/revert": {"POST": Permission.REGISTRY},
    }


_NEEDED = {
    **_NEEDED,
    **_registry("councils", "{council}"),
    **_registry("operators", "{operator}"),
    **_registry("sites", "{site}"),
    **_registry("lots", "{site}/{lot}"),
    **_registry("zones", "{site}/{lot}/{zone}"),
    **_registry("bays", "{site}/{lot}/{bay}"),
    **_registry("devices", "{device}"),
    **_OF_PEOPLE,
    **_OF_ALERTS,
    **_OF_BOXES,
}


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
        """Whether the caller may change the account itself: it concerns nobody else's tenant."""
        held = {each.tenant for each in person.memberships}
        return bool(held) and held <= self.tenants

    def may_key(self, tenant: Tenant, scopes: Iterable[Scope]) -> bool:
        """Whether the caller may make a key: nobody hands out more than they have."""
        return tenant in self.tenants and all(
            tenant in self.to(permission).tenants
            for scope in scopes
            for permission in SCOPES[scope]
        )


class RouteTable:
    """Which permission a request needs.

    Args:
        files: paths of the pages' own files, which everybody may load.
        needed: permission by path template and method.
        is_page: whether a path is the address of a page, which everybody may load too.
    """

    def __init__(
        self,
        files: Iterable[str] = (),
        needed: Mapping[str, Mapping[str, Permission]] = _NEEDED,
        is_page: Callable[[str], bool] = lambda _path: False,
    ) -> None:
        self._files = frozenset(files)
        self._is_page = is_page
        self._routes = [(_pattern(path), methods) for path, methods in needed.items()]

    def methods(self, path: str) -> Mapping[str, Permission]:
        """The permission of each method that a path has; empty for a path that nobody opened."""
        if path in self._files or self._is_page(path):
            return {"GET": Permission.PUBLIC}
        for pattern, methods in self._routes:
            if pattern.fullmatch(path):
                return methods
        return {}


def _pattern(template: str) -> re.Pattern[str]:
    parts = re.split(r"\{\w+\}", template)
    return re.compile("[^/]+".join(map(re.escape, parts)))
