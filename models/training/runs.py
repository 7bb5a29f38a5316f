"""A run from end to end, and the same with places left out."""

from __future__ import annotations

import json
import shutil
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from rich.progress import Progress

from datasets.acpds import place_of
from datasets.formats import read_set
from datasets.frames import LotFrame
from datasets.judging import FrameJudging, JudgeOptions, Verdicts, judge_frames
from datasets.lots import ANNOTATIONS, data_root, read_dataset
from datasets.rendering import RenderPlan, render_dataset
from models.training.config import TrainConfig
from models.training.held_out import read_sets
from models.training.loop import CHECKPOINT, Trainer, stages_of, trained_net
from models.training.network.net import LotNet
from models.training.pseudo_boxes import write_pseudo_boxes
from models.training.samples import Sample, samples_of
from models.training.torch_detector import TorchDetector, trained_spec
from simulator import LotKind
from telemetry.errors import ModelError
from vision.input_size import input_fault
from vision.rules import rule_for

PSEUDO_BOXES = "pseudo_boxes.json"
RENDERS = "renders"
RENDER_WH = (1280, 960)
VEHICLES = "vehicles"


@dataclass(frozen=True, slots=True)
class RunPlan:
    """Where a run finds and leaves its files.

    Attributes:
        start: COCO checkpoint to start from.
        folder: receives checkpoint, curves and vehicle boxes.
        data: folder of the sets.
        trained: checkpoint of an earlier run to resume from, with a new schedule.
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
    """The images of a run.

    Attributes:
        lots: photographed lots, with bays and a teacher's vehicle boxes.
        vehicles: near-vertical images with vehicle boxes.
        renders: of the simulator, with bays and vehicle boxes.
    """

    lots: list[Sample]
    vehicles: list[Sample]
    renders: list[Sample]

    def everything(self) -> list[LotFrame]:
        """All of them."""
        return [one.frame for one in (*self.lots, *self.vehicles, *self.renders)]


def gather(plan: RunPlan, config: TrainConfig) -> TrainingSet:
    """Read the images of a run, and render those that it wants rendered.

    The boxes of the lots' frames come from a teacher; they are kept in the run's folder, and a file
    that already lies there is used.

    Raises:
        DatasetError: a set is missing or damaged.
        ModelError: no image is left, or no exported network would take the configured input.
    """
    if fault := input_fault(config.input_wh, trained_spec(config.input_wh)):
        msg = f"input_wh of the training: {fault}"
        raise ModelError(msg)
    frames = read_sets(config.lots, plan.data)
    lots = samples_of([one for one in frames if place_of(one) not in config.leave_out_groups])
    if not lots:
        msg = f"no images left of {config.lots} without {config.leave_out_groups}"
        raise ModelError(msg)
    table_path = plan.folder / PSEUDO_BOXES
    if not table_path.exists():
        plan.folder.mkdir(parents=True, exist_ok=True)
        write_pseudo_boxes(lots, plan.start, table_path)
    table = json.loads(table_path.read_text())
    return TrainingSet(
        lots=[_with_boxes(s, table[s.frame.key]) for s in lots],
        vehicles=samples_of(read_vehicles(plan.data, "train"), near_vertical=True),
        renders=samples_of(rendered(plan.folder / RENDERS, config.renders)),
    )


def read_vehicles(root: Path, split: str) -> list[LotFrame]:
    """Read one split of the near-vertical set `vehicles/`.

    Raises:
        DatasetError: it is missing or damaged.
    """
    return [frame for frame in read_set(root / VEHICLES).frames if frame.split == split]


def rendered(folder: Path, count: int) -> list[LotFrame]:
    """Images of the simulator, of the seeds 0, 1, 2, ...

    They bring what the photographed lots lack: night under lamps, snow, painted bays, wide lenses,
    low poles.

    Args:
        folder: a data set of this size is reused, any other is rendered again.
        count: how many.
    """
    if not count:
        return []
    frames = read_dataset(folder) if (folder / ANNOTATIONS).is_file() else []
    if len(frames) == count:
        return frames
    shutil.rmtree(folder, ignore_errors=True)
    wanted = RenderPlan(range(count), (LotKind.OPEN,), RENDER_WH, whole_boxes=True)
    with Progress() as progress:
        task = progress.add_task("rendering", total=count)
        render_dataset(wanted, folder, lambda: progress.advance(task))
    return read_dataset(folder)


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


def leave_out(plan: RunPlan, config: TrainConfig, folds: Sequence[Sequence[str]]) -> list[Verdicts]:
    """Train once for each fold without its places, and judge just these.

    Args:
        plan: the run's folder gets one folder for each fold.
        config: the recipe; a short schedule keeps the whole affordable.
        folds: the groups (places) of each fold.

    Returns:
        Verdicts on every frame of each fold, by a network that never saw its places.
    """
    verdicts: list[Verdicts] = []
    for fold in folds:
        part = replace(plan, folder=plan.folder / "+".join(fold))
        _share_boxes(plan, part)
        done = (part.folder / CHECKPOINT).exists()
        checkpoint = train(
            part, config.model_copy(update={"leave_out_groups": tuple(fold)}), resume=done
        )
        held = [
            frame.with_known_bays()
            for frame in read_sets(config.lots, plan.data)
            if place_of(frame) in fold
        ]
        detector = TorchDetector(trained_net(checkpoint), trained_spec(config.input_wh))
        options = JudgeOptions(usual_input=True)
        judging = FrameJudging(detector, rule_for(detector.spec), options)
        verdicts.append(judge_frames(judging, held))
    return verdicts


def _share_boxes(plan: RunPlan, part: RunPlan) -> None:
    """Let the folds use the boxes of the whole, where it has some: the teacher is the same."""
    part.folder.mkdir(parents=True, exist_ok=True)
    whole, own = plan.folder / PSEUDO_BOXES, part.folder / PSEUDO_BOXES
    if whole.exists() and not own.exists():
        own.write_text(whole.read_text())
