"""How long an alarm takes to open a barrier, by MQTT, HTTP and Modbus, with the cloud away.

    python -m benchmarks.alarm_latency [--alarms 200] [--mosquitto mosquitto]

The whole service of a box runs (store with synchronous FULL, HTTP pages, a link to a cloud's broker
that is not there). The alarm input is told or switched as a device would; the relay is a real
Modbus server, a real HTTP server or a subscriber of a real mosquitto. The time is from the device's
word to the relay's command, as the devices see it.
"""

from __future__ import annotations

import argparse
import contextlib
import http.server
import logging
import platform
import statistics
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import httpx
from paho.mqtt import client as paho
from paho.mqtt.enums import CallbackAPIVersion

from edge_app.assembly import assemble, service_of
from edge_app.config import parse_config
from tests.kit.modbus import ModbusServer
from tests.kit.mosquitto import Mosquitto, free_port

_PAUSE_S = 0.02
_LONGEST_S = 5.0


@dataclass
class Relay:
    """Notes when it was opened and closed."""

    opened: threading.Event = field(default_factory=threading.Event)
    closed: threading.Event = field(default_factory=threading.Event)
    at_s: float = 0.0

    def switch(self, open_it: bool) -> None:
        if open_it:
            self.at_s = time.monotonic()
            self.opened.set()
        else:
            self.closed.set()


class Lot:
    """The devices: a broker, a Modbus device with an input and a coil, an HTTP relay."""

    def __init__(self, mosquitto: Path, folder: Path) -> None:
        self.relay = Relay()
        self.broker = Mosquitto(mosquitto, folder, "allow_anonymous true\nset_tcp_nodelay true")
        self.broker.start()
        self.modbus = ModbusServer(on_coil=lambda _address, value: self.relay.switch(value))
        self.modbus.start()
        relay = self.relay

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                relay.switch(self.path == "/open")
                self.send_response(204)
                self.end_headers()

            def log_message(self, format: str, *args: object) -> None:  # noqa: A002
                """Keep quiet."""

        self._server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.http_port = self._server.server_address[1]
        threading.Thread(target=self._server.serve_forever, daemon=True).start()
        self.client = paho.Client(CallbackAPIVersion.VERSION2)
        self.client.on_message = lambda _c, _u, m: relay.switch(m.payload == b"ON")
        self.client.connect("127.0.0.1", self.broker.port)
        self.client.subscribe("relays/exit", 1)
        self.client.loop_start()

    def stop(self) -> None:
        self.client.disconnect()
        self.client.loop_stop()
        self._server.shutdown()
        self.modbus.stop()
        self.broker.stop()


@contextlib.contextmanager
def box_of(lot: Lot, folder: Path, way: str) -> Iterator[int]:
    """A running box whose alarm and relay go one way; gives the port of its pages."""
    port = free_port()
    device = f'host = "127.0.0.1"\nport = {lot.modbus.port}\naddress = 0\n'
    alarm = {
        "MQTT": '[alarm_input.mqtt]\ntopic = "alarms/fire"\n',
        "HTTP": "http = true\n",
        "Modbus": f"[alarm_input.modbus]\n{device}",
    }[way]
    relay = {
        "MQTT": '[barrier.mqtt]\ntopic = "relays/exit"\n',
        "HTTP": f'[barrier.http]\nopen_url = "http://127.0.0.1:{lot.http_port}/open"\n'
        f'close_url = "http://127.0.0.1:{lot.http_port}/close"\n',
        "Modbus": f"[barrier.modbus]\n{device}",
    }[way]
    text = f"""
[edge]
site = "s"
edge = "e"
state_dir = "{folder / way}"
[http]
port = {port}
[mqtt]
host = "127.0.0.1"
port = {free_port()}
[local_broker]
port = {lot.broker.port}
[[vehicle_gate]]
id = "ramp"
lot = "garage"
[[alarm_input]]
id = "fire"
{alarm}
[[barrier]]
id = "exit"
inputs = ["fire"]
hold_s = 0
close_after_alarm = true
{relay}"""
    box = assemble(parse_config(text, folder / "box.toml"))
    service = service_of(box)
    service.start()
    try:
        deadline_s = time.monotonic() + 20
        while not all(link.info.connected for link in box.devices.links):
            if time.monotonic() > deadline_s:
                msg = "the local broker did not answer"
                raise TimeoutError(msg)
            time.sleep(_PAUSE_S)
        time.sleep(1.0)
        yield port
    finally:
        service.stop()


def measure(lot: Lot, folder: Path, way: str, alarms: int) -> list[float]:
    """Milliseconds from each alarm to the relay's command."""
    took: list[float] = []
    with box_of(lot, folder, way) as port, httpx.Client(timeout=5) as client:
        url = f"http://127.0.0.1:{port}/api/v1/inputs/fire"
        tell: dict[str, Callable[[bool], object]] = {
            "MQTT": lambda on: lot.client.publish("alarms/fire", "1" if on else "0", 1),
            "HTTP": lambda on: client.post(url, json={"contact": on}).raise_for_status(),
            "Modbus": lambda on: lot.modbus.set_input(0, on),
        }
        for _ in range(alarms):
            lot.relay.opened.clear()
            lot.relay.closed.clear()
            began_s = time.monotonic()
            tell[way](True)
            if not lot.relay.opened.wait(_LONGEST_S):
                msg = f"{way}: the barrier did not open"
                raise TimeoutError(msg)
            took.append(1000 * (lot.relay.at_s - began_s))
            tell[way](False)
            if not lot.relay.closed.wait(_LONGEST_S):
                msg = f"{way}: the barrier did not close"
                raise TimeoutError(msg)
            time.sleep(_PAUSE_S)
    return took


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--alarms", type=int, default=200)
    parser.add_argument("--mosquitto", type=Path, default=Path("/usr/sbin/mosquitto"))
    arguments = parser.parse_args()
    logging.disable(logging.ERROR)  # the cloud that is away, and each alarm
    print(f"{platform.machine()}, Python {platform.python_version()}, cloud's broker away")
    print("| alarm and relay by | alarms | first ms | median ms | p95 ms | most ms |")
    print("|---|---|---|---|---|---|")
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        lot = Lot(arguments.mosquitto, folder)
        try:
            for way in ("MQTT", "HTTP", "Modbus"):
                first, *others = measure(lot, folder, way, arguments.alarms)
                took = sorted([first, *others])
                p95 = took[int(0.95 * (len(took) - 1))]
                print(
                    f"| {way} | {len(took)} | {first:.1f} | {statistics.median(took):.1f} "
                    f"| {p95:.1f} | {took[-1]:.1f} |"
                )
        finally:
            lot.stop()


if __name__ == "__main__":
    main()
