"""A box with a rendered lot in its live state, served by real uvicorn on loopback."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime

import httpx
import numpy as np
import pytest
from starlette.types import ASGIApp

from calibration import Bay, Calibration
from calibration.types import Mask
from edge_app.config import HttpConfig
from edge_app.http import (
    Access,
    BoxReport,
    LinkFacts,
    ModelFacts,
    OutboxFacts,
    PageSettings,
    create_app,
)
from edge_app.live_state import CameraCondition, CameraStatus, LiveState, LiveView, RecentEvent
from edge_app.serving import HttpServer
from simulator import SimulatedLot, demo_scene
from telemetry import BayState, Cause, UnknownReason
from vision.types import Detections, Frame

NOW = datetime(2026, 5, 4, 12, 0, tzinfo=UTC)


@dataclass
class FakeBox:
    """A box whose report a test can change."""

    now: BoxReport = field(
        default_factory=lambda: BoxReport(
            site="site1",
            edge="box1",
            version="0.1.0",
            started_utc=NOW,
            uptime_s=90.0,
            now_utc=NOW,
            model=ModelFacts("net", "1.0", "a" * 64, "bay head"),
            link=LinkFacts(True, "5", "broker:8883", None, 12, 0),
            outbox=OutboxFacts(3, 900, 2.5, 0, 0, degraded=False),
            alarms=(),
        )
    )
    silent_s: float = 0.0

    def report(self) -> BoxReport:
        return self.now

    def judge_silent_s(self) -> float:
        return self.silent_s

    def change(self, **facts: object) -> None:
        self.now = replace(self.now, **facts)  # type: ignore[arg-type]


@pytest.fixture(scope="session")
def lot() -> SimulatedLot:
    return SimulatedLot(demo_scene(image_wh=(640, 360)), seed=7, detail=1)


def state_of(bay: str, occ: bool | None, conf: float = 0.97) -> BayState:
    if occ is None:
        return BayState(bay, None, UnknownReason.OCCLUDED, 0.0, NOW)
    return BayState(bay, occ, None, conf, NOW)


def view_of(lot: SimulatedLot, number: int = 1, masks: tuple[Mask, ...] = ()) -> LiveView:
    """What a pipeline would show of a lot: all states right, the last bay unknown."""
    image = lot.frame(float(number))
    truth = lot.truth(float(number))
    bays = tuple(
        Bay(id=bay, polygon=tuple((float(x), float(y)) for x, y in quad), zone=bay[0])
        for bay, quad in zip(lot.bay_ids, lot.quads_norm(), strict=True)
    )
    states = [state_of(bay, truth[bay]) for bay in lot.bay_ids]
    states[-1] = state_of(lot.bay_ids[-1], None)
    quad = lot.quads_norm()[0] * np.array([640, 360], np.float32)
    box = np.array([[*quad.min(0), *quad.max(0)]], np.float32)
    return LiveView(
        camera="north",
        frame=Frame("north", image, float(number), NOW, number),
        calibration=Calibration(camera="north", image_wh=(640, 360), bays=bays, masks=masks),
        states=tuple(states),
        status=CameraStatus(
            CameraCondition.LIVE, frames=9, judged=5, fps=1.5, infer_ms=80.0, last_frame_utc=NOW
        ),
        polygons_norm=tuple(lot.quads_norm()),
        bay_prob=np.array([truth[bay] for bay in lot.bay_ids], np.float32) * 0.9 + 0.05,
        detections=Detections(box, np.array([0.88], np.float32), np.array([0])),
    )


@pytest.fixture
def make_view(lot: SimulatedLot) -> Callable[..., LiveView]:
    """A function that gives a view of the lot: `number` of the picture, `masks`."""

    def make(number: int = 1, masks: tuple[Mask, ...] = ()) -> LiveView:
        return view_of(lot, number, masks)

    return make


@dataclass
class Served:
    """A running server and what is behind it."""

    live_state: LiveState
    box: FakeBox
    access: Access
    client: httpx.Client
    app: ASGIApp

    def happen(self, bay: str, occ: bool | None) -> None:
        """A change of a bay."""
        event = RecentEvent("north", state_of(bay, occ), Cause.DETECTION, datetime.now(UTC))
        self.live_state.add_events([event])


Serve = Callable[..., Served]


@pytest.fixture
def serve(free_port: Callable[[], int], lot: SimulatedLot) -> Iterator[Serve]:
    """A function that starts a server; stopped at the end of the test."""
    with ExitStack() as stack:

        def start(
            access: Access | None = None,
            settings: PageSettings | None = None,
            editor: ASGIApp | None = None,
            view: LiveView | None = None,
        ) -> Served:
            live_state, box = LiveState(), FakeBox()
            live_state.publish(view or view_of(lot))
            access = access or Access()
            app = create_app(live_state, box, access, editor, settings)
            server = HttpServer(app, HttpConfig(port=free_port()))
            server.start()
            stack.callback(server.stop)
            base = f"http://127.0.0.1:{server.port}"
            client = stack.enter_context(httpx.Client(base_url=base, timeout=20.0))
            for _ in range(200):
                try:
                    client.get("/health/live")
                    break
                except httpx.ConnectError:
                    continue
            return Served(live_state, box, access, client, app)

        yield start
