"""The harvest of a running service: its store, its observer, its bundles."""

from __future__ import annotations

from typing import TYPE_CHECKING

from calibration import HarvestManifest
from edge_app.config import LotsightConfig
from edge_app.harvest.harvester import Harvester
from edge_app.harvest.store import FOLDER, HarvestStore, Selection
from telemetry import Clock
from telemetry.messages import ModelRef

if TYPE_CHECKING:
    from edge_app.service import EdgeService


def open_store(config: LotsightConfig, *, tidy: bool = False) -> HarvestStore:
    """The kept frames of a box, whether it runs or not; `tidy` is for the service alone.

    Raises:
        HarvestError: the folder cannot be read.
    """
    return HarvestStore(config.edge.state_dir / FOLDER, config.harvest, tidy=tidy)


def attach_harvest(service: EdgeService) -> Harvester | None:
    """Have every camera of a service harvested; None when it is switched off.

    Raises:
        HarvestError: the folder cannot be read.
    """
    config = service.config
    if not config.harvest.enabled:
        return None
    harvester = Harvester(
        config.harvest,
        config.privacy.settings(),
        open_store(config, tidy=True),
        service.clock,
        service.alarms,
    )
    for camera in service.cameras.values():
        camera.pipeline.add_observer(harvester)
    return harvester


def manifest_of(
    config: LotsightConfig,
    store: HarvestStore,
    clock: Clock,
    selection: Selection,
    model: ModelRef | None = None,
) -> HarvestManifest:
    """What a bundle of the selected frames says of itself."""
    from edge_app.remote import software

    return HarvestManifest(
        site=config.edge.site,
        edge=config.edge.edge,
        made_utc=clock.utc(),
        software=software(),
        model=model,
        frames=store.frames(selection),
    )
