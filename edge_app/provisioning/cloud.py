"""The cloud's provisioning API, asked over HTTPS.

A box whose clock is wrong can judge no certificate by its dates. It then checks name and authority
as always, and the dates by the cloud's own clock, which the verified answer carries.
"""

from __future__ import annotations

import ssl
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import TypeVar
from urllib.parse import urlsplit

import httpx
from cryptography import x509
from pydantic import BaseModel, ValidationError

from edge_app.delivery.config import is_loopback
from edge_app.delivery.errors import CertificateError, LinkError
from edge_app.delivery.tls import NO_CHECK_TIME
from edge_app.provisioning.errors import CloudUnreachable, ProvisioningRefused
from edge_app.provisioning.keys import fingerprint_of_certificate
from telemetry.messages import Message
from telemetry.provisioning import (
    ANNOUNCE_PATH,
    AUTHORITY_PATH,
    CLAIM_PATH,
    RENEW_PATH,
    Admission,
    Announcement,
    Claim,
    Refused,
    Renewal,
    Waiting,
)

_TIMEOUT_S = 30.0
# X509_V_ERR_CERT_NOT_YET_VALID and _HAS_EXPIRED.
_OUT_OF_TIME = frozenset({9, 10})
CLOCK_TOLERANCE = timedelta(minutes=5)
T = TypeVar("T", bound=BaseModel)


@dataclass(frozen=True, slots=True)
class Trust:
    """Who may vouch for the cloud's API, besides the system's authorities.

    Attributes:
        pem: certificates of authorities; empty: the system's alone.
        is_only: the system's are not asked.
    """

    pem: str = ""
    is_only: bool = False

    def context(self) -> ssl.SSLContext:
        """What checks the cloud's certificate.

        Raises:
            CertificateError: the certificates are no PEM.
        """
        try:
            if self.is_only:
                return ssl.create_default_context(cadata=self.pem)
            context = ssl.create_default_context()
            if self.pem:
                context.load_verify_locations(cadata=self.pem)
        except (ssl.SSLError, ValueError) as exc:
            msg = f"cannot use the authority's certificate for TLS: {exc}"
            raise CertificateError(msg) from exc
        return context


class Cloud:
    """Asks one cloud.

    Args:
        url: its address, such as https://cloud.example.org.
        trust: who may vouch for it.
        now: wall time, which may be wrong.

    Raises:
        ProvisioningRefused: the address is none, or a code would travel in the clear.
    """

    def __init__(
        self,
        url: str,
        trust: Trust | None = None,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        parts = urlsplit(url)
        host = parts.hostname or ""
        if parts.scheme != "https" and not (parts.scheme == "http" and is_loopback(host)):
            msg = f"expected https://HOST as the cloud's address, but got {url!r}"
            raise ProvisioningRefused(msg)
        self.url = url.rstrip("/")
        self._trust = trust or Trust()
        self._now = now
        self._clock_off: timedelta | None = None
        self._client: httpx.Client | None = None

    def __enter__(self) -> Cloud:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @property
    def clock_off(self) -> timedelta | None:
        """How far the cloud's clock is ahead of ours, if that matters; None: not at all."""
        return self._clock_off

    def claim(self, claim: Claim) -> Admission:
        """Come in with a code.

        Raises:
            ProvisioningRefused: the cloud said no.
            CloudUnreachable: it did not answer.
        """
        return self._asked(CLAIM_PATH, claim, Admission)

    def announce(self, announcement: Announcement) -> Admission | Waiting:
        """Come in by a person's approval.

        Raises:
            ProvisioningRefused: the cloud or a person said no.
            CloudUnreachable: it did not answer.
        """
        answer = self._post(ANNOUNCE_PATH, announcement)
        if answer.status_code == httpx.codes.ACCEPTED:
            return self._read(answer, Waiting)
        return self._read(answer, Admission)

    def renew(self, renewal: Renewal) -> Admission:
        """Get the next certificate.

        Raises:
            ProvisioningRefused: the cloud said no.
            CloudUnreachable: it did not answer.
        """
        return self._asked(RENEW_PATH, renewal, Admission)

    def close(self) -> None:
        """End the connection."""
        if self._client is not None:
            self._client.close()

    def _asked(self, path: str, message: Message, kind: type[T]) -> T:
        return self._read(self._post(path, message), kind)

    def _post(self, path: str, message: Message) -> httpx.Response:
        client = self._opened()
        try:
            answer = client.post(
                self.url + path,
                content=message.encode(),
                headers={"Content-Type": "application/json"},
            )
        except (httpx.HTTPError, ssl.SSLError) as exc:
            raise self._unreachable(exc) from exc
        self._note_clock(answer)
        return answer

    def _read(self, answer: httpx.Response, kind: type[T]) -> T:
        try:
            if answer.is_success:
                return kind.model_validate_json(answer.content)
            told = Refused.model_validate_json(answer.content)
        except ValidationError as exc:
            shown = answer.text.strip()[:200]
            msg = f"{self.url}: expected an answer of lotsight-cloud, but got {answer.status_code}"
            msg += f": {shown}" if shown else ""
            if answer.status_code in {408, 429} or answer.status_code >= 500:  # noqa: PLR2004
                raise CloudUnreachable(msg) from exc
            raise ProvisioningRefused(msg) from exc
        msg = f"{self.url}: {told.detail}"
        raise ProvisioningRefused(msg, told.why)

    def _opened(self) -> httpx.Client:
        """A client whose first exchange has shown that the cloud is the right one."""
        if self._client is None:
            context = self._trust.context()
            try:
                self._client = self._greeted(context)
            except (httpx.HTTPError, ssl.SSLError) as exc:
                if _verify_code(exc) not in _OUT_OF_TIME:
                    raise self._unreachable(exc) from exc
                context.verify_flags = ssl.VerifyFlags(int(context.verify_flags) | NO_CHECK_TIME)
                try:
                    self._client = self._greeted(context, by_their_clock=True)
                except (httpx.HTTPError, ssl.SSLError) as again:
                    raise self._unreachable(again) from again
        return self._client

    def _greeted(self, context: ssl.SSLContext, *, by_their_clock: bool = False) -> httpx.Client:
        client = httpx.Client(verify=context, timeout=_TIMEOUT_S, trust_env=False)
        try:
            with client.stream("GET", self.url + AUTHORITY_PATH) as answer:
                # Before the body is read: then the connection may be closed already.
                if by_their_clock:
                    self._check_by_their_clock(answer)
                answer.read()
                self._note_clock(answer)
        except BaseException:
            client.close()
            raise
        return client

    def _check_by_their_clock(self, answer: httpx.Response) -> None:
        """See that the server's certificate holds at the time that the server tells."""
        theirs = _date_of(answer)
        shown = answer.extensions["network_stream"].get_extra_info("ssl_object").getpeercert(True)
        found = x509.load_der_x509_certificate(shown)
        starts, ends = found.not_valid_before_utc, found.not_valid_after_utc
        if theirs is None or not starts <= theirs <= ends:
            msg = (
                f"{self.url}: its certificate holds from {starts:%d %B %Y} to {ends:%d %B %Y}, "
                "which is not now, by its own clock either"
            )
            raise CertificateError(msg)

    def _note_clock(self, answer: httpx.Response) -> None:
        theirs = _date_of(answer)
        if theirs is not None:
            off = theirs - self._now()
            self._clock_off = off if abs(off) > CLOCK_TOLERANCE else None

    def _unreachable(self, error: Exception) -> LinkError:
        cause = _cause(error, ssl.SSLCertVerificationError)
        if cause is not None:
            msg = f"{self.url}: its certificate is not trusted: {cause.verify_message}"
            return CertificateError(msg)
        return CloudUnreachable(f"{self.url}: cannot be reached: {error or type(error).__name__}")


def fetch_authority(url: str, fingerprint: str) -> str:
    """The authority's certificate, from whoever answers there: it is known by its fingerprint.

    Args:
        url: of the cloud.
        fingerprint: of the root's key, as the cloud's page shows it; hyphens and case aside.

    Returns:
        The certificate as PEM.

    Raises:
        CertificateError: another one came.
        CloudUnreachable: the cloud did not answer.
    """
    # Nothing secret is sent, and what comes is believed by its fingerprint alone.
    context = ssl.create_default_context()
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    try:
        with httpx.Client(verify=context, timeout=_TIMEOUT_S, trust_env=False) as client:
            answer = client.get(url.rstrip("/") + AUTHORITY_PATH)
            answer.raise_for_status()
    except (httpx.HTTPError, ssl.SSLError) as exc:
        msg = f"{url}: cannot get the authority's certificate: {exc or type(exc).__name__}"
        raise CloudUnreachable(msg) from exc
    found = fingerprint_of_certificate(answer.text)
    if _plain(found) != _plain(fingerprint):
        msg = (
            f"{url}: expected the authority {fingerprint}, but got {found}: compare it with the "
            "cloud's page; somebody may stand in between"
        )
        raise CertificateError(msg)
    return answer.text


def _plain(fingerprint: str) -> str:
    return fingerprint.upper().translate(str.maketrans("", "", "-: "))


def _date_of(answer: httpx.Response) -> datetime | None:
    try:
        return parsedate_to_datetime(answer.headers["Date"]).astimezone(UTC)
    except (KeyError, ValueError, TypeError):
        return None


def _verify_code(error: BaseException) -> int | None:
    cause = _cause(error, ssl.SSLCertVerificationError)
    return None if cause is None else cause.verify_code


C = TypeVar("C", bound=BaseException)


def _cause(error: BaseException | None, kind: type[C]) -> C | None:
    """The error of that kind from which another one came."""
    while error is not None:
        if isinstance(error, kind):
            return error
        error = error.__cause__ or error.__context__
    return None
