"""A box asks for its place; each way may be cut off at any moment and simply run again."""

from __future__ import annotations

import base64
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta

from edge_app.delivery.errors import CertificateError
from edge_app.provisioning.cloud import Cloud, Trust
from edge_app.provisioning.errors import CloudUnreachable
from edge_app.provisioning.identity import IdentityFolder
from edge_app.provisioning.keys import fingerprint_of, sign, signing_request
from telemetry.provisioning import (
    Admission,
    Announcement,
    Claim,
    Home,
    Renewal,
    Waiting,
    signed_content,
)


@dataclass(frozen=True, slots=True)
class Wishes:
    """What a box says of itself.

    Attributes:
        edge: the name that it wants; None: the cloud names it.
        site: where it wants to belong, without a code.
        note: its model, or what else helps a person.
    """

    edge: str | None = None
    site: str | None = None
    note: str = ""


def claim(cloud: Cloud, folder: IdentityFolder, code: str, wishes: Wishes) -> Home:
    """Come in with a one-time code.

    Raises:
        LinkError: refused, unreachable, or the answer is not for this box.
    """
    key = folder.next_key()
    request = signing_request(key, wishes.edge)
    admission = cloud.claim(Claim(code=code, csr=request, note=wishes.note))
    folder.install(admission, key)
    return admission.home


def announce(
    cloud: Cloud,
    folder: IdentityFolder,
    wishes: Wishes,
    tell: Callable[[str], None],
    wait: Callable[[float], None],
) -> Home:
    """Come in once a person has compared the fingerprint and approved.

    Args:
        cloud: that is asked.
        folder: of the identity.
        wishes: what the box says of itself.
        tell: shows a line to the technician.
        wait: for so many seconds; raises to give up.

    Raises:
        LinkError: refused, or the answer is not for this box.
    """
    key = folder.next_key()
    told = False
    asked = Announcement(csr=signing_request(key, wishes.edge), site=wishes.site, note=wishes.note)
    while True:
        try:
            answer: Admission | Waiting = cloud.announce(asked)
        except CloudUnreachable as exc:
            if not told:
                raise
            tell(f"{exc}; trying again")
            wait(10.0)
            continue
        if isinstance(answer, Admission):
            folder.install(answer, key)
            return answer.home
        if not told:
            tell("waiting for approval: on the cloud's page Provisioning, compare this fingerprint")
            tell(f"  {fingerprint_of(key.public_key())}")
            told = True
        wait(answer.retry_s)


def renew(cloud: Cloud, folder: IdentityFolder) -> Home:
    """Get the next certificate with a new key; the present one stays until the new one connected.

    Raises:
        LinkError: refused, unreachable, or the answer is not for this box.
    """
    present, key = folder.key(), folder.next_key()
    request = signing_request(key, None)
    signature = base64.b64encode(sign(present, signed_content(request))).decode("ascii")
    admission = cloud.renew(Renewal(csr=request, certificate=folder.chain(), signature=signature))
    folder.install(admission, key, keep_old=True)
    return admission.home


def cloud_of(folder: IdentityFolder, home: Home) -> Cloud:
    """The cloud that a provisioned box asks; it trusts its own authority and the system's.

    Raises:
        LinkError: its address or the authority's file cannot be used.
    """
    try:
        files = (folder.ca_file, folder.cloud_ca_file)
        pem = "".join(each.read_text(encoding="ascii") for each in files if each.exists())
    except (OSError, UnicodeDecodeError) as exc:
        msg = f"{folder.path}: cannot read whom the box trusts: {exc}"
        raise CertificateError(msg) from exc
    return Cloud(home.cloud, Trust(pem))


def clock_text(off: timedelta) -> str:
    """How wrong the box's clock is, for a person."""
    way = "behind" if off > timedelta() else "ahead of"
    seconds = abs(off).total_seconds()
    for unit, length_s in (("days", 86_400), ("hours", 3600), ("minutes", 60)):
        if seconds >= 2 * length_s:
            return f"this box's clock is {seconds / length_s:.0f} {unit} {way} the cloud's"
    return f"this box's clock is {seconds:.0f} seconds {way} the cloud's"
