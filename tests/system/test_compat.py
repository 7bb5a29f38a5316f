"""Boxes of earlier commits against today's cloud, and today's messages before yesterday's cloud.

What those boxes published was recorded once by `scripts/compat COMMIT --record FOLDER`, from their
own code against a real broker and cloud; a shallow clone has no history to run them from.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import httpx
import paho.mqtt.client as mqtt
import pytest
from paho.mqtt.enums import CallbackAPIVersion

from cloud_app.storage.sqlite import SqliteDatabase
from telemetry.schemas import message_types
from tests.cloud_app.processes import Consumer
from tests.cloud_app.sensors.town import contents
from tests.cloud_app.servers import wait_until
from tests.compat.trial import Recorded, load
from tests.kit.mosquitto import Mosquitto

FOLDER = Path(__file__).parents[1] / "compat"
RECORDED = sorted((FOLDER / "recorded").glob("*.jsonl"))
FIRST = json.loads((FOLDER / "schemas-2f751e7.json").read_text())


@pytest.fixture
def broker(mosquitto: Path, tmp_path: Path) -> Any:
    broker = Mosquitto(mosquitto, tmp_path)
    broker.start()
    yield broker
    broker.stop()


@pytest.mark.mosquitto
def test_boxes_of_earlier_commits_work_with_todays_cloud(broker: Mosquitto, tmp_path: Path) -> None:
    cloud = Consumer("cloud", tmp_path, broker.port, f"sqlite:{tmp_path / 'cloud.db'}")
    boxes = {f"box-{path.stem}": load(path) for path in RECORDED}
    client = mqtt.Client(CallbackAPIVersion.VERSION2)
    answered: list[str] = []
    client.on_message = lambda _client, _data, message: answered.append(message.topic)
    client.connect("127.0.0.1", broker.port)
    client.subscribe([("$aws/+/+/#", 1), ("pk/v1/+/+/cmd/+", 1)])
    client.loop_start()

    def get(edge: str, path: str = "") -> Any:
        answer = httpx.get(f"{cloud.url}/api/v1/edges/{edge}{path}", timeout=10)
        return answer.json() if answer.is_success else {}

    def publish(messages: list[Recorded]) -> None:
        for each in messages:
            client.publish(each.topic, each.payload, 1, each.retain).wait_for_publish(10)

    try:
        for edge, messages in boxes.items():
            is_answer = [each.topic.endswith("/res") for each in messages]
            first = is_answer.index(True)
            publish(messages[:first])
            wait_until(lambda edge=edge: get(edge).get("online"), 30, f"{edge} in the cloud")  # type: ignore[misc]
            ids = [each.topic.split("/")[-2] for each in messages if each.topic.endswith("/res")]
            for one in dict.fromkeys(ids):
                order = {"name": one.removeprefix(f"{edge}-").replace("-", "_"), "id": one}
                path = f"{cloud.url}/api/v1/edges/{edge}/commands"
                assert httpx.post(path, json=order).status_code == 202
            sent = {f"pk/v1/compat/{edge}/cmd/{one}" for one in ids}
            wait_until(lambda sent=sent: sent <= set(answered), 20, "the commands at the broker")  # type: ignore[misc]
            publish(messages[first:-1])
            _check_state(get, edge, messages, set(ids))
            publish(messages[-1:])
            wait_until(lambda edge=edge: get(edge).get("online") is False, 20, "its leaving")  # type: ignore[misc]
            asked = {
                each.topic for each in messages if each.topic.endswith(("/get", "/start-next"))
            }
            done = {topic.rpartition("/")[0] for topic in answered}
            assert asked <= done, "each question about shadows and jobs is answered"
    finally:
        client.disconnect()
        client.loop_stop()
        cloud.stop()
    database = SqliteDatabase(tmp_path / "cloud.db")
    assert contents(database, ["quarantine"])["quarantine"] == []
    database.close()


def _check_state(get: Any, edge: str, messages: list[Recorded], commands: set[str]) -> None:
    """The cloud knows what the box said: bays, shadow, answers; nothing lost, nothing refused."""
    events = [json.loads(each.payload) for each in messages if each.topic.endswith("/event")]
    truth = {each["subject"]: each["data"]["state"] for each in events if "bay" in each["type"]}

    def states() -> dict[str, str]:
        return {each["bay"]: each["state"] for each in get(edge, "/bays")}

    wait_until(lambda: states() == truth, 20, f"the states {truth}")
    for one in commands:
        wait_until(lambda one=one: get(edge, f"/commands/{one}")["ended"], 20, f"the end of {one}")  # type: ignore[misc]
    wait_until(lambda: "software" in json.dumps(get(edge, "/shadow")), 20, "its shadow")
    now = get(edge)
    assert (now["faults"], now["stream"]["lost"], now["bays"]) == ([], 0, len(truth))


def _narrowed(then: Any, now: Any, where: str) -> list[str]:
    """What a reader of `then` may miss, or meet in another form, in what `now` describes."""
    needed = set(then.get("required", [])) - set(now.get("required", []))
    found = [f"{where}.{name} is no longer always there" for name in sorted(needed)]
    for name, part in then.get("properties", {}).items():
        other = now.get("properties", {}).get(name)
        if other is None:
            found.append(f"{where}.{name} is gone")
        elif part.get("type") != other.get("type"):
            found.append(f"{where}.{name} was {part.get('type')}, is {other.get('type')}")
    return found


@pytest.mark.parametrize("name", sorted(FIRST))
def test_what_an_earlier_cloud_reads_is_still_there(name: str) -> None:
    today = {each.__name__: each for each in message_types()}
    assert name in today, "a kind of message that earlier clouds wait for is gone"
    now = today[name].model_json_schema(mode="serialization")
    then = FIRST[name]
    found = _narrowed(then, now, name)
    for part, schema in then.get("$defs", {}).items():
        found += _narrowed(schema, now.get("$defs", {}).get(part, {}), f"{name}/{part}")
    assert found == []
