"""Keeps the broker's files as the registry says, and boxes out that were put out."""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass, field

import paho.mqtt.client as mqtt
from paho.mqtt.enums import CallbackAPIVersion

from cloud_app.config import BrokerConfig, BrokerProtocol
from cloud_app.errors import BrokerFilesError, CloudError
from cloud_app.fleet.authority.broker_files import BrokerFiles, reload_broker, write_files
from cloud_app.fleet.authority.issuing import put_out
from cloud_app.fleet.authority.own_issuer import OwnIssuer
from cloud_app.ingest.link import tls_context
from cloud_app.storage.database import Database
from cloud_app.storage.times import to_ms
from telemetry import Clock

_log = logging.getLogger(__name__)

_LATELY_MS = 600_000
"""After a start, boxes that were put out so lately may still be connected."""
_TAKE_OVER_S = 5.0


@dataclass(slots=True)
class BrokerFileKeeper:
    """One round looks at everything; it writes and reloads only what changed.

    Attributes:
        files: makes them.
        database: with the registry.
        clock: wall time.
        disconnect: ends the connection of a box, by its name.
    """

    files: BrokerFiles
    database: Database
    clock: Clock
    disconnect: Callable[[str], None]
    # Who was here before may have died between writing and telling.
    _unread: bool = True
    _ended: dict[str, int] | None = field(default=None)

    def tick(self) -> list[str]:
        """Write what changed and have it read; the names of the files that were written.

        Raises:
            AuthorityError: there is no authority yet, or it cannot issue.
            BrokerFilesError: files cannot be written or the broker not told; the next round tries
                again.
        """
        now_ms = to_ms(self.clock.utc())
        with self.database.write() as session:
            texts = self.files.texts(session, now_ms)
            outside = put_out(session, now_ms)
        settings = self.files.settings
        written = write_files(settings.folder, texts)
        self._unread = self._unread or bool(written)
        if self._unread:
            done = reload_broker(settings)
            self._unread = False
            _log.info("%s: wrote %s; %s", settings.folder, ", ".join(written) or "nothing", done)
        self._end(outside, now_ms)
        return written

    def _end(self, outside: dict[str, int], now_ms: int) -> None:
        """End the connections of boxes that were put out since the last round."""
        if self._ended is None:
            since_ms = now_ms - _LATELY_MS
            self._ended = {name: at_ms for name, at_ms in outside.items() if at_ms < since_ms}
        for name, at_ms in outside.items():
            if self._ended.get(name) == at_ms:
                continue
            try:
                if self.files.settings.disconnect and now_ms - at_ms < _LATELY_MS:
                    self.disconnect(name)
            except BrokerFilesError as exc:
                _log.warning("%s", exc)
            else:
                self._ended[name] = at_ms


@dataclass(frozen=True, slots=True)
class RevocationListKeeper:
    """Makes revocation lists when they are due, for whoever fetches them.

    Attributes:
        issuer: our own authority.
        database: where they are kept.
        clock: wall time.
    """

    issuer: OwnIssuer
    database: Database
    clock: Clock

    def tick(self) -> None:
        """Make the lists that are due; nothing before there is an authority."""
        now_ms = to_ms(self.clock.utc())
        with self.database.read() as session:
            if not self.issuer.are_lists_due(session, now_ms):
                return
        with self.database.write() as session:
            self.issuer.crls(session, now_ms)


def end_connection(config: BrokerConfig, name: str) -> None:
    """Connect as the box for a moment: the broker then ends the box's own connection.

    MQTT lets a newer connection of a client id take over the older one. The certificate, and so
    the user, stays ours; the box comes back and is refused by its certificate.

    Raises:
        BrokerFilesError: the broker did not let us.
    """
    is_mqtt_5 = config.protocol is BrokerProtocol.MQTT_5
    client = mqtt.Client(
        CallbackAPIVersion.VERSION2,
        client_id=name,
        clean_session=None if is_mqtt_5 else True,
        protocol=mqtt.MQTTv5 if is_mqtt_5 else mqtt.MQTTv311,
    )
    if config.username is not None:
        password = config.password
        client.username_pw_set(config.username, password.get_secret_value() if password else None)
    try:
        if config.tls is not None:
            client.tls_set_context(tls_context(config.tls))
        client.connect_timeout = _TAKE_OVER_S
        client.connect(config.host, config.port)
        # Until CONNACK: the broker has ended the older connection by then.
        for _ in range(int(_TAKE_OVER_S)):
            client.loop(1.0)
            if client.is_connected():
                break
        was_let_in = client.is_connected()
        client.disconnect()
    except (OSError, CloudError, ValueError) as exc:
        msg = f"the connection of {name} could not be ended at {config.host}:{config.port}: {exc}"
        raise BrokerFilesError(msg) from exc
    if not was_let_in:
        msg = f"the connection of {name} could not be ended: {config.host}:{config.port} is silent"
        raise BrokerFilesError(msg)
    _log.info("ended the connection of %s, whose certificate was revoked", name)
