"""From the text of a `source` setting to the source itself."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

from calibration.pictures import is_picture
from edge_app.addresses import Address, register_address, shown, with_login
from edge_app.redaction import register_secret
from edge_app.sources.base import FrameSource
from edge_app.sources.folder import FolderSource
from edge_app.sources.http_login import Login
from edge_app.sources.snapshot import SnapshotSource
from edge_app.sources.stream import StreamSource
from edge_app.sources.stream_settings import StreamSettings
from edge_app.sources.usb import UsbSource
from telemetry import Clock, ConfigError
from vision.image_file import IMAGE_SUFFIXES

STREAM_SCHEMES = ("rtsp", "rtsps", "http", "https", "rtmp", "srt", "udp", "rtp", "tcp")
_SCHEME = re.compile(r"^(?P<scheme>[a-zA-Z][a-zA-Z0-9+.-]*)://")
_HELP = (
    "expected rtsp://..., http(s)://... (a stream), snapshot+http(s)://... (one image per "
    "request), usb:0, usb:/dev/video0, folder:PATH, sim:WEATHER, or the path of a video or image"
)

Factory = Callable[[str, StreamSettings, Clock], FrameSource]


def make_source(
    address: str, settings: StreamSettings, clock: Clock, login: Login | None = None
) -> FrameSource:
    """The source that `address` names; nothing is opened yet.

    Args:
        address: as in the setting `source`.
        settings: rate and time-outs.
        clock: time.
        login: put into the address.

    Raises:
        ConfigError: no source is called like this.
    """
    register_address(address)
    for prefix, factory in _FACTORIES.items():
        if address.startswith(prefix):
            return factory(_with_login(address, login), settings, clock)
    match = _SCHEME.match(address)
    if match is None:
        return _file(address, settings, clock)
    if match["scheme"].lower() not in STREAM_SCHEMES:
        msg = f"source {shown(address)!r}: unknown scheme {match['scheme']}://; {_HELP}"
        raise ConfigError(msg)
    return StreamSource(_with_login(address, login), settings, clock, is_file=False)


def shows_stills(address: str) -> bool:
    """Whether `address` names images that lie somewhere, not a camera that looks somewhere."""
    if _SCHEME.match(address):
        return False
    path = Path(address.removeprefix("folder:").removeprefix("file:")).expanduser()
    return address.startswith("folder:") or _holds_stills(path)


def _holds_stills(path: Path) -> bool:
    """Whether a path is a folder or an image; by its name only while there is no such file."""
    if path.is_file():
        return is_picture(path)
    return path.is_dir() or path.suffix.lower() in IMAGE_SUFFIXES


def _with_login(address: str, login: Login | None) -> str:
    if login is None:
        parsed = Address.parse(address)
        return address if parsed is None else str(parsed)
    register_secret(login.password, login.username)
    return with_login(address, login.username, login.password)


def _file(address: str, settings: StreamSettings, clock: Clock) -> FrameSource:
    path = Path(address.removeprefix("file:")).expanduser()
    if not address.strip():
        msg = f"source is empty; {_HELP}"
        raise ConfigError(msg)
    if _holds_stills(path):
        return FolderSource(path, loop=settings.loop)
    return StreamSource(str(path), settings, clock, is_file=True)


def _snapshot(address: str, settings: StreamSettings, _clock: Clock) -> FrameSource:
    url = address.removeprefix("snapshot+")
    match = _SCHEME.match(url)
    if match is None or match["scheme"].lower() not in {"http", "https"}:
        msg = f"source {shown(address)!r}: snapshot+ requires http:// or https://; {_HELP}"
        raise ConfigError(msg)
    return SnapshotSource(url, settings.frame_timeout_s, settings.trust)


def _usb(address: str, settings: StreamSettings, clock: Clock) -> FrameSource:
    rest = address.removeprefix("usb:")
    if not (rest.isdigit() or rest.startswith("/dev/")):
        msg = f"source {address!r}: expected usb:NUMBER or usb:/dev/..., but got usb:{rest}"
        raise ConfigError(msg)
    device = int(rest) if rest.isdigit() else rest
    return UsbSource(device, settings.interval_s, settings.frame_timeout_s, clock)


def _folder(address: str, settings: StreamSettings, _clock: Clock) -> FrameSource:
    return FolderSource(Path(address.removeprefix("folder:")).expanduser(), loop=settings.loop)


def _sim(address: str, _settings: StreamSettings, clock: Clock) -> FrameSource:
    from edge_app.sources.sim import SimAddress, SimSource  # the renderer, which few boxes need

    return SimSource(SimAddress.parse(address), clock)


_FACTORIES: dict[str, Factory] = {
    "snapshot+": _snapshot,
    "usb:": _usb,
    "folder:": _folder,
    "sim:": _sim,
}
