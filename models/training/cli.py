"""`lotsight train`: train, judge, leave places out, and write a release."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Annotated

import numpy as np
import torch
import typer
from rich.console import Console
from rich.table import Table

from datasets.acpds import place_of
from datasets.evaluation import evaluate
from datasets.judging import Verdicts, joined
from datasets.lots import data_root
from datasets.metrics import Metrics, measure
from models.registry import find_model, open_detector
from models.training import specialise_cli
from models.training.confidence import Confidence, fit_temperature, logits_of
from models.training.config import TrainConfig, read_config
from models.training.held_out import HELD_OUT, held_out_plan, summary
from models.training.judge_boxes import average_precision
from models.training.loop import CHECKPOINT, stages_of, write_mean
from models.training.provenance import data_manifest
from models.training.release import Release, write_release
from models.training.runs import RunPlan, gather, leave_out, read_vehicles, train
from models.training.torch_detector import open_trained, trained_spec
from vision.detector import DetectorSettings

# Places of acpds, told apart by gaps in the images' numbers; three folds keep the cost down.
FOLDS = (("acpds-a", "acpds-b"), ("acpds-c", "acpds-d"), ("acpds-e",))
OUT_OF_FOLD = "out_of_fold.json"

app = typer.Typer(help="Train the network (needs the `train` extra).", no_args_is_help=True)
app.command("specialise")(specialise_cli.command)
Folder = Annotated[Path, typer.Option("--out", help="Folder of the run.")]
ConfigFile = Annotated[Path | None, typer.Option("--config", help="TOML; see TrainConfig.")]


@app.command()
def run(
    out: Folder,
    config: ConfigFile = None,
    resume: Annotated[bool, typer.Option(help="Resume from the folder's checkpoint.")] = False,
    start: Annotated[
        Path | None, typer.Option(help="Checkpoint of an earlier run; default: COCO weights.")
    ] = None,
) -> None:
    """Train to the end of the schedule."""
    plan = replace(RunPlan.in_folder(out), trained=start)
    checkpoint = train(plan, read_config(config), resume)
    Console().print(f"trained: {checkpoint}")


@app.command()
def mean(
    first: Annotated[Path, typer.Argument(help="Checkpoint of the earlier stage.")],
    second: Annotated[Path, typer.Argument(help="Checkpoint of the later stage.")],
    out: Folder,
) -> None:
    """Write the mean of the weights of two stages."""
    write_mean(first, second, out / CHECKPOINT)
    Console().print(f"written: {out / CHECKPOINT}")


@app.command()
def judge(
    model: Annotated[Path, typer.Argument(help="Checkpoint (.pt) or exported graph (.onnx).")],
    sets: Annotated[list[str] | None, typer.Option("--set", help="Set and split.")] = None,
    corner_jitter: Annotated[
        float, typer.Option(help="Jitter, as a fraction of the bay's size.")
    ] = 0.0,
    seed: int = 0,
) -> None:
    """Judge labelled sets and print the figures."""
    plan = held_out_plan(sets or HELD_OUT, data_root(), corner_jitter, seed)
    found = evaluate(open_trained(model, trained_spec(TrainConfig().input_wh)), plan)
    _print_scores({v.name: m for v, m in zip(found.verdicts, found.metrics, strict=True)})


@app.command(name="judge-boxes")
def judge_boxes(
    model: Annotated[Path, typer.Argument(help="Exported graph with its manifest beside it.")],
    split: Annotated[str, typer.Option(help="Split of vehicles/.")] = "val",
) -> None:
    """Average precision of vehicles, whatever their class, in the near-vertical set."""
    detector = open_detector(find_model(model), settings=DetectorSettings(min_confidence=0.001))
    value = average_precision(detector, read_vehicles(data_root(), split))
    Console().print(f"{model.name}: AP at IoU 0.5 on vehicles/{split}: {value:.3f}")


@app.command(name="leave-out")
def leave_out_command(out: Folder, config: ConfigFile = None, epochs: int = 8) -> None:
    """Train without some places, judge these, fold by fold; the verdicts fit the temperature."""
    short = read_config(config).model_copy(update={"epochs": epochs})
    verdicts = joined("all", leave_out(RunPlan.in_folder(out), short, FOLDS))
    logits = logits_of(verdicts.prob)
    temperature = fit_temperature(logits, verdicts.occupied)
    fitted = replace(verdicts, prob=Confidence(temperature).probability(logits))
    rows = {place: measure(one) for place, one in _by_place(fitted).items()}
    _print_scores({**rows, "all": measure(fitted)})
    Console().print(f"temperature {temperature:.3f}")
    record = {
        "epochs": epochs,
        "temperature": temperature,
        "places": {place: summary(metrics) for place, metrics in rows.items()},
        "logits": logits.round(3).tolist(),
        "occupied": verdicts.occupied.tolist(),
    }
    (out / OUT_OF_FOLD).write_text(json.dumps(record))


@app.command()
def release(
    out: Folder,
    into: Annotated[Path, typer.Option(help="Output folder for graphs and manifests.")],
    version: Annotated[str, typer.Option(help="Model version.")],
    out_of_fold: Annotated[Path, typer.Option(help="Written by `leave-out`.")],
    name: str = "lotsight-n",
) -> None:
    """Export, quantise and judge a finished run, with manifests; `lotsight promote` decides."""
    state = torch.load(out / CHECKPOINT, map_location="cpu", weights_only=True)
    config = TrainConfig.model_validate(state["config"])
    plan = RunPlan.in_folder(out)
    pictures = gather(plan, config)
    written = write_release(
        out / CHECKPOINT,
        [one.frame for one in (*pictures.lots, *pictures.vehicles)],
        into,
        Release(
            name=name,
            version=version,
            confidence=Confidence(json.loads(out_of_fold.read_text())["temperature"]),
            data=data_manifest(
                pictures.everything(), plan.start, {"stages": stages_of(out / CHECKPOINT)}
            ),
            held_out=held_out_plan(HELD_OUT, plan.data),
        ),
    )
    for path in written:
        Console().print(f"written: {path}")


def _by_place(verdicts: Verdicts) -> dict[str, Verdicts]:
    places = np.array([place_of(frame) for frame in verdicts.frames])
    return {str(place): verdicts.of_frames(places == place) for place in np.unique(places)}


def _print_scores(rows: dict[str, Metrics]) -> None:
    table = Table("set", "frames", "bays", "right %", "95 % interval", "F1", "ECE")
    for name, row in rows.items():
        table.add_row(
            name,
            str(row.frames),
            str(row.bays),
            f"{row.accuracy.value:.2%}",
            f"{row.accuracy.low:.2%} to {row.accuracy.high:.2%}",
            f"{row.f1.value:.4f}",
            f"{row.ece:.4f}",
        )
    Console().print(table)
