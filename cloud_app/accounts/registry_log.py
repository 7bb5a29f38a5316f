"""Changes of the registry in the audit log, each with whose it is."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import Any

from cloud_app.accounts.audit import Actor, Subject, record
from cloud_app.accounts.roles import Tenant, TenantKind
from cloud_app.registry.imports import Plan
from cloud_app.registry.kinds import COUNCIL, OPERATOR, SITE, Ref
from cloud_app.registry.queries import history, last_site, operator_of
from cloud_app.registry.things import Change
from cloud_app.storage.database import Session


def record_thing(session: Session, actor: Actor, ref: Ref) -> None:
    """Put the newest change of a thing into the audit log too."""
    [change] = history(session, ref, 1)
    subject = Subject(ref.kind, ref.key, _tenant(session, ref, last_site(session, ref)))
    record(session, actor, f"registry.{change.action}", subject, change.before, change.after)


def record_import(session: Session, actor: Actor, plan: Plan, file: str) -> None:
    """Put what a file changed into the audit log: a line for each operator or council.

    What it was thing by thing stands in their histories.
    """
    by_tenant: dict[str | None, list[Change]] = {}
    sites: dict[str, str | None] = {}
    for change in plan.changes:
        thing = change.after or change.before
        assert thing is not None  # noqa: S101 - for the types; a change is of something
        site = thing.site
        if site is None:
            tenant = _tenant(session, change.ref, None)
        else:
            if site not in sites:
                sites[site] = _tenant(session, Ref(SITE.name, site), site)
            tenant = sites[site]
        by_tenant.setdefault(tenant, []).append(change)
    for tenant, changes in sorted(by_tenant.items(), key=lambda item: item[0] or ""):
        subject = Subject("import", file, tenant)
        record(session, actor, "registry.import", subject, None, _told(changes))


def _tenant(session: Session, ref: Ref, site: str | None) -> str | None:
    """Whose a thing is: the operator's of its site; an operator or council is its own."""
    if ref.kind == COUNCIL.name:
        return str(Tenant(TenantKind.COUNCIL, ref.key))
    operator = ref.key if ref.kind == OPERATOR.name else None
    if site is not None:
        operator = operator_of(session, site)
    return None if operator is None else str(Tenant(TenantKind.OPERATOR, operator))


def _told(changes: list[Change]) -> Mapping[str, Any]:
    counts: dict[str, Counter[str]] = {}
    for change in changes:
        counts.setdefault(change.action.value, Counter())[change.ref.kind] += 1
    sites = {thing.site for change in changes for thing in (change.before, change.after) if thing}
    named = sorted(site for site in sites if site is not None)
    return {
        **{action: dict(sorted(kinds.items())) for action, kinds in sorted(counts.items())},
        "sites": named[:100],
    }
