"""RTSPS and HTTPS streams: whose certificate is believed. Real TLS, real RTSP, on loopback."""

from __future__ import annotations

import selectors
import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from edge_app.sources import (
    FrameSource,
    Grab,
    SnapshotSource,
    StreamSettings,
    TlsTrust,
    make_source,
)
from edge_app.sources.trust import fingerprint_of, parse_fingerprint
from telemetry import CameraError, SystemClock

if TYPE_CHECKING:
    from tests.edge_app.conftest import CameraServer, RtspServer


class SelfSigned:
    """A certificate as cameras make it for themselves."""

    def __init__(self, folder: Path, name: str = "IPCAM-0815", days: int = 365) -> None:
        key = ec.generate_private_key(ec.SECP256R1())
        subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)] if name else [])
        now = datetime.now(UTC)
        made = (
            x509.CertificateBuilder()
            .subject_name(subject)
            .issuer_name(subject)
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - timedelta(days=400))
            .not_valid_after(now + timedelta(days=days))
            .sign(key, hashes.SHA256())
        )
        file, key_file = folder / "camera.pem", folder / "camera.key"
        file.write_bytes(made.public_bytes(serialization.Encoding.PEM))
        key_file.write_bytes(
            key.private_bytes(
                serialization.Encoding.PEM,
                serialization.PrivateFormat.PKCS8,
                serialization.NoEncryption(),
            )
        )
        self.file = file
        self.fingerprint = fingerprint_of(made.public_bytes(serialization.Encoding.DER))
        self.context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self.context.load_cert_chain(file, key_file)


class TlsRelay:
    """TLS before a server that speaks in the clear."""

    def __init__(self, port: int, context: ssl.SSLContext) -> None:
        self._target, self._context = port, context
        self._stop = threading.Event()
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._listener.settimeout(0.05)
        self.port: int = self._listener.getsockname()[1]
        self._threads = [threading.Thread(target=self._accept)]
        self._threads[0].start()

    def close(self) -> None:
        self._stop.set()
        for thread in self._threads:
            thread.join()
        self._listener.close()

    def _accept(self) -> None:
        while not self._stop.is_set():
            with suppress(OSError):
                client, _ = self._listener.accept()
                client.settimeout(5)
                self._threads.append(threading.Thread(target=self._relay, args=(client,)))
                self._threads[-1].start()

    def _relay(self, client: socket.socket) -> None:
        with (
            suppress(OSError),
            client,
            self._context.wrap_socket(client, server_side=True) as secure,
            socket.create_connection(("127.0.0.1", self._target)) as plain,
            selectors.DefaultSelector() as waiting,
        ):
            waiting.register(secure, selectors.EVENT_READ, plain)
            waiting.register(plain, selectors.EVENT_READ, secure)
            while not self._stop.is_set():
                for key, _ in waiting.select(0.05):
                    source = secure if key.fileobj is secure else plain
                    data = source.recv(65536)
                    while source is secure and secure.pending():
                        data += secure.recv(65536)
                    if not data:
                        return
                    key.data.sendall(data)


@pytest.fixture
def relay() -> Iterator[Callable[[int, SelfSigned], int]]:
    relays: list[TlsRelay] = []

    def start(port: int, certificate: SelfSigned) -> int:
        relays.append(TlsRelay(port, certificate.context))
        return relays[-1].port

    yield start
    for each in relays:
        each.close()


Relay = Callable[[int, SelfSigned], int]


def source_of(address: str, trust: TlsTrust) -> FrameSource:
    settings = StreamSettings(interval_s=0.1, open_timeout_s=5, frame_timeout_s=5, trust=trust)
    return make_source(address, settings, SystemClock())


def grab(source: FrameSource) -> Grab:
    source.open()
    try:
        found = source.read()
        assert found is not None
        return found
    finally:
        source.close()


@pytest.mark.parametrize("how", ["fingerprint", "unverified"])
def test_a_self_signed_rtsps_camera(
    rtsp_server: Callable[..., RtspServer], relay: Relay, tmp_path: Path, how: str
) -> None:
    certificate = SelfSigned(tmp_path)
    port = relay(rtsp_server(password="s3cret").port, certificate)
    pinned = TlsTrust(parse_fingerprint(certificate.fingerprint))
    trust = pinned if how == "fingerprint" else TlsTrust(verify=False)
    address = f"rtsps://viewer:s3cret@127.0.0.1:{port}/live"
    assert grab(source_of(address, trust)).image_bgr.shape == (192, 320, 3)


@pytest.mark.parametrize("scheme", ["rtsps", "https", "snapshot+https"])
def test_an_unknown_certificate_shows_its_fingerprint(
    rtsp_server: Callable[..., RtspServer], relay: Relay, tmp_path: Path, scheme: str
) -> None:
    certificate = SelfSigned(tmp_path)
    server = rtsp_server(password="x")
    port = relay(server.port, certificate)
    for trust in (TlsTrust(), TlsTrust(ca_file=certificate.file)):
        with pytest.raises(CameraError, match="its certificate is not trusted") as caught:
            source_of(f"{scheme}://viewer:s3cret@127.0.0.1:{port}/live", trust).open()
        assert f'set tls_fingerprint = "{certificate.fingerprint}"' in str(caught.value)
        assert "s3cret" not in str(caught.value)
    assert server.wrong_logins == 0, "nobody was told the password"


@pytest.mark.parametrize("scheme", ["rtsps", "https"])
def test_another_certificate_than_the_pinned_one(
    rtsp_server: Callable[..., RtspServer], relay: Relay, tmp_path: Path, scheme: str
) -> None:
    port = relay(rtsp_server().port, SelfSigned(tmp_path))
    with pytest.raises(CameraError, match="does not match tls_fingerprint"):
        source_of(f"{scheme}://127.0.0.1:{port}/live", TlsTrust("00" * 32)).open()


def test_an_https_stream(camera_server: CameraServer, relay: Relay, tmp_path: Path) -> None:
    certificate = SelfSigned(tmp_path)
    port = relay(camera_server.port, certificate)
    trust = TlsTrust(parse_fingerprint(certificate.fingerprint))
    assert grab(source_of(f"https://127.0.0.1:{port}/mjpeg", trust)).image_bgr.shape[2] == 3


def test_a_certificate_that_ran_out(
    camera_server: CameraServer, relay: Relay, tmp_path: Path
) -> None:
    certificate = SelfSigned(tmp_path, days=-1)
    port = relay(camera_server.port, certificate)
    trust = TlsTrust(parse_fingerprint(certificate.fingerprint))
    snapshot = SnapshotSource(f"https://127.0.0.1:{port}/image.jpg", 5.0, trust)
    snapshot.read()
    snapshot.close()
    with pytest.raises(CameraError, match=r"valid only from .*tls_verify = false"):
        source_of(f"https://127.0.0.1:{port}/mjpeg", trust).open()


def test_a_certificate_without_any_name(
    camera_server: CameraServer, relay: Relay, tmp_path: Path
) -> None:
    certificate = SelfSigned(tmp_path, name="")
    port = relay(camera_server.port, certificate)
    trust = TlsTrust(parse_fingerprint(certificate.fingerprint))
    with pytest.raises(CameraError, match="names no host"):
        source_of(f"https://127.0.0.1:{port}/mjpeg", trust).open()


def test_a_camera_that_speaks_no_tls(camera_server: CameraServer) -> None:
    for scheme in ("rtsps", "https", "snapshot+https"):
        for trust in (TlsTrust(), TlsTrust("00" * 32)):
            with pytest.raises(CameraError):
                source_of(f"{scheme}://127.0.0.1:{camera_server.port}/mjpeg", trust).open()


@pytest.mark.parametrize(
    "text",
    [
        "AB" * 32,
        ":".join(["ab"] * 32),
        f"sha256 Fingerprint={':'.join(['AB'] * 32)}",
        f"SHA256:{'ab' * 32}",
        " ".join(["AB"] * 32),
    ],
)
def test_fingerprints_as_people_write_them(text: str) -> None:
    assert parse_fingerprint(text) == "ab" * 32


@pytest.mark.parametrize("text", ["", "abc", "zz" * 32, "ab" * 20, "ab" * 33])
def test_what_is_no_fingerprint(text: str) -> None:
    with pytest.raises(ValueError, match="64 hexadecimal digits"):
        parse_fingerprint(text)
