"""RTSP cameras that come back: opened without watching them first, whatever they carry by then."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from fractions import Fraction

import av
import pytest

from edge_app.sources import DecodeMode, Grab, StreamSettings, StreamSource, make_source
from telemetry import CameraError, SystemClock
from tests.edge_app.conftest import RtspServer, numbered_picture

pytestmark = pytest.mark.slow
AUDIO = "m=audio 0 RTP/AVP 0\r\na=rtpmap:0 PCMU/8000\r\na=control:track1\r\n"


@dataclass(frozen=True)
class Form:
    """What a camera sends, and how it describes it.

    Attributes:
        rtpmap: of the description.
        codec: how it is encoded.
        width: of the picture.
        container: FFmpeg's name of the RTP packing.
        options: of the encoder.
        more: further lines of the description.
    """

    rtpmap: str = "96 H264/90000"
    codec: str = "libx264"
    width: int = 320
    container: str = "rtp"
    options: str = "repeat-headers=1:bframes=0"
    more: str = ""

    def sdp(self) -> str:
        number = self.rtpmap.split()[0]
        return (
            "v=0\r\no=- 0 0 IN IP4 127.0.0.1\r\ns=test\r\nt=0 0\r\n"
            f"m=video 0 RTP/AVP {number}\r\na=rtpmap:{self.rtpmap}\r\na=control:track0\r\n"
            f"{self.more}"
        )


H264 = Form()
H265 = Form("96 H265/90000", "libx265", options="repeat-headers=1:bframes=0:log-level=none")
IN_TS = Form("33 MP2T/90000", container="rtp_mpegts")


class ChangingServer(RtspServer):
    """An RTSP camera that becomes another one while it is away."""

    def __init__(self, form: Form = H264, fps: int = 20, gop: int = 10) -> None:
        self.form = form
        self._changed = threading.Event()
        super().__init__(fps, gop)

    def become(self, form: Form) -> None:
        """Reboot as another camera."""
        self.form = form
        self._changed.set()
        self.hang_up()

    def _encode(self) -> None:
        while not self._stop.is_set():
            self._changed.clear()
            self._encode_as(self.form)

    def _encode_as(self, form: Form) -> None:
        address = f"rtp://127.0.0.1:{self._udp.getsockname()[1]}?pkt_size=1200"
        with av.open(address, "w", format=form.container) as out:
            stream = out.add_stream(form.codec, rate=self._fps)
            assert isinstance(stream, av.VideoStream)
            stream.width, stream.height, stream.pix_fmt = form.width, 192, "yuv420p"
            stream.time_base = Fraction(1, self._fps)
            params = form.codec.removeprefix("lib") + "-params"
            rate = f"keyint={self._gop}:min-keyint={self._gop}:scenecut=0"
            stream.options = {"tune": "zerolatency", params: f"{form.options}:{rate}"}
            number = 0
            while not self._changed.is_set() and not self._stop.wait(1 / self._fps):
                image = numbered_picture(number, form.width)
                picture = av.VideoFrame.from_ndarray(image, format="bgr24")
                picture.pts = number
                out.mux(stream.encode(picture))
                number += 1

    def _answer(self, request: list[str]) -> bytes:
        if not request[0].startswith("DESCRIBE"):
            return super()._answer(request)
        sequence = next(line for line in request if line.lower().startswith("cseq"))
        body = self.form.sdp()
        head = (
            f"RTSP/1.0 200 OK\r\n{sequence}\r\nContent-Type: application/sdp\r\n"
            f"Content-Base: {self.url()}/\r\nContent-Length: {len(body)}\r\n\r\n"
        )
        return (head + body).encode()


Start = Callable[..., ChangingServer]


@pytest.fixture
def start() -> Iterator[Start]:
    servers: list[ChangingServer] = []

    def begin(form: Form = H264, fps: int = 20, gop: int = 10) -> ChangingServer:
        servers.append(ChangingServer(form, fps, gop))
        return servers[-1]

    yield begin
    for server in servers:
        server.close()


def source_of(server: RtspServer, mode: DecodeMode = DecodeMode.AUTO) -> StreamSource:
    settings = StreamSettings(interval_s=0.5, decode=mode, frame_timeout_s=5.0)
    source = make_source(server.url(), settings, SystemClock())
    assert isinstance(source, StreamSource)
    return source


def widths(source: StreamSource, count: int = 3) -> set[int]:
    """Widths of the next pictures; each is one even grey, as the camera sends them."""
    found = set()
    for _ in range(count):
        grab = source.read()
        assert isinstance(grab, Grab)
        height, width = grab.image_bgr.shape[:2]
        assert height == 192
        assert grab.image_bgr[40:, 40:].std() < 5, "a broken picture"
        found.add(width)
    return found


def open_again(source: StreamSource) -> None:
    """As the feed does it, until the camera answers."""
    end_s = time.monotonic() + 60
    while True:
        source.close()
        try:
            source.open()
        except CameraError:
            assert time.monotonic() < end_s, "the camera does not come back"
            time.sleep(0.1)
        else:
            return


@pytest.mark.parametrize("mode", [DecodeMode.AUTO, DecodeMode.ALL])
@pytest.mark.parametrize("form", [H264, H265, IN_TS], ids=["h264", "h265", "ts"])
def test_a_camera_that_gave_pictures_is_not_watched_again(
    start: Start, form: Form, mode: DecodeMode
) -> None:
    server = start(form)
    source = source_of(server, mode)
    source.open()
    assert not source.is_known
    assert widths(source) == {320}
    server.hang_up()
    with pytest.raises(CameraError):
        widths(source, 200)
    open_again(source)
    assert source.is_known or form is IN_TS
    assert widths(source) == {320}
    source.close()


@pytest.mark.parametrize(
    "after",
    [
        Form(width=640),
        H265,
        IN_TS,
        Form(options="repeat-headers=1:bframes=2"),
        Form(more=AUDIO),
    ],
    ids=["size", "codec", "ts", "b-frames", "silent-audio"],
)
@pytest.mark.parametrize("mode", [DecodeMode.AUTO, DecodeMode.ALL])
def test_a_camera_that_comes_back_as_another_one(
    start: Start, after: Form, mode: DecodeMode
) -> None:
    server = start(H264)
    source = source_of(server, mode)
    source.open()
    assert widths(source) == {320}
    server.become(after)
    with pytest.raises(CameraError):
        widths(source, 200)
    for _ in range(2):  # pictures of the camera before may still be on their way
        open_again(source)
        try:
            seen = widths(source, 6)
        except CameraError:
            continue
        assert after.width in seen
        break
    else:
        pytest.fail("no pictures of the camera that came back")
    source.close()


def test_tries_that_reach_no_camera_change_nothing(start: Start) -> None:
    server = start()
    source = source_of(server)
    source.open()
    widths(source)
    server.close()
    for _ in range(2):
        source.close()
        with pytest.raises(CameraError, match="cannot open"):
            source.open()
    source.close()
    assert source.is_known, "it is opened fast once it is back"


def test_a_connection_without_a_picture_makes_the_next_one_watch(start: Start) -> None:
    server = start()
    source = source_of(server)
    source.open()
    widths(source)
    source.close()
    assert source.is_known
    source.open()
    source.close()
    assert not source.is_known
    source.open()
    assert widths(source) == {320}
    source.close()


def test_files_and_other_streams_are_always_watched(clip: str) -> None:
    source = StreamSource(str(clip), StreamSettings(interval_s=0.1), SystemClock(), is_file=True)
    source.open()
    source.read()
    source.close()
    assert not source.is_known
