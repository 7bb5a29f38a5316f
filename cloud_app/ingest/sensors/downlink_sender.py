"""Hands downlinks to network servers: on their brokers, or by their HTTP APIs.

One that a server did not take is tried again after 5 s, 10 s, 20 s and so on up to 10 minutes,
until its time is over. On its broker ChirpStack knows each by a UUID that stays the same, so a
second hand-over adds none; the other ways may bring one twice where this process ends in between.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import httpx

from cloud_app.config import DownlinkApiConfig, NetworkConfig, NetworkKind, SensorsConfig
from cloud_app.errors import NotSentError
from cloud_app.ingest.sensors.downlinks import due, handed_over, order_of, put_off, refused
from cloud_app.ingest.sensors.link import SensorLink
from cloud_app.storage.database import Database, Row
from cloud_app.storage.times import to_ms
from sensors.envelopes import DownlinkOrder, ServerKind
from telemetry import Clock, ConfigError

_log = logging.getLogger(__name__)

_RETRY_MIN_S, _RETRY_MAX_S = 5.0, 600.0
_TIMEOUT_S = 10.0
# The server is not to blame for what it refuses, save for these.
_AWAY = {408, 425, 429}


@dataclass(slots=True)
class DownlinkSender:
    """Works a round at a time, while this process leads.

    Attributes:
        database: with the downlinks.
        config: of the networks and APIs.
        links: our sessions on the networks' brokers.
        clock: wall time.
    """

    database: Database
    config: SensorsConfig
    links: Sequence[SensorLink]
    clock: Clock
    _links: Mapping[str, SensorLink] = field(init=False)
    _networks: Mapping[str, NetworkConfig] = field(init=False)
    _apis: Mapping[str, DownlinkApiConfig] = field(init=False)

    def __post_init__(self) -> None:
        """Sort what there is by name."""
        self._links = {each.name: each for each in self.links}
        self._networks = {each.name: each for each in self.config.network}
        self._apis = {each.name: each for each in self.config.downlink_api}

    def tick(self) -> None:
        """Hand over what is due."""
        with self.database.write() as session:
            rows = due(session, self._now_ms())
        for row in rows:
            self._hand_over(row)

    def _hand_over(self, row: Row) -> None:
        reference: str | None = None
        problem: NotSentError | None = None
        try:
            reference = self._send(row)
        except NotSentError as exc:
            problem = exc
        now_ms = self._now_ms()
        with self.database.write() as session:
            if problem is None:
                handed_over(session, row, reference, now_ms)
            elif problem.is_away:
                wait_s = min(_RETRY_MIN_S * 2 ** min(row.tries, 10), _RETRY_MAX_S)
                put_off(session, row, str(problem), now_ms + int(wait_s * 1000))
            else:
                refused(session, row, str(problem), now_ms)
        if problem is not None:
            _log.warning("downlink %s to %s: %s", row.downlink, row.device, problem)

    def _send(self, row: Row) -> str | None:
        """The network server's own name of it, where it has one.

        Raises:
            NotSentError: it was not taken.
        """
        way, order = order_of(row)
        if way.is_http:
            return self._post(way.name, order)
        self._publish(way.name, order)
        return None

    def _publish(self, name: str, order: DownlinkOrder) -> None:
        link, network = self._links.get(name), self._networks.get(name)
        if link is None or network is None:
            msg = f"network {name} is no longer configured"
            raise NotSentError(msg, is_away=True)
        is_things_stack = network.kind is NetworkKind.THINGS_STACK
        # Its topics name the tenant too, as does the user name; a message does not.
        topic, body = order.mqtt(network.username if is_things_stack else None)
        if not link.publish(topic, body, 0 if is_things_stack else 1):
            msg = f"the broker of {name} is away: {link.state.problem or 'no answer'}"
            raise NotSentError(msg, is_away=True)

    def _post(self, name: str, order: DownlinkOrder) -> str | None:
        api = self._apis.get(name)
        if api is None:
            msg = f"downlink_api {name} is no longer configured"
            raise NotSentError(msg, is_away=True)
        path, body = order.http(api.webhook)
        try:
            # ChirpStack's REST proxy hands on headers of this form, and both of them agree.
            bearer = f"Bearer {api.secret()}"
            headers = {
                "Content-Type": "application/json",
                "Authorization": bearer,
                "Grpc-Metadata-Authorization": bearer,
            }
            answer = httpx.post(api.url + path, content=body, headers=headers, timeout=_TIMEOUT_S)
        except (httpx.HTTPError, httpx.InvalidURL, ConfigError) as exc:
            msg = f"{name} is away: {type(exc).__name__}"
            raise NotSentError(msg, is_away=True) from exc
        if not answer.is_success:
            is_away = answer.status_code >= 500 or answer.status_code in _AWAY  # noqa: PLR2004
            msg = f"{name}: expected 2xx, but got HTTP {answer.status_code}: {answer.text[:200]}"
            raise NotSentError(msg, is_away=is_away)
        return _own_name(answer) if api.kind is ServerKind.CHIRPSTACK else None

    def _now_ms(self) -> int:
        return to_ms(self.clock.utc())


def _own_name(answer: httpx.Response) -> str | None:
    """The id that ChirpStack's answer gives; some versions make one up whatever was asked."""
    try:
        found = answer.json()
    except ValueError:
        return None
    name = found.get("id") if isinstance(found, dict) else None
    return name if isinstance(name, str) and name else None
