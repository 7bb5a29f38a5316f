"""The demo's embedded broker speaks MQTT 3.1.1 only, and nobody acknowledges events there."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Coroutine, Iterator
from typing import Any

import pytest

from edge_app.delivery import Protocol, Release
from tests.kit.mosquitto import free_port
from tests.kit.waiting import eventually
from tests.system.delivery.conftest import MakeBox
from tests.system.delivery.edge import Box

amqtt_broker = pytest.importorskip("amqtt.broker", reason="needs lotsight[demo]")


@pytest.fixture
def amqtt_port() -> Iterator[int]:
    port = free_port()
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever)
    thread.start()

    def run(work: Coroutine[Any, Any, Any]) -> Any:
        return asyncio.run_coroutine_threadsafe(work, loop).result(20)

    async def start() -> Any:
        broker = amqtt_broker.Broker(
            {
                "listeners": {"default": {"type": "tcp", "bind": f"127.0.0.1:{port}"}},
                "plugins": {
                    "amqtt.plugins.authentication.AnonymousAuthPlugin": {"allow_anonymous": True}
                },
            }
        )
        await broker.start()
        return broker

    broker = run(start())
    yield port
    run(broker.shutdown())
    loop.call_soon_threadsafe(loop.stop)
    thread.join(10)
    loop.close()


@pytest.mark.parametrize("protocol", [Protocol.MQTT_311, Protocol.AUTO])
def test_events_leave_the_outbox_with_the_brokers_word(
    amqtt_port: int, make_box: MakeBox, protocol: Protocol
) -> None:
    box: Box = make_box(amqtt_port, protocol=protocol, release=Release.PUBACK)
    box.change(40)
    eventually(lambda: box.store.acked == 40, "the broker's word", 30)
    assert box.link.info.protocol == "3.1.1"
    assert box.store.health().rows == 0
    box.close()
