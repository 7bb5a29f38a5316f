"""What can go wrong when a box asks for its place.

LinkError
├── ProvisioningRefused   the service said no, or nothing; `why` in one word, if it gave one
└── CloudUnreachable      the cloud does not answer; nothing was changed, the same may succeed later
"""

from __future__ import annotations

from edge_app.delivery.errors import LinkError
from telemetry.provisioning import Refusal


class ProvisioningRefused(LinkError):  # noqa: N818 - the word of the field
    """The provisioning service said no, or nothing.

    Attributes:
        why: in one word; None if it gave none.
    """

    def __init__(self, message: str, why: Refusal | None = None) -> None:
        super().__init__(message)
        self.why = why


class CloudUnreachable(LinkError):  # noqa: N818 - as BrokerUnreachable
    """The cloud does not answer."""
