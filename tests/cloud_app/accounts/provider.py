"""A real OpenID provider in a process of its own, for the tests."""

from __future__ import annotations

import json
import subprocess
from copy import deepcopy
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
from joserfc.jwk import RSAKey
from pydantic import SecretStr

from cloud_app.accounts.assembly import ANSWER_PATH
from cloud_app.config import OidcConfig
from tests.cloud_app.servers import wait_until
from tests.kit.mosquitto import free_port

CLIENT, SECRET = "lotsight", "client secret with spaces: +/%"
ADA = "ada@example.org"
_SCRIPT = Path(__file__).with_name("oidc_provider.mjs")


KID = "for this test"


def a_key(name: str) -> RSAKey:
    return RSAKey.generate_key(2048, {"kid": name, "use": "sig", "alg": "RS256"})


KNOWN: dict[str, dict[str, Any]] = {
    "ada-1": {"email": ADA, "email_verified": True, "name": "Ada"},
    "eve-2": {"email": ADA, "email_verified": True, "name": "Eve"},
    "mal-3": {"email": ADA, "email_verified": False, "name": "Mal"},
    "bob-4": {"email": "bob@example.org", "email_verified": True, "name": "Bob"},
}


@dataclass
class RealProvider:
    """node-oidc-provider in a process of its own, which can change its keys."""

    folder: Path
    cwd: Path
    port: int = field(default_factory=free_port)
    key: RSAKey = field(default_factory=lambda: a_key("first"))
    conform: bool = True
    people: dict[str, dict[str, Any]] = field(default_factory=lambda: deepcopy(KNOWN))
    client_url: str = "http://127.0.0.1:8090"
    _runs_with: str = ""
    _process: subprocess.Popen[bytes] | None = None

    @property
    def issuer(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def config(self) -> OidcConfig:
        return OidcConfig(
            issuer=self.issuer, client_id=CLIENT, client_secret=SecretStr(SECRET), timeout_s=60
        )

    def _settings(self) -> str:
        return json.dumps(
            {
                "issuer": self.issuer,
                "port": self.port,
                "conform": self.conform,
                "client": {
                    "client_id": CLIENT,
                    "client_secret": SECRET,
                    "redirect_uris": [f"{self.client_url}{ANSWER_PATH}"],
                    "grant_types": ["authorization_code"],
                    "response_types": ["code"],
                },
                "people": self.people,
                "keys": [self.key.as_dict(private=True)],
            }
        )

    def start(self) -> None:
        """Run with the settings as they are now; one that does so already goes on."""
        wanted = self._settings()
        if self._process is not None and self._runs_with == wanted:
            return
        self.stop()
        path = self.folder / "provider.json"
        path.write_text(wanted)
        with (self.folder / "provider.log").open("ab") as log:
            self._process = subprocess.Popen(
                ["node", str(_SCRIPT), str(path)], stdout=log, stderr=log, cwd=self.cwd
            )
        self._runs_with = wanted
        wait_until(self._answers, 120, "the provider to listen")

    def _answers(self) -> bool:
        try:
            return httpx.get(f"{self.issuer}/.well-known/openid-configuration").is_success
        except httpx.TransportError:
            return False

    def stop(self) -> None:
        if self._process is not None:
            self._process.terminate()
            self._process.wait(20)
            self._process = None
