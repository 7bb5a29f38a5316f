"""What people do to let boxes in and to put them out."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, HTTPException, Path, status

from cloud_app.api.account_errors import CHANGE_REFUSALS
from cloud_app.api.context import ActorNow, Caller, Context
from cloud_app.api.parameters import Bearer, Edge, KnownQuery
from cloud_app.api.policy import Access
from cloud_app.api.provisioning_views import (
    Approval,
    AuthorityView,
    CertificateView,
    CodeRequest,
    CodeView,
    NewCode,
    ProvisioningView,
    WaitingView,
)
from cloud_app.errors import UnknownError
from cloud_app.fleet.authority import claims, waiting
from cloud_app.fleet.authority.admission import Admissions
from cloud_app.fleet.authority.claims import ClaimPlan
from cloud_app.fleet.authority.issuing import issued, of_name
from cloud_app.fleet.authority.own_issuer import authorities
from cloud_app.fleet.authority.pinning import pin, provision_command
from cloud_app.fleet.authority.waiting import WaitingBox, known_box, waiting_boxes
from cloud_app.storage.database import Session
from cloud_app.storage.placing import sites_of
from telemetry import EdgeId
from telemetry.provisioning import PATH

_MS_PER_HOUR = 3_600_000
CodeId = Annotated[str, Path(pattern=r"^[0-9a-z]{1,40}$")]
Fingerprint = Annotated[str, Path(pattern=r"^[0-9A-Fa-f: -]{1,80}$")]
router = APIRouter(
    prefix=PATH,
    tags=["provisioning"],
    dependencies=[Bearer, KnownQuery],
    responses=CHANGE_REFUSALS,
)


@router.get("")
def get_provisioning(context: Context) -> ProvisioningView:
    """The authority, and how a box without a code announces itself."""
    homes = Admissions.of(context.config, context.accounts).homes
    with context.database.read() as session:
        found, trust = authorities(session), pin(session, context.config)
    return ProvisioningView(
        authorities=[AuthorityView.of(each) for each in found],
        command=provision_command(homes.of("box", "site").cloud, None, trust),
        code_hours=context.config.provisioning.code_hours,
    )


@router.get("/codes")
def get_codes(access: Caller, context: Context) -> list[CodeView]:
    """Codes of the caller's sites and what became of them, the newest first."""
    now_ms = context.now().now_ms
    with context.database.read() as session:
        found = claims.claims(session, access.sites.wanted)
    return [CodeView.of(each, now_ms) for each in found]


@router.post("/codes", status_code=status.HTTP_201_CREATED)
def post_code(asked: CodeRequest, access: Caller, actor: ActorNow, context: Context) -> NewCode:
    """Make a code; it is shown only now."""
    hours = asked.hours or context.config.provisioning.code_hours
    site = _site(access, asked.site)
    with context.database.write() as session:
        if asked.edge is not None:
            _see_that_theirs(session, access, asked.edge)
        plan = ClaimPlan(site, asked.edge, context.owner(session, site), int(hours * _MS_PER_HOUR))
        made, code = claims.make_claim(session, actor, plan)
        trust = pin(session, context.config)
    homes = Admissions.of(context.config, context.accounts).homes
    return NewCode(
        code=code,
        command=provision_command(homes.of(asked.edge or "box", site).cloud, code, trust),
        made=CodeView.of(made, actor.at_ms),
    )


@router.delete("/codes/{code_id}", status_code=status.HTTP_204_NO_CONTENT)
def delete_code(code_id: CodeId, access: Caller, actor: ActorNow, context: Context) -> None:
    """Revoke a code."""
    with context.database.write() as session:
        found = claims.claim_of(session, code_id)
        if not access.sites.sees(found.site):
            msg = f"there is no code {code_id[:40]!r}"
            raise UnknownError(msg)
        claims.revoke_claim(session, actor, found)


@router.get("/boxes")
def get_boxes(access: Caller, context: Context) -> list[WaitingView]:
    """Boxes that came without a code and want to belong to the caller's sites, the newest first.

    One that names no site is listed for those alone who see all sites; others find it by its
    fingerprint.
    """
    with context.database.read() as session:
        return [WaitingView.of(each) for each in waiting_boxes(session, access.sites.wanted)]


@router.get("/boxes/{fingerprint}")
def get_box(fingerprint: Fingerprint, context: Context, access: Caller) -> WaitingView:
    """A box that waits, by the fingerprint that it shows."""
    with context.database.read() as session:
        return WaitingView.of(_box(session, access, fingerprint, lock=False))


@router.post("/boxes/{fingerprint}/approval")
def post_approval(
    fingerprint: Fingerprint, asked: Approval, access: Caller, actor: ActorNow, context: Context
) -> WaitingView:
    """Let a box in that waits; it gets its certificate when it asks again."""
    site = _site(access, asked.site)
    with context.database.write() as session:
        box = _box(session, access, fingerprint)
        admissions = Admissions.of(context.config, context.accounts)
        return WaitingView.of(admissions.approve(session, actor, box, (asked.edge, site)))


@router.post("/boxes/{fingerprint}/refusal")
def post_refusal(
    fingerprint: Fingerprint, access: Caller, actor: ActorNow, context: Context
) -> WaitingView:
    """Keep a box out that waits."""
    with context.database.write() as session:
        box = _box(session, access, fingerprint)
        admissions = Admissions.of(context.config, context.accounts)
        return WaitingView.of(admissions.refuse(session, actor, box))


@router.get("/certificates")
def get_certificates(access: Caller, context: Context, edge: Edge = None) -> list[CertificateView]:
    """Certificates of the boxes at the caller's sites, the newest first."""
    now_ms = context.now().now_ms
    with context.database.read() as session:
        found = issued(session, access.sites.wanted, edge)
    return [CertificateView.of(each, now_ms) for each in found]


@router.post("/certificates/{edge}/revocation")
def post_revocation(
    edge: EdgeId, access: Caller, actor: ActorNow, context: Context
) -> list[CertificateView]:
    """Revoke every certificate of a box; the broker refuses it within a minute."""
    with context.database.write() as session:
        found = of_name(session, edge)
        _see_that_theirs(session, access, edge, found[0].site if found else None)
        if not found:
            msg = f"{edge[:64]!r} has no certificate of this cloud"
            raise UnknownError(msg)
        ended = Admissions.of(context.config, context.accounts).put_out(session, actor, edge)
    return [CertificateView.of(each, actor.at_ms) for each in ended]


def _site(access: Access, site: str) -> str:
    if not access.sites.sees(site):
        raise HTTPException(status.HTTP_404_NOT_FOUND, f"no site {site!r}")
    return site


def _box(session: Session, access: Access, fingerprint: str, *, lock: bool = True) -> WaitingBox:
    """A box by its whole fingerprint; one that was decided belongs to the site that it came to."""
    box = known_box(session, fingerprint, lock=lock)
    is_theirs = box.site is None or access.sites.sees(box.site)
    if box.state is not waiting.WaitingState.PENDING and not is_theirs:
        msg = f"no box with the fingerprint {fingerprint[:60]} waits: compare it with the box's"
        raise UnknownError(msg)
    return box


def _see_that_theirs(
    session: Session, access: Access, edge: str, site_then: str | None = None
) -> None:
    """Whether a known box is at one of the caller's sites; servers are for those who see all."""
    site = sites_of(session, [edge]).get(edge) or site_then
    if site is None and site_then is None and not of_name(session, edge):
        return
    if not (access.sites.is_all if site is None else access.sites.sees(site)):
        raise HTTPException(status.HTTP_404_NOT_FOUND, f"no edge {edge[:64]!r}")
