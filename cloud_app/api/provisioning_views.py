"""What the API tells of codes, boxes that wait, and certificates."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import Self

from pydantic import BaseModel, Field

from cloud_app.api.account_views import Body
from cloud_app.fleet.authority.claims import ClaimCode, ClaimState
from cloud_app.fleet.authority.issuing import Issued
from cloud_app.fleet.authority.own_issuer import AuthorityCertificate, AuthorityKind
from cloud_app.fleet.authority.waiting import WaitingBox, WaitingState
from cloud_app.fleet.authority.x509 import Profile
from cloud_app.storage.times import from_ms
from telemetry import EdgeId, SiteId


class CertificateState(StrEnum):
    """Whether a certificate holds."""

    HOLDS = "holds"
    EXPIRED = "expired"
    REVOKED = "revoked"


class AuthorityView(BaseModel):
    """A root or issuing certificate."""

    kind: AuthorityKind
    fingerprint: str
    made: datetime
    ends: datetime

    @classmethod
    def of(cls, each: AuthorityCertificate) -> Self:
        """As the API writes it."""
        return cls(
            kind=each.kind,
            fingerprint=each.authority,
            made=from_ms(each.made_ms),
            ends=from_ms(each.ends_ms),
        )


class ProvisioningView(BaseModel):
    """How boxes come in here."""

    authorities: list[AuthorityView] = Field(description="empty: no box can come in yet")
    command: str = Field(description="what is typed on a box that has no code")
    code_hours: float


class CodeRequest(Body):
    """A code to make."""

    site: SiteId
    edge: EdgeId | None = Field(default=None, description="also to replace a box of that id")
    hours: float | None = Field(default=None, gt=0, le=8760)


class CodeView(BaseModel):
    """A one-time code; the code itself is not kept."""

    id: str
    site: str
    edge: str | None
    state: ClaimState
    made_by: str
    made: datetime
    ends: datetime
    used: datetime | None
    box: str | None = Field(description="that used it")

    @classmethod
    def of(cls, claim: ClaimCode, now_ms: int) -> Self:
        """As the API writes it."""
        return cls(
            id=claim.claim,
            site=claim.site,
            edge=claim.edge,
            state=claim.state(now_ms),
            made_by=claim.made_by,
            made=from_ms(claim.made_ms),
            ends=from_ms(claim.ends_ms),
            used=from_ms(claim.used_ms),
            box=claim.box,
        )


class NewCode(BaseModel):
    """A code that was made, shown only now."""

    code: str
    command: str = Field(description="what is typed on the box")
    made: CodeView


class WaitingView(BaseModel):
    """A box that came without a code."""

    fingerprint: str = Field(description="the box shows the same")
    state: WaitingState
    edge: str | None
    site: str | None
    note: str
    address: str
    first: datetime
    last: datetime
    decided: datetime | None
    decided_by: str | None

    @classmethod
    def of(cls, box: WaitingBox) -> Self:
        """As the API writes it."""
        return cls(
            fingerprint=box.fingerprint,
            state=box.state,
            edge=box.edge,
            site=box.site,
            note=box.note,
            address=box.address,
            first=from_ms(box.first_ms),
            last=from_ms(box.last_ms),
            decided=from_ms(box.decided_ms),
            decided_by=box.decided_by,
        )


class Approval(Body):
    """Under which name a box comes in, and where."""

    edge: EdgeId
    site: SiteId


class CertificateView(BaseModel):
    """A certificate that was issued."""

    serial: str
    profile: Profile
    name: str
    site: str | None
    fingerprint: str
    state: CertificateState
    starts: datetime
    ends: datetime
    made: datetime
    made_by: str
    revoked: datetime | None
    revoked_by: str | None

    @classmethod
    def of(cls, each: Issued, now_ms: int) -> Self:
        """As the API writes it."""
        if each.revoked_ms is not None:
            state = CertificateState.REVOKED
        else:
            state = CertificateState.HOLDS if each.holds(now_ms) else CertificateState.EXPIRED
        return cls(
            serial=each.serial,
            profile=each.profile,
            name=each.name,
            site=each.site,
            fingerprint=each.fingerprint,
            state=state,
            starts=from_ms(each.starts_ms),
            ends=from_ms(each.ends_ms),
            made=from_ms(each.made_ms),
            made_by=each.made_by,
            revoked=from_ms(each.revoked_ms),
            revoked_by=each.revoked_by,
        )
