"""What can go wrong on the link, and the one border where others' errors become ours.

TelemetryError
└── LinkError               the link to the broker failed
    ├── BrokerUnreachable   no TCP connection, or it broke
    │   └── ConnectionEnded     the other side hung up, or never answered
    ├── BrokerRefused       the broker answered no; `code` says why
    ├── CertificateError    TLS: a file is wrong, or one side does not trust the other
    └── ProtocolError       what came is not the MQTT that was agreed
"""

from __future__ import annotations

import ssl

from paho.mqtt.client import WebsocketConnectionError
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.reasoncodes import ReasonCode

from telemetry.errors import TelemetryError

REFUSED = 0x80
"""Reason codes from here on mean no."""


class LinkError(TelemetryError):
    """The link to the broker failed."""


class BrokerUnreachable(LinkError):  # noqa: N818 - the word of the field
    """No TCP connection, or it broke."""


class ConnectionEnded(BrokerUnreachable):
    """The other side hung up, or never answered."""


class BrokerRefused(LinkError):  # noqa: N818 - the word of the field
    """The broker answered no.

    Attributes:
        code: MQTT 5 reason code; of 3.1.1 the one that means the same.
    """

    def __init__(self, message: str, code: int) -> None:
        super().__init__(message)
        self.code = code


class CertificateError(LinkError):
    """TLS: a file is wrong, or one side does not trust the other."""


class ProtocolError(LinkError):
    """What came is not the MQTT that was agreed."""


def link_error(error: Exception, where: str) -> LinkError:
    """The LinkError for an exception of paho, ssl or the socket layer.

    Args:
        error: what was raised.
        where: broker and port, for the text.
    """
    text = f"{where}: {error or type(error).__name__}"
    if isinstance(error, LinkError):
        return error
    if isinstance(error, ssl.SSLError):  # an OSError too, so it is asked first
        # The verification error has no reason in words, others no message.
        why = getattr(error, "verify_message", None) or getattr(error, "reason", None) or error
        return CertificateError(f"{where}: TLS failed: {why}")
    if isinstance(error, WebsocketConnectionError):
        return ProtocolError(text)
    if isinstance(error, OSError):
        return BrokerUnreachable(f"{where}: {error.strerror or error or type(error).__name__}")
    return ProtocolError(text)


def reason_text(code: int) -> str:
    """A reason code with its name, such as `0x87 Not authorized`."""
    for packet in (PacketTypes.PUBACK, PacketTypes.CONNACK, PacketTypes.DISCONNECT):
        try:
            return f"0x{code:02x} {ReasonCode(packet, identifier=code).getName()}"
        except (KeyError, ValueError):  # this packet has no such code
            continue
    return f"0x{code:02x}"
