"""Cameras that give one image for each HTTP request."""

from __future__ import annotations

from edge_app.addresses import register_address, shown, without_login
from edge_app.sources.base import Grab
from edge_app.sources.camera_http import CameraHttp
from edge_app.sources.http_login import Login
from edge_app.sources.trust import TlsTrust
from vision.image_file import decode_image

# Far above any camera's image; keeps a wrong address (a download, a video) out of memory.
_MAX_BYTES = 32 * 1024 * 1024


class SnapshotSource:
    """HTTP or HTTPS address of a still image; basic and digest login.

    Args:
        url: address, login included.
        timeout_s: longest wait for each step of a request, seconds.
        trust: which certificate is trusted.
    """

    def __init__(self, url: str, timeout_s: float, trust: TlsTrust | None = None) -> None:
        register_address(url)
        self._name = f"camera source {shown(url)}"
        place, user, password = without_login(url)
        login = None if user is None else Login(user, password or "")
        self._http = CameraHttp(place, login, timeout_s, trust or TlsTrust(), self._name)

    @property
    def self_paced(self) -> bool:
        """An image on each call."""
        return False

    def open(self) -> None:
        """Ask for one image, so that a wrong address shows at once.

        Raises:
            CameraError: as `read`.
        """
        self.read()

    def read(self) -> Grab:
        """Ask for an image.

        Raises:
            LoginRejected: the camera does not take this login; it was sent once.
            CameraError: no answer, an error answer, or no image in it.
        """
        return Grab(decode_image(self._http.get(_MAX_BYTES), self._name))

    def close(self) -> None:
        """Close the connection."""
        self._http.close()
