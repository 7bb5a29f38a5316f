"""Where images come from: streams, files, snapshots, USB, folders, scripts."""

from edge_app.addresses import mask_secrets, shown
from edge_app.sources.base import FrameSource, Grab, LoginRejected
from edge_app.sources.factory import make_source, shows_stills
from edge_app.sources.feed import CameraFeed, FeedSettings, FeedStatus
from edge_app.sources.folder import FolderSource
from edge_app.sources.http_login import Login
from edge_app.sources.replay import ReplaySource
from edge_app.sources.snapshot import SnapshotSource
from edge_app.sources.stream import StreamSource
from edge_app.sources.stream_settings import DecodeMode, StreamSettings
from edge_app.sources.trust import TlsTrust
from edge_app.sources.usb import UsbSource

__all__ = [
    "CameraFeed",
    "DecodeMode",
    "FeedSettings",
    "FeedStatus",
    "FolderSource",
    "FrameSource",
    "Grab",
    "Login",
    "LoginRejected",
    "ReplaySource",
    "SnapshotSource",
    "StreamSettings",
    "StreamSource",
    "TlsTrust",
    "UsbSource",
    "make_source",
    "mask_secrets",
    "shown",
    "shows_stills",
]
