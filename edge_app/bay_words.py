"""What people say of bays, on the box's pages: it goes to the cameras and to the store."""

from __future__ import annotations

from dataclasses import dataclass

from edge_app.cameras import CameraSet
from edge_app.delivery import Store
from edge_app.delivery.blocks import block_by_hand
from telemetry.vocabulary import BlockKind


@dataclass(frozen=True, slots=True)
class BayWords:
    """Takes them; see `edge_app.report.BayDoor`.

    Attributes:
        cameras: learn whether a vehicle is in a bay.
        store: keeps and tells what blocks one.
    """

    cameras: CameraSet
    store: Store

    def confirm(self, bay: str, occ: bool) -> None:
        """Take whether a vehicle is in a bay; raises ConfigError for a bay of no camera."""
        self.cameras.confirm(bay, occ)

    def wanted(self, camera: str) -> tuple[str, ...]:
        """The bays of a camera that a person should judge by eye."""
        return self.cameras.by_eye(camera)

    def block(self, bay: str, kind: BlockKind | None) -> None:
        """Take what blocks a bay; raises StoreError for a bay that the layout does not hold."""
        block_by_hand(self.store, bay, kind)
