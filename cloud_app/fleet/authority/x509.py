"""Certificates, requests and revocation lists as values: no database, no clock, no files.

Source of the profiles: RFC 5280, as far as mosquitto, Python's strict checks and EMQX need it.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import TypeAlias

from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from cloud_app.errors import AuthorityError, RequestRefusedError

Key: TypeAlias = ec.EllipticCurvePrivateKey
PublicKey: TypeAlias = ec.EllipticCurvePublicKey | rsa.RSAPublicKey

LEEWAY = timedelta(days=1)
"""A certificate holds from so long before it was made: a clock that is a little slow takes it."""
ROOT_LIFE = timedelta(days=20 * 365)
ISSUING_LIFE = timedelta(days=5 * 365)
CRL_LIFE = timedelta(days=30)
"""A broker refuses everybody once its list is over, so the list outlives a cloud that is away."""
REQUEST_MAX_BYTES = 8192
_RSA_BITS = range(2048, 4097)
_CURVES = (ec.SECP256R1, ec.SECP384R1)
_NAME_MAX = 64


class Profile(StrEnum):
    """What a certificate is for."""

    BOX = "box"
    CONSUMER = "consumer"
    SERVER = "server"

    @property
    def is_client(self) -> bool:
        """Whether its holder connects, and is known by its CN."""
        return self is not Profile.SERVER


@dataclass(frozen=True, slots=True)
class Signer:
    """A certificate of an authority, with its key."""

    certificate: x509.Certificate
    key: Key


@dataclass(frozen=True, slots=True)
class Leaf:
    """What is to be certified.

    Attributes:
        profile: what for.
        name: CN; of a box its edge id.
        key: of the holder.
        hosts: names and addresses of a server.
        life: how long.
    """

    profile: Profile
    name: str
    key: PublicKey
    life: timedelta
    hosts: tuple[str, ...] = ()


def new_key() -> Key:
    """A key on P-256: short, and every TLS stack has it."""
    return ec.generate_private_key(ec.SECP256R1())


def key_pem(key: Key, passphrase: bytes | None = None) -> bytes:
    """A private key as PKCS #8, encrypted if there is a passphrase."""
    sealed = (
        serialization.BestAvailableEncryption(passphrase)
        if passphrase
        else serialization.NoEncryption()
    )
    form = serialization.PrivateFormat.PKCS8
    return key.private_bytes(serialization.Encoding.PEM, form, sealed)


def load_key(pem: bytes, where: str, passphrase: bytes | None = None) -> Key:
    """An authority's private key.

    Raises:
        AuthorityError: it is not one, or the passphrase is missing or wrong.
    """
    try:
        key = serialization.load_pem_private_key(pem, passphrase)
    except (ValueError, TypeError, UnsupportedAlgorithm) as exc:
        msg = f"{where}: expected a PEM private key that the passphrase opens, but got: {exc}"
        raise AuthorityError(msg) from exc
    if not isinstance(key, ec.EllipticCurvePrivateKey):
        msg = f"{where}: expected an elliptic-curve key, but got {type(key).__name__}"
        raise AuthorityError(msg)
    return key


def pem(certificate: x509.Certificate) -> str:
    """A certificate as text."""
    return certificate.public_bytes(serialization.Encoding.PEM).decode("ascii")


def load(text: str) -> x509.Certificate:
    """The first certificate of a text.

    Raises:
        RequestRefusedError: there is none.
    """
    try:
        return x509.load_pem_x509_certificate(text.encode())
    except ValueError as exc:
        msg = f"expected a PEM certificate: {exc}"
        raise RequestRefusedError(msg) from exc


def fingerprint_of(key: PublicKey) -> str:
    """SHA-256 over the public key, as a person compares it: `AB12-...`, eight groups of four.

    128 of the 256 bits: to find another key with the same ones is out of reach.
    """
    digest = hashes.Hash(hashes.SHA256())
    digest.update(
        key.public_bytes(
            serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo
        )
    )
    text = digest.finalize().hex().upper()[:32]
    return "-".join(text[at : at + 4] for at in range(0, 32, 4))


def serial_of(certificate: x509.Certificate) -> str:
    """The serial number as it is kept: hexadecimal."""
    return f"{certificate.serial_number:x}"


@dataclass(frozen=True, slots=True)
class SigningRequest:
    """A request that was checked: its sender has the private key.

    Attributes:
        key: to be certified.
        name: CN that it wants; None: the authority may choose.
    """

    key: PublicKey
    name: str | None

    @property
    def fingerprint(self) -> str:
        """Of its key."""
        return fingerprint_of(self.key)


def read_request(text: str) -> SigningRequest:
    """Check a PKCS #10 request.

    Raises:
        RequestRefusedError: it is not one, its signature is wrong, or its key is too weak.
    """
    size = len(text.encode("utf-8", "surrogatepass"))
    if size > REQUEST_MAX_BYTES:
        msg = f"expected a signing request of at most {REQUEST_MAX_BYTES} bytes, but got {size}"
        raise RequestRefusedError(msg)
    try:
        found = x509.load_pem_x509_csr(text.encode("utf-8", "surrogatepass"))
        key, subject, is_signed = found.public_key(), found.subject, found.is_signature_valid
    except (ValueError, UnsupportedAlgorithm, InvalidSignature) as exc:
        msg = f"expected a PEM signing request (PKCS #10): {exc}"
        raise RequestRefusedError(msg) from exc
    if not is_signed:
        msg = "the signing request is not signed by its own key"
        raise RequestRefusedError(msg)
    names = subject.get_attributes_for_oid(NameOID.COMMON_NAME)
    if len(names) > 1:
        msg = f"expected one name (CN) in the signing request, but got {len(names)}"
        raise RequestRefusedError(msg)
    return SigningRequest(_strong(key), str(names[0].value) if names else None)


def _strong(key: object) -> PublicKey:
    if isinstance(key, ec.EllipticCurvePublicKey) and isinstance(key.curve, _CURVES):
        return key
    if isinstance(key, rsa.RSAPublicKey) and key.key_size in _RSA_BITS:
        return key
    msg = (
        "expected a key on P-256 or P-384, or RSA of 2048 to 4096 bits, "
        f"but got {type(key).__name__}"
    )
    raise RequestRefusedError(msg)


def is_signed_by(key: PublicKey, signature: bytes, content: bytes) -> bool:
    """Whether the holder of a key signed some content (SHA-256; ECDSA, or RSA by PKCS #1 v1.5)."""
    try:
        if isinstance(key, rsa.RSAPublicKey):
            key.verify(signature, content, padding.PKCS1v15(), hashes.SHA256())
        else:
            key.verify(signature, content, ec.ECDSA(hashes.SHA256()))
    except InvalidSignature:
        return False
    return True


def public_key_of(certificate: x509.Certificate) -> PublicKey:
    """Its key.

    Raises:
        RequestRefusedError: of a kind that is never certified here.
    """
    return _strong(certificate.public_key())


# -- making ---------------------------------------------------------------------------------------


def make_root(key: Key, name: str, at: datetime) -> x509.Certificate:
    """A root certificate, signed by itself."""
    return _authority(key, _subject(name), at, at + ROOT_LIFE, None)


def make_issuing(root: Signer, key: Key, name: str, at: datetime) -> x509.Certificate:
    """An issuing certificate under a root; it ends with the root at the latest."""
    until = min(at + ISSUING_LIFE, root.certificate.not_valid_after_utc)
    return _authority(key, _subject(name), at, until, root)


def _subject(name: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name[:_NAME_MAX])])


def _authority(
    key: Key,
    subject: x509.Name,
    at: datetime,
    until: datetime,
    above: Signer | None,
) -> x509.Certificate:
    signer = key if above is None else above.key
    issuer = subject if above is None else above.certificate.subject
    built = (
        _base(subject, issuer, key.public_key(), at - LEEWAY, until)
        .add_extension(
            x509.BasicConstraints(ca=True, path_length=int(above is None)), critical=True
        )
        .add_extension(_usage(signs=True), critical=True)
        .add_extension(_known_by(signer), critical=False)
    )
    return built.sign(signer, hashes.SHA256())


def make_leaf(issuing: Signer, leaf: Leaf, at: datetime) -> x509.Certificate:
    """A certificate for a box, a consumer or a server.

    Raises:
        AuthorityError: the issuing certificate is over, or a server has no host.
    """
    ends = issuing.certificate.not_valid_after_utc
    if at >= ends:
        msg = f"the issuing certificate ran out on {ends:%d %B %Y}"
        raise AuthorityError(msg)
    starts = max(at - LEEWAY, issuing.certificate.not_valid_before_utc)
    usage = (
        ExtendedKeyUsageOID.CLIENT_AUTH
        if leaf.profile.is_client
        else ExtendedKeyUsageOID.SERVER_AUTH
    )
    issuer = issuing.certificate.subject
    built = (
        _base(_subject(leaf.name), issuer, leaf.key, starts, min(at + leaf.life, ends))
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(_usage(signs=False), critical=True)
        .add_extension(x509.ExtendedKeyUsage([usage]), critical=False)
        .add_extension(_known_by(issuing.key), critical=False)
    )
    if not leaf.profile.is_client:
        built = built.add_extension(_hosts(leaf.hosts), critical=False)
    return built.sign(issuing.key, hashes.SHA256())


def _base(
    subject: x509.Name, issuer: x509.Name, key: PublicKey, starts: datetime, ends: datetime
) -> x509.CertificateBuilder:
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key)
        .serial_number(x509.random_serial_number())
        .not_valid_before(starts)
        .not_valid_after(ends)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key), critical=False)
    )


def _known_by(key: Key) -> x509.AuthorityKeyIdentifier:
    return x509.AuthorityKeyIdentifier.from_issuer_public_key(key.public_key())


def _usage(*, signs: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=not signs,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=signs,
        crl_sign=signs,
        encipher_only=False,
        decipher_only=False,
    )


def _hosts(hosts: Sequence[str]) -> x509.SubjectAlternativeName:
    if not hosts:
        msg = "expected at least one host name or address of the server, but got none"
        raise AuthorityError(msg)
    return x509.SubjectAlternativeName([_host(each) for each in hosts])


def _host(text: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ipaddress.ip_address(text))
    except ValueError:
        try:
            return x509.DNSName(text)
        except ValueError as exc:
            msg = f"expected a host name or address in ASCII, but got {text!r}"
            raise AuthorityError(msg) from exc


@dataclass(frozen=True, slots=True)
class Revoked:
    """One line of a revocation list."""

    serial: str
    at: datetime


def make_crl(issuing: Signer, revoked: Iterable[Revoked], number: int, at: datetime) -> str:
    """A revocation list as PEM. `at` must be later than that of the list before it, by seconds.

    OpenSSL, and so mosquitto, takes of two lists the one with the later time, in whole seconds.
    """
    built = (
        x509.CertificateRevocationListBuilder()
        .issuer_name(issuing.certificate.subject)
        .last_update(at)
        .next_update(at + CRL_LIFE)
        .add_extension(x509.CRLNumber(number), critical=False)
        .add_extension(_known_by(issuing.key), critical=False)
    )
    for each in revoked:
        line = x509.RevokedCertificateBuilder().serial_number(int(each.serial, 16))
        built = built.add_revoked_certificate(line.revocation_date(each.at).build())
    signed = built.sign(issuing.key, hashes.SHA256())
    return signed.public_bytes(serialization.Encoding.PEM).decode("ascii")


def revoked_in(crl: str) -> set[str]:
    """The serial numbers of a revocation list."""
    return {f"{each.serial_number:x}" for each in x509.load_pem_x509_crl(crl.encode())}


def moment(at_ms: int) -> datetime:
    """Milliseconds as a certificate has its times: whole seconds UTC."""
    return datetime.fromtimestamp(at_ms // 1000, UTC)


def ms(at: datetime) -> int:
    """The same, the other way round."""
    return int(at.timestamp()) * 1000
