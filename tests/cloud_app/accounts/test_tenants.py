"""Which sites belong to whom: by the configuration, by the registry, by both."""

from __future__ import annotations

import pytest

from cloud_app.accounts.registry_tenants import JoinedTenants, RegistryTenants
from cloud_app.accounts.roles import ConfiguredTenants, Tenant, Tenants
from cloud_app.config import AccountsConfig, OperatorConfig
from cloud_app.registry.edits import Edit, state
from cloud_app.registry.kinds import Ref
from cloud_app.storage.database import Database

CITY, SEA = Tenant.parse("council:city"), Tenant.parse("council:sea")
PARKCO, OTHER = Tenant.parse("operator:parkco"), Tenant.parse("operator:other")
CONFIG = AccountsConfig(
    operators=(
        OperatorConfig(name="parkco", council="city", sites=frozenset({"north", "south"})),
        OperatorConfig(name="other", council="sea", sites=frozenset({"west"})),
    )
)


@pytest.fixture
def registered(database: Database) -> Database:
    """The same facts in the registry."""
    things: tuple[tuple[str, str, dict[str, str]], ...] = (
        ("council", "city", {}),
        ("council", "sea", {}),
        ("operator", "parkco", {"council": "city"}),
        ("operator", "other", {"council": "sea"}),
        ("site", "north", {"operator": "parkco"}),
        ("site", "south", {"operator": "parkco"}),
        ("site", "west", {"operator": "other"}),
    )
    with database.write() as session:
        for kind, key, facts in things:
            state(session, Edit(Ref(kind, key), "test", 0, None), facts)
    return database


@pytest.mark.parametrize(
    "tenants",
    [
        pytest.param(ConfiguredTenants(CONFIG), id="configured"),
        pytest.param(RegistryTenants(), id="registry"),
        pytest.param(JoinedTenants(ConfiguredTenants(CONFIG), RegistryTenants()), id="both"),
    ],
)
def test_either_source_says_the_same(registered: Database, tenants: Tenants) -> None:
    with registered.read() as session:
        assert tenants.all(session) == {CITY, SEA, PARKCO, OTHER}
        assert tenants.sites(session, PARKCO) == frozenset({"north", "south"})
        assert tenants.sites(session, CITY) == frozenset({"north", "south"})
        assert tenants.sites(session, Tenant.parse("operator:nobody")) == frozenset()
        assert tenants.within(session, CITY) == {CITY, PARKCO}
        assert tenants.within(session, OTHER) == {OTHER}
        assert tenants.above(session, OTHER) == {SEA}
        assert tenants.above(session, SEA) == frozenset()


def test_without_configuration_one_operator_has_all(database: Database) -> None:
    tenants = ConfiguredTenants(AccountsConfig())
    with database.read() as session:
        assert tenants.sites(session, Tenant.parse("operator:main")) is None
        assert tenants.sites(session, Tenant.parse("council:main")) is None
        assert tenants.sites(session, PARKCO) == frozenset()
