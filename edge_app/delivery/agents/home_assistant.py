"""Home Assistant: each bay as a binary sensor, found by MQTT discovery.

Source: Home Assistant documentation, "MQTT discovery" and "MQTT binary sensor".
"""

from __future__ import annotations

import json
from datetime import datetime

from edge_app.delivery.agent import Publish
from edge_app.delivery.agents.base import QuietAgent
from edge_app.delivery.connection import Outgoing
from edge_app.delivery.store import Store
from telemetry.messages import BayTopicState
from telemetry.rules import DELIVERY_RULES
from telemetry.topics import EdgeTopics, Topic, TopicKind

_Facts = tuple[bool | None, bool, datetime]
_STATE = (
    "{% set s = value_json.state %}"
    "{{ 'ON' if s == 'occupied' else 'OFF' if s == 'free' else 'None' }}"
)
_AVAILABLE = "{{ 'online' if value_json.online else 'offline' }}"


class HomeAssistantAgent(QuietAgent):
    """Publishes a retained state for each bay, and tells Home Assistant where to find it.

    Args:
        topics: of this box.
        store: states and layout.
        discovery_prefix: Home Assistant's, `homeassistant` unless changed there.
    """

    def __init__(self, topics: EdgeTopics, store: Store, discovery_prefix: str) -> None:
        super().__init__()
        self._topics = topics
        self._store = store
        self._prefix = discovery_prefix
        self._told: dict[str, _Facts | None] = {}

    def connected(self, publish: Publish) -> None:
        """Tell everything anew: Home Assistant's broker may have lost it."""
        super().connected(publish)
        for bay in self._store.layout.bay_ids if self._store.layout else ():
            self._discover(bay)
        self._told = dict.fromkeys(self._told)

    def tick(self, now_s: float) -> None:
        """Tell what changed."""
        if self._publish is None:
            return
        closed = self._store.closed_bays()
        states = {state.bay: state for state in self._store.states()}
        for bay, state in states.items():
            facts = (state.occ, bay in closed, state.since)
            if bay not in self._told:
                self._discover(bay)
            if self._told.get(bay) != facts:
                self._told[bay] = facts
                payload = BayTopicState.of(state, bay in closed).encode()
                self._send(self._topics.bay(bay), payload)
        for bay in self._told.keys() - states.keys():
            del self._told[bay]
            self._send(self._config_topic(bay), b"")  # an empty retained message removes both
            self._send(self._topics.bay(bay), b"")

    def _discover(self, bay: str) -> None:
        edge = self._topics.edge
        config = {
            "name": bay,
            "unique_id": f"{edge}_{bay}",
            "device_class": "occupancy",
            "state_topic": str(self._topics.bay(bay)),
            "value_template": _STATE,
            "json_attributes_topic": str(self._topics.bay(bay)),
            "availability_topic": str(self._topics.of(TopicKind.STATUS)),
            "availability_template": _AVAILABLE,
            "device": {"identifiers": [edge], "name": f"lotsight {edge}"},
            "origin": {"name": "lotsight"},
        }
        self._send(self._config_topic(bay), json.dumps(config).encode())

    def _config_topic(self, bay: str) -> Topic:
        node_id, object_id = _discovery_id(self._topics.edge), _discovery_id(bay)
        return Topic(f"{self._prefix}/binary_sensor/{node_id}/{object_id}/config")

    def _send(self, topic: Topic, payload: bytes) -> None:
        rule = DELIVERY_RULES[TopicKind.BAY]
        if self._publish is not None:
            self._publish(Outgoing(topic, payload, rule.qos, rule.retain))


def _discovery_id(identifier: str) -> str:
    """Discovery allows letters, digits, '_' and '-'; ours have dots too, and must stay distinct."""
    return identifier.replace("_", "__").replace(".", "_-")
