"""How streams and files are read."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum

from edge_app.sources.packet_loss import REORDER_PACKETS
from edge_app.sources.trust import TlsTrust


class DecodeMode(StrEnum):
    """Which frames are decoded."""

    AUTO = "auto"
    """Key frames alone while they come often enough for the wanted rate, else all."""
    ALL = "all"
    KEY = "key"


# FFmpeg watches twenty frames of a stream to guess its rate, which is not needed here: that is
# four seconds of a camera with five a second.
_RTSP = {"fflags": "nobuffer", "fpsprobesize": "0"}
# One that gave images a moment ago is not watched at all: what it carries stands in its
# description, and the rest comes with the first key frame.
_RTSP_AGAIN = {**_RTSP, "probesize": "32", "analyzeduration": "1"}
# A key frame comes in one go, and cameras' key frames come together: what the system's buffer for
# UDP does not hold is lost. The system may allow less (net.core.rmem_max).
_UDP_BUFFER_BYTES = str(4 << 20)


@dataclass(frozen=True, slots=True)
class StreamSettings:
    """How a stream is read.

    Attributes:
        interval_s: wanted time between images, seconds.
        open_timeout_s: longest wait for the connection and the first packet, seconds.
        frame_timeout_s: longest wait for a good image, seconds.
        decode: which frames are decoded.
        max_width_px: wider images are scaled down while they are converted.
        loop: whether a file begins again at its end; a network stream never does.
        rtsp_over_udp: RTP over UDP instead of within the RTSP connection.
        trust: which certificate of a TLS camera is trusted.
    """

    interval_s: float = 1.0
    open_timeout_s: float = 10.0
    frame_timeout_s: float = 10.0
    decode: DecodeMode = DecodeMode.AUTO
    max_width_px: int = 1920
    loop: bool = True
    rtsp_over_udp: bool = False
    trust: TlsTrust = field(default_factory=TlsTrust)


def rtsp_options(*, over_udp: bool, watch: bool) -> dict[str, str]:
    """FFmpeg's options for an RTSP stream.

    Args:
        over_udp: instead of within the connection.
        watch: whether to watch the stream first, to find out what it carries.
    """
    transport = "udp" if over_udp else "tcp"
    return {
        "rtsp_transport": transport,
        "reorder_queue_size": REORDER_PACKETS[transport],
        "buffer_size": _UDP_BUFFER_BYTES,
        **(_RTSP if watch else _RTSP_AGAIN),
    }
