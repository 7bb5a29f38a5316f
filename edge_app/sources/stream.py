"""Streams and video files through FFmpeg (PyAV).

Decoding is what many cameras on a small box cost, so as little as possible is decoded: when key
frames come at least as often as images are wanted, nothing else is given to the decoder, and
not even a key frame before the next image is due. Key frames stand alone, so `read_undecoded`
passes them on undecoded: the consumer decodes them, and an unused one costs nothing.
"""

from __future__ import annotations

import logging
import os
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from edge_app.addresses import shown, without_login
from edge_app.sources.base import Grab, Undecoded
from edge_app.sources.key_frames import KeyFrameDecoder, KeyFrameMeter, LagMeter
from edge_app.sources.packet_loss import (
    PictureChain,
    watch_losses,
    watched,
    without_last,
)
from edge_app.sources.stream_faults import stream_fault
from edge_app.sources.stream_settings import DecodeMode, StreamSettings, rtsp_options
from edge_app.sources.trust import TlsTrust, libav_options
from edge_app.sources.whole_decoder import WholeDecoder
from telemetry import CameraError, Clock
from vision.types import ImageBgr
from vision.video_frame import frame_to_bgr, pixel_aspect

if TYPE_CHECKING:
    from fractions import Fraction

    from av.container import InputContainer
    from av.packet import Packet
    from av.video.frame import VideoFrame
    from av.video.stream import VideoStream

_log = logging.getLogger(__name__)

# A file that is played more than this behind its own clock is not hurried up to catch up: the
# machine was suspended or overloaded, and the frames in between are old news.
_LATE_S = 1.0
# An image may be this early, as a share of the wanted interval: cameras' clocks jitter, and
# waiting for the frame after would halve the rate.
_EARLY_SHARE = 0.1
# A network stream that is read this much behind is not caught up with by decoding: all up to the
# next key frame is skipped.
_BEHIND_S = 1.0
# Formats that do not tell where an image ends.
_UNSIZED = frozenset({"h264", "hevc", "hls", "mpeg", "mpegts", "rtp", "rtsp", "sdp"})
# A decoder that stops at errors instead of guessing. Not for live H.264 or H.265: there are cameras
# whose every image has a harmless flaw, and lost packets are seen otherwise.
_STRICT = {"err_detect": "explode"}
# Streams that must be decoded whole are so in their own threads, but no more at once than there are
# cores: forty that compete leave no core to the judge.
_CORES = threading.BoundedSemaphore(os.cpu_count() or 1)


@dataclass(frozen=True, slots=True)
class KeyFrame:
    """A key frame's packet and what decodes it; called, it gives the image."""

    decoder: KeyFrameDecoder
    packet: Packet[VideoStream]

    def __call__(self) -> ImageBgr | None:
        """The image; None when it is broken or its stream was closed."""
        return self.decoder.decode(self.packet)


class StreamSource:
    """RTSP, HTTP and other network streams, and video files played at their own speed.

    Args:
        url: address or path, login included.
        settings: how it is read.
        clock: paces files, judges time-outs.
        is_file: whether `url` is a file, which ends, and comes as fast as it is read.
    """

    def __init__(self, url: str, settings: StreamSettings, clock: Clock, *, is_file: bool) -> None:
        self._url = url
        self._name = shown(url)
        self._settings = settings
        self._clock = clock
        self._is_file = is_file
        self._is_rtsp = url.lower().startswith(("rtsp://", "rtsps://"))
        self._container: InputContainer | None = None
        self._packets: Iterator[tuple[Packet[VideoStream], bool]] = iter(())
        self._meter = KeyFrameMeter()
        self._lag = LagMeter()
        self._passing_over = False
        self._chain = PictureChain()
        self._broken = 0
        self._decoder = KeyFrameDecoder(clock, settings.max_width_px)
        self._whole = WholeDecoder()
        self._key_only = settings.decode is DecodeMode.KEY
        self._next_due_s = 0.0
        self._file_zero_s: float | None = None
        self._decoded_in_pass = 0
        self._good_s = 0.0
        self._is_known = False

    @property
    def self_paced(self) -> bool:
        """A stream comes at its own speed."""
        return True

    @property
    def key_frames_only(self) -> bool:
        """Whether nothing but key frames is decoded at present."""
        return self._key_only

    @property
    def is_known(self) -> bool:
        """Whether the stream is opened without watching it first: it gave images the last time.

        A connection without one ends that, and the next one is watched, as the first one is. Tries
        that do not reach the camera change nothing: it may be starting.
        """
        return self._is_known

    def open(self) -> None:
        """Connect and find the video.

        Raises:
            CameraError: it cannot be reached, or holds no video that can be decoded.
        """
        self.close()
        self._chain = PictureChain()
        found = self._connect()
        if not found and self._is_known:
            self.close()  # streams within a stream (MPEG-TS) are found by watching alone
            found = self._connect()
        if not found:
            self.close()
            msg = f"camera source {self._name}: expected a video stream, but got none"
            raise CameraError(msg)
        self._decoder = KeyFrameDecoder(self._clock, self._settings.max_width_px)
        self._meter.forget_position()
        self._lag.reset()
        self._passing_over = False
        self._file_zero_s = None

    def _connect(self) -> bool:
        """Connect; whether there is a video."""
        import av

        self._decoded_in_pass = 0
        timeouts = (self._settings.open_timeout_s, self._settings.frame_timeout_s)
        try:
            with libav_options(*self._tls()) as tls, watch_losses() as report:
                container = av.open(self._url, options=self._options() | tls, timeout=timeouts)
        except (av.FFmpegError, OSError, ValueError) as exc:
            if isinstance(exc, av.error.InvalidDataError):
                self._is_known = False  # it was reached, and carries something else
            raise stream_fault(self._url, exc, opening=True) from exc
        self._container = container
        if not container.streams.video:
            return False
        stream = container.streams.video[0]
        # One thread: frame threads hold images back by as many frames as there are threads.
        stream.codec_context.thread_count = 1
        codec = stream.codec_context.name
        if self._is_file or codec == "mjpeg":
            stream.codec_context.options = dict(_STRICT)
        self._whole = WholeDecoder(stream.codec_context.options)
        if report.is_lossy:
            self._chain.lost()
        self._packets = watched(container.demux(stream))
        is_sized = self._is_file or container.format.name not in _UNSIZED
        if not is_sized and codec != "mjpeg":
            self._packets = without_last(self._packets)
            # What it was watched with is gone ("nobuffer"), and it may begin anywhere. H.264's
            # decoder waits for an image to begin with by itself, even without key frames.
            if codec != "h264":
                self._chain.begin()
        return True

    def read(self) -> Grab | None:
        """The next image that is due; None at the end of a file that is not looped.

        Raises:
            CameraError: nothing came in time, or nothing that came could be decoded.
        """
        packets = broken = 0
        while True:
            found = self.read_undecoded()
            if found is None:
                return None
            packets, broken = packets + found.frames, broken + found.broken
            image_bgr = found.image_bgr if isinstance(found, Grab) else found.decode()
            if image_bgr is not None:
                return Grab(image_bgr, packets, broken)
            broken += 1
            self._check_good(packets)

    def read_undecoded(self) -> Grab | Undecoded | None:
        """As `read`, but an image that stands alone is given as it came.

        Raises:
            CameraError: nothing came in time, or nothing that came could be decoded.
        """
        import av

        if self._container is None:
            msg = f"camera source {self._name}: read before open"
            raise CameraError(msg)
        self._good_s = self._clock.mono_s()
        packets = 0
        while True:
            try:
                packet = self._next_packet()
                if packet is None:
                    if not self._begin_again():
                        return None
                    continue
                packets += 1 if packet.size else 0
                found = self._take(packet)
            except av.error.InvalidDataError:
                # One broken packet is a glitch; nothing but broken packets is a fault, below.
                self._chain.broke()
                self._broken += 1
                found = None
            except (av.FFmpegError, OSError, ValueError) as exc:
                raise stream_fault(self._url, exc, opening=False) from exc
            self._check_good(packets)
            if isinstance(found, KeyFrame):
                return Undecoded(found, max(packets, 1), self._take_broken())
            if found is not None:
                return Grab(found, max(packets, 1), self._take_broken())

    def close(self) -> None:
        """Disconnect."""
        container, self._container = self._container, None
        self._packets = iter(())
        self._decoder.close()
        self._whole.drop()
        if container is not None:
            # The decoder's word counts too: a key frame that came need not be one that can be used.
            gave_pictures = self._decoded_in_pass > 0 and not self._decoder.bad_for_s()
            self._is_known = self._is_rtsp and gave_pictures
            container.close()

    def _tls(self) -> tuple[str, TlsTrust, float, str]:
        place = without_login(self._url)[0]
        name = f"camera source {self._name}"
        return place, self._settings.trust, self._settings.open_timeout_s, name

    def _options(self) -> dict[str, str]:
        if not self._is_rtsp:
            return {}
        return rtsp_options(over_udp=self._settings.rtsp_over_udp, watch=not self._is_known)

    def _check_good(self, packets: int) -> None:
        limit_s = self._settings.frame_timeout_s
        if self._key_only:
            limit_s += self._settings.interval_s
        bad_s = max(self._clock.mono_s() - self._good_s, self._decoder.bad_for_s())
        if bad_s > limit_s:
            msg = (
                f"camera source {self._name}: expected a frame within {limit_s:g} s, but none of "
                f"{packets} packets could be decoded"
            )
            if self._chain.is_broken:
                msg += " completely: packets were lost or are damaged"
            raise CameraError(msg)

    def _take_broken(self) -> int:
        broken, self._broken = self._broken, 0
        return broken

    def _next_packet(self) -> Packet[VideoStream] | None:
        packet, is_lossy = next(self._packets, (None, False))
        if packet is not None and is_lossy:
            self._chain.lost()
            if not self._key_only:
                self._whole.flush()
        return packet

    def _begin_again(self) -> bool:
        """At the end: play a file again; True when there is more to read.

        Raises:
            CameraError: a network stream ended, or a whole pass of a file held no image.
        """
        if not self._is_file:
            msg = f"camera source {self._name}: the stream ended"
            if self._decoded_in_pass == 1:
                msg += " after one image: for a still image use snapshot+http://..."
            raise CameraError(msg)
        if self._decoded_in_pass == 0:
            msg = f"camera source {self._name}: expected video, but cannot decode any frame"
            raise CameraError(msg)
        if not self._settings.loop:
            return False
        self.open()
        return True

    def _take(self, packet: Packet[VideoStream]) -> ImageBgr | KeyFrame | None:
        """The image in one packet that is due, if any; decoded if others depend on it."""
        time_s = _seconds(packet.pts, packet.time_base)
        if packet.size:
            self._meter.saw(time_s, packet.is_keyframe)
            self._choose_mode(packet)
        if packet.size and not self._chain.admits(is_key=packet.is_keyframe):
            # What is not wanted by itself is no loss.
            self._broken += self._chain.is_broken and (packet.is_keyframe or not self._key_only)
            return None
        if not self._key_only:
            return self._take_whole(packet, time_s)
        if not packet.size or not packet.is_keyframe:
            return None
        self._pace(time_s)
        self._good_s = self._clock.mono_s()
        self._decoded_in_pass += 1
        if not self._is_due():
            return None
        self._set_next_due()
        return KeyFrame(self._decoder, packet)

    def _take_whole(self, packet: Packet[VideoStream], time_s: float | None) -> ImageBgr | None:
        """The image that is due, of a stream whose every packet must be decoded."""
        if self._passing_over:
            if not (packet.size and packet.is_keyframe):
                return None
            self._passing_over = False
            self._lag.reset()
        elif not self._is_file and self._lag.lag_s(time_s, self._clock.mono_s()) > _BEHIND_S:
            _log.debug("%s lags %g s behind: frames skipped", self._name, _BEHIND_S)
            self._passing_over = True
            self._whole.flush()
            return None
        with _CORES:
            frames = self._whole.decode(packet)
        return self._newest_due(frames, pixel_aspect(packet.stream, self._whole.context))

    def _choose_mode(self, packet: Packet[VideoStream]) -> None:
        if self._settings.decode is not DecodeMode.AUTO:
            return
        often_enough = self._meter.every_s() <= self._settings.interval_s * (1 + _EARLY_SHARE)
        if often_enough != self._key_only:
            self._key_only = often_enough
            self._lag.reset()
            # Images before and after the change must not lean on each other.
            packet.stream.codec_context.flush_buffers()
            self._whole.drop()
            _log.info("decoding %s of %s", "key frames only" if often_enough else "all", self._name)

    def _newest_due(self, frames: list[VideoFrame], aspect: Fraction) -> ImageBgr | None:
        chosen = None
        for frame in frames:
            if frame.is_corrupt:
                self._chain.broke()
                self._broken += 1
                continue
            self._pace(_seconds(frame.pts, frame.time_base))
            self._decoded_in_pass += 1
            self._good_s = self._clock.mono_s()
            if self._is_due():
                chosen = frame
        if chosen is None:
            return None
        self._set_next_due()
        return frame_to_bgr(chosen, aspect, self._settings.max_width_px)

    def _set_next_due(self) -> None:
        interval_s = self._settings.interval_s
        self._next_due_s = max(self._next_due_s, self._clock.mono_s() - interval_s) + interval_s

    def _is_due(self) -> bool:
        slack_s = self._settings.interval_s * _EARLY_SHARE
        return self._clock.mono_s() >= self._next_due_s - slack_s

    def _pace(self, time_s: float | None) -> None:
        """Hold a file back to its own speed."""
        if not self._is_file or time_s is None:
            return
        now_s = self._clock.mono_s()
        if self._file_zero_s is None:
            self._file_zero_s = now_s - time_s
        ahead_s = self._file_zero_s + time_s - now_s
        if ahead_s > 0:
            self._clock.sleep(ahead_s)
        elif ahead_s < -_LATE_S:
            self._file_zero_s = now_s - time_s


def _seconds(ticks: int | None, time_base: Fraction | None) -> float | None:
    return None if ticks is None or time_base is None else float(ticks * time_base)
