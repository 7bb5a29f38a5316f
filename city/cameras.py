"""The part that is really seen: simulated cameras, each watched by a real edge service."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from calibration import Lot
from calibration.types import Location
from city.part import Ask, Delivery, Published
from city.places import Frame
from city.plan import CENTRE, WATCHED, LotSpec, PlannedLot, Watch, lot_of_spots
from city.scripted_box import link_settings
from edge_app.assembly import assemble, service_of
from edge_app.box import EdgeBox
from edge_app.config import CameraConfig, LotsightConfig
from edge_app.demo.broker import free_port
from edge_app.demo.camera import SimulatedCamera
from edge_app.layouts import build_layout
from edge_app.service import EdgeService
from edge_app.sources import FrameSource
from simulator import Activity, Scene, TruthChange, Weather, demo_scene
from telemetry import Clock

_IMAGE_WH = (960, 540)
_RATE_HZ = 1.0
_HOLD_S = 2.0
_WEATHERS = (Weather.SUN, Weather.OVERCAST)
# Two cars a minute and lot: enough to see something, and the bays are still most of the time.
_ACTIVITY = Activity(interval_s=14.0, stay_s=45.0, passing_share=0.15)
_IN_FLIGHT_S = 3.0


@dataclass(slots=True)
class _Watched:
    """One lot and what watches it."""

    lot: PlannedLot
    camera: SimulatedCamera
    config: LotsightConfig
    box: EdgeBox | None = None
    service: EdgeService | None = None


class CameraLots:
    """Lots on simulated cameras, judged by the committed network in real edge services.

    Args:
        folder: for the boxes.
        port: of the broker on loopback.
        clock: time.
        seed: of the traffic.
    """

    ends_still = False
    # With 18 bays one bay that is wrong from beginning to end costs 5.6 %. The model card's worst
    # camera is right in 97.5 % of its bays, so one such bay may be, and two may not.
    least_right = 0.93
    # What was published until now counts; the traffic goes on.
    waits = False

    def __init__(self, folder: Path, port: int, clock: Clock, seed: int) -> None:
        self._clock = clock
        self._watched = [
            _watched(spec, weather, folder, port, clock, seed + number)
            for number, (spec, weather) in enumerate(zip(WATCHED, _WEATHERS, strict=True))
        ]

    @property
    def lots(self) -> Sequence[PlannedLot]:
        """One a camera."""
        return tuple(each.lot for each in self._watched)

    @property
    def limit_s(self) -> float:
        """As in `lotsight demo`: a driver straightens the car, the belief turns, then the hold.

        Then three pictures, of which a busy machine takes fewer, and the way to the API.
        """
        pictures_s = 3 / max(self._judged_hz(), 0.1)
        return 8.0 + min(pictures_s, 12.0) + _IN_FLIGHT_S

    def urls(self) -> dict[str, str]:
        """The live page of each box, by lot."""
        return {
            each.lot.spec.name: f"http://{each.config.http.host}:{each.config.http.port}/"
            for each in self._watched
        }

    def start(self) -> None:
        """Start the edge services."""
        for each in self._watched:
            each.box = assemble(each.config, self._clock, partial(_source, each.camera))
            each.service = service_of(each.box)
            each.service.start()

    def check(self) -> None:
        """Nothing: an edge service tells of its faults by alarms, and goes on."""

    def quiesce(self) -> None:
        """Nothing: see `waits`."""

    def stop(self) -> None:
        """Stop all edge services."""
        with ExitStack() as stops:
            for each in self._watched:
                if each.service is not None:
                    stops.callback(each.service.stop)

    def time_s(self, lot: PlannedLot, mono_s: float) -> float:
        """Seconds since the camera's first picture."""
        return self._of(lot).camera.lot_time_s(mono_s)

    def truth(self, lot: PlannedLot, time_s: float) -> Mapping[str, bool]:
        """Whether each bay in the picture was occupied."""
        return self._of(lot).camera.truth(time_s)

    def changes(self, lot: PlannedLot, to_s: float) -> Sequence[TruthChange]:
        """All changes up to a time."""
        return self._of(lot).camera.changes(0.0, to_s)

    def published(self) -> Mapping[str, Published]:
        """By box."""
        return {
            each.lot.edge: Published(
                each.box.store.epoch, each.box.store.last_seq, each.box.store.acked
            )
            for each in self._watched
            if each.box is not None
        }

    def delivery(self, lot: PlannedLot, published: Published, ask: Ask) -> Delivery:
        """Of a box's events."""
        return Delivery.of(published, ask(f"edges/{lot.edge}"))

    def _judged_hz(self) -> float:
        """Pictures judged a second, of the slowest camera."""
        views = [
            each.box.live_state.latest(each.box.cameras.ids[0])
            for each in self._watched
            if each.box is not None
        ]
        return min((view.status.fps for view in views if view is not None), default=0.0)

    def _of(self, lot: PlannedLot) -> _Watched:
        return next(each for each in self._watched if each.lot.key == lot.key)


def _source(camera: SimulatedCamera, _config: CameraConfig, _clock: Clock) -> FrameSource:
    return camera.source()


def _watched(
    spec: LotSpec, weather: Weather, folder: Path, port: int, clock: Clock, seed: int
) -> _Watched:
    scene = demo_scene(weather, _IMAGE_WH)
    scene = Scene(scene.layout, scene.camera, weather, activity=_ACTIVITY)
    camera = SimulatedCamera(scene, seed, 1.0, clock, detail=1)
    name = spec.name.split(maxsplit=1)[0].lower()
    edge, home = f"box-{spec.name.replace(' ', '-').lower()}", folder / name
    home.mkdir(parents=True)
    lon, lat = Frame(CENTRE).place(spec.at_m)
    about = Lot(name=spec.name, location=Location(lat_deg=lat, lon_deg=lon))
    drawn = camera.write_calibration(home / f"{name}.json", name, about)
    layout = build_layout([drawn])
    spots = list(zip(camera.bays, layout.bays, strict=True))
    lot = lot_of_spots(spec, layout.lots[0].lot, edge, spots, Watch.PICTURES)
    return _Watched(lot, camera, _config(lot, home, name, port))


def _config(lot: PlannedLot, home: Path, camera: str, port: int) -> LotsightConfig:
    return LotsightConfig.model_validate(
        {
            "edge": {"site": lot.spec.site, "edge": lot.edge, "state_dir": home},
            "http": {"host": "127.0.0.1", "port": free_port()},
            # Rendered cars and people are nobody's.
            "privacy": {"outside": False, "bay_px": 0, "moving": False},
            "evidence": {
                "memory_s": 0.8,
                "enter_hold_s": _HOLD_S,
                "leave_hold_s": _HOLD_S,
                "start_hold_s": 0.3,
            },
            "mqtt": link_settings(port),
            "camera": [
                {
                    "id": camera,
                    "source": "sim:",
                    "calibration_file": home / f"{camera}.json",
                    "rate_hz": _RATE_HZ,
                }
            ],
        }
    )
