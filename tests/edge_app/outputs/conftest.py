"""A lot with real devices: a broker, a Modbus device, an HTTP relay; and a store beside them."""

from __future__ import annotations

import http.server
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from edge_app.alarms import Alarms
from edge_app.config import LotsightConfig, parse_config
from edge_app.delivery import Store
from edge_app.field_io import LocalLink
from edge_app.outputs import BarrierOutlets, LotFigures, Outputs, build_outputs
from telemetry import OutputChangedEvent, SystemClock
from tests.edge_app.delivery.kit import events, open_store
from tests.kit.modbus import ModbusServer
from tests.kit.mosquitto import Mosquitto


@pytest.fixture(scope="module")
def broker(mosquitto: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Mosquitto]:
    made = Mosquitto(mosquitto, tmp_path_factory.mktemp("broker"))
    made.start()
    yield made
    made.stop()


@pytest.fixture
def modbus() -> Iterator[ModbusServer]:
    made = ModbusServer()
    made.start()
    yield made
    made.stop()


@dataclass
class WebDevice:
    """An HTTP relay or sign: keeps what it is told, and can be made to fail."""

    calls: list[tuple[str, str, bytes, str | None]] = field(default_factory=list)
    status: int = 204
    port: int = 0


@pytest.fixture
def web() -> Iterator[WebDevice]:
    device = WebDevice()

    class Handler(http.server.BaseHTTPRequestHandler):
        def _take(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            login = self.headers.get("Authorization")
            device.calls.append((self.command, self.path, body, login))
            self.send_response(device.status)
            self.send_header("Content-Length", "0")
            self.end_headers()

        do_POST = do_PUT = do_GET = _take  # noqa: N815

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002
            """Keep the test's output clean."""

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    device.port = server.server_address[1]
    thread = threading.Thread(target=server.serve_forever, args=(0.05,))
    thread.start()
    yield device
    server.shutdown()
    server.server_close()
    thread.join()


@dataclass
class Lot:
    """Outputs as they run in a box, and what they told."""

    config: LotsightConfig
    store: Store
    alarms: Alarms
    outputs: Outputs
    link: LocalLink | None
    figures: LotFigures

    def told(self) -> list[OutputChangedEvent]:
        return [each for each in events(self.store) if isinstance(each, OutputChangedEvent)]

    def turns(self) -> list[tuple[str, bool]]:
        return [(each.data.state.value, each.data.done) for each in self.told()]

    def stop(self) -> None:
        self.outputs.stop()
        if self.link is not None:
            self.link.stop()
        self.store.close()


HEAD = """
[edge]
site = "s"
edge = "e"
[[vehicle_gate]]
id = "ramp"
lot = "p1"
"""
MakeLot = Callable[..., Lot]


@pytest.fixture
def make_lot(tmp_path: Path) -> Iterator[MakeLot]:
    made: list[Lot] = []

    def make(text: str, broker_port: int | None = None) -> Lot:
        local = "" if broker_port is None else f"[local_broker]\nport = {broker_port}\n"
        config = parse_config(HEAD + local + text, tmp_path / "box.toml")
        clock, alarms = SystemClock(), Alarms()
        store = Store.open(tmp_path / "store.db", clock)
        link = None
        if config.local_broker is not None:
            link = LocalLink(config.local_broker.link("s", f"e{len(made)}", "outputs"), clock)
        outlets = BarrierOutlets(
            store.record_notices, store.documents.get, store.documents.put, alarms
        )
        lot = Lot(config, store, alarms, None, link, LotFigures(free=7, occupied=3))  # type: ignore[arg-type]
        lot.outputs = build_outputs(config, link, outlets, lambda _sign: lot.figures, clock)
        made.append(lot)
        lot.outputs.start()
        if link is not None:
            link.start()
        return lot

    yield make
    for each in made:
        each.stop()


__all__ = ["open_store"]
