"""The simulated lot as the demo's camera, and its truth."""

from __future__ import annotations

import threading
from pathlib import Path

import numpy as np

from calibration import Bay, Calibration, Lot, save_calibration
from edge_app.sources import FrameSource
from edge_app.sources.base import Grab
from simulator import Scene, SimulatedLot, TruthChange
from simulator.layout import BaySpot
from telemetry import Clock


class SimulatedCamera:
    """A camera that looks at a simulated lot; time begins with the first image.

    Args:
        scene: what is simulated.
        seed: of traffic and textures.
        speed: seconds of the lot for each second of the clock.
        clock: time.
        detail: 1 draws the ground coarsely and fast, 2 finely.
    """

    def __init__(
        self, scene: Scene, seed: int, speed: float, clock: Clock, detail: int = 2
    ) -> None:
        self._lot = SimulatedLot(scene, seed, detail)
        self._speed = speed
        self._clock = clock
        self._begins_s: float | None = None
        # The lot plans its traffic as it is asked, and is asked by the reader and the scorer.
        self._lock = threading.Lock()

    @property
    def bay_ids(self) -> tuple[str, ...]:
        """Bays that it sees."""
        return self._lot.bay_ids

    @property
    def bays(self) -> tuple[BaySpot, ...]:
        """The same on the ground, in metres."""
        return self._lot.bays

    def source(self) -> FrameSource:
        """A source for the service."""
        return _Source(self)

    def lot_time_s(self, mono_s: float) -> float:
        """The lot's time at a time of the clock."""
        begins_s = self._begins_s if self._begins_s is not None else mono_s
        return (mono_s - begins_s) * self._speed

    def truth(self, lot_s: float) -> dict[str, bool]:
        """Whether each bay is occupied."""
        with self._lock:
            return self._lot.truth(lot_s)

    def changes(self, from_s: float, to_s: float) -> list[TruthChange]:
        """True changes in a stretch of the lot's time."""
        with self._lock:
            return self._lot.changes(from_s, to_s)

    def write_calibration(self, path: Path, camera: str, lot: Lot | None = None) -> Calibration:
        """Write what an installer would have drawn: the lot's bays, exactly.

        Args:
            path: of the file.
            camera: whose.
            lot: what is said of the lot.
        """
        quads = np.clip(self._lot.quads_norm(), 0.0, 1.0)
        bays = tuple(
            Bay(
                id=spot.id,
                polygon=tuple((float(x), float(y)) for x, y in quad),
                kind=spot.kind,
                angle=spot.angle,
                zone=spot.id[0],
            )
            for spot, quad in zip(self._lot.bays, quads, strict=True)
        )
        height, width = self._lot.stage.background_bgr.shape[:2]
        calibration = Calibration(
            camera=camera, image_wh=(width, height), lot=lot or Lot(name="Demo lot"), bays=bays
        )
        save_calibration(path, calibration, author="lotsight demo")
        return calibration

    def grab(self) -> Grab:
        """The image as of now."""
        now_s = self._clock.mono_s()
        if self._begins_s is None:
            self._begins_s = now_s
        with self._lock:
            return Grab(self._lot.frame(self.lot_time_s(now_s)))


class _Source:
    """What the service reads."""

    self_paced = False

    def __init__(self, camera: SimulatedCamera) -> None:
        self._camera = camera

    def open(self) -> None:
        """Nothing to open."""

    def read(self) -> Grab:
        """The image as of now."""
        return self._camera.grab()

    def close(self) -> None:
        """Nothing to close: the lot lives on."""
