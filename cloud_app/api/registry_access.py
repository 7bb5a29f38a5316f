"""What of the registry somebody may see and write.

Sites and what is at them go by the caller's sites. Operators and councils themselves are seen by
their own people and written by those who appoint these: an operator's administrator or its council.
A council also says which of its operators runs a site. What is at no site (devices in store, a
council that is new) needs all sites.
"""

from __future__ import annotations

from dataclasses import replace

from fastapi import HTTPException, status

from cloud_app.accounts.roles import Tenant, TenantKind, Tenants
from cloud_app.api.policy import Access, Permission
from cloud_app.registry.facts import Facts
from cloud_app.registry.kinds import COUNCIL, KINDS, OPERATOR, SITE, Kind, Ref
from cloud_app.registry.queries import Filter
from cloud_app.registry.things import Said, Thing, find_one
from cloud_app.storage.database import Session

_TENANTS = {COUNCIL.name: TenantKind.COUNCIL, OPERATOR.name: TenantKind.OPERATOR}


def missing(ref: Ref) -> HTTPException:
    """The answer for what is not there, and for what the caller may not know of."""
    return HTTPException(status.HTTP_404_NOT_FOUND, f"no {ref.kind} {ref.key!r}")


def may_see(access: Access, ref: Ref, site: str | None) -> bool:
    """Whether somebody may know of a thing at a site, or at none."""
    if access.sites.is_all:
        return True
    kind = _TENANTS.get(ref.kind)
    if kind is not None:
        return Tenant(kind, ref.key) in access.tenants
    return site is not None and access.sites.sees(site)


def seen(session: Session, access: Access, ref: Ref) -> Thing:
    """A thing that the caller may know of.

    Raises:
        HTTPException: 404.
    """
    thing = find_one(session, ref)
    if thing is None or not may_see(access, ref, thing.site):
        raise missing(ref)
    return thing


def shown_to(access: Access, kind: Kind, wanted: Filter) -> Filter:
    """The same filter, for what the caller may know of."""
    if access.sites.is_all:
        return wanted
    tenant_kind = _TENANTS.get(kind.name)
    if tenant_kind is None:
        return replace(wanted, sites=access.sites.wanted)
    return replace(wanted, keys={each.name for each in access.tenants if each.kind is tenant_kind})


def refuse_strangers(
    session: Session, access: Access, ref: Ref, given: Facts | None, tenants: Tenants
) -> None:
    """Let a caller write what is theirs, before the change and after it.

    Args:
        session: to read.
        access: of the caller.
        ref: what is written.
        given: the facts that are said; None for none.
        tenants: who there is.

    Raises:
        HTTPException: 403 or 404.
    """
    if access.sites.is_all:
        return
    known = find_one(session, ref)
    if known is not None and not may_see(access, ref, known.site):
        raise missing(ref)
    said = {} if given is None else given.model_dump(mode="json", exclude_unset=True)
    before = {} if known is None else dict(known.said)
    kind = KINDS[ref.kind]
    if kind not in {COUNCIL, OPERATOR, SITE}:
        site = kind.site_of(ref.key, {**before, **said})
        if site is None or not access.sites.sees(site):
            raise missing(ref if site is None else Ref(SITE.name, site))
        return
    ours = access.to(Permission.PEOPLE).tenants
    owner = tenants.owner(session, ref.key) if kind is SITE else _itself(ref)
    if known is None:
        # A name that the configuration gives to somebody else is not free.
        is_free = kind is not COUNCIL and (owner is None or owner not in tenants.all(session))
        if not is_free and owner not in ours:
            raise missing(ref)
    elif kind is not SITE and owner not in ours:
        raise missing(ref)
    if kind.parent_fact is not None:
        _refuse_handover(kind, ours, None if known is None else before, said)


def _itself(ref: Ref) -> Tenant:
    return Tenant(_TENANTS[ref.kind], ref.key)


def _refuse_handover(kind: Kind, ours: frozenset[Tenant], before: Said | None, said: Said) -> None:
    """Let whom a site or an operator belongs to be said only by who has both, now and then."""
    fact = str(kind.parent_fact)
    then = [] if before is None else [before.get(fact)]
    if before is not None and (fact not in said or said[fact] == before.get(fact)):
        return
    parent = TenantKind(str(kind.parent))
    for each in [*then, said.get(fact)]:
        if each is None or Tenant(parent, each) not in ours:
            told = f"the {parent} of this {kind.name} is said by who appoints the people of both"
            raise HTTPException(status.HTTP_403_FORBIDDEN, told)
