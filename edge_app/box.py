"""The parts of a box, by name."""

from __future__ import annotations

from dataclasses import dataclass

from edge_app.alarms import Alarms
from edge_app.cameras import CameraReaders, CameraSet
from edge_app.config import LotsightConfig
from edge_app.delivery import MqttLink, Store
from edge_app.harvest import HarvestStore
from edge_app.live_state import LiveState
from edge_app.liveness import LivenessFile
from edge_app.lot_devices import LotDevices
from edge_app.network import ActiveNetwork
from edge_app.remote_settings import RemoteSettings
from edge_app.restart import Restart
from edge_app.scheduler import Scheduler
from edge_app.service import Closing, Part
from edge_app.software.trial import SoftwareTrial
from edge_app.status import BoxStatus
from telemetry import Clock


@dataclass(frozen=True, slots=True)
class EdgeBox:
    """The parts of a box, put together; nothing runs yet.

    Attributes:
        config: all settings.
        clock: time.
        alarms: what is wrong.
        live_state: what the cameras see.
        store: states and outbox.
        liveness: the sign of life.
        scheduler: judges the cameras' frames.
        cameras: the cameras.
        network: the network in use.
        link: to the broker; None when none is configured.
        kept: the frames kept for labelling; None while the harvest is switched off.
        devices: sensors, gates and outputs of the lot.
        status: how all of them do.
        restart: how the service begins anew.
        remote: settings that the cloud changed; None where they were given, not read.
        software: the trial of the software that runs; None where no launcher started it.
    """

    config: LotsightConfig
    clock: Clock
    alarms: Alarms
    live_state: LiveState
    store: Store
    liveness: LivenessFile
    scheduler: Scheduler
    cameras: CameraSet
    network: ActiveNetwork
    link: MqttLink | None
    kept: HarvestStore | None
    devices: LotDevices
    status: BoxStatus
    restart: Restart
    remote: RemoteSettings | None
    software: SoftwareTrial | None

    @property
    def parts(self) -> list[Part]:
        """What reads, judges and delivers: the store outlives the rest, the link the last frame."""
        link: list[Part] = [] if self.link is None else [self.link]
        readers = CameraReaders([camera.feed for camera in self.cameras], self.clock)
        return [
            Closing(self.store.close),
            Closing(self.liveness.touch),
            *link,
            *self.devices.parts,
            self.scheduler,
            readers,
        ]
