"""Home Assistant: each bay as a binary sensor, found by MQTT discovery.

Source: Home Assistant documentation, "MQTT discovery" and "MQTT binary sensor".

What was announced is retained by the broker forever, and a bay may go while the box is off, or
the whole integration may be disabled. Two things find what is left over. The store remembers
what was announced, which needs no right to read. And the broker is queried for our own retained
messages, which finds them even after the state folder was lost.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Callable, Sequence
from datetime import datetime
from functools import partial

from edge_app.delivery.agent import Publish
from edge_app.delivery.agents.base import QuietAgent
from edge_app.delivery.agents.discovery_record import DiscoveryRecord
from edge_app.delivery.connection import Outgoing
from edge_app.delivery.errors import REFUSED
from edge_app.delivery.store import Store
from telemetry.messages import BayTopicState, Blocked
from telemetry.rules import DELIVERY_RULES
from telemetry.topics import EdgeTopics, Topic, TopicFilter, TopicKind, WishedFilter

_log = logging.getLogger(__name__)

_Facts = tuple[bool | None, bool, datetime, Blocked | None]
_STATE = (
    "{% set s = value_json.state %}"
    "{{ 'ON' if s == 'occupied' else 'OFF' if s == 'free' else 'None' }}"
)
_AVAILABLE = "{{ 'online' if value_json.online else 'offline' }}"
_ORIGIN = "lotsight"


class HomeAssistantAgent(QuietAgent):
    """Publishes a retained state for each bay, and tells Home Assistant where to find it.

    Args:
        topics: of this box.
        store: states and layout; remembers what was announced.
        discovery_prefix: Home Assistant's, `homeassistant` unless changed there.
        enabled: False announces nothing, and clears what was announced before.
    """

    def __init__(
        self, topics: EdgeTopics, store: Store, discovery_prefix: str, *, enabled: bool = True
    ) -> None:
        super().__init__()
        self._topics = topics
        self._store = store
        self._prefix = discovery_prefix
        self._enabled = enabled
        self._announced = DiscoveryRecord(store.documents)
        self._told: dict[str, _Facts | None] = {}
        self._layout: object = None
        self._wanted: frozenset[str] = frozenset()
        self._found: dict[str, Topic] = {}
        self._connected_s: float | None = None
        self._is_new = False

    def filters(self) -> Sequence[TopicFilter]:
        """Our own retained messages.

        Where nothing is announced the broker is asked once only, by a box that does not remember:
        there it may have no right to, and some brokers hang up on who asks for too much.
        """
        if not (self._enabled or self._announced.may_ask):
            return ()
        node = _discovery_id(self._topics.edge)
        prefixes = {self._prefix, *self._announced.prefixes()}
        discovery = [f"{prefix}/binary_sensor/{node}/+/config" for prefix in sorted(prefixes)]
        return [WishedFilter(each) for each in (*discovery, f"{self._topics.base}/bay/+")]

    def connected(self, publish: Publish) -> None:
        """Publish everything again: Home Assistant's broker may have lost it."""
        super().connected(publish)
        self._is_new = True
        self._connected_s = None
        self._found.clear()
        self._told = dict.fromkeys(self._told)
        if not self._enabled:
            self._announced.asking()

    def message(self, topic: str, payload: bytes) -> None:
        """A retained message of ours: cleared at the next tick unless it is still right."""
        if payload and (topic.startswith(self._topics.base) or _is_ours(payload)):
            self._found[topic] = Topic(topic)

    def tick(self, now_s: float) -> None:
        """Publish what changed, and clear what is stale."""
        if self._publish is None:
            return
        if self._enabled and self._store.layout is None:
            return  # which bays there are is not known yet
        is_new, self._is_new = self._is_new, False
        has_changed = self._look_at_layout()
        if self._enabled:
            self._tell(discover_all=is_new)
        if is_new or has_changed:
            self._clear_remembered()
        self._clear_found()
        self._announced.save()
        if self._connected_s is None:
            self._connected_s = now_s
        self._announced.asked_for(now_s - self._connected_s)

    def _look_at_layout(self) -> bool:
        layout = self._store.layout if self._enabled else None
        if layout is self._layout:
            return False
        self._layout = layout
        bays = () if layout is None else layout.bay_ids
        self._wanted = frozenset(
            str(topic) for bay in bays for topic in (self._config_topic(bay), self._topics.bay(bay))
        )
        return True

    def _tell(self, *, discover_all: bool) -> None:
        closed, blocked = self._store.closed_bays(), self._store.blocked_bays()
        states = {state.bay: state for state in self._store.states()}
        new = [bay for bay in states if discover_all or bay not in self._told]
        # Remembered first: what is announced and then forgotten would stay forever.
        self._announced.add(self._prefix, new)
        self._announced.save()
        for bay in new:
            self._discover(bay)
        for bay, state in states.items():
            facts = (state.occ, bay in closed, state.since, blocked.get(bay))
            if self._told.get(bay) != facts:
                self._told[bay] = facts
                payload = BayTopicState.of(state, bay in closed, blocked.get(bay)).encode()
                self._send(self._topics.bay(bay), payload)
        for bay in self._told.keys() - states.keys():
            del self._told[bay]

    def _clear_remembered(self) -> None:
        for prefix, bay in self._announced.all():
            topic = self._config_topic(bay, prefix)
            if str(topic) not in self._wanted:
                self._clear(topic, partial(self._cleared, prefix, bay))
                if str(self._topics.bay(bay)) not in self._wanted:
                    self._clear(self._topics.bay(bay))

    def _clear_found(self) -> None:
        for topic in self._found.keys() - self._wanted:
            _log.info("Home Assistant: clearing stale %s", topic)
            self._clear(self._found[topic])
        self._found.clear()

    def _cleared(self, prefix: str, bay: str, code: int) -> None:
        if code < REFUSED:
            self._announced.remove(prefix, bay)

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
            "origin": {"name": _ORIGIN},
        }
        self._send(self._config_topic(bay), json.dumps(config).encode())

    def _config_topic(self, bay: str, prefix: str | None = None) -> Topic:
        node_id, object_id = _discovery_id(self._topics.edge), _discovery_id(bay)
        return Topic(f"{prefix or self._prefix}/binary_sensor/{node_id}/{object_id}/config")

    def _clear(self, topic: Topic, on_done: Callable[[int], None] | None = None) -> None:
        """An empty retained message takes the one before out of the broker."""
        self._send(topic, b"", on_done)

    def _send(
        self, topic: Topic, payload: bytes, on_done: Callable[[int], None] | None = None
    ) -> None:
        rule = DELIVERY_RULES[TopicKind.BAY]
        if self._publish is not None:
            self._publish(Outgoing(topic, payload, rule.qos, rule.retain, on_done=on_done))


def _is_ours(payload: bytes) -> bool:
    """Whether a discovery message is one that we wrote."""
    try:
        content = json.loads(payload)
    except (ValueError, RecursionError):
        return False
    origin = content.get("origin") if isinstance(content, dict) else None
    return isinstance(origin, dict) and origin.get("name") == _ORIGIN


def _discovery_id(identifier: str) -> str:
    """Discovery allows letters, digits, '_' and '-'; ours have dots too, and must stay distinct."""
    return identifier.replace("_", "__").replace(".", "_-")
