"""Bundles put to a real HTTPS server on loopback; what is refused, and that nothing leaks."""

from __future__ import annotations

import logging
import ssl
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
import trustme

from edge_app.config import LotsightConfig
from edge_app.delivery.slots import RolloutError
from edge_app.harvest.shipping import HarvestShipping
from harvest import read_bundle
from telemetry import ManualClock
from telemetry.aws import JobDocument, JobKind
from tests.edge_app.harvest.bench import Bench

SECRET = "X-Amz-Signature=5ecre7"


@dataclass
class Bucket:
    """An object store: answers with `statuses` in turn, then 200, and keeps what came."""

    port: int = 0
    statuses: list[int] = field(default_factory=list)
    came: list[tuple[str, bytes]] = field(default_factory=list)


@pytest.fixture
def authority() -> trustme.CA:
    return trustme.CA()


@pytest.fixture
def bucket(authority: trustme.CA) -> Iterator[Bucket]:
    found = Bucket()

    class Handler(BaseHTTPRequestHandler):
        def do_PUT(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            found.came.append((self.path, body))
            self.send_response(found.statuses.pop(0) if found.statuses else 200)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - its name there
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("localhost").configure_cert(context)
    server.socket = context.wrap_socket(server.socket, server_side=True)
    found.port = server.server_address[1]
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield found
    server.shutdown()
    server.server_close()
    thread.join(5)


Ship = Callable[..., HarvestShipping]


@pytest.fixture
def make_shipping(
    make_bench: Callable[..., Bench], bucket: Bucket, authority: trustme.CA, tmp_path: Path
) -> Ship:
    ca_file = tmp_path / "ca.pem"
    authority.cert_pem.write_to_path(str(ca_file))

    def make(frames: int = 2, **settings: object) -> HarvestShipping:
        bench = make_bench()
        for _ in range(frames):
            bench.show(bench.look((0.55, 0.01)))
        hosts = (f"localhost:{bucket.port}",)
        harvest = {"enabled": True, "upload_hosts": hosts, "upload_ca_file": ca_file, **settings}
        config = LotsightConfig.model_validate(
            {
                "edge": {"site": "mall", "edge": "box-1", "state_dir": tmp_path},
                "harvest": harvest,
                "camera": [
                    {"id": "north", "source": "sim:", "calibration_file": tmp_path / "n.json"}
                ],
            }
        )
        return HarvestShipping(config, bench.store, ManualClock())

    return make


def job(port: int, **changes: object) -> JobDocument:
    given = {
        "kind": JobKind.HARVEST,
        "target": "north.tar.gz",
        "version": "1",
        "upload_url": f"https://localhost:{port}/bucket/north.tar.gz?{SECRET}",
        **changes,
    }
    return JobDocument.model_validate(given)


def test_the_kept_frames_arrive_as_a_bundle(
    make_shipping: Ship, bucket: Bucket, tmp_path: Path
) -> None:
    shipping = make_shipping()
    detail = shipping.run(job(bucket.port))
    assert detail.startswith("2 frames, ")
    assert SECRET not in detail
    ((path, body),) = bucket.came
    assert path == f"/bucket/north.tar.gz?{SECRET}"
    archive = tmp_path / "came.tar.gz"
    archive.write_bytes(body)
    bundle = read_bundle(archive)
    assert bundle.manifest.frames == shipping.store.frames()
    assert (bundle.manifest.site, bundle.manifest.edge) == ("mall", "box-1")
    assert [path.name for path in shipping.store.folder.iterdir()] == ["frames"]
    figures = shipping.store.stats()
    assert (figures.sent, figures.sent_frames, figures.failed) == (1, 2, 0)
    assert figures.sent_bytes == len(body)


def test_a_busy_server_is_asked_again(make_shipping: Ship, bucket: Bucket) -> None:
    bucket.statuses = [503, 429]
    shipping = make_shipping()
    assert shipping.run(job(bucket.port)).startswith("2 frames")
    assert len(bucket.came) == 3
    assert shipping.clock.mono_s() == 12


@pytest.mark.parametrize("status", [403, 302])
def test_a_refusal_and_a_redirect_end_it(
    make_shipping: Ship, bucket: Bucket, status: int, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    bucket.statuses = [status]
    shipping = make_shipping()
    with pytest.raises(RolloutError, match=f"HTTP status {status}") as caught:
        shipping.run(job(bucket.port))
    assert len(bucket.came) == 1
    figures = shipping.store.stats()
    assert (figures.sent, figures.failed, figures.faults) == (0, 1, 1)
    assert figures.last_fault is not None
    assert figures.last_fault.text == str(caught.value)
    assert "5ecre7" not in str(caught.value) + caplog.text


def test_another_host_gets_nothing(make_shipping: Ship, bucket: Bucket) -> None:
    with pytest.raises(RolloutError, match="expected https to one of"):
        make_shipping().run(job(bucket.port, upload_url="https://elsewhere.example/x"))
    with pytest.raises(RolloutError, match="upload_hosts"):
        make_shipping(upload_hosts=()).run(job(bucket.port))


def test_an_unknown_certificate_gets_nothing(
    make_shipping: Ship, bucket: Bucket, tmp_path: Path
) -> None:
    other = tmp_path / "other.pem"
    trustme.CA().cert_pem.write_to_path(str(other))
    with pytest.raises(RolloutError, match="not trusted"):
        make_shipping(upload_ca_file=other).run(job(bucket.port))
    assert bucket.came == []


def test_no_frames_no_bundle(make_shipping: Ship, bucket: Bucket) -> None:
    assert "nothing was sent" in make_shipping(frames=0).run(job(bucket.port))
    assert bucket.came == []


@pytest.mark.parametrize(
    "change", [{"upload_url": None}, {"kind": "model"}, {"upload_url": "http://localhost/x"}]
)
def test_a_job_that_makes_no_sense_is_refused(change: dict[str, object]) -> None:
    with pytest.raises(ValueError, match=r"upload_?[uU]rl"):
        job(1, **change)
