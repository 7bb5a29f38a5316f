"""The training loop: fixed schedule, averaged weights, resumable after every epoch."""

from __future__ import annotations

import copy
import csv
import math
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from rich.progress import Progress
from torch import nn

from models.training.batches import Batch, Batches
from models.training.config import TrainConfig
from models.training.loss import VehicleLoss, bay_loss
from models.training.network.net import LotNet
from models.training.samples import Sample
from telemetry.errors import ModelError

CHECKPOINT = "last.pt"
CURVES = "curves.csv"
EMA_WARM_UP_STEPS = 200.0


@dataclass(frozen=True, slots=True)
class EpochResult:
    """What one epoch came to.

    Attributes:
        epoch: Number, from 1.
        bay_loss: Mean over the steps.
        vehicle_loss: Mean over the steps.
        bays: Bays seen.
        seconds_s: Wall time.
    """

    epoch: int
    bay_loss: float
    vehicle_loss: float
    bays: int
    seconds_s: float


class Trainer:
    """One run in one folder.

    `earlier` holds the configurations of the runs that made `net`, if it was trained before.

    Args:
        net: what to train; it is trained in place.
        lots: Samples with bays.
        extras: Sets of which an epoch sees a share, each with that share.
        config: The recipe.
        folder: Receives the checkpoint and the curves.
    """

    def __init__(
        self,
        net: LotNet,
        lots: list[Sample],
        extras: Sequence[tuple[list[Sample], float]],
        config: TrainConfig,
        folder: Path,
    ) -> None:
        torch.manual_seed(config.seed)
        self.earlier: list[dict[str, Any]] = []
        self.config, self.folder = config, folder
        self.batches = Batches(lots, extras, config)
        self.device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
        self.net = net.to(self.device, memory_format=torch.channels_last)
        self.ema = copy.deepcopy(self.net).eval()
        self.vehicle_loss = VehicleLoss(self.net.detect)
        self.optimiser = torch.optim.AdamW(self._groups(), weight_decay=config.weight_decay)
        steps = len(self.batches) * config.epochs
        self.schedule = torch.optim.lr_scheduler.OneCycleLR(
            self.optimiser,
            max_lr=[group["lr"] for group in self.optimiser.param_groups],
            total_steps=steps,
            pct_start=config.warm_up,
        )
        self.epoch = 0
        self.step = 0

    def _groups(self) -> list[dict[str, Any]]:
        parts = (
            (self.net.trunk, self.config.trunk_rate),
            (self.net.detect, self.config.detect_rate),
            (self.net.bay_head, self.config.head_rate),
        )
        groups = []
        for module, rate in parts:
            trained = [p for p in module.parameters() if p.requires_grad]
            # Norms and biases are vectors; decaying them only harms.
            groups.append({"params": [p for p in trained if p.ndim > 1], "lr": rate})
            groups.append(
                {"params": [p for p in trained if p.ndim <= 1], "lr": rate, "weight_decay": 0.0}
            )
        return groups

    def run(self) -> Iterator[EpochResult]:
        """Train until the schedule ends; yields when an epoch's checkpoint is on disk."""
        self.folder.mkdir(parents=True, exist_ok=True)
        with Progress() as progress:
            total = len(self.batches) * self.config.epochs
            task = progress.add_task("training", total=total, completed=self.step)
            while self.epoch < self.config.epochs:
                result = self._epoch(lambda: progress.advance(task))
                self._save(result)
                progress.console.print(
                    f"epoch {result.epoch}/{self.config.epochs}: "
                    f"bay loss {result.bay_loss:.4f}, vehicle loss {result.vehicle_loss:.3f}, "
                    f"{result.bays} bays, {result.seconds_s:.0f} s"
                )
                yield result

    def _epoch(self, tick: Any) -> EpochResult:
        started_s = time.monotonic()
        self.net.train()
        losses: list[tuple[float, float]] = []
        bays = 0
        for batch in self.batches.epoch(self.epoch):
            losses.append(self._step(batch))
            bays += len(batch.occupied)
            tick()
        self.epoch += 1
        bay, vehicle = np.mean(losses, 0)
        return EpochResult(
            self.epoch, float(bay), float(vehicle), bays, time.monotonic() - started_s
        )

    def _step(self, batch: Batch) -> tuple[float, float]:
        images = batch.images.to(self.device, memory_format=torch.channels_last).float() / 255
        quads, index = batch.bay_quads.to(self.device), batch.bay_image.to(self.device)
        with torch.autocast(self.device.type, torch.bfloat16):
            predictions, logits = self.net(images, quads, index)
        bay = bay_loss(logits, batch.occupied.to(self.device), self.config.label_smoothing)
        vehicle = self.vehicle_loss(predictions, batch)
        self.optimiser.zero_grad(set_to_none=True)
        (bay + self.config.detect_weight * vehicle).backward()
        nn.utils.clip_grad_norm_(self.net.parameters(), self.config.clip_norm)
        self.optimiser.step()
        self.schedule.step()
        self.step += 1
        self._average()
        return float(bay.detach()), float(vehicle.detach())

    @torch.no_grad()
    def _average(self) -> None:
        decay = self.config.ema_decay * (1 - math.exp(-self.step / EMA_WARM_UP_STEPS))
        fresh = self.net.state_dict()
        for name, kept in self.ema.state_dict().items():
            if kept.dtype.is_floating_point:
                kept.lerp_(fresh[name], 1 - decay)
            else:
                kept.copy_(fresh[name])

    def _save(self, result: EpochResult) -> None:
        state = {
            "config": self.config.model_dump(),
            "earlier": self.earlier,
            "epoch": self.epoch,
            "step": self.step,
            "net": self.net.state_dict(),
            "ema": self.ema.state_dict(),
            "optimiser": self.optimiser.state_dict(),
            "schedule": self.schedule.state_dict(),
            "torch_rng": torch.get_rng_state(),
        }
        part = self.folder / f"{CHECKPOINT}.part"
        torch.save(state, part)
        part.replace(self.folder / CHECKPOINT)
        curves = self.folder / CURVES
        new = not curves.exists()
        with curves.open("a", newline="") as file:
            writer = csv.writer(file)
            if new:
                writer.writerow(
                    ["epoch", "bay_loss", "vehicle_loss", "bays", "seconds_s", "trunk_rate"]
                )
            rate = self.schedule.get_last_lr()[0]
            writer.writerow(
                [
                    result.epoch,
                    f"{result.bay_loss:.5f}",
                    f"{result.vehicle_loss:.4f}",
                    result.bays,
                    f"{result.seconds_s:.1f}",
                    f"{rate:.3g}",
                ]
            )

    def resume(self) -> None:
        """Go on from the folder's checkpoint.

        Raises:
            ModelError: the checkpoint is absent, or of another config or version of the network.
        """
        path = self.folder / CHECKPOINT
        if not path.is_file():
            message = f"{path}: expected a checkpoint to resume from, but there is none"
            raise ModelError(message)
        state = torch.load(path, map_location=self.device, weights_only=True)
        if TrainConfig.model_validate(state["config"]) != self.config:
            message = f"{path}: the checkpoint was made with another config: {state['config']}"
            raise ModelError(message)
        try:
            self.net.load_state_dict(state["net"])
            self.ema.load_state_dict(state["ema"])
            self.optimiser.load_state_dict(state["optimiser"])
            self.schedule.load_state_dict(state["schedule"])
        except (RuntimeError, ValueError) as exc:
            message = f"{path}: the checkpoint belongs to another version of the network: {exc}"
            raise ModelError(message) from exc
        self.epoch, self.step = state["epoch"], state["step"]
        self.earlier = state["earlier"]
        torch.set_rng_state(state["torch_rng"].cpu())


def trained_net(checkpoint: Path) -> LotNet:
    """Load the averaged weights of a run, ready for evaluation."""
    state = torch.load(checkpoint, map_location="cpu", weights_only=True)
    return LotNet.from_state(state["ema"]).eval()


def stages_of(checkpoint: Path) -> list[dict[str, Any]]:
    """Configurations of all the runs that led to a checkpoint, first to last."""
    state = torch.load(checkpoint, map_location="cpu", weights_only=True)
    return [*state["earlier"], state["config"]]


def write_mean(first: Path, second: Path, target: Path) -> None:
    """Write the mean of the averaged weights of two stages of one network.

    The later stage fits its lots better, the earlier one strange views; their mean has both.

    Args:
        first: checkpoint of the earlier stage.
        second: checkpoint of the stage that went on from it.
        target: the checkpoint to write; it can be judged and released, not resumed.
    """
    early = torch.load(first, map_location="cpu", weights_only=True)
    late = torch.load(second, map_location="cpu", weights_only=True)
    mean = {
        name: (early["ema"][name] + value) / 2 if value.dtype.is_floating_point else value
        for name, value in late["ema"].items()
    }
    target.parent.mkdir(parents=True, exist_ok=True)
    kept = {key: late[key] for key in ("config", "earlier", "epoch", "step")}
    torch.save({**kept, "ema": mean}, target)
