"""Cameras per box: the real service on many H.264 cameras at one frame a second.

    .venv/bin/python benchmarks/cameras_per_box.py --cameras 20 [--seconds 60] [--no-gate]

Each camera plays an H.264 clip of a simulated lot (1280x720, 5 frames a second, a key frame each
second, sensor noise, 1 Mbit/s as cameras of that size are commonly set); `still` clips show a lot
where nobody drives, `busy` ones the traffic of the demo. Everything runs as on a box: decoding,
view guard, change gate, network, store.

Told are the time until every bay had its first state, and from then on the rate that was reached
against the rate that was wanted, and the processor time that one look costs, from which follows how
many cameras two cores carry at full load. That figure holds about even while other programs use the
machine; the rate does not.

    git worktree add /tmp/before COMMIT
    .venv/bin/python benchmarks/cameras_per_box.py --cameras 20 --no-gate --against /tmp/before

runs the tree of another commit and this one in turn, A B A B, and tells the ratios with their
spread: these hold on any machine. `--cores 1` gives the service one core only (Linux).
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import av
import cv2
import numpy as np

from calibration import save_calibration
from edge_app.assembly import EdgeBox, assemble
from edge_app.config import LotsightConfig, parse_config
from edge_app.host_metrics import memory_bytes
from edge_app.memory import limit_arenas
from edge_app.service import EdgeService
from edge_app.sources.sim import SimAddress, calibration_of_sim
from simulator import SimulatedLot, demo_scene
from telemetry import UnknownReason

FPS = 5
CORES = 2


def make_clip(path: Path, seconds: int, kbit_s: int, *, busy: bool) -> None:
    """A clip of the simulated lot with sensor noise; key frames each second."""
    lot = SimulatedLot(demo_scene(), seed=1, detail=1)
    rng = np.random.default_rng(0)
    noise = [rng.integers(0, 5, (720, 1280, 3), dtype=np.uint8) for _ in range(FPS)]
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=FPS)
        stream.width, stream.height, stream.pix_fmt = 1280, 720, "yuv420p"
        stream.bit_rate = kbit_s * 1000
        stream.options = {
            "g": str(FPS), "sc_threshold": "0", "preset": "veryfast",
            "maxrate": f"{kbit_s}k", "bufsize": f"{kbit_s}k",
        }  # fmt: skip
        for second in range(seconds):
            if second == 0 or busy:
                picture = lot.frame(float(second))
            for part in noise:
                noisy = np.asarray(cv2.add(picture, part), np.uint8)
                container.mux(stream.encode(av.VideoFrame.from_ndarray(noisy, format="bgr24")))
        container.mux(stream.encode())


def make_config(folder: Path, clip: Path, cameras: int, gate: bool) -> LotsightConfig:
    """A box with `cameras` cameras that all play `clip`."""
    text = (
        '[edge]\nsite = "s"\nedge = "e"\nstate_dir = "state"\n[http]\nenabled = false\n'
        f"[gate]\nenabled = {str(gate).lower()}\n"
    )
    drawn = calibration_of_sim(SimAddress(), "any")
    for number in range(cameras):
        name = f"c{number:03d}"
        bays = tuple(bay.model_copy(update={"id": f"{name}-{bay.id}"}) for bay in drawn.bays)
        calibration = drawn.model_copy(update={"camera": name, "bays": bays})
        save_calibration(folder / f"{name}.json", calibration, author="benchmark")
        text += (
            f'[[camera]]\nid = "{name}"\nsource = "{clip}"\ncalibration_file = "{name}.json"\n'
            "rate_hz = 1\n"
        )
    return parse_config(text, folder / "box.toml")


def measure(config: LotsightConfig, seconds: float, settle_limit_s: float) -> dict[str, object]:
    """Run the service; figures are of the time after every bay had its first state."""
    box = assemble(config)
    service = EdgeService(box.parts)
    begin_s, cpu_s = time.monotonic(), time.process_time()
    service.start()
    while not is_settled(box) and time.monotonic() - begin_s < settle_limit_s:
        time.sleep(0.5)
    settled_s, settled_cpu_s = time.monotonic() - begin_s, time.process_time() - cpu_s
    before, cpu_s, begin_s = totals(box), time.process_time(), time.monotonic()
    memory_before = memory_bytes() or 0
    time.sleep(seconds)
    after, wall_s = totals(box), time.monotonic() - begin_s
    cpu_s = time.process_time() - cpu_s
    memory_after = memory_bytes() or 0
    is_done = is_settled(box)
    service.stop()
    cameras = len(config.camera)
    looked = {name: after[name] - before[name] for name in after}
    looks = looked["judged"] + looked["gated"]
    lost = sum(
        state.reason is UnknownReason.CAMERA_LOST
        for camera in box.cameras
        for state in camera.pipeline.states()
    )
    per_look_s = cpu_s / max(1, looks)
    return {
        "cameras": cameras,
        "settled": is_done, "settled_after_s": round(settled_s, 1),
        "settling_cpu_s": round(settled_cpu_s, 1),
        "wall_s": round(wall_s, 1), "rate_wanted_hz": 1.0,
        "rate_reached_hz": round(looks / wall_s / cameras, 3),
        "passes_per_camera_hz": round(looked["judged"] / wall_s / cameras, 4),
        "dropped_per_camera_hz": round(looked["dropped"] / wall_s / cameras, 3),
        "cpu_cores_used": round(cpu_s / wall_s, 2),
        "cpu_ms_per_look": round(1000 * per_look_s, 1),
        "cpu_share_per_camera_at_1_hz": round(per_look_s, 4),
        "cameras_on_2_cores": round(CORES / per_look_s),
        "lost_bays": lost,
        "rss_mb": [memory_before // 2**20, memory_after // 2**20],
    }  # fmt: skip


def is_settled(box: EdgeBox) -> bool:
    """Whether no bay of any camera waits for its first state."""
    return all(
        state.reason is not UnknownReason.STARTING
        for camera in box.cameras
        for state in camera.pipeline.states()
    )


def totals(box: EdgeBox) -> dict[str, int]:
    """Frames judged, spared by the gate and dropped, over all cameras."""
    found = {"judged": 0, "gated": 0, "dropped": 0}
    for name in box.cameras.ids:
        view = box.live_state.latest(name)
        if view is not None:
            for key in found:
                found[key] += getattr(view.status, key)
    return found


def compare(other: Path, pairs: int) -> None:
    """Measure another tree and this one in turn, with the options given, and tell the ratios."""
    own = {"--against", "--pairs", "--clip", "--cores"}  # another commit may not know them
    given = sys.argv[1:]
    options = [
        each
        for number, each in enumerate(given)
        if each not in own and (number == 0 or given[number - 1] not in own)
    ]
    runs: dict[str, list[dict[str, float]]] = {"before": [], "after": []}
    for _ in range(pairs):
        for name, tree in (("before", other), ("after", Path(__file__).parents[1])):
            root = tree.resolve()
            line = subprocess.run(
                [sys.executable, str(root / "benchmarks" / Path(__file__).name), *options],
                env={**os.environ, "PYTHONPATH": str(root)},
                stdout=subprocess.PIPE, check=True, text=True,
            ).stdout  # fmt: skip
            print(name, line, end="", flush=True)
            runs[name].append(json.loads(line))
    for key in ("rate_reached_hz", "cpu_ms_per_look"):
        ratios = [b[key] / max(a[key], 1e-9) for a, b in zip(*runs.values(), strict=True)]
        print(f"{key}: after / before {min(ratios):.2f} to {max(ratios):.2f}")


def main() -> None:
    """Read the options and measure."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("--cameras", type=int, default=20)
    parser.add_argument("--seconds", type=float, default=60.0)
    parser.add_argument("--settle-limit-s", type=float, default=80.0)
    parser.add_argument("--kbit-s", type=int, default=1000)
    parser.add_argument("--busy", action="store_true")
    parser.add_argument("--no-gate", action="store_true")
    parser.add_argument("--clip", type=Path, help="keep the clip here, and use it again")
    parser.add_argument("--cores", type=int, help="of this machine that the service may use")
    parser.add_argument("--against", type=Path, help="source tree of another commit")
    parser.add_argument("--pairs", type=int, default=2)
    options = parser.parse_args()
    if options.cores:
        os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[: options.cores])
    limit_arenas()  # as `lotsight run` does: it changes what is told of memory
    if options.against:
        compare(options.against, options.pairs)
        return
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        clip = options.clip or folder / "clip.mp4"
        if not clip.exists():
            make_clip(clip, 60, options.kbit_s, busy=options.busy)
        config = make_config(folder, clip, options.cameras, not options.no_gate)
        load = os.getloadavg()[0]
        line = measure(config, options.seconds, options.settle_limit_s)
        kbit_s = clip.stat().st_size * 8 / 1000 / 60
    line |= {
        "scene": "busy" if options.busy else "still", "gate": not options.no_gate,
        "stream": f"1280x720, {FPS} frames/s, {kbit_s:.0f} kbit/s",
        "cpus": len(os.sched_getaffinity(0)), "load_at_start": round(load, 1),
    }  # fmt: skip
    print(json.dumps(line))


if __name__ == "__main__":
    main()
