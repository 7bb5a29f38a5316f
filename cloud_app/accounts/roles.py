"""Roles, tenants, and which sites belong to whom."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol, Self

from cloud_app.config import AccountsConfig
from cloud_app.errors import AccountError
from cloud_app.storage.database import Session


class TenantKind(StrEnum):
    """What somebody can be a member of."""

    COUNCIL = "council"
    OPERATOR = "operator"


class Role(StrEnum):
    """A role at a tenant; its permissions are defined in `cloud_app.api.policy`."""

    VIEWER = "viewer"
    TECHNICIAN = "technician"
    OPERATOR_ADMIN = "operator admin"
    COUNCIL = "council"

    @property
    def tenant_kind(self) -> TenantKind:
        """Where one can have this role."""
        return TenantKind.COUNCIL if self is Role.COUNCIL else TenantKind.OPERATOR

    @property
    def manages_people(self) -> bool:
        """Whether it gives and takes roles; the last one who can must stay."""
        return self in {Role.OPERATOR_ADMIN, Role.COUNCIL}


@dataclass(frozen=True, slots=True, order=True)
class Tenant:
    """A council or an operator; as text `council:city`."""

    kind: TenantKind
    name: str

    def __str__(self) -> str:
        """The form in tables and requests."""
        return f"{self.kind.value}:{self.name}"

    @classmethod
    def parse(cls, text: str) -> Self:
        """The tenant of a text.

        Raises:
            AccountError: invalid.
        """
        kind, _, name = text.partition(":")
        if kind not in set(TenantKind) or not name:
            msg = f"expected council:NAME or operator:NAME, but got {text[:80]!r}"
            raise AccountError(msg)
        return cls(TenantKind(kind), name)


@dataclass(frozen=True, slots=True)
class Membership:
    """A role at a tenant."""

    tenant: Tenant
    role: Role

    def __post_init__(self) -> None:
        if self.role.tenant_kind is not self.tenant.kind:
            msg = (
                f"the role {self.role.value!r} exists at {_article(self.role.tenant_kind)} only, "
                f"but got {self.tenant}"
            )
            raise AccountError(msg)


def _article(kind: TenantKind) -> str:
    return "an operator" if kind is TenantKind.OPERATOR else "a council"


class Tenants(Protocol):
    """Who there is, and which sites are theirs."""

    def all(self, session: Session) -> frozenset[Tenant]:
        """Every council and operator."""
        ...

    def sites(self, session: Session, tenant: Tenant) -> frozenset[str] | None:
        """Sites of a tenant: none for an unknown one; None for all sites there are."""
        ...

    def within(self, session: Session, tenant: Tenant) -> frozenset[Tenant]:
        """A tenant and, for a council, its operators; empty for an unknown one."""
        ...

    def above(self, session: Session, tenant: Tenant) -> frozenset[Tenant]:
        """Councils that an operator belongs to."""
        ...

    def owner(self, session: Session, site: str) -> Tenant | None:
        """The operator that runs a site; None if nobody said it."""
        ...


class ConfiguredTenants:
    """The councils and operators of the configuration; without any, one of each sees all sites."""

    def __init__(self, config: AccountsConfig) -> None:
        self._sites: Mapping[Tenant, frozenset[str] | None] = {
            Tenant(TenantKind.OPERATOR, each.name): each.sites for each in config.operators
        }
        self._councils = {
            Tenant(TenantKind.COUNCIL, council): frozenset(
                Tenant(TenantKind.OPERATOR, each.name)
                for each in config.operators
                if each.council == council
            )
            for council in {each.council for each in config.operators}
        }

    def all(self, session: Session) -> frozenset[Tenant]:
        """Every council and operator."""
        return frozenset(self._sites) | frozenset(self._councils)

    def sites(self, session: Session, tenant: Tenant) -> frozenset[str] | None:
        """Sites of a tenant; a council has those of its operators."""
        found: set[str] = set()
        for operator in self._councils.get(tenant, {tenant}):
            sites = self._sites.get(operator, frozenset())
            if sites is None:
                return None
            found |= sites
        return frozenset(found)

    def within(self, session: Session, tenant: Tenant) -> frozenset[Tenant]:
        """A tenant and, for a council, its operators."""
        if tenant in self._councils:
            return self._councils[tenant] | {tenant}
        return frozenset({tenant} if tenant in self._sites else ())

    def above(self, session: Session, tenant: Tenant) -> frozenset[Tenant]:
        """The council that an operator belongs to."""
        return frozenset(
            council for council, operators in self._councils.items() if tenant in operators
        )

    def owner(self, session: Session, site: str) -> Tenant | None:
        """The operator that runs a site: before one that runs all there are, one that names it."""
        named = (tenant for tenant, sites in self._sites.items() if sites and site in sites)
        others = (tenant for tenant, sites in self._sites.items() if sites is None)
        return next(named, next(others, None))


def known(tenants: Tenants, session: Session, text: str | None, role: Role) -> Tenant:
    """The tenant that is meant; without a text the only one where the role can be had.

    Raises:
        AccountError: unknown, or more than one can be meant.
    """
    there = tenants.all(session)
    if text is None:
        fitting = sorted(each for each in there if each.kind is role.tenant_kind)
        if len(fitting) != 1:
            msg = f"expected one tenant, of {', '.join(map(str, fitting)) or 'none'}, but got none"
            raise AccountError(msg)
        return fitting[0]
    tenant = Tenant.parse(text)
    if tenant not in there:
        msg = f"expected one of {', '.join(map(str, sorted(there)))}, but got {tenant}"
        raise AccountError(msg)
    return tenant
