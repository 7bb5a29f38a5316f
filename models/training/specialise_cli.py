"""`lotsight train specialise`: a network for one lot, or the reasons why it stays as it is."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import torch
import typer
from rich.console import Console
from rich.progress import Progress

from datasets.frames import LotFrame
from datasets.lots import data_root, read_lot
from datasets.pseudo_labels import ADAPT, CHECK
from models.manifest import Manifest, load_manifest
from models.training.confidence import Confidence
from models.training.config import TrainConfig
from models.training.held_out import read_sets
from models.training.loop import CHECKPOINT, stages_of, trained_net
from models.training.network.net import LotNet
from models.training.provenance import DataManifest, trained_sets
from models.training.release import CALIBRATION_FRAMES, Release, write_release
from models.training.specialise import (
    Features,
    SpecialiseConfig,
    features_of,
    gate_refusals,
    specialise,
)
from telemetry.errors import ModelError

MAX_LOT_PICTURES = 1000
"""Features of more do not fit the memory of a small machine (1.4 MB each)."""


def command(  # noqa: PLR0913, PLR0917 - one for each option of the command
    lot: Annotated[Path, typer.Argument(help="Written by `lotsight dataset pseudo-label`.")],
    start: Annotated[Path, typer.Option(help="Checkpoint of the general network.")],
    out: Annotated[Path, typer.Option("--out", "-o", help="Folder of the run.")],
    manifest: Annotated[
        Path, typer.Option(help="Manifest (.json) of the general network, released.")
    ],
    name: Annotated[str, typer.Option(help="Name of the lot's model, e.g. lotsight-n-north.")],
    version: Annotated[str, typer.Option(help="Version of the lot's model.")],
    licence: Annotated[
        str, typer.Option(help="Licence of the lot's images, an SPDX expression.")
    ] = "LicenseRef-operator",
    anchors: Annotated[
        str, typer.Option(help="Labelled set and split of the general training.")
    ] = "acpds/train",
    anchor_count: Annotated[
        int, typer.Option(help="Number of its images; half for training, half for judging.", min=4)
    ] = 96,
    seed: int = 7,
) -> None:
    """Train the bay head on a lot's pseudo-labels; release it if it is surely better there."""
    console = Console(highlight=False, soft_wrap=True)
    config = SpecialiseConfig(seed=seed)
    general = _thinned(read_sets([anchors], data_root()), anchor_count)
    own = [_thinned(read_lot(lot, split), MAX_LOT_PICTURES) for split in (ADAPT, CHECK)]
    wh = TrainConfig.model_validate(stages_of(start)[-1]).input_wh
    net = trained_net(start)
    with Progress(console=console, transient=True) as bar:
        task = bar.add_task("features", total=len(general) + sum(map(len, own)))

        def features(frames: list[LotFrame]) -> list[Features]:
            return features_of(net, frames, wh, lambda: bar.advance(task))

        kept, earlier, later = features(general), features(own[0]), features(own[1])
        bar.reset(task, total=config.epochs * len(earlier), description="training")
        candidate = specialise(net, earlier, kept[::2], config, lambda: bar.advance(task))
    refusals = gate_refusals(net, candidate, later, kept[1::2])
    if refusals:
        console.print("Rejected; the general network stays:", style="bold red")
        for refusal in refusals:
            console.print(f"  {refusal}")
        raise typer.Exit(1)
    checkpoint = _save(candidate, start, config, out / CHECKPOINT)
    # INT8 is calibrated on as many images of the lot as general ones: its light sets the ranges.
    half = CALIBRATION_FRAMES // 2
    calibrated_on = [
        *_thinned([f.frame for f in earlier], half),
        *_thinned([f.frame for f in kept[::2]], half),
    ]
    base = load_manifest(manifest)
    release = Release(
        name=name,
        version=version,
        confidence=Confidence(base.temperature, base.abstain_low, base.abstain_high),
        data=_provenance(base, [f.frame for f in earlier], config, {lot.name: licence}),
        fusion=base.fusion,  # the boxes are the same, and the head's task is
    )
    for path in write_release(checkpoint, calibrated_on, out, release):
        console.print(f"written: {path}")


def _provenance(
    base: Manifest, own: list[LotFrame], config: SpecialiseConfig, licences: dict[str, str]
) -> DataManifest:
    """What the general network was trained on, and the lot."""
    general = DataManifest.model_validate(base.data)
    return general.model_copy(
        update={
            "sets": (*general.sets, *trained_sets(own, licences)),
            "config": general.config | {"specialised": asdict(config)},
        }
    )


def _thinned(frames: list[LotFrame], count: int) -> list[LotFrame]:
    """At most so many, evenly picked."""
    step = -(-len(frames) // count)
    return frames[:: max(step, 1)]


def _save(candidate: LotNet, start: Path, config: SpecialiseConfig, target: Path) -> Path:
    """Write a checkpoint like a run's, with the averaged weights alone; it cannot be resumed."""
    state = torch.load(start, map_location="cpu", weights_only=True)
    missing = {"config", "earlier", "epoch", "step"} - state.keys()
    if missing:
        msg = f"{start}: expected the checkpoint of a run, but {sorted(missing)} are missing"
        raise ModelError(msg)
    kept = {key: state[key] for key in ("config", "earlier", "epoch", "step")}
    target.parent.mkdir(parents=True, exist_ok=True)
    part = target.with_name(f"{target.name}.part")
    torch.save({**kept, "ema": candidate.state_dict(), "specialised": asdict(config)}, part)
    part.replace(target)
    return target
