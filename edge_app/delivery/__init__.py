"""From a bay's change to the cloud: store, outbox, link to the broker, and what rides on it."""

from edge_app.delivery.changes import BayChange, Note
from edge_app.delivery.config import (
    HomeAssistantConfig,
    MqttConfig,
    OutboxConfig,
    Protocol,
    Release,
    TlsConfig,
)
from edge_app.delivery.database import StoreError
from edge_app.delivery.entries import Notice
from edge_app.delivery.incidents import IncidentChange
from edge_app.delivery.link import LinkInfo, MqttLink
from edge_app.delivery.passages import GatePassage, GateTotals
from edge_app.delivery.store import Store

__all__ = [
    "BayChange",
    "GatePassage",
    "GateTotals",
    "HomeAssistantConfig",
    "IncidentChange",
    "LinkInfo",
    "MqttConfig",
    "MqttLink",
    "Note",
    "Notice",
    "OutboxConfig",
    "Protocol",
    "Release",
    "Store",
    "StoreError",
    "TlsConfig",
]
