"""Decoding every packet of a stream, with a decoder whose memory can be given back.

A stream is decoded whole only until it is known that its key frames are enough. A decoder keeps all
the images that it ever needed at once: of H.264 at 1280x720 6.7 MiB more than key frames alone
take. That of a container's stream lives as long as the connection, so this one is apart from it.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, cast

if TYPE_CHECKING:
    from av.packet import Packet
    from av.video.codeccontext import VideoCodecContext
    from av.video.frame import VideoFrame
    from av.video.stream import VideoStream

# What stands in their packets and extradata is all that these decoders need to know.
_SELF_DESCRIBING = frozenset({"h264", "hevc"})


class WholeDecoder:
    """Decodes the packets of one stream in their order; not thread-safe.

    Args:
        options: of FFmpeg's decoder.
    """

    def __init__(self, options: Mapping[str, str] | None = None) -> None:
        self._options = dict(options or {})
        self.context: VideoCodecContext | None = None
        """What decodes; None before the first packet."""

    def decode(self, packet: Packet[VideoStream]) -> list[VideoFrame]:
        """The images that a packet completes; an empty packet gives those that are left.

        Raises:
            av.FFmpegError: it is broken.
        """
        if self.context is None:
            self.context = self._make(packet.stream)
        return self.context.decode(packet)

    def flush(self) -> None:
        """Forget what was decoded: the next packet is not of the same run."""
        if self.context is not None:
            self.context.flush_buffers()

    def drop(self) -> None:
        """Give the decoder's memory back; the next packet begins with a new one."""
        self.context = None

    def _make(self, stream: VideoStream) -> VideoCodecContext:
        own = stream.codec_context
        if own.name not in _SELF_DESCRIBING:
            return own
        from av import CodecContext

        context = cast("VideoCodecContext", CodecContext.create(own.name, "r"))
        context.extradata = own.extradata
        context.thread_count = 1
        context.options = dict(self._options)
        return context
