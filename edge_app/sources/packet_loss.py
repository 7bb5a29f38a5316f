"""What FFmpeg notices of packets that never came, which it only writes to its log.

An image that was put together around a missing packet may decode without an error: its data are
wrong, not invalid. FFmpeg's RTP reader knows, from the packets' numbers, but has no other way to
tell than a line of log. A stream that counts its packets itself (MPEG-TS) marks them as corrupt.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from av.packet import Packet
    from av.video.stream import VideoStream

REORDER_PACKETS = {"tcp": "4", "udp": "64"}
"""How many RTP packets wait for an earlier one, by transport. Over TCP none does unless told, and
then FFmpeg does not look at their numbers; a camera or relay may lose packets before it sends them
by TCP. There it has no other limit: 64 packets of a quiet scene may be ten seconds."""

_SIGNS = (
    "missed",  # "RTP: missed 3 packets"
    "dropping old packet",  # it came too late
    "bad cseq",
    "Missing packets",  # JPEG over RTP
    "Continuity check failed",  # MPEG-TS
)


class LossReport:
    """Whether packets were missed while it was open."""

    def __init__(self) -> None:
        self.lines: list[tuple[int, str, str]] = []

    @property
    def is_lossy(self) -> bool:
        """Whether a packet is missing."""
        return any(sign in message for _, _, message in self.lines for sign in _SIGNS)


@contextmanager
def watch_losses() -> Iterator[LossReport]:
    """Note what FFmpeg says, in this thread, of missing packets."""
    import av.logging

    _switch_on()
    report = LossReport()
    with av.logging.Capture(local=True) as report.lines:
        yield report


@cache
def _switch_on() -> None:
    import av.logging

    # Its lines are read here; what FFmpeg says elsewhere stays unsaid, as it was.
    logging.getLogger("libav").setLevel(logging.CRITICAL + 1)
    av.logging.set_skip_repeated(False)
    av.logging.set_level(av.logging.WARNING)


def watched(
    packets: Iterator[Packet[VideoStream]],
) -> Iterator[tuple[Packet[VideoStream], bool]]:
    """Each packet, and whether something is missing in it or before it."""
    while True:
        with watch_losses() as report:
            packet = next(packets, None)
        if packet is None:
            return
        yield packet, report.is_lossy or packet.is_corrupt


def without_last(
    packets: Iterator[tuple[Packet[VideoStream], bool]],
) -> Iterator[tuple[Packet[VideoStream], bool]]:
    """Each of `watched`'s packets once the next has begun; never the last.

    An image in RTP or MPEG-TS ends where the next begins. When the connection breaks, FFmpeg hands
    out what it has of one and says nothing.
    """
    held = None
    for packet, is_lossy in packets:
        if not packet.size:  # the end, for the decoder
            return
        if held is not None:
            yield held
        held = packet, is_lossy


class PictureChain:
    """Which packets of a stream give whole images.

    Each image builds on those before it, so after one that is missing or damaged all are smeared,
    though they decode without an error, until a key frame that came complete.
    """

    # A gap is noticed while FFmpeg puts images together: it is in the image that comes out of
    # that read, or in the next one.
    _SUSPECT = 2

    def __init__(self) -> None:
        self._suspect = 0
        self._is_broken = self._begins = False

    @property
    def is_broken(self) -> bool:
        """Whether a whole key frame is waited for, since something is missing."""
        return self._is_broken

    def begin(self) -> None:
        """The stream may begin anywhere: nothing counts before its first key frame."""
        self._begins = True

    def lost(self) -> None:
        """Packets are missing."""
        self._suspect = self._SUSPECT
        self._is_broken = True

    def broke(self) -> None:
        """An image could not be decoded, or not all of it."""
        self._is_broken = True

    def admits(self, *, is_key: bool) -> bool:
        """Whether the next packet's image will be whole, so far as can be known before."""
        if self._suspect:
            self._suspect -= 1
            return False
        if is_key:
            self._is_broken = self._begins = False
        return not (self._is_broken or self._begins)
