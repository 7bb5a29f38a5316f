"""A run from end to end, and the same with places left out."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from models.network.net import LotNet
from models.network.yolo import KEPT_ANCHORS
from models.registry import default_model
from models.training.config import TrainConfig
from models.training.judge import FrameVerdict, judge_frames, torch_judge
from models.training.loop import CHECKPOINT, Trainer, stages_of, trained_net
from models.training.pseudo_boxes import write_pseudo_boxes
from models.training.records import Sample, data_root, read_lot, read_vehicles
from models.training.renders import render_samples
from telemetry.errors import ModelError
from vision.input_size import input_fault

PSEUDO_BOXES = "pseudo_boxes.json"


@dataclass(frozen=True, slots=True)
class RunPlan:
    """Where a run finds and leaves its files.

    Attributes:
        start: COCO checkpoint to start from.
        folder: receives checkpoint, curves and vehicle boxes.
        data: folder of the sets.
        trained: checkpoint of an earlier run to go on from, with a new schedule.
    """

    start: Path
    folder: Path
    data: Path
    trained: Path | None = None

    @classmethod
    def in_folder(cls, folder: Path) -> RunPlan:
        """The usual places: the stock YOLO11n of the data folder."""
        data = data_root()
        return cls(data / "weights" / "yolo11n.pt", folder, data)


@dataclass(frozen=True, slots=True)
class TrainingSet:
    """The pictures of a run.

    Attributes:
        lots: photographed lots, with bays and a teacher's vehicle boxes.
        vehicles: near-vertical pictures with vehicle boxes.
        renders: of the simulator, with bays and vehicle boxes.
    """

    lots: list[Sample]
    vehicles: list[Sample]
    renders: list[Sample]

    def everything(self) -> list[Sample]:
        """All of them."""
        return [*self.lots, *self.vehicles, *self.renders]


def gather(plan: RunPlan, config: TrainConfig) -> TrainingSet:
    """Read the pictures of a run, and render those that it wants rendered.

    The boxes of the lots' frames come from a teacher; they are kept in the run's folder, and a file
    that already lies there is used.

    Raises:
        ModelError: no picture is left, or no exported network would take the configured input.
    """
    usual = replace(default_model().manifest.spec(), fixed_boxes=KEPT_ANCHORS)
    if fault := input_fault(config.input_wh, usual):
        msg = f"input_wh of the training: {fault}"
        raise ModelError(msg)
    lots: list[Sample] = []
    for name in config.lots:
        lots += read_lot(plan.data, *name.split("/"))
    lots = [sample for sample in lots if sample.group not in config.leave_out_groups]
    if not lots:
        msg = f"no pictures are left of {config.lots} without {config.leave_out_groups}"
        raise ModelError(msg)
    table_path = plan.folder / PSEUDO_BOXES
    if not table_path.exists():
        plan.folder.mkdir(parents=True, exist_ok=True)
        write_pseudo_boxes(lots, plan.start, table_path)
    table = json.loads(table_path.read_text())
    return TrainingSet(
        lots=[_with_boxes(s, table[s.key]) for s in lots],
        vehicles=read_vehicles(plan.data, "train"),
        renders=render_samples(plan.folder, range(config.renders)),
    )


def _with_boxes(sample: Sample, entry: dict[str, list[list[float]]]) -> Sample:
    boxes = np.asarray(entry["boxes_px"], np.float32).reshape(-1, 4)
    return replace(sample, boxes_px=boxes, classes=np.asarray(entry["classes"], np.int64))


def train(plan: RunPlan, config: TrainConfig, resume: bool = False) -> Path:
    """Train to the end of the schedule.

    Returns:
        The checkpoint.
    """
    pictures = gather(plan, config)
    extras = (
        (pictures.vehicles, config.vehicles_share),
        (pictures.renders, config.renders_share),
    )
    net = LotNet.from_coco(plan.start) if plan.trained is None else trained_net(plan.trained)
    trainer = Trainer(net, pictures.lots, extras, config, plan.folder)
    if plan.trained is not None:
        trainer.earlier = stages_of(plan.trained)
    if resume:
        trainer.resume()
    for _ in trainer.run():
        pass
    return plan.folder / CHECKPOINT


def leave_out(
    plan: RunPlan, config: TrainConfig, folds: Sequence[Sequence[str]]
) -> list[FrameVerdict]:
    """Train once for each fold without its places, and judge just these.

    Args:
        plan: the run's folder gets one folder for each fold.
        config: the recipe; a short schedule keeps the whole affordable.
        folds: the groups (places) of each fold.

    Returns:
        Verdicts on every frame of every fold, each by a network that never saw its place.
    """
    verdicts: list[FrameVerdict] = []
    for fold in folds:
        part = replace(plan, folder=plan.folder / "+".join(fold))
        _share_boxes(plan, part)
        done = (part.folder / CHECKPOINT).exists()
        checkpoint = train(
            part, config.model_copy(update={"leave_out_groups": tuple(fold)}), resume=done
        )
        held = [
            sample
            for name in config.lots
            for sample in read_lot(plan.data, *name.split("/"))
            if sample.group in fold
        ]
        judge = torch_judge(trained_net(checkpoint))
        verdicts += judge_frames(judge, held, config.input_wh)
    return verdicts


def _share_boxes(plan: RunPlan, part: RunPlan) -> None:
    """Let the folds use the boxes of the whole, where it has some: the teacher is the same."""
    part.folder.mkdir(parents=True, exist_ok=True)
    whole, own = plan.folder / PSEUDO_BOXES, part.folder / PSEUDO_BOXES
    if whole.exists() and not own.exists():
        own.write_text(whole.read_text())
