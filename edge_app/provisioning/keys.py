"""The box's keys: made here, kept here.

Files are written whole or not at all, so a power cut leaves the one before.
"""

from __future__ import annotations

import hashlib
import os
from itertools import pairwise
from pathlib import Path

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from edge_app.delivery.errors import CertificateError

Key = ec.EllipticCurvePrivateKey
SECRET_MODE, PUBLIC_MODE = 0o600, 0o644


def own_key(path: Path) -> Key:
    """The key at `path`, made if there is none; only its owner can read it.

    Raises:
        CertificateError: what lies there is no such key.
    """
    if path.exists():
        return load_key(path)
    fresh = ec.generate_private_key(ec.SECP256R1())
    write_file(path, key_pem(fresh), SECRET_MODE)
    return fresh


def load_key(path: Path) -> Key:
    """The key in a file, whatever else is in it.

    Raises:
        CertificateError: there is no such key.
    """
    try:
        key = serialization.load_pem_private_key(path.read_bytes(), password=None)
    except (OSError, ValueError, TypeError) as exc:
        msg = f"{path}: expected a PEM private key: {exc}"
        raise CertificateError(msg) from exc
    if not isinstance(key, ec.EllipticCurvePrivateKey):
        msg = f"{path}: expected an elliptic-curve key, but got {type(key).__name__}"
        raise CertificateError(msg)
    return key


def key_pem(key: Key) -> bytes:
    """A private key as it is kept, which is for its owner's eyes only."""
    return key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )


def fingerprint_of(key: ec.EllipticCurvePublicKey) -> str:
    """SHA-256 over a public key, half of it, as a person compares it: `AB12-...`."""
    return _grouped(
        key.public_bytes(
            serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo
        )
    )


def fingerprint_of_certificate(pem: str) -> str:
    """The same of a certificate's key.

    Raises:
        CertificateError: it is no certificate.
    """
    public = _loaded(pem).public_key()
    return _grouped(
        public.public_bytes(
            serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo
        )
    )


def _grouped(content: bytes) -> str:
    text = hashlib.sha256(content).hexdigest().upper()[:32]
    return "-".join(text[at : at + 4] for at in range(0, 32, 4))


def sign(key: Key, content: bytes) -> bytes:
    """ECDSA with SHA-256, DER."""
    return key.sign(content, ec.ECDSA(hashes.SHA256()))


def check_chain(chain: str, roots: str) -> None:
    """See that each certificate is issued by the next one, and the last one by a root.

    Raises:
        CertificateError: it is not.
    """
    try:
        found = x509.load_pem_x509_certificates(chain.encode())
        trusted = x509.load_pem_x509_certificates(roots.encode())
        for below, above in pairwise(found):
            below.verify_directly_issued_by(above)
    except (ValueError, TypeError, InvalidSignature) as exc:
        msg = f"expected a chain of certificates up to the root: {exc}"
        raise CertificateError(msg) from exc
    for root in trusted:
        try:
            found[-1].verify_directly_issued_by(root)
        except (ValueError, TypeError, InvalidSignature):
            continue
        return
    msg = "the certificate that came is not issued by the authority that came with it"
    raise CertificateError(msg)


def signing_request(key: Key, name: str | None) -> str:
    """A signing request for `name` as PEM; without one the authority names the box."""
    subject = x509.Name([] if name is None else [x509.NameAttribute(NameOID.COMMON_NAME, name)])
    request = x509.CertificateSigningRequestBuilder().subject_name(subject)
    return request.sign(key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM).decode()


def check_certificate(pem: str, key: Key, name: str) -> None:
    """See that a certificate is for our key and carries our name.

    Raises:
        CertificateError: it does not.
    """
    certificate = _loaded(pem)
    if certificate.public_key() != key.public_key():
        msg = "the issued certificate does not match this box's key"
        raise CertificateError(msg)
    names = [
        str(each.value) for each in certificate.subject.get_attributes_for_oid(NameOID.COMMON_NAME)
    ]
    if names != [name]:
        msg = f"the certificate must have CN {name}, the box's name, but got {names}"
        raise CertificateError(msg)


def write_file(path: Path, content: bytes, mode: int) -> None:
    """Write a file whole or not at all; it belongs to whom its folder belongs."""
    fresh = path.with_name(path.name + ".new")
    fresh.unlink(missing_ok=True)
    handle = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode)
    with os.fdopen(handle, "wb") as file:
        # A technician may be root; the service is not, and has to read and renew what lies here.
        if os.geteuid() == 0:
            owner = path.parent.stat()
            os.fchown(file.fileno(), owner.st_uid, owner.st_gid)
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    fresh.replace(path)


def _loaded(pem: str) -> x509.Certificate:
    try:
        return x509.load_pem_x509_certificate(pem.encode())
    except ValueError as exc:
        msg = f"expected a PEM certificate: {exc}"
        raise CertificateError(msg) from exc
