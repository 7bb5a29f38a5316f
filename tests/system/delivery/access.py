"""What a broker with TLS and an access list is set up with."""

from __future__ import annotations

from pathlib import Path

import trustme

PAGE = Path(__file__).resolve().parents[3] / "docs" / "telemetry.md"
ACCESS_LIST = PAGE.read_text(encoding="utf-8").split("```acl\n")[1].split("```")[0]
"""The access list that the documentation recommends is the one that is tested."""


class Authority:
    """Issues certificates and writes them as files."""

    def __init__(self, folder: Path) -> None:
        self._ca = trustme.CA()
        self._folder = folder
        self.ca_file = folder / "ca.pem"
        self._ca.cert_pem.write_to_path(self.ca_file)

    def issue(self, name: str, *hosts: str) -> tuple[Path, Path]:
        """Certificate and key of `name`; the same name again replaces both."""
        made = self._ca.issue_cert(*(hosts or (f"{name}.invalid",)), common_name=name)
        cert, key = self._folder / f"{name}.pem", self._folder / f"{name}.key"
        made.cert_chain_pems[0].write_to_path(cert)
        made.private_key_pem.write_to_path(key)
        return cert, key

    def tls_settings(self, access_list: Path) -> str:
        cert, key = self.issue("broker", "localhost", "127.0.0.1")
        return (
            f"cafile {self.ca_file}\ncertfile {cert}\nkeyfile {key}\nrequire_certificate true\n"
            f"use_identity_as_username true\nacl_file {access_list}"
        )
