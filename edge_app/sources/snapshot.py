"""Cameras that give one picture for each HTTP request."""

from __future__ import annotations

import http.client
import urllib.error
import urllib.request

from edge_app.sources.base import Grab
from edge_app.sources.urls import mask_secrets, without_login
from telemetry import CameraError
from vision.image_file import decode_image

# Far above any camera's picture; keeps a wrong address (a download, a video) out of memory.
_MAX_BYTES = 32 * 1024 * 1024


class SnapshotSource:
    """HTTP or HTTPS address of a still picture; basic and digest login.

    Args:
        url: address, login included.
        timeout_s: longest wait for each step of a request, seconds.
    """

    def __init__(self, url: str, timeout_s: float) -> None:
        self._name = f"camera source {mask_secrets(url)}"
        self._url, user, password = without_login(url)
        self._timeout_s = timeout_s
        logins = urllib.request.HTTPPasswordMgrWithDefaultRealm()
        if user is not None:
            logins.add_password(None, self._url, user, password or "")
        self._opener = urllib.request.build_opener(
            urllib.request.ProxyHandler({}),  # a camera stands in the same network
            urllib.request.HTTPBasicAuthHandler(logins),
            urllib.request.HTTPDigestAuthHandler(logins),
        )

    @property
    def self_paced(self) -> bool:
        """A picture whenever it is asked for."""
        return False

    def open(self) -> None:
        """Ask for one picture, so that a wrong address shows at once.

        Raises:
            CameraError: as `read`.
        """
        self.read()

    def read(self) -> Grab:
        """Ask for a picture.

        Raises:
            CameraError: no answer, an error answer, or no picture in it.
        """
        try:
            with self._opener.open(self._url, timeout=self._timeout_s) as answer:
                data = answer.read(_MAX_BYTES + 1)
        except urllib.error.HTTPError as exc:
            with exc:
                msg = f"{self._name}: expected a picture, but got HTTP {exc.code} {exc.reason}"
            raise CameraError(msg) from exc
        except (OSError, http.client.HTTPException, ValueError) as exc:
            reason = getattr(exc, "reason", None) or exc
            msg = f"{self._name} cannot be read: {mask_secrets(str(reason))}"
            raise CameraError(msg) from exc
        if len(data) > _MAX_BYTES:
            msg = f"{self._name}: expected a picture of at most {_MAX_BYTES} bytes, but got more"
            raise CameraError(msg)
        return Grab(decode_image(data, self._name))

    def close(self) -> None:
        """Nothing is held between requests."""
