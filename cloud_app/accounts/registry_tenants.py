"""The councils and operators of the registry, beside those of the configuration."""

from __future__ import annotations

from cloud_app.accounts.roles import Tenant, TenantKind, Tenants
from cloud_app.registry import queries
from cloud_app.registry.kinds import COUNCIL, OPERATOR, Kind
from cloud_app.registry.queries import Filter
from cloud_app.storage.database import Session


class RegistryTenants:
    """Whoever the registry names, with the sites that it gives them."""

    def all(self, session: Session) -> frozenset[Tenant]:
        """Every council and operator."""
        councils = _of_kind(session, COUNCIL, TenantKind.COUNCIL)
        return councils | _of_kind(session, OPERATOR, TenantKind.OPERATOR)

    def sites(self, session: Session, tenant: Tenant) -> frozenset[str] | None:
        """Sites of a tenant; a council has those of its operators."""
        if tenant.kind is TenantKind.COUNCIL:
            return queries.sites_of_council(session, tenant.name)
        return queries.sites_of_operator(session, tenant.name)

    def within(self, session: Session, tenant: Tenant) -> frozenset[Tenant]:
        """A tenant and, for a council, its operators."""
        if tenant.kind is TenantKind.OPERATOR:
            return frozenset({tenant})
        operators = queries.operators_of_council(session, tenant.name)
        return frozenset(Tenant(TenantKind.OPERATOR, name) for name in operators) | {tenant}

    def above(self, session: Session, tenant: Tenant) -> frozenset[Tenant]:
        """The council that an operator belongs to."""
        council = (
            queries.council_of(session, tenant.name) if tenant.kind is TenantKind.OPERATOR else None
        )
        return frozenset() if council is None else frozenset({Tenant(TenantKind.COUNCIL, council)})

    def owner(self, session: Session, site: str) -> Tenant | None:
        """The operator that runs a site; None if nobody said it."""
        operator = queries.operator_of(session, site)
        return None if operator is None else Tenant(TenantKind.OPERATOR, operator)


def _of_kind(session: Session, kind: Kind, tenant_kind: TenantKind) -> frozenset[Tenant]:
    names = (each.ref.key for each in queries.every_thing(session, Filter(kind)))
    return frozenset(Tenant(tenant_kind, name) for name in names)


class JoinedTenants:
    """Tenants of two sources; one that both know has what either gives it."""

    def __init__(self, first: Tenants, second: Tenants) -> None:
        self._both = (first, second)

    def all(self, session: Session) -> frozenset[Tenant]:
        """Every council and operator of either."""
        return frozenset().union(*(each.all(session) for each in self._both))

    def sites(self, session: Session, tenant: Tenant) -> frozenset[str] | None:
        """Sites by either, of a council those of its operators; None, all, if one says so."""
        found: frozenset[str] = frozenset()
        # An operator that one source puts below a council may have its sites from the other.
        for member in self.within(session, tenant):
            for each in self._both:
                sites = each.sites(session, member)
                if sites is None:
                    return None
                found |= sites
        return found

    def within(self, session: Session, tenant: Tenant) -> frozenset[Tenant]:
        """A tenant and what either puts below it."""
        return frozenset().union(*(each.within(session, tenant) for each in self._both))

    def above(self, session: Session, tenant: Tenant) -> frozenset[Tenant]:
        """Councils that either puts above an operator."""
        return frozenset().union(*(each.above(session, tenant) for each in self._both))

    def owner(self, session: Session, site: str) -> Tenant | None:
        """The operator that runs a site: as the second says, else as the first does."""
        first, second = self._both
        return second.owner(session, site) or first.owner(session, site)
