"""An RTSP camera on loopback that loses RTP packets, by TCP or UDP; H.264, H.265 or JPEG."""

from __future__ import annotations

import random
import re
import socket
import threading
import time
from contextlib import suppress
from fractions import Fraction
from typing import Self, cast

import av
import cv2
import numpy as np

from vision.types import ImageBgr

WH = (640, 352)
FPS = 25
SMEARED = 40.0
"""Coding errors of these streams stay below 30; a lost packet makes 80 and more."""
_SDP = {
    "libx264": ("96", "H264/90000", "a=fmtp:96 packetization-mode=1\r\n"),
    "libx265": ("96", "H265/90000", ""),
    "mjpeg": ("26", "JPEG/90000", ""),
}
_REQUEST = re.compile(rb"[A-Z_]{4,13} \S+ RTSP/1\.0\r\n.*?\r\n\r\n", re.DOTALL)
_X26X = "repeat-headers=1:scenecut=0:slices={slices}"
_OPTIONS = {
    "libx264": {"preset": "ultrafast", "tune": "zerolatency", "x264-params": _X26X},
    "libx265": {
        "preset": "ultrafast", "tune": "zerolatency", "x265-params": _X26X + ":log-level=none",
    },
}  # fmt: skip


class Scene:
    """Pictures that move, so that whatever a decoder guesses shows, and tell their number."""

    def __init__(self) -> None:
        rng = np.random.default_rng(3)
        blocks = rng.integers(30, 225, (70, 120, 3)).astype(np.uint8)
        self._wide = np.asarray(
            cv2.resize(blocks, (960, 560), interpolation=cv2.INTER_CUBIC), np.uint8
        )

    def picture(self, number: int) -> ImageBgr:
        """The picture of that number, below 512."""
        x, y = number * 3 % 300, number * 2 % 200
        image = np.asarray(self._wide[y : y + WH[1], x : x + WH[0]].copy(), np.uint8)
        for bit in range(9):
            image[:24, bit * 24 : bit * 24 + 24] = 255 if number >> bit & 1 else 0
        return image

    def smear(self, image: ImageBgr) -> float:
        """Greatest difference from the clean picture, 0 to 255, averaged over 16 x 16 px."""
        bits = (image[6:18, bit * 24 + 6 : bit * 24 + 18].mean() > 127 for bit in range(9))
        number = sum(int(is_set) << bit for bit, is_set in enumerate(bits))
        clean = self.picture(number).astype(np.float32)
        difference = np.abs(image.astype(np.float32) - clean).max(2)
        return float(cv2.blur(difference, (16, 16))[24:].max())


class LossyCamera:
    """Sends `frames` pictures once a client plays, and loses a share of the packets.

    FFmpeg's RTP muxer packs the pictures and sends them to a UDP socket of ours; from there those
    that are not lost go on to the client.
    """

    def __init__(
        self, codec: str, *, loss: float, frames: int, gop: int = 10, slices: int = 1, seed: int = 7
    ) -> None:
        self.cut_after: int | None = None
        """After so many packets the connection ends in the middle of the next one."""
        self.scene = Scene()
        self.sent = self.lost = 0
        self._codec, self._loss, self._frames = codec, loss, frames
        self._gop, self._slices = gop, slices
        self._random = random.Random(seed)
        self._udp = _udp_socket()
        self._out = _udp_socket()
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._listener.settimeout(0.1)
        self._player: socket.socket | tuple[str, int] | None = None
        self._plays, self._stop, self.done = (threading.Event() for _ in range(3))
        self._threads = [
            threading.Thread(target=target) for target in (self._encode, self._forward, self._serve)
        ]

    @property
    def url(self) -> str:
        return f"rtsp://127.0.0.1:{self._listener.getsockname()[1]}/live"

    def __enter__(self) -> Self:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._plays.set()
        for thread in self._threads:
            thread.join()
        for each in (self._udp, self._out, self._listener):
            each.close()

    def _encode(self) -> None:
        port = self._udp.getsockname()[1]
        with av.open(f"rtp://127.0.0.1:{port}?pkt_size=1000", "w", format="rtp") as out:
            options = {
                key: value.format(slices=self._slices)
                for key, value in _OPTIONS.get(self._codec, {}).items()
            }
            stream = cast("av.VideoStream", out.add_stream(self._codec, rate=FPS, options=options))
            stream.width, stream.height = WH
            stream.pix_fmt = "yuvj420p" if self._codec == "mjpeg" else "yuv420p"
            stream.time_base = Fraction(1, FPS)
            stream.codec_context.gop_size = self._gop
            self._plays.wait()
            begin_s = time.monotonic() + 0.3
            for number in range(self._frames):
                if self._stop.wait(max(0.0, begin_s + number / FPS - time.monotonic())):
                    return
                for packet in self._packets(stream, number):
                    out.mux(packet)
        self.done.set()

    def _packets(self, stream: av.VideoStream, number: int) -> list[av.Packet[av.VideoStream]]:
        image = self.scene.picture(number)
        if self._codec != "mjpeg":
            frame = av.VideoFrame.from_ndarray(image, format="bgr24")
            frame.pts = number
            return list(stream.encode(frame))
        # FFmpeg's own JPEG encoder leaves out a table that RTP receivers expect.
        options = [cv2.IMWRITE_JPEG_SAMPLING_FACTOR, 0x221111, cv2.IMWRITE_JPEG_QUALITY, 80]
        jpeg = cv2.imencode(".jpg", image, options)[1].tobytes()
        packet = cast("av.Packet[av.VideoStream]", av.Packet(jpeg))
        packet.stream, packet.time_base = stream, Fraction(1, FPS)
        packet.pts = packet.dts = number
        return [packet]

    def _forward(self) -> None:
        while not self._stop.is_set():
            with suppress(OSError):
                packet = self._udp.recv(65536)
                if 200 <= packet[1] <= 204:
                    continue  # RTCP
                self.sent += 1
                if self._random.random() < self._loss:
                    self.lost += 1
                elif isinstance(self._player, socket.socket):
                    data = b"$\x00" + len(packet).to_bytes(2, "big") + packet
                    is_cut = self.sent == self.cut_after
                    self._player.sendall(data[:500] if is_cut else data)
                    if is_cut:
                        self._player.shutdown(socket.SHUT_RDWR)
                elif self._player is not None:
                    self._out.sendto(packet, self._player)

    def _serve(self) -> None:
        while not self._stop.is_set():
            with suppress(TimeoutError):
                client, _ = self._listener.accept()
                client.settimeout(0.2)
                with client:
                    self._talk(client)

    def _talk(self, client: socket.socket) -> None:
        text = b""
        while not self._stop.is_set():
            try:
                more = client.recv(4096)
            except TimeoutError:
                continue
            except OSError:
                return
            if not more:
                return
            text += more
            # What a client says within the connection once it plays is RTCP.
            while found := _REQUEST.search(text):
                text = text[found.end() :]
                with suppress(OSError):
                    self._answer(client, found[0].decode("latin-1").split("\r\n"))

    def _answer(self, client: socket.socket, request: list[str]) -> None:
        method, body = request[0].split()[0], ""
        sequence = next((line for line in request if line.lower().startswith("cseq")), "CSeq: 0")
        head = ["RTSP/1.0 200 OK", sequence, "Session: 1"]
        if method == "DESCRIBE":
            kind, name, more = _SDP[self._codec]
            body = (
                f"v=0\r\no=- 0 0 IN IP4 127.0.0.1\r\ns=t\r\nt=0 0\r\nm=video 0 RTP/AVP {kind}\r\n"
                f"a=rtpmap:{kind} {name}\r\n{more}a=control:track0\r\n"
            )
            head += ["Content-Type: application/sdp", f"Content-Base: {self.url}/"]
        elif method == "SETUP":
            head.append(f"Transport: {self._set_up(client, request)}")
        head.append(f"Content-Length: {len(body)}")
        client.sendall(("\r\n".join(head) + "\r\n\r\n" + body).encode())
        if method == "PLAY":
            self._plays.set()

    def _set_up(self, client: socket.socket, request: list[str]) -> str:
        wanted = next(line for line in request if line.lower().startswith("transport"))
        if "client_port=" not in wanted:
            self._player = client
            return "RTP/AVP/TCP;unicast;interleaved=0-1"
        port = int(wanted.split("client_port=")[1].split("-")[0])
        self._player = ("127.0.0.1", port)
        own = self._out.getsockname()[1]
        ports = f"client_port={port}-{port + 1};server_port={own}-{own + 1}"
        return f"RTP/AVP/UDP;unicast;{ports}"


def _udp_socket() -> socket.socket:
    made = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    made.bind(("127.0.0.1", 0))
    made.settimeout(0.1)
    made.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 8 << 20)
    return made
