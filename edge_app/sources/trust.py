"""Whether a camera that speaks TLS is the right one: by an authority, or by its own certificate.

Most cameras sign their certificate themselves. The way to trust one is its fingerprint; the errors
here show it, so that it can be compared with what the camera's own page says, and set.
"""

from __future__ import annotations

import hashlib
import re
import socket
import ssl
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import urlsplit

from cryptography import x509
from cryptography.x509.oid import NameOID

from telemetry import CameraError

TLS_SCHEMES = frozenset({"https", "rtsps"})
_PORTS = {"https": 443, "rtsps": 322}
_SHA256 = re.compile(r"[0-9a-f]{64}")
# X509_V_FLAG_NO_CHECK_TIME, which Python has no name for: a certificate that is known by itself is
# the right one forever, and cameras' clocks and their certificates' dates are often wrong.
_NO_CHECK_TIME = 0x200000
# Cameras last longer than their keys are thought to be strong; again only where it is known itself.
_ANY_KEY = "DEFAULT:@SECLEVEL=0"


@dataclass(frozen=True, slots=True)
class TlsTrust:
    """Which certificate of a camera is trusted.

    Attributes:
        fingerprint: SHA-256 of the only one, 64 hexadecimal digits; empty: see the others.
        ca_file: PEM, who may vouch for it; None: the system's authorities.
        verify: False believes any.
    """

    fingerprint: str = ""
    ca_file: Path | None = None
    verify: bool = True

    def __post_init__(self) -> None:
        given = (bool(self.fingerprint), self.ca_file is not None, not self.verify)
        if sum(given) > 1:
            msg = "tls_fingerprint, tls_ca_file and tls_verify = false are mutually exclusive"
            raise ValueError(msg)
        if self.fingerprint and not _SHA256.fullmatch(self.fingerprint):
            msg = f"expected 64 hexadecimal digits of SHA-256, but got {self.fingerprint!r}"
            raise ValueError(msg)


def parse_fingerprint(text: str) -> str:
    """A SHA-256 fingerprint as browsers, OpenSSL and people write it: 64 digits, lower case.

    Raises:
        ValueError: it is invalid.
    """
    digits = re.sub(r"^sha-?256(?: fingerprint)?\s*[:=/]\s*", "", text.strip().lower())
    digits = re.sub(r"[\s:-]", "", digits)
    if not _SHA256.fullmatch(digits):
        msg = f"expected 64 hexadecimal digits of SHA-256, colons allowed, but got {text!r}"
        raise ValueError(msg)
    return digits


def fingerprint_of(certificate_der: bytes) -> str:
    """SHA-256 of a certificate as it is shown: AB:CD:..."""
    digits = hashlib.sha256(certificate_der).hexdigest().upper()
    return ":".join(digits[place : place + 2] for place in range(0, len(digits), 2))


def client_context(url: str, trust: TlsTrust, timeout_s: float, name: str) -> ssl.SSLContext:
    """What a client needs to trust the camera at `url`, and only that camera.

    Args:
        url: https or rtsps, without login.
        trust: which certificate.
        timeout_s: for connection and handshake, each.
        name: of the camera, for errors.

    Raises:
        CameraError: the camera cannot be reached, or shows another certificate than that pinned.
    """
    if trust.fingerprint:
        return _context_for(_pinned(url, trust, timeout_s, name))
    if not trust.verify:
        return _unverified()
    try:
        return ssl.create_default_context(cafile=trust.ca_file)
    except OSError as exc:
        msg = f"{name}: tls_ca_file {trust.ca_file}: expected PEM, but got: {exc.strerror or exc}"
        raise CameraError(msg) from exc


@contextmanager
def libav_options(
    url: str, trust: TlsTrust, timeout_s: float, name: str
) -> Iterator[dict[str, str]]:
    """FFmpeg's TLS options for `url`; none where it speaks no TLS.

    FFmpeg knows neither fingerprints nor why a certificate was refused, so a handshake of our own
    comes first, and FFmpeg is then told to trust exactly the certificate that was seen.

    Raises:
        CameraError: the camera cannot be reached, or its certificate is not trusted.
    """
    if urlsplit(url).scheme.lower() not in TLS_SCHEMES:
        yield {}
        return
    if not trust.verify:
        yield {"tls_verify": "0"}
        return
    certificate = _trusted(url, trust, timeout_s, name)
    host = _host_for_ffmpeg(certificate, name)
    with tempfile.NamedTemporaryFile("w", suffix=".pem") as file:
        file.write(ssl.DER_cert_to_PEM_cert(certificate))
        file.flush()
        yield {"tls_verify": "1", "ca_file": file.name, "verifyhost": host}


def untrusted(url: str, error: ssl.SSLCertVerificationError, timeout_s: float, name: str) -> str:
    """What to say of a certificate that was refused: why, its fingerprint, what to do."""
    why = getattr(error, "verify_message", "") or str(error)
    head = f"{name}: its certificate is not trusted ({why})"
    try:
        shown = fingerprint_of(_handshake(url, _unverified(), timeout_s))
    except (OSError, ValueError):
        return f"{head}; set tls_fingerprint or tls_ca_file"
    return (
        f"{head}; its SHA-256 fingerprint is {shown}: if this is your camera's certificate, set "
        f'tls_fingerprint = "{shown}", or tls_ca_file to the CA that issued it'
    )


def verification_error(error: BaseException) -> ssl.SSLCertVerificationError | None:
    """The refused certificate behind an error of a library, if it was one."""
    seen: BaseException | None = error
    while seen is not None:
        if isinstance(seen, ssl.SSLCertVerificationError):
            return seen
        seen = seen.__cause__ or seen.__context__
    return None


def _trusted(url: str, trust: TlsTrust, timeout_s: float, name: str) -> bytes:
    if trust.fingerprint:
        return _pinned(url, trust, timeout_s, name)
    context = client_context(url, trust, timeout_s, name)
    try:
        return _handshake(url, context, timeout_s)
    except ssl.SSLCertVerificationError as exc:
        raise CameraError(untrusted(url, exc, timeout_s, name)) from exc
    except (OSError, ValueError) as exc:
        raise _unreachable(name, exc) from exc


def _pinned(url: str, trust: TlsTrust, timeout_s: float, name: str) -> bytes:
    try:
        certificate = _handshake(url, _unverified(), timeout_s)
    except (OSError, ValueError) as exc:
        raise _unreachable(name, exc) from exc
    shown = fingerprint_of(certificate)
    if parse_fingerprint(shown) != trust.fingerprint:
        msg = (
            f"{name}: its certificate does not match tls_fingerprint: the camera, or someone in "
            f"between, presents SHA-256 {shown}; change the setting only if the camera's "
            "certificate was renewed"
        )
        raise CameraError(msg)
    return certificate


def _unreachable(name: str, error: Exception) -> CameraError:
    reason = "timed out" if isinstance(error, TimeoutError) else error or type(error).__name__
    return CameraError(f"{name}: no TLS connection: {reason}")


def _handshake(url: str, context: ssl.SSLContext, timeout_s: float) -> bytes:
    """The certificate that is shown at `url`, DER."""
    parts = urlsplit(url)
    host = parts.hostname or ""
    port = parts.port or _PORTS.get(parts.scheme.lower(), 443)
    with (
        socket.create_connection((host, port), timeout_s) as plain,
        context.wrap_socket(plain, server_hostname=host) as secure,
    ):
        return secure.getpeercert(binary_form=True) or b""


def _unverified() -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    context.set_ciphers(_ANY_KEY)
    return context


def _context_for(certificate_der: bytes) -> ssl.SSLContext:
    """Trusts one certificate only, regardless of its issuer, name and dates."""
    context = _unverified()
    context.verify_mode = ssl.CERT_REQUIRED
    context.load_verify_locations(cadata=certificate_der)
    context.verify_flags |= ssl.VERIFY_X509_PARTIAL_CHAIN
    context.verify_flags = ssl.VerifyFlags(context.verify_flags | _NO_CHECK_TIME)
    return context


def _host_for_ffmpeg(certificate_der: bytes, name: str) -> str:
    """A host name that the certificate is good for: FFmpeg insists on one, and on its dates."""
    found = x509.load_der_x509_certificate(certificate_der)
    begin, end = found.not_valid_before_utc, found.not_valid_after_utc
    if not begin <= datetime.now(UTC) <= end:
        msg = (
            f"{name}: its certificate is valid only from {begin:%Y-%m-%d} to {end:%Y-%m-%d}, and "
            "streams require a certificate that is valid today: renew it on the camera, check "
            "this box's clock, or set tls_verify = false"
        )
        raise CameraError(msg)
    host = next(iter(_names_in(found)), "")
    if not host:
        msg = (
            f"{name}: its certificate names no host, which streams require: renew it on the "
            "camera, or set tls_verify = false"
        )
        raise CameraError(msg)
    return host.replace("*", "camera")


def _names_in(certificate: x509.Certificate) -> list[str]:
    try:
        extension = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName)
    except (x509.ExtensionNotFound, ValueError):
        common = certificate.subject.get_attributes_for_oid(NameOID.COMMON_NAME)
        return [str(each.value) for each in common]
    hosts = extension.value.get_values_for_type(x509.DNSName)
    return [*hosts, *map(str, extension.value.get_values_for_type(x509.IPAddress))]
