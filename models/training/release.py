"""From a checkpoint to what is committed: float and INT8 graphs, each with its manifest."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch

from datasets.evaluation import EvalPlan, evaluate
from datasets.frames import LotFrame
from models.manifest import Fusion, InputSize, Manifest, Outputs, sha256_of
from models.training.confidence import Confidence
from models.training.config import TrainConfig
from models.training.export import INPUTS, check_parity, export_onnx, exportable
from models.training.held_out import summary
from models.training.loop import trained_net
from models.training.network.yolo import VEHICLE_NAMES
from models.training.provenance import DataManifest
from models.training.quantise import Feed, quantise
from models.training.samples import network_input, quads_px, read_rgb
from models.training.torch_detector import open_trained, trained_spec
from vision.types import BoxLayout

LICENCE = "AGPL-3.0-or-later"  # of Ultralytics' code and weights, which the network is made from
CALIBRATION_FRAMES = 24


@dataclass(frozen=True, slots=True)
class Release:
    """What to call a model, and what to say about it.

    Attributes:
        name: of the float model; the INT8 one gets `-int8`.
        version: of both.
        confidence: fitted out of fold.
        data: what it was trained on.
        held_out: what is judged for the manifests' metrics, no set of it trained on; None: nothing.
        fusion: how bay head and boxes are weighed; None: the bay head alone judges, until weights
            are fitted (benchmarks/vision_fit_fusion.py).
    """

    name: str
    version: str
    confidence: Confidence
    data: DataManifest
    held_out: EvalPlan | None = None
    fusion: Fusion | None = None


def calibration_feeds(frames: Sequence[LotFrame], input_wh: tuple[int, int]) -> list[Feed]:
    """Inputs for INT8 calibration: training frames, evenly picked, letterboxed as at run time."""
    step = max(len(frames) // CALIBRATION_FRAMES, 1)
    feeds: list[Feed] = []
    for frame in frames[::step][:CALIBRATION_FRAMES]:
        image = read_rgb(frame)
        bays_px = quads_px(frame.with_known_bays(), (image.shape[1], image.shape[0]))
        images, quads = network_input(image, bays_px, input_wh)
        index = np.zeros(len(quads), np.int64)
        feeds.append(dict(zip(INPUTS, (images, quads, index), strict=True)))
    return feeds


def write_release(
    checkpoint: Path, trained_on: Sequence[LotFrame], folder: Path, release: Release
) -> list[Path]:
    """Export, quantise, judge and describe a trained network.

    Args:
        checkpoint: of a finished run.
        trained_on: images of that run, near-vertical ones too; some calibrate INT8.
        folder: receives the two graphs and the two manifests.
        release: names and statements.

    Returns:
        The manifests.
    """
    state = torch.load(checkpoint, map_location="cpu", weights_only=True)
    config = TrainConfig.model_validate(state["config"])
    folder.mkdir(parents=True, exist_ok=True)
    graph = folder / f"{release.name}.onnx"
    int8 = folder / f"{release.name}-int8.onnx"
    net = trained_net(checkpoint)
    export_onnx(net, graph)
    parity = check_parity(exportable(net), graph)
    quantise(graph, int8, calibration_feeds(trained_on, config.input_wh))
    manifests = []
    for path, precision in ((graph, "float32"), (int8, "int8")):
        metrics: dict[str, Any] = _metrics(path, config, release)
        if path is graph:
            metrics["largest difference torch to onnx"] = parity
        manifest = _manifest(path, precision, config, release, metrics)
        target = path.with_suffix(".json")
        target.write_text(manifest.model_dump_json(indent=2) + "\n")
        manifests.append(target)
    return manifests


def _metrics(path: Path, config: TrainConfig, release: Release) -> dict[str, Any]:
    if release.held_out is None:
        return {}
    spec = trained_spec(config.input_wh, release.confidence.temperature)
    found = evaluate(open_trained(path, spec), release.held_out)
    return {
        f"{name}/{split}": summary(metrics)
        for (name, split), metrics in zip(release.held_out.sets, found.metrics, strict=True)
    }


def _manifest(
    path: Path, precision: str, config: TrainConfig, release: Release, metrics: dict[str, Any]
) -> Manifest:
    width, height = config.input_wh
    return Manifest.model_validate(
        {
            "schema_version": 1,
            "name": path.stem,
            "version": release.version,
            "file": path.name,
            "sha256": sha256_of(path),
            "input": InputSize(width=width, height=height),
            "classes": dict(enumerate(VEHICLE_NAMES)),
            "outputs": Outputs(boxes=BoxLayout.YOLO_RAW),
            "bay_head": True,
            "precision": precision,
            "licence": LICENCE,
            "description": "YOLO11n with a bay head, for fixed cameras over parking lots",
            "metrics": metrics,
            "data": release.data.model_dump(mode="json"),
            "temperature": round(release.confidence.temperature, 4),
            "abstain_low": release.confidence.abstain_low,
            "abstain_high": release.confidence.abstain_high,
            "fusion": release.fusion,
        }
    )
