"""TLS contexts from files that may be replaced while the service runs."""

from __future__ import annotations

import hashlib
import logging
import ssl
from datetime import UTC, datetime
from pathlib import Path

from cryptography import x509

from edge_app.delivery.config import TlsConfig
from edge_app.delivery.errors import CertificateError, LinkError
from edge_app.delivery.session import Alarms

_log = logging.getLogger(__name__)

NO_CHECK_TIME = 0x200000
"""X509_V_FLAG_NO_CHECK_TIME, which Python has no name for."""


def tls_context(config: TlsConfig) -> ssl.SSLContext:
    """A context that checks the broker's certificate and name, and shows ours.

    Raises:
        CertificateError: a file is missing or is no PEM, or the key belongs to another
            certificate.
    """
    try:
        context = ssl.create_default_context(ssl.Purpose.SERVER_AUTH, cafile=config.ca_file)
    except (OSError, ssl.SSLError) as exc:
        raise _trouble(config.ca_file, exc) from exc
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    if config.cert_file and config.key_file:
        try:
            # A key with a passphrase would ask on the terminal; an empty one fails at once instead.
            context.load_cert_chain(config.cert_file, config.key_file, password="")  # nosec B106
        except (OSError, ssl.SSLError) as exc:
            raise _trouble(config.cert_file, exc) from exc
        if clock_is_behind(config, datetime.now(UTC)):
            # No date can be judged; name and authority of the broker still are.
            context.verify_flags = ssl.VerifyFlags(int(context.verify_flags) | NO_CHECK_TIME)
    return context


def clock_is_behind(config: TlsConfig, now: datetime) -> bool:
    """Whether this box's clock shows a time at which its own certificate did not exist yet.

    So it is after a power cut without a battery, until NTP answers, which it never does in some
    mobile networks. Such a clock calls every certificate one of the future.
    """
    if config.cert_file is None:
        return False
    try:
        own = x509.load_pem_x509_certificates(config.cert_file.read_bytes())[0]
    except (OSError, ValueError, IndexError):
        return False
    return now < own.not_valid_before_utc


def fingerprint(config: TlsConfig) -> str:
    """Changes when any of the files does; a file that is missing just now counts as empty."""
    digest = hashlib.sha256()
    for path in (config.ca_file, config.cert_file, config.key_file):
        if path is not None:
            digest.update(hashlib.sha256(_read(path)).digest())
    return digest.hexdigest()


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError:
        return b""


def _trouble(path: Path, error: OSError) -> CertificateError:
    reason = error.reason if isinstance(error, ssl.SSLError) else error.strerror
    return CertificateError(f"{path}: cannot use for TLS: {reason or error}")


class CertificateWatch:
    """Notices replaced files; invalid ones are reported and the old ones stay in use."""

    def __init__(self, config: TlsConfig) -> None:
        self._config = config
        self._in_use = ""
        self._check_at_s = 0.0

    def context(self, alarms: Alarms) -> ssl.SSLContext:
        """A context of the files as they are now."""
        self._in_use = fingerprint(self._config)
        context = tls_context(self._config)
        if int(context.verify_flags) & NO_CHECK_TIME:
            alarms.raise_("clock", "this box's clock is behind its own certificate: set it, by NTP")
        else:
            alarms.clear("clock")
        return context

    def changed(self, now_s: float, alarms: Alarms) -> bool:
        """Whether to reconnect with new files."""
        if now_s < self._check_at_s:
            return False
        self._check_at_s = now_s + self._config.check_period_s
        if fingerprint(self._config) == self._in_use:
            return False
        try:
            tls_context(self._config)
        except LinkError as exc:
            alarms.raise_("certificates", f"cannot use the new certificates: {exc}")
            return False
        alarms.clear("certificates")
        _log.info("certificates changed: reconnecting with the new ones")
        return True
