"""The reference consumer: from the broker into tables, an API, a page, shadows and alerts."""

from cloud_app.config import CloudConfig, load_config
from cloud_app.errors import (
    BrokerError,
    CloudError,
    SinkError,
    StorageDownError,
    StorageError,
)

__all__ = [
    "BrokerError",
    "CloudConfig",
    "CloudError",
    "SinkError",
    "StorageDownError",
    "StorageError",
    "load_config",
]
