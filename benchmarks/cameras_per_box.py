"""Cameras per box: the real service on many H.264 cameras at one frame a second.

    .venv/bin/python benchmarks/cameras_per_box.py --cameras 20 [--seconds 40] [--no-gate]

Each camera plays a clip of a simulated lot (1280x720, 5 frames a second, a key frame each second)
from another moment on; `still` clips show a lot where nobody drives, `busy` ones the traffic of the
demo. Everything runs as on a box: decoding, view guard, change gate, network, store.

Told are the rate that was reached against the rate that was wanted, and the processor time that one
camera costs, from which follows how many cameras two cores carry at full load. The second figure
holds even while other programs use the machine; the first does not.
"""

from __future__ import annotations

import argparse
import json
import os
import tempfile
import time
from pathlib import Path

import av
import cv2
import numpy as np

from calibration import save_calibration
from edge_app.config import LotsightConfig, parse_config
from edge_app.figures import memory_bytes
from edge_app.service import EdgeService
from edge_app.sources.sim import SimAddress, calibration_of_sim
from vision.simulator import SimulatedLot, demo_scene

FPS = 5
CORES = 2


def make_clip(path: Path, seconds: int, *, busy: bool) -> None:
    """A clip of the simulated lot with sensor noise; key frames each second."""
    lot = SimulatedLot(demo_scene(), seed=1, detail=1)
    rng = np.random.default_rng(0)
    noise = [rng.integers(0, 5, (720, 1280, 3), dtype=np.uint8) for _ in range(FPS)]
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=FPS)
        stream.width, stream.height, stream.pix_fmt = 1280, 720, "yuv420p"
        stream.options = {"g": str(FPS), "sc_threshold": "0", "preset": "veryfast"}
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


def measure(config: LotsightConfig, seconds: float, warm_up_s: float) -> dict[str, object]:
    """Run the service; figures are of the time after the warm-up."""
    service = EdgeService(config)
    service.start()
    time.sleep(warm_up_s)
    before, cpu_s, begin_s = totals(service), time.process_time(), time.monotonic()
    memory_before = memory_bytes() or 0
    time.sleep(seconds)
    after, wall_s = totals(service), time.monotonic() - begin_s
    cpu_s = time.process_time() - cpu_s
    memory_after = memory_bytes() or 0
    service.stop()
    cameras = len(config.camera)
    looked = {name: after[name] - before[name] for name in after}
    per_camera = cpu_s / wall_s / cameras
    served = (looked["judged"] + looked["gated"]) / wall_s / cameras
    return {
        "cameras": cameras,
        "rate_wanted_hz": 1.0,
        "rate_reached_hz": round(served, 3),
        "passes_per_camera_hz": round(looked["judged"] / wall_s / cameras, 3),
        "dropped_share": round(looked["dropped"] / max(1, sum(looked.values())), 3),
        "cpu_cores_used": round(cpu_s / wall_s, 2),
        "cpu_ms_per_look": round(1000 * cpu_s / max(1, looked["judged"] + looked["gated"]), 1),
        "cameras_on_2_cores": round(CORES / per_camera * served) if per_camera else None,
        "rss_mb": [memory_before // 2**20, memory_after // 2**20],
    }


def totals(service: EdgeService) -> dict[str, int]:
    """Frames judged, spared by the gate and dropped, over all cameras."""
    found = {"judged": 0, "gated": 0, "dropped": 0}
    for name in service.cameras:
        view = service.board.latest(name)
        if view is not None:
            for key in found:
                found[key] += getattr(view.status, key)
    return found


def main() -> None:
    """Read the options and measure."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("--cameras", type=int, default=20)
    parser.add_argument("--seconds", type=float, default=40.0)
    parser.add_argument("--warm-up-s", type=float, default=15.0)
    parser.add_argument("--busy", action="store_true")
    parser.add_argument("--no-gate", action="store_true")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        clip = folder / "clip.mp4"
        make_clip(clip, 30, busy=options.busy)
        config = make_config(folder, clip, options.cameras, not options.no_gate)
        line = measure(config, options.seconds, options.warm_up_s)
    line |= {
        "scene": "busy" if options.busy else "still", "gate": not options.no_gate,
        "cpus": os.cpu_count(), "load_1min": round(os.getloadavg()[0], 1),
    }  # fmt: skip
    print(json.dumps(line))


if __name__ == "__main__":
    main()
