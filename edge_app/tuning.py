"""Which of the shipped networks suits this processor: measured here, kept, and used from then on.

What an 8-bit network gains depends on the processor (1.5 times with AVX2 alone, 1.8 with VNNI,
nothing on others), and how many threads a pass should have depends on its caches and on how many
cores it really has. So both are measured on the box: `lotsight doctor --tune`.
"""

from __future__ import annotations

import logging
import math
import os
import platform
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from calibration import load_calibration
from calibration.atomic import replacing
from edge_app.config import LotsightConfig
from edge_app.golden import IMAGE_WH, GoldenScore, score_golden
from models import default_model, list_models, open_detector
from models.processor import CPUINFO
from models.registry import WEIGHTS
from simulator import render_sample
from telemetry import CalibrationError, TelemetryError
from vision.input_size import plan_input
from vision.judge import Detector
from vision.runtime import ort
from vision.types import NetworkSpec

_log = logging.getLogger(__name__)

TUNING_FILE = "tuning.json"
_SEED = 3
# A box that is as good as full has no room for a gust of changes.
_RESERVE = 1.25
# Less is within what two runs of the same network differ by.
_WORTH_IT = 1.1


class _Kept(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Measured(_Kept):
    """One network with one number of threads, on this machine.

    Attributes:
        name: of the network.
        sha256: of its file.
        threads: of a pass; 0: as many as cores.
        cpu_ms: processor time of one pass, milliseconds.
        right: bays of the golden images that it judges right, of `bays`.
        bays: bays of the golden images.
    """

    name: str
    sha256: str
    threads: int = Field(ge=0)
    cpu_ms: float = Field(gt=0)
    right: int = Field(ge=0)
    bays: int = Field(gt=0)

    def passes_hz(self, cores: int) -> float:
        """Passes a second that so many cores give."""
        return 1000 * cores / self.cpu_ms


class Tuning(_Kept):
    """What was measured, and what follows from it.

    Attributes:
        processor: its name, as Linux tells it.
        cores: that the box may use.
        runtime: version of ONNX Runtime.
        measured_at: when, UTC.
        needed_hz: passes a second that the cameras ask for when nothing is still, of images of the
            measured size.
        candidates: all that were measured; the first is what is used without tuning.
        chosen: place of the one to use.
    """

    processor: str
    cores: int = Field(ge=1)
    runtime: str
    measured_at: datetime
    needed_hz: float = Field(ge=0)
    candidates: tuple[Measured, ...] = Field(min_length=1)
    chosen: int = Field(ge=0)

    @property
    def best(self) -> Measured:
        """The one to use."""
        return self.candidates[self.chosen]

    @property
    def gain(self) -> float:
        """How many times the passes of what is used without tuning."""
        return self.candidates[0].cpu_ms / self.best.cpu_ms

    def describe(self) -> str:
        """One line for an installer."""
        best = self.best
        threads = "1 thread" if best.threads == 1 else "all cores"
        why = "the default" if self.chosen == 0 else f"{self.gain:.2f} times the default"
        return (
            f"{best.name}, {threads} a pass: {best.passes_hz(self.cores):.1f} passes/s, {why}; "
            f"the cameras need up to {self.needed_hz:.1f} (measured {self.measured_at:%Y-%m-%d})"
        )


def tune(
    config: LotsightConfig,
    now: datetime,
    progress: Callable[[str], None] = lambda _line: None,
    *,
    rounds: int = 3,
    round_s: float = 2.5,
) -> Tuning:
    """Measure the shipped networks with a bay head, taking turns, and choose.

    Args:
        config: whose cameras are to be served.
        now: UTC.
        progress: told what is being done.
        rounds: turns of each candidate; the least time counts.
        round_s: how long a turn lasts.

    Raises:
        ModelError: a shipped network is damaged.
    """
    cores = os.cpu_count() or 1
    racers = _racers((1, 0) if cores > 1 else (1,))
    least_ms = [math.inf] * len(racers)
    for turn in range(rounds):
        progress(f"round {turn + 1} of {rounds} ...")
        for index, racer in enumerate(racers):
            workers = cores if racer.threads == 1 else 1
            least_ms[index] = min(least_ms[index], _cpu_ms(racer.detector, workers, round_s))
    candidates = tuple(
        Measured(
            name=racer.detector.spec.name,
            sha256=racer.detector.spec.sha256,
            threads=racer.threads,
            cpu_ms=cpu_ms,
            right=racer.score.right,
            bays=racer.score.bays,
        )
        for racer, cpu_ms in zip(racers, least_ms, strict=True)
    )
    needed_hz = _needed_hz(config, racers[0].detector.spec)
    return Tuning(
        processor=_processor(),
        cores=cores,
        runtime=ort.__version__,
        measured_at=now,
        needed_hz=needed_hz,
        candidates=candidates,
        chosen=choose(candidates, needed_hz, cores),
    )


def choose(candidates: Sequence[Measured], needed_hz: float, cores: int) -> int:
    """Which candidate to use; the first is the default.

    The default stays where it can serve every camera with a reserve, since it is the one that is
    right most often; else the fastest is taken that loses no bay of the golden images to it.
    """
    default = candidates[0]
    if default.passes_hz(cores) >= _RESERVE * needed_hz:
        return 0
    fit = [i for i, each in enumerate(candidates) if each.right >= default.right]
    best = min(fit, key=lambda i: candidates[i].cpu_ms)
    return best if default.cpu_ms >= _WORTH_IT * candidates[best].cpu_ms else 0


def keep(tuning: Tuning, state_dir: Path) -> Path:
    """Write what was measured; the service uses it from its next start."""
    path = state_dir / TUNING_FILE
    state_dir.mkdir(parents=True, exist_ok=True)
    with replacing(path) as part:
        part.write(tuning.model_dump_json(indent=2).encode())
    return path


def load_tuning(state_dir: Path) -> Tuning | None:
    """What was measured on this very machine with these very networks; None if nothing was."""
    path = state_dir / TUNING_FILE
    try:
        tuning = Tuning.model_validate_json(path.read_bytes())
        shipped = {entry.name: entry.manifest.sha256 for entry in list_models([WEIGHTS])}
        best = tuning.best
    except FileNotFoundError:
        return None
    except (OSError, ValidationError, IndexError, TelemetryError) as exc:
        _log.warning("%s: not used, run `lotsight doctor --tune` again: %s", path, exc)
        return None
    here = (_processor(), os.cpu_count() or 1, ort.__version__)
    if (tuning.processor, tuning.cores, tuning.runtime) != here:
        _log.info("%s: measured on another processor or ONNX Runtime: not used", path)
        return None
    if shipped.get(best.name) != best.sha256:
        _log.info("%s: measured with another version of %s: not used", path, best.name)
        return None
    return tuning


def tuning_of(config: LotsightConfig) -> Tuning | None:
    """What was measured here; None if nothing was, or the network was chosen by hand."""
    model = config.model
    by_hand = model.name is not None or model.manifest_file is not None
    return None if by_hand else load_tuning(config.edge.state_dir)


def with_tuning(config: LotsightConfig, tuning: Tuning | None) -> LotsightConfig:
    """The configuration with the network that was measured to suit; threads set by hand stay."""
    if tuning is None:
        return config
    _log.info("tuned: %s", tuning.describe())
    changes: dict[str, object] = {"name": tuning.best.name}
    if "threads" not in config.model.model_fields_set:
        changes["threads"] = tuning.best.threads
    return config.model_copy(update={"model": config.model.model_copy(update=changes)})


@dataclass(frozen=True, slots=True)
class _Racer:
    detector: Detector
    threads: int
    score: GoldenScore


def _racers(thread_counts: Sequence[int]) -> list[_Racer]:
    first = default_model().name
    racers = []
    for entry in sorted(list_models([WEIGHTS]), key=lambda entry: entry.name != first):
        if not entry.manifest.spec().has_bay_head:
            continue
        detectors = [(threads, open_detector(entry, threads=threads)) for threads in thread_counts]
        score = score_golden(detectors[0][1])
        racers += [_Racer(detector, threads, score) for threads, detector in detectors]
    return racers


def _cpu_ms(detector: Detector, workers: int, round_s: float) -> float:
    """Processor time of a pass while all cores are at work, so that caches are shared as later."""
    image_bgr, quads_norm, _ = render_sample(_SEED, IMAGE_WH)
    detector.detect(image_bgr, quads_norm)
    passes = [0] * workers
    until_s = time.perf_counter() + round_s

    def work(worker: int) -> None:
        while time.perf_counter() < until_s or not passes[worker]:
            detector.detect(image_bgr, quads_norm)
            passes[worker] += 1

    threads = [threading.Thread(target=work, args=(worker,)) for worker in range(workers)]
    begin_s = time.process_time()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return 1000 * (time.process_time() - begin_s) / sum(passes)


def _needed_hz(config: LotsightConfig, spec: NetworkSpec) -> float:
    """Passes a second of the measured size that the cameras ask for, if nothing is ever still."""
    usual_px = IMAGE_WH[0] * IMAGE_WH[1]
    needed = 0.0
    for camera in config.camera:
        try:
            calibration = load_calibration(camera.calibration_file)
            plan = plan_input(calibration.polygons_norm(), calibration.image_wh, spec)
            needed += camera.rate_hz * plan.input_px / usual_px
        except CalibrationError:  # not calibrated yet
            needed += camera.rate_hz
    return needed


def _processor() -> str:
    try:
        text = CPUINFO.read_text(encoding="utf-8", errors="replace")
    except OSError:
        return platform.processor() or platform.machine()
    for line in text.splitlines():
        key, _, value = line.partition(":")
        if key.strip() in {"model name", "Model"}:
            return value.strip()
    return platform.machine()
