"""How a box gets, keeps and loses its place: what it and lotsight-cloud say to each other by HTTPS.

A box makes its key itself and sends a signing request (PKCS #10): with a one-time code, or without
one and then a person approves it. The answer carries its certificate and its home: which broker,
which site, which name. Before the certificate ends the box asks for the next one and signs that
request with the key that it has; so a proxy that ends TLS changes nothing.

A broker with AWS IoT's own service is asked over MQTT instead (`telemetry.aws`).
"""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated, Final

from pydantic import Field, StringConstraints

from telemetry.aws import DEFAULT_ROOT
from telemetry.bounds import NO_NUL, Text1k, Text128, UtcTime
from telemetry.messages import Message
from telemetry.vocabulary import EdgeId, SiteId

PATH: Final = "/api/v1/provisioning"
CLAIM_PATH: Final = f"{PATH}/claims"
ANNOUNCE_PATH: Final = f"{PATH}/announcements"
RENEW_PATH: Final = f"{PATH}/renewals"
AUTHORITY_PATH: Final = f"{PATH}/authority.pem"
CRL_PATH: Final = f"{PATH}/crl.pem"

Pem = Annotated[str, StringConstraints(min_length=1, max_length=8192, pattern=NO_NUL)]
_Chain = Annotated[str, StringConstraints(min_length=1, max_length=65_536, pattern=NO_NUL)]
_Host = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9._:-]{1,253}$")]
_Url = Annotated[str, StringConstraints(pattern=r"^https?://[^\s\x00]{1,500}$")]
Code = Annotated[str, StringConstraints(min_length=1, max_length=64, pattern=NO_NUL)]


class Refusal(StrEnum):
    """Why a box gets no certificate, for the box to act on."""

    BAD_REQUEST = "bad_request"
    CODE_UNKNOWN = "code_unknown"
    CODE_USED = "code_used"
    CODE_EXPIRED = "code_expired"
    CODE_REVOKED = "code_revoked"
    NAME_TAKEN = "name_taken"
    OTHER_NAME = "other_name"
    REFUSED = "refused"
    REVOKED = "revoked"
    NOT_OURS = "not_ours"
    EXPIRED = "expired"
    FULL = "full"
    CANNOT_ISSUE = "cannot_issue"


class Home(Message):
    """Where a box belongs; it may change with any renewal."""

    edge: EdgeId
    site: SiteId
    host: _Host = Field(description="of the broker")
    port: Annotated[int, Field(ge=1, le=65_535)] = 8883
    prefix: Annotated[str, Field(min_length=1, max_length=128)] = "pk"
    aws_root: Annotated[str, Field(min_length=1, max_length=128)] = DEFAULT_ROOT
    cloud: _Url = Field(description="where the next certificate is asked for")


class Claim(Message):
    """A box with a one-time code."""

    code: Code
    csr: Pem
    note: Text128 = Field(default="", description="what the box says of itself, such as its model")


class Announcement(Message):
    """A box without a code; the same is sent again until a person has decided."""

    csr: Pem
    site: SiteId | None = Field(default=None, description="that it wants to belong to")
    note: Text128 = ""


class Renewal(Message):
    """A box that has a certificate asks for the next one."""

    csr: Pem = Field(description="of a new key")
    certificate: _Chain = Field(description="the present one")
    signature: Annotated[str, Field(max_length=2048)] = Field(
        description="base64, by the present key over `signed_content(csr)` with SHA-256"
    )


class Admission(Message):
    """A box is in."""

    certificate: _Chain = Field(description="PEM: the box's own, then those that issued it")
    authority: _Chain = Field(description="PEM: the root that the box trusts from now on")
    home: Home
    at: UtcTime = Field(description="the cloud's clock, for a box whose own is wrong")


class Waiting(Message):
    """A person has to approve; ask again after `retry_s`."""

    fingerprint: str = Field(description="of the box's key, as the page shows it")
    retry_s: Annotated[float, Field(gt=0, le=3600)] = 5.0


class Refused(Message):
    """A box gets no certificate."""

    why: Refusal
    detail: Text1k


def signed_content(csr: str) -> bytes:
    """What a renewal signs: its request, with a purpose that no other signature has."""
    return b"lotsight renewal v1\n" + csr.encode()
