"""Cameras for tests: clips, HTTP pictures and streams, and an RTSP server, all real on loopback."""

from __future__ import annotations

import hashlib
import http.server
import re
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from fractions import Fraction
from pathlib import Path

import av
import cv2
import numpy as np
import pytest

from vision.types import ImageBgr


def numbered_picture(number: int, width: int = 320, height: int = 192) -> ImageBgr:
    """A picture whose grey value tells its number, even after lossy coding: 8 per step."""
    image = np.full((height, width, 3), (number % 28) * 8 + 16, np.uint8)
    cv2.rectangle(image, (0, 0), (16, 16), (0, 0, 255), -1)
    return image


def write_clip(
    path: Path, frames: int = 48, fps: int = 24, gop: int = 12, width: int = 320
) -> Path:
    """An H.264 clip of numbered pictures with a key frame every `gop` frames."""
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=fps)
        stream.width, stream.height, stream.pix_fmt = width, 192, "yuv420p"
        stream.options = {"g": str(gop), "sc_threshold": "0", "preset": "veryfast", "bf": "2"}
        for number in range(frames):
            picture = av.VideoFrame.from_ndarray(numbered_picture(number, width), format="bgr24")
            container.mux(stream.encode(picture))
        container.mux(stream.encode())
    return path


@pytest.fixture(scope="session")
def clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two seconds, 24 frames a second, a key frame each half second."""
    return write_clip(tmp_path_factory.mktemp("clip") / "clip.mp4")


@pytest.fixture(scope="session")
def jpeg() -> bytes:
    """One picture."""
    return bytes(cv2.imencode(".jpg", numbered_picture(5))[1])


class CameraServer:
    """An HTTP camera: what it answers can be changed while it runs."""

    def __init__(self, picture: bytes) -> None:
        self.picture = picture
        self.status = 200
        self.login: str | None = None
        self.stall_s = 0.0
        self.requests = 0
        outer = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                outer.requests += 1
                with suppress(BrokenPipeError, ConnectionResetError):
                    outer.answer(self)

            def log_message(self, format: str, *args: object) -> None:  # noqa: A002
                """Keep the test's output clean."""

        self._server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self.port: int = self._server.server_address[1]
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,))
        self._thread.start()

    def answer(self, request: http.server.BaseHTTPRequestHandler) -> None:
        if self.login is not None and request.headers.get("Authorization") != self.login:
            request.send_response(401)
            request.send_header("WWW-Authenticate", 'Basic realm="camera"')
            request.send_header("Content-Length", "0")
            request.end_headers()
            return
        time.sleep(self.stall_s)
        request.send_response(self.status)
        if request.path == "/mjpeg":
            request.send_header("Content-Type", "multipart/x-mixed-replace; boundary=frame")
            request.end_headers()
            for _ in range(200):
                head = f"--frame\r\nContent-Type: image/jpeg\r\nContent-Length: {len(self.picture)}"
                request.wfile.write(head.encode() + b"\r\n\r\n" + self.picture + b"\r\n")
                time.sleep(0.04)
            return
        request.send_header("Content-Type", "image/jpeg")
        request.send_header("Content-Length", str(len(self.picture)))
        request.end_headers()
        request.wfile.write(self.picture)

    def url(self, path: str = "/image.jpg") -> str:
        return f"http://127.0.0.1:{self.port}{path}"

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


@pytest.fixture
def camera_server(jpeg: bytes) -> Iterator[CameraServer]:
    server = CameraServer(jpeg)
    yield server
    server.close()


SDP = (
    "v=0\r\no=- 0 0 IN IP4 127.0.0.1\r\ns=test\r\nt=0 0\r\nm=video 0 RTP/AVP 96\r\n"
    "a=rtpmap:96 H264/90000\r\na=fmtp:96 packetization-mode=1\r\na=control:track0\r\n"
)


class RtspServer:
    """An RTSP camera (RFC 2326) that sends H.264 within the RTSP connection.

    FFmpeg's RTP muxer packs the pictures and sends them to a UDP socket of ours; from there they go
    to every client that asked to play. `freeze` keeps the connection and stops the pictures, which
    is how many cameras die. With `password` it wants `viewer` to log in, by digest (MD5).
    """

    def __init__(self, fps: int = 20, gop: int = 10, password: str | None = None) -> None:
        self._fps, self._gop = fps, gop
        self.password = password
        self.wrong_logins = 0
        self._stop = threading.Event()
        self.freeze = threading.Event()
        self._players: list[socket.socket] = []
        self._serving: list[tuple[socket.socket, threading.Thread]] = []
        self._udp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._udp.bind(("127.0.0.1", 0))
        self._udp.settimeout(0.1)
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._listener.settimeout(0.1)
        self.port: int = self._listener.getsockname()[1]
        self._threads = [
            threading.Thread(target=target)
            for target in (self._encode, self._forward, self._accept)
        ]
        for thread in self._threads:
            thread.start()

    def url(self, login: str = "") -> str:
        return f"rtsp://{login}127.0.0.1:{self.port}/live"

    def close(self) -> None:
        self._stop.set()
        self.hang_up()
        for thread in self._threads:
            thread.join()
        for client, thread in self._serving:
            with suppress(OSError):
                client.shutdown(socket.SHUT_RDWR)
            thread.join()
            client.close()
        self._udp.close()
        self._listener.close()

    def hang_up(self) -> None:
        """Drop every client, as a camera that reboots."""
        players, self._players = self._players, []
        for player in players:
            with suppress(OSError):
                player.shutdown(socket.SHUT_RDWR)

    def _encode(self) -> None:
        port = self._udp.getsockname()[1]
        with av.open(f"rtp://127.0.0.1:{port}?pkt_size=1200", "w", format="rtp") as out:
            stream = out.add_stream("libx264", rate=self._fps)
            stream.width, stream.height, stream.pix_fmt = 320, 192, "yuv420p"
            stream.time_base = Fraction(1, self._fps)
            stream.options = {
                "g": str(self._gop), "tune": "zerolatency", "x264-params": "repeat-headers=1",
            }  # fmt: skip
            number = 0
            while not self._stop.wait(1 / self._fps):
                if self.freeze.is_set():
                    continue
                picture = av.VideoFrame.from_ndarray(numbered_picture(number), format="bgr24")
                picture.pts = number
                out.mux(stream.encode(picture))
                number += 1

    def _forward(self) -> None:
        while not self._stop.is_set():
            with suppress(TimeoutError):
                packet = self._udp.recv(65536)
                if 200 <= packet[1] <= 204:
                    continue  # RTCP
                for player in list(self._players):
                    with suppress(OSError):
                        player.sendall(b"$\x00" + len(packet).to_bytes(2, "big") + packet)

    def _accept(self) -> None:
        while not self._stop.is_set():
            with suppress(TimeoutError):
                client, _ = self._listener.accept()
                thread = threading.Thread(target=self._serve, args=(client,))
                self._serving.append((client, thread))
                thread.start()

    def _serve(self, client: socket.socket) -> None:
        with suppress(OSError), client.makefile("rb") as lines:
            request: list[str] = []
            for raw in lines:
                line = raw.decode("latin-1").strip()
                if line:
                    request.append(line)
                    continue
                if request and "RTSP/1.0" in request[0]:
                    client.sendall(self._answer(request))
                    if request[0].startswith("PLAY"):
                        self._players.append(client)
                request = []

    def _answer(self, request: list[str]) -> bytes:
        method = request[0].split()[0]
        sequence = next(line for line in request if line.lower().startswith("cseq"))
        if method != "OPTIONS" and not self._may_see(method, request):
            offer = 'WWW-Authenticate: Digest realm="camera", nonce="n1"'
            return f"RTSP/1.0 401 Unauthorized\r\n{sequence}\r\n{offer}\r\n\r\n".encode()
        head = ["RTSP/1.0 200 OK", sequence]
        body = ""
        if method == "OPTIONS":
            head.append("Public: OPTIONS, DESCRIBE, SETUP, PLAY, TEARDOWN")
        elif method == "DESCRIBE":
            body = SDP
            head += ["Content-Type: application/sdp", f"Content-Base: {self.url()}/"]
        else:
            head += ["Session: 1", "Transport: RTP/AVP/TCP;unicast;interleaved=0-1"]
        head.append(f"Content-Length: {len(body)}")
        return ("\r\n".join(head) + "\r\n\r\n" + body).encode()

    def _may_see(self, method: str, request: list[str]) -> bool:
        given = next((line for line in request if line.startswith("Authorization:")), None)
        if self.password is None or given is None:
            return self.password is None
        fields = dict(re.findall(r'(\w+)="([^"]*)"', given))

        def hashed(*parts: str) -> str:
            return hashlib.md5(":".join(parts).encode()).hexdigest()

        who = hashed("viewer", "camera", self.password)
        is_right: bool = fields["response"] == hashed(who, "n1", hashed(method, fields["uri"]))
        self.wrong_logins += not is_right
        return is_right


@pytest.fixture
def rtsp_server() -> Iterator[Callable[..., RtspServer]]:
    servers: list[RtspServer] = []

    def start(fps: int = 20, gop: int = 10, password: str | None = None) -> RtspServer:
        servers.append(RtspServer(fps, gop, password))
        return servers[-1]

    yield start
    for server in servers:
        server.close()


@pytest.fixture(scope="session")
def make_clip() -> Callable[..., Path]:
    """`write_clip`, for clips of other lengths and sizes."""
    return write_clip
