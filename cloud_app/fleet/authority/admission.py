"""How a box comes in, stays, and is put out.

Three ways in: a one-time code, a person's approval, and the certificate that it has. All end in
`_admit`, which decides on the name: no box gets one that another box or the cloud itself has.
"""

from __future__ import annotations

import base64
import binascii
from dataclasses import dataclass, replace
from datetime import timedelta

from cloud_app.accounts.assembly import Accounts
from cloud_app.accounts.audit import Actor, ActorKind, Subject, record
from cloud_app.accounts.roles import Tenants
from cloud_app.config import CloudConfig
from cloud_app.errors import AuthorityError, RequestRefusedError, StorageError
from cloud_app.fleet.authority import claims, waiting
from cloud_app.fleet.authority.homes import Homes
from cloud_app.fleet.authority.issuing import Issued, Issuer, Order, by_serial, of_name, revoke
from cloud_app.fleet.authority.own_issuer import OwnIssuer
from cloud_app.fleet.authority.passwords import has_password
from cloud_app.fleet.authority.waiting import WaitingBox, WaitingState
from cloud_app.fleet.authority.x509 import (
    Profile,
    SigningRequest,
    is_signed_by,
    load,
    public_key_of,
    read_request,
    serial_of,
)
from cloud_app.registry.layouts import take_layouts
from cloud_app.storage.database import Session
from cloud_app.storage.placing import register_edge, sites_of
from cloud_app.storage.times import from_ms
from telemetry import is_identifier
from telemetry.provisioning import (
    Admission,
    Announcement,
    Claim,
    Refusal,
    Renewal,
    Waiting,
    signed_content,
)

_DAY_MS = 86_400_000
_DAILY_MAX = 20
"""Certificates of one box in a day: more is a box gone wild, which must not fill the tables."""


@dataclass(frozen=True, slots=True)
class Wish:
    """What a box is to become.

    Attributes:
        name: edge id.
        site: that it belongs to.
        may_replace: it takes the place of a box of that name.
    """

    name: str
    site: str
    may_replace: bool = False


@dataclass(frozen=True, slots=True)
class Admissions:
    """Lets boxes in. Every method wants a writing transaction of the caller.

    Attributes:
        issuer: of certificates.
        homes: where boxes are sent.
        tenants: whose sites they are, for the audit log.
    """

    issuer: Issuer
    homes: Homes
    tenants: Tenants

    @classmethod
    def of(cls, config: CloudConfig, accounts: Accounts) -> Admissions:
        """With our own authority."""
        return cls(OwnIssuer(), Homes(config, accounts.url), accounts.tenants)

    def claim(self, session: Session, asked: Claim, address: str, now_ms: int) -> Admission:
        """Let a box in that has a code.

        Raises:
            RequestRefusedError: code, request or name are not as they must be.
            AuthorityError: nothing can be issued now.
        """
        request = read_request(asked.csr)
        code = claims.open_claim(session, asked.code, request.fingerprint, now_ms)
        if code.edge is not None and request.name not in {None, code.edge}:
            msg = (
                f"this code is for the box {code.edge}, but the request names {request.name}: "
                "leave the name out, or have a code made for that box"
            )
            raise RequestRefusedError(msg, Refusal.OTHER_NAME)
        name = code.edge or code.box or request.name or _made_up(request)
        actor = Actor(ActorKind.BOX, request.fingerprint, address, now_ms)
        # A code that names a box was made for just this: to let it in, or another in its place.
        wish = Wish(name, code.site, may_replace=code.edge is not None)
        admission = self._admit(session, request, wish, actor)
        claims.use_claim(session, code, request.fingerprint, name, now_ms)
        return admission

    def announce(
        self, session: Session, asked: Announcement, address: str, now_ms: int
    ) -> Admission | Waiting:
        """Let a box wait, or in if a person has approved it.

        Raises:
            RequestRefusedError: a person refused it, or too many wait.
            AuthorityError: nothing can be issued now.
        """
        request = read_request(asked.csr)
        wanted = request.name if request.name and is_identifier(request.name) else None
        came = WaitingBox(
            request.fingerprint, WaitingState.PENDING, wanted, asked.site, asked.note, address,
            now_ms, now_ms, None, None,
        )  # fmt: skip
        box = waiting.arrive(session, came, self.homes.config.provisioning.waiting_max)
        actor = Actor(ActorKind.BOX, request.fingerprint, address, now_ms)
        if box is came:
            subject = Subject("box", box.fingerprint, self._owner(session, box.site))
            record(session, actor, "box.announce", subject, None, {"edge": wanted})
        if box.state is WaitingState.PENDING:
            return Waiting(fingerprint=box.fingerprint)
        if box.state is WaitingState.REFUSED:
            at = from_ms(box.decided_ms or 0)
            msg = f"a person refused this box on {at:%d %B %Y, %H:%M} UTC"
            raise RequestRefusedError(msg, Refusal.REFUSED)
        assert box.edge is not None  # noqa: S101 - what is approved has a name
        assert box.site is not None  # noqa: S101
        return self._admit(session, request, Wish(box.edge, box.site), actor)

    def approve(
        self, session: Session, actor: Actor, box: WaitingBox, wish: tuple[str, str]
    ) -> WaitingBox:
        """Let a box in that waits, under a name and at a site; it learns of it when it asks again.

        Raises:
            RequestRefusedError: another box has the name.
        """
        name, site = wish
        self._see_that_free(session, Wish(name, site), box.fingerprint, actor.at_ms)
        return self._decide(
            session, actor, replace(box, state=WaitingState.APPROVED, edge=name, site=site)
        )

    def refuse(self, session: Session, actor: Actor, box: WaitingBox) -> WaitingBox:
        """Keep a box out that waits."""
        return self._decide(session, actor, replace(box, state=WaitingState.REFUSED))

    def renew(self, session: Session, asked: Renewal, address: str, now_ms: int) -> Admission:
        """Give a box its next certificate; the present one holds until its end.

        Raises:
            RequestRefusedError: the present certificate is not one of ours, revoked or long over,
                or the request is not from its holder.
            AuthorityError: nothing can be issued now.
        """
        request, present = read_request(asked.csr), self._present(session, asked, now_ms)
        if request.name not in {None, present.name}:
            msg = (
                f"the certificate is that of {present.name}, but the request names {request.name}: "
                "a box renews its own only"
            )
            raise RequestRefusedError(msg, Refusal.OTHER_NAME)
        if request.fingerprint == present.fingerprint:
            msg = "expected a request with a new key, but got one with the present certificate's"
            raise RequestRefusedError(msg)
        if not is_signed_by(
            public_key_of(load(present.pem)), _bytes(asked.signature), signed_content(asked.csr)
        ):
            msg = "the request is not signed with the key of the present certificate"
            raise RequestRefusedError(msg)
        site = sites_of(session, [present.name]).get(present.name) or present.site or ""
        actor = Actor(ActorKind.BOX, present.name, address, now_ms)
        return self._certified(session, request, Wish(present.name, site), actor)

    def put_out(self, session: Session, actor: Actor, name: str) -> list[Issued]:
        """Revoke every certificate of a box or server; those that held until now."""
        ended = revoke(session, name, actor.name, actor.at_ms)
        if ended:
            site = sites_of(session, [name]).get(name) or ended[0].site
            subject = self._subject(session, name, site)
            serials = {"serials": [each.serial for each in ended]}
            record(session, actor, "certificate.revoke", subject, serials)
        return ended

    # -- what all ways share -----------------------------------------------------------------------

    def _admit(
        self, session: Session, request: SigningRequest, wish: Wish, actor: Actor
    ) -> Admission:
        self._see_that_free(session, wish, request.fingerprint, actor.at_ms)
        if wish.may_replace and any(
            each.fingerprint != request.fingerprint for each in of_name(session, wish.name)
        ):
            self._end_others(session, actor, wish, request.fingerprint)
        try:
            register_edge(session, wish.name, wish.site)
        except StorageError as exc:
            raise RequestRefusedError(str(exc), Refusal.NAME_TAKEN) from exc
        # Of two that came at once with one name, the second waited for the first's commit just now.
        others = (each for each in of_name(session, wish.name) if each.holds(actor.at_ms))
        if any(each.fingerprint != request.fingerprint for each in others):
            msg = f"another box came in as {wish.name} just now: choose another name"
            raise RequestRefusedError(msg, Refusal.NAME_TAKEN)
        take_layouts(session, [wish.name], actor.at_ms)
        return self._certified(session, request, wish, actor)

    def _end_others(self, session: Session, actor: Actor, wish: Wish, fingerprint: str) -> None:
        """Of a replaced box no certificate holds any more."""
        holding = [each for each in of_name(session, wish.name) if each.holds(actor.at_ms)]
        if holding and all(each.fingerprint == fingerprint for each in holding):
            return
        self.put_out(session, actor, wish.name)

    def _certified(
        self, session: Session, request: SigningRequest, wish: Wish, actor: Actor
    ) -> Admission:
        """The certificate of that key: the one that it has, or a new one."""
        ours = of_name(session, wish.name)
        same = (each for each in ours if each.fingerprint == request.fingerprint)
        made = next((each for each in same if each.holds(actor.at_ms)), None)
        if made is None:
            if sum(each.made_ms > actor.at_ms - _DAY_MS for each in ours) >= _DAILY_MAX:
                msg = f"{wish.name} got {_DAILY_MAX} certificates in a day: no more until tomorrow"
                raise RequestRefusedError(msg, Refusal.FULL)
            life = timedelta(days=self.homes.config.provisioning.box_days)
            order = Order(Profile.BOX, wish.name, request.key, life, wish.site)
            try:
                made = self.issuer.issue(session, order, actor.name, actor.at_ms)
            except AuthorityError as exc:
                msg = f"the cloud cannot issue certificates now: {exc}"
                raise RequestRefusedError(msg, Refusal.CANNOT_ISSUE) from exc
            facts = {"serial": made.serial, "ends_ms": made.ends_ms, "site": wish.site}
            subject = self._subject(session, wish.name, wish.site)
            record(session, actor, "certificate.issue", subject, None, facts)
        return Admission(
            certificate=self.issuer.chain(session, made),
            authority=self.issuer.roots(session),
            home=self.homes.of(wish.name, wish.site),
            at=from_ms(actor.at_ms),
        )

    def _see_that_free(self, session: Session, wish: Wish, fingerprint: str, now_ms: int) -> None:
        """Refuse a name that is no name, that is the cloud's, or that another box has."""
        name = wish.name
        if not is_identifier(name):
            msg = (
                "expected letters, digits, '_', '.', '-', at most 64, as the box's name, but got "
                f"{name[:80]!r}"
            )
            raise RequestRefusedError(msg)
        ours = of_name(session, name)
        is_reserved = name == self.homes.config.provisioning.consumer or any(
            each.profile is not Profile.BOX for each in ours
        )
        if is_reserved or (has_password(session, name) and not wish.may_replace):
            msg = f"{name} is a client or server of the cloud: give the box another name"
            raise RequestRefusedError(msg, Refusal.NAME_TAKEN)
        known = sites_of(session, [name]).get(name)
        if known is None or wish.may_replace:
            return
        if not any(each.fingerprint == fingerprint and each.holds(now_ms) for each in ours):
            msg = (
                f"{name} is another box's name, at site {known}: choose another one, or have a "
                f"code made for {name} if this box takes its place"
            )
            raise RequestRefusedError(msg, Refusal.NAME_TAKEN)

    def _present(self, session: Session, asked: Renewal, now_ms: int) -> Issued:
        shown = load(asked.certificate)
        present = by_serial(session, serial_of(shown))
        if present is None or present.profile is not Profile.BOX or load(present.pem) != shown:
            msg = "the present certificate is not one that this cloud issued to a box"
            raise RequestRefusedError(msg, Refusal.NOT_OURS)
        if present.revoked_ms is not None:
            at = from_ms(present.revoked_ms)
            msg = f"the certificate of {present.name} was revoked on {at:%d %B %Y, %H:%M} UTC"
            raise RequestRefusedError(msg, Refusal.REVOKED)
        late_days = self.homes.config.provisioning.late_days
        if now_ms > present.ends_ms + late_days * _DAY_MS:
            msg = (
                f"the certificate of {present.name} ran out on {from_ms(present.ends_ms):%d %B %Y},"
                f" more than {late_days:g} days ago: provision the box with a code for "
                f"{present.name}"
            )
            raise RequestRefusedError(msg, Refusal.EXPIRED)
        return present

    def _decide(self, session: Session, actor: Actor, box: WaitingBox) -> WaitingBox:
        decided = replace(box, decided_ms=actor.at_ms, decided_by=actor.name)
        waiting.decide(session, decided)
        subject = Subject("box", box.fingerprint, self._owner(session, box.site))
        facts = {"edge": box.edge, "site": box.site}
        record(session, actor, f"box.{box.state.value}", subject, None, facts)
        return decided

    def _subject(self, session: Session, name: str, site: str | None) -> Subject:
        return Subject("certificate", name, self._owner(session, site))

    def _owner(self, session: Session, site: str | None) -> str | None:
        """The operator of a site, for the audit log."""
        owner = None if site is None else self.tenants.owner(session, site)
        return None if owner is None else str(owner)


def _made_up(request: SigningRequest) -> str:
    """A name for a box that has none: unique, and the same for the same key."""
    return f"box-{request.fingerprint.replace('-', '')[:10].lower()}"


def _bytes(text: str) -> bytes:
    try:
        return base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError) as exc:
        msg = "expected the signature in base64"
        raise RequestRefusedError(msg) from exc
