"""A box's key as the cloud's tests need it: what a box would send."""

from __future__ import annotations

import base64
from dataclasses import dataclass, field

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from cloud_app.fleet.authority.x509 import Key, fingerprint_of, new_key
from telemetry.provisioning import signed_content


@dataclass
class BoxKey:
    """The key of one box."""

    key: Key = field(default_factory=new_key)

    @property
    def fingerprint(self) -> str:
        return fingerprint_of(self.key.public_key())

    def request(self, name: str | None = None) -> str:
        """A signing request, as PEM."""
        subject = [] if name is None else [x509.NameAttribute(NameOID.COMMON_NAME, name)]
        request = x509.CertificateSigningRequestBuilder().subject_name(x509.Name(subject))
        signed = request.sign(self.key, hashes.SHA256())
        return signed.public_bytes(serialization.Encoding.PEM).decode()

    def renewal(self, chain: str, following: BoxKey, name: str | None = None) -> dict[str, str]:
        """The request for the next certificate, whose key is `following`."""
        request = following.request(name)
        signature = self.key.sign(signed_content(request), ec.ECDSA(hashes.SHA256()))
        return {
            "csr": request,
            "certificate": chain,
            "signature": base64.b64encode(signature).decode(),
        }
