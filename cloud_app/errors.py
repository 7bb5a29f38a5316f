"""Errors of the cloud side, under telemetry's tree.

LotsightError
└── CloudError
    ├── StorageError           the database refused a statement, or its schema is another version's
    │   └── StorageDownError   the database cannot be reached now; the same work may succeed later
    ├── SinkError              a sink (lake, Kafka) did not take a batch
    ├── BrokerError            the broker refused the connection or a subscription
    └── RegistryError          a change of the registry is refused; see cloud_app.registry.errors
"""

from __future__ import annotations

from telemetry import LotsightError


class CloudError(LotsightError):
    """Base of every error of the cloud side."""


class StorageError(CloudError):
    """The database refused a statement, or its schema is another version's."""


class StorageDownError(StorageError):
    """The database cannot be reached now; the same work may succeed later."""


class SinkError(CloudError):
    """A sink (lake, Kafka) did not take a batch."""


class BrokerError(CloudError):
    """The broker refused the connection or a subscription."""


class RegistryError(CloudError):
    """A change of the registry is refused."""
