"""Change gate: how many passes of the network it saves, and what it misses or delays.

    .venv/bin/python benchmarks/change_gate.py [--minutes 5] [--part all]    # three minutes

1. `simulator`: a lot whose truth is exact, still, calm and in a rush, in sun, rain and at night,
   one frame a second with sensor noise and JPEG. The network is taken to be right always, so every
   miss and delay is the gate's. Told: share of passes saved, changes of state that never came or
   came later than without a gate.
2. `clips`: real clips and the real network, with and without the gate (LOTSIGHT_DATA).
3. `sequences`: smartlot and nightlot (LOTSIGHT_DATA), each labelled frame against the one before
   it, half an hour or more earlier: of the bays whose label changed, the share that the gate sees
   at once (the others wait for the heartbeat); of those that did not, the share that it takes for
   changed, since light and shadow moved.
"""

from __future__ import annotations

import argparse
import itertools
import json
import os
import time
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta

import cv2
import numpy as np

from calibration.clips import ClipReader
from datasets import LotFrame, data_root, read_lot
from edge_app.judging import PictureJudge
from edge_app.judging.calibrations import read_bays
from models import default_model, open_detector
from simulator import Activity, SimulatedLot, Weather, demo_scene
from vision import EvidenceFilter
from vision.change_gate import ChangeGate, GateSettings, bay_patches, patch_change
from vision.types import BayEvidence, Floats, Frame, ImageBgr, as_floats

# Nobody comes or goes; a car every minute; the demo's rush.
TRAFFIC = {
    "still": Activity(interval_s=1e9),
    "calm": Activity(interval_s=60.0, stay_s=300.0),
    "rush": Activity(),
}
START = datetime(2026, 1, 1, tzinfo=UTC)


@dataclass
class Race:
    """One camera judged twice: every frame, and only those that the gate lets pass."""

    bay_ids: tuple[str, ...]
    polygons: list[Floats]
    gate: ChangeGate = field(default_factory=ChangeGate)
    frames: int = 0
    passes: int = 0
    plain_changes: list[tuple[float, str, bool | None]] = field(default_factory=list)
    gated_changes: list[tuple[float, str, bool | None]] = field(default_factory=list)

    def __post_init__(self) -> None:
        """Both begin knowing nothing."""
        self._plain = EvidenceFilter(self.bay_ids, start_utc=START)
        self._gated = EvidenceFilter(self.bay_ids, start_utc=START)

    def run(self, image: ImageBgr, evidence: BayEvidence, time_s: float) -> None:
        """One frame."""
        utc = START + timedelta(seconds=time_s)
        self.frames += 1
        for state in self._plain.update(evidence, time_s, utc):
            self.plain_changes.append((time_s, state.bay, state.occ))
        frame = Frame("c", image, time_s, utc, self.frames)
        if self.gate.wants(frame, self.polygons, settling=self._gated.is_settling()):
            self.passes += 1
            for state in self._gated.update(evidence, time_s, utc):
                self.gated_changes.append((time_s, state.bay, state.occ))

    def report(self) -> dict[str, object]:
        """Changes are matched bay by bay, in their order."""
        delays_s, missed = [], 0
        for bay in self.bay_ids:
            plain = [(t, occ) for t, name, occ in self.plain_changes if name == bay]
            gated = [(t, occ) for t, name, occ in self.gated_changes if name == bay]
            for at_s, occ in plain:
                after = [t for t, found in gated if found == occ and t >= at_s - 1e-6]
                if after:
                    delays_s.append(after[0] - at_s)
                else:
                    missed += 1
        late = [delay for delay in delays_s if delay > 0]
        return {
            "frames": self.frames, "passes": self.passes,
            "saved": round(1 - self.passes / self.frames, 3),
            "changes": len(self.plain_changes), "missed": missed, "late": len(late),
            "delay_mean_s": round(float(np.mean(delays_s)), 2) if delays_s else None,
            "delay_max_s": round(max(delays_s, default=0.0), 1),
        }  # fmt: skip


def simulated(weather: Weather, minutes: float, activity: Activity) -> dict[str, object]:
    """The demo's lot at one frame a second, the network always right."""
    lot = SimulatedLot(replace(demo_scene(weather), activity=activity), 5, detail=1)
    race = Race(tuple(lot.bay_ids), list(lot.quads_norm()))
    rng = np.random.default_rng(0)
    quality = np.ones(len(lot.bay_ids), np.float32)
    for second in range(round(minutes * 60)):
        time_s = 60.0 + second
        image = as_seen(lot.frame(time_s), rng)
        truth = lot.truth(time_s)
        prob = as_floats([0.99 if truth[bay] else 0.01 for bay in lot.bay_ids])
        race.run(image, BayEvidence(prob, quality), time_s)
    return race.report()


def as_seen(image: ImageBgr, rng: np.random.Generator) -> ImageBgr:
    """With a small sensor's noise, and coded."""
    noise = np.empty(image.shape, np.int8)
    cv2.randn(noise, 0, 3)
    noise = np.roll(noise, int(rng.integers(0, 997)), 1)
    noisy = cv2.add(image, noise, dtype=cv2.CV_8U)
    coded = cv2.imencode(".jpg", noisy, [cv2.IMWRITE_JPEG_QUALITY, 75])[1]
    return np.asarray(cv2.imdecode(coded, cv2.IMREAD_COLOR), np.uint8)


def clip(name: str, rate_hz: float) -> dict[str, object]:
    """A real clip before the real network."""
    folder = data_root() / "video"
    with ClipReader(folder / f"{name}.mp4") as reader:
        bays = read_bays(folder / f"{name}.bays.json", reader.image_wh)
        judge = PictureJudge(open_detector(default_model()), bays)
        race = Race(bays.bay_ids, bays.polygons_norm())
        next_s = 0.0
        for time_s, image in reader.frames():
            if time_s >= next_s - 0.001:
                next_s = time_s + 1 / rate_hz
                race.run(image, judge.look(image)[0], time_s)
    return race.report()


def sequence(name: str) -> dict[str, object]:
    """Labelled frames of one camera, each against the one before it."""
    frames = sorted(
        (frame for split in ("train", "valid") for frame in read_lot(data_root() / name, split)),
        key=lambda frame: (frame.camera, frame.time_local or START.replace(tzinfo=None)),
    )
    settings = GateSettings()
    changed: list[bool] = []
    same: list[bool] = []
    gaps_min: list[float] = []
    for before, now in itertools.pairwise(frames):
        if before.camera != now.camera or before.time_local is None or now.time_local is None:
            continue
        gaps_min.append((now.time_local - before.time_local).total_seconds() / 60)
        for is_change, is_seen in pairs(before, now, settings):
            (changed if is_change else same).append(is_seen)
    return {
        "pairs": len(gaps_min), "median_gap_min": round(float(np.median(gaps_min)), 1),
        "changed_bays": len(changed), "seen_at_once": share(changed),
        "same_bays": len(same), "taken_for_changed": share(same),
    }  # fmt: skip


def pairs(before: LotFrame, now: LotFrame, settings: GateSettings) -> Iterator[tuple[bool, bool]]:
    """For each bay of both frames: whether its label changed, whether the gate says so."""
    earlier = dict(zip(before.bay_ids, range(len(before.bay_ids)), strict=True))
    both = [(earlier[bay], i) for i, bay in enumerate(now.bay_ids) if bay in earlier]
    if not both:
        return
    first = bay_patches(before.read(), [before.polygons_norm[i] for i, _ in both])
    second = bay_patches(now.read(), [now.polygons_norm[j] for _, j in both])
    change = patch_change(first, second, settings.noise_level)
    for (i, j), value in zip(both, change, strict=True):
        if before.states[i] is not None and now.states[j] is not None:
            yield before.states[i] != now.states[j], bool(value >= settings.least_change)


def share(values: list[bool]) -> float | None:
    """Of true values, to three places."""
    return round(sum(values) / len(values), 3) if values else None


def tell(part: str, name: str, figures: dict[str, object]) -> None:
    """One JSON line."""
    print(json.dumps({"part": part, "name": name, **figures}), flush=True)


def main() -> None:
    """Read the options and measure."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("--minutes", type=float, default=5.0)
    parser.add_argument("--part", default="all", choices=["all", "simulator", "clips", "sequences"])
    options = parser.parse_args()
    load, begin_s = os.getloadavg()[0], time.monotonic()
    if options.part in {"all", "simulator"}:
        for name, activity in TRAFFIC.items():
            for weather in (Weather.SUN, Weather.RAIN, Weather.NIGHT):
                figures = simulated(weather, options.minutes, activity)
                tell("simulator", f"{name}, {weather.value}", figures)
    if options.part in {"all", "sequences"}:
        for name in ("smartlot", "nightlot"):
            tell("sequence", name, sequence(name))
    if options.part in {"all", "clips"}:
        tell("clip", "carpark_topview", clip("carpark_topview", 4))
        tell("clip", "lot_timelapse_day", clip("lot_timelapse_day", 10))
    tell("run", "machine", {
        "cpus": os.cpu_count(), "load_at_start": round(load, 1),
        "wall_s": round(time.monotonic() - begin_s, 1),
    })  # fmt: skip


if __name__ == "__main__":
    main()
