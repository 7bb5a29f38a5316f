"""How streams and files are read."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum

from edge_app.sources.trust import TlsTrust


class DecodeMode(StrEnum):
    """Which frames are decoded."""

    AUTO = "auto"
    """Key frames alone while they come often enough for the wanted rate, else all."""
    ALL = "all"
    KEY = "key"


@dataclass(frozen=True, slots=True)
class StreamSettings:
    """How a stream is read.

    Attributes:
        interval_s: wanted time between pictures, seconds.
        open_timeout_s: longest wait for the connection and the first packet, seconds.
        frame_timeout_s: longest wait for a good picture, seconds.
        decode: which frames are decoded.
        max_width_px: wider pictures are scaled down while they are converted.
        loop: whether a file begins again at its end; a network stream never does.
        rtsp_over_udp: RTP over UDP instead of within the RTSP connection.
        trust: which certificate of a camera that speaks TLS is believed.
    """

    interval_s: float = 1.0
    open_timeout_s: float = 10.0
    frame_timeout_s: float = 10.0
    decode: DecodeMode = DecodeMode.AUTO
    max_width_px: int = 1920
    loop: bool = True
    rtsp_over_udp: bool = False
    trust: TlsTrust = field(default_factory=TlsTrust)
