"""A thousand scripted boxes in one process: one thread, one selector, real MQTT.

`python -m tests.cloud_app.scripted_fleet PORT COUNT` connects them all, answers each command,
reports what is desired, and goes on until SIGTERM.
"""

from __future__ import annotations

import json
import selectors
import signal
import sys
import time
from typing import Any

import paho.mqtt.client as mqtt
from paho.mqtt.enums import CallbackAPIVersion

from telemetry.aws import ShadowName, ShadowTopics
from telemetry.clock import SystemClock
from telemetry.commands import Command, CommandResult, CommandStatus
from telemetry.messages import Status
from telemetry.shadow import parse_delta
from telemetry.topics import EdgeTopics, TopicKind
from tests.cloud_app.scripted_edge import ScriptedEdge

SITE = "north"
STEPS = (CommandStatus.RECEIVED, CommandStatus.RUNNING, CommandStatus.DONE)
_MISC_S = 1.0
_CONNECTS_HZ = 100.0
"""As many boxes dial in a second: a broker that comes back meets about so many."""


def name_of(number: int) -> str:
    return f"box-{number:04d}"


class ScriptedBox:
    """One box: says what it is, does what it is told."""

    def __init__(self, number: int, port: int) -> None:
        self.edge = ScriptedEdge(
            edge=name_of(number), site=SITE, lot=f"lot-{number % 20}",
            bay_ids=tuple(f"{number:04d}-{n}" for n in range(4)), now=SystemClock().utc(),
        )  # fmt: skip
        self.topics = EdgeTopics(SITE, self.edge.edge)
        self.shadow = ShadowTopics(self.edge.edge, ShadowName.CONFIG)
        self.client = mqtt.Client(CallbackAPIVersion.VERSION2, self.edge.edge, protocol=mqtt.MQTTv5)
        self.client.on_connect = self._connected
        self.client.on_message = self._heard
        will = Status(online=False, epoch=1, conn=1)
        self.client.will_set(str(self.topics.of(TopicKind.STATUS)), will.encode(), 1, True)
        self.client.connect("127.0.0.1", port, keepalive=60)

    def _connected(self, client: mqtt.Client, *_rest: Any) -> None:
        wanted = [str(self.topics.command_filter), str(self.shadow.delta)]
        client.subscribe([(topic, 1) for topic in wanted])
        for message in self.edge.hello():
            client.publish(message.topic, message.payload, 1, True)

    def _heard(self, client: mqtt.Client, _data: Any, message: mqtt.MQTTMessage) -> None:
        if message.topic == str(self.shadow.delta):
            reported = parse_delta(bytes(message.payload)).state
            body = json.dumps({"state": {"reported": reported}}).encode()
            client.publish(str(self.shadow.update), body, 1)
            return
        command = Command.model_validate_json(message.payload)
        for status in STEPS:
            answer = CommandResult(id=command.id, status=status, at=SystemClock().utc())
            client.publish(str(self.topics.command_result(command.id)), answer.encode(), 1)


def run(port: int, count: int) -> None:
    over: list[int] = []
    signal.signal(signal.SIGTERM, lambda number, _frame: over.append(number))
    selector = selectors.DefaultSelector()
    boxes: list[ScriptedBox] = []
    started_s = misc_s = time.monotonic()
    while not over:
        now_s = time.monotonic()
        while len(boxes) < min(count, int((now_s - started_s) * _CONNECTS_HZ) + 1):
            box = ScriptedBox(len(boxes), port)
            socket: Any = box.client.socket()
            selector.register(socket, selectors.EVENT_READ, box.client)
            boxes.append(box)
        for key, _ in selector.select(0.05):
            key.data.loop_read()
        for box in boxes:
            if box.client.want_write():
                box.client.loop_write()
        if now_s - misc_s > _MISC_S:
            misc_s = now_s
            for box in boxes:
                box.client.loop_misc()


if __name__ == "__main__":
    run(int(sys.argv[1]), int(sys.argv[2]))
