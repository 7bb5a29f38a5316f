"""Alerts of a real service over a real broker: seen, told, acted upon, across a kill."""

from __future__ import annotations

from pathlib import Path

import httpx
import paho.mqtt.client as mqtt
import pytest
from paho.mqtt.enums import CallbackAPIVersion

from cloud_app.ingest.decode import Inbound
from tests.cloud_app.alerts.kit import receiving_posts
from tests.cloud_app.processes import Consumer
from tests.cloud_app.scripted_edge import ScriptedEdge
from tests.cloud_app.servers import running_broker, wait_until

pytestmark = [pytest.mark.mosquitto, pytest.mark.slow]

SETTINGS = """stale_after_s = 1.0
[rules]
every_s = 0.5
edge_offline_s = 3.0
camera_lost_s = 1e9
webhook_url = '{url}'
webhook_secret = 's3cret'
"""


def _actions(http: httpx.Client, path: str) -> list[str]:
    return [entry["action"] for entry in http.get(path).json()["log"]]


def test_an_edge_falls_silent_and_comes_back_while_the_service_is_killed(
    mosquitto: Path, tmp_path: Path
) -> None:
    edge = ScriptedEdge()
    client = mqtt.Client(CallbackAPIVersion.VERSION2, protocol=mqtt.MQTTv5)

    def publish(message: Inbound) -> None:
        client.publish(message.topic, message.payload, 1).wait_for_publish(10)

    with (
        running_broker(mosquitto, tmp_path) as broker,
        receiving_posts() as hook,
        httpx.Client(timeout=60) as http,
    ):
        client.connect("127.0.0.1", broker.port)
        client.loop_start()
        hook.status = 503
        url = f"sqlite:{tmp_path / 'cloud.db'}"
        more = SETTINGS.format(url=hook.url)
        service = Consumer("watching", tmp_path, broker.port, url, more)
        try:
            for message in edge.hello():
                publish(message)
            wait_until(lambda: hook.tried > 0, 60, "the first try of the webhook")
            service.kill()
            hook.status = 204
            service.start()
            wait_until(lambda: len(hook.bodies) == 1, 60, "the alert to be told")
            [alert] = http.get(f"{service.url}/api/v1/alerts").json()
            assert hook.types == ["alert.opened box-1"]
            assert hook.bodies[0]["alert"] == alert["id"]
            assert (alert["rule"], alert["severity"]) == ("edge_offline", "critical")
            path = f"{service.url}/api/v1/alerts/{alert['id']}"
            answer = http.post(f"{path}/actions", json={"action": "acknowledge"}).json()
            assert answer["state"] == "acknowledged"
            publish(edge.health())
            wait_until(lambda: len(hook.bodies) == 2, 60, "its end to be told")
            assert hook.types[1] == "alert.closed box-1"
            # The log is written once the receiver has answered.
            done = ["opened", "notified", "acknowledged", "closed", "notified"]
            wait_until(lambda: _actions(http, path) == done, 60, "the log to have it")
            seen = http.get(path).json()
            assert (seen["acknowledged_by"], seen["closed_by"]) == ("anonymous", None)
        finally:
            service.stop()
            client.disconnect()
            client.loop_stop()
