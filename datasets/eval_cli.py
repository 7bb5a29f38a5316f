"""`lotsight eval`: a model on labelled lots."""

from __future__ import annotations

import json
import tempfile
from contextlib import ExitStack
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from rich.table import Table

from datasets.baselines import RuleName
from datasets.cluster import runner_of, threads_each
from datasets.degrade import CHANGES
from datasets.errors import DatasetError
from datasets.evaluation import EvalPlan, Evaluation, evaluate, frames_to_judge, mean_of
from datasets.from_lake import SET_NAME, labelled_frames
from datasets.jobs import TravellingDetector
from datasets.judging import JudgeOptions, by_camera
from datasets.lake_cli import chosen_from
from datasets.lots import data_root
from datasets.native import write_dataset
from datasets.report import html_report
from datasets.sets import choose
from models import choose_model, parse_hints
from models.options import LayoutOption, NamesOption, RolesOption

app = typer.Typer(add_completion=False)


@app.command()
def run(  # noqa: PLR0913, PLR0917 - one for each option of the command
    sets: Annotated[
        list[str] | None,
        typer.Option(
            "--set", "-s", help="name:split, name (all its splits), all, or a folder in any format."
        ),
    ] = None,
    from_lake: Annotated[
        str | None,
        typer.Option(help="Also frames and labels by this SQL; see `lotsight dataset from-lake`."),
    ] = None,
    lake: Annotated[Path | None, typer.Option(help="Of --from-lake: the lake's folder.")] = None,
    bundle: Annotated[
        list[Path] | None, typer.Option("--bundle", help="Of --from-lake: where the frames are.")
    ] = None,
    model: Annotated[
        str | None, typer.Option("--model", "-m", help="Name or path of a model.")
    ] = None,
    layout: LayoutOption = None,
    names: NamesOption = None,
    roles: RolesOption = None,
    rule: Annotated[
        RuleName, typer.Option(help="How boxes are turned into occupancy.")
    ] = RuleName.AUTO,
    data: Annotated[Path | None, typer.Option(help="Folder of the sets.")] = None,
    input_px: Annotated[
        int | None,
        typer.Option(help="Long side of the network input; default: by bay size.", min=64),
    ] = None,
    jitter: Annotated[
        list[float] | None,
        typer.Option(help="Also with bay corners jittered by this fraction of the bay size."),
    ] = None,
    robustness: Annotated[bool, typer.Option(help=f"Also under: {', '.join(CHANGES)}.")] = False,
    limit: Annotated[int | None, typer.Option(help="Maximum frames per split.", min=1)] = None,
    seed: Annotated[int, typer.Option(help="Random seed of jitter and changes.")] = 0,
    threads: Annotated[int, typer.Option(help="Inference threads; 0: all cores.", min=0)] = 0,
    cluster: Annotated[
        str | None,
        typer.Option(help="`local:N` processes, or a Dask scheduler, e.g. tcp://10.0.0.5:8786."),
    ] = None,
    out: Annotated[
        Path | None,
        typer.Option("--out", "-o", help="Output folder for report.json and report.html."),
    ] = None,
) -> None:
    """Judge labelled lots; print, and with --out write JSON and one HTML page."""
    console = Console(highlight=False)
    root = data or data_root()
    stack = ExitStack()
    plan = EvalPlan(
        root=root,
        sets=_chosen(stack, sets or [], root, (from_lake, lake, bundle or [])),
        rule=rule,
        options=JudgeOptions(long_side_px=input_px, seed=seed),
        with_robustness=robustness,
        jitter_shares=tuple(jitter or ()),
        limit=limit,
    )
    entry = choose_model(model, parse_hints(layout, names, roles or ()))
    entry.verify()
    detector = TravellingDetector(entry, threads_each(cluster, threads))
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn())
    with (
        stack,
        runner_of(cluster) as runner,
        Progress(*columns, TimeRemainingColumn(), console=console, transient=True) as progress,
    ):
        task = progress.add_task("", total=frames_to_judge(plan))
        evaluation = evaluate(
            detector,
            plan,
            lambda label: progress.update(task, advance=1, description=label),
            runner,
        )
    _print(console, evaluation)
    if out is not None:
        _write(out, evaluation)
        console.print(f"wrote [bold]{out / 'report.html'}[/] and [bold]{out / 'report.json'}[/]")


def _chosen(
    stack: ExitStack,
    sets: list[str],
    root: Path,
    query: tuple[str | None, Path | None, list[Path]],
) -> tuple[tuple[str, str], ...]:
    """Sets by name and by query; one of a query lies in a folder until `stack` ends."""
    sql, lake, bundles = query
    if sql is None:
        if not sets:
            msg = "expected --set or --from-lake, but got neither"
            raise DatasetError(msg)
        return tuple(choose(sets, root))
    if lake is None or not bundles:
        msg = "--from-lake needs --lake FOLDER and --bundle FILE"
        raise DatasetError(msg)
    folder = Path(stack.enter_context(tempfile.TemporaryDirectory())) / SET_NAME
    with chosen_from(sql, lake, bundles) as chosen:
        write_dataset(labelled_frames(chosen), folder)
    return tuple(choose([*sets, str(folder)], root))


def _print(console: Console, evaluation: Evaluation) -> None:
    table = Table(title=f"{evaluation.model['name']} {evaluation.model['version']}", box=None)
    table.add_column("camera", overflow="fold")
    for heading in ("frames", "bays", "accuracy % (95 %)", "unknown %", "ECE %", "Mpx"):
        table.add_column(heading, justify="right", no_wrap=True)
    judged = by_camera(evaluation.verdicts)
    for name, one in evaluation.cameras.items():
        table.add_row(
            name,
            str(one.frames),
            str(one.bays),
            f"[bold]{100 * one.accuracy.value:.2f}[/] "
            f"({100 * one.accuracy.low:.2f}-{100 * one.accuracy.high:.2f})",
            f"{100 * one.abstained:.2f}",
            f"{100 * one.ece:.2f}",
            f"{judged[name].input_mpx:.2f}",
        )
    if len(evaluation.cameras) > 1:
        mean = {name: f"{100 * value:.2f}" for name, value in mean_of(evaluation.cameras).items()}
        accuracy = f"[bold]{mean['accuracy']}[/]"
        table.add_row("mean over cameras", "", "", accuracy, mean["abstained"], mean["ece"])
    console.print(table)
    if not evaluation.variants:
        return
    harm = Table(title="accuracy %, by change", box=None)
    harm.add_column("change", no_wrap=True)
    for verdicts in evaluation.verdicts:
        harm.add_column(verdicts.name, justify="right")
    for name, metrics in {"unchanged": evaluation.metrics, **evaluation.variants}.items():
        harm.add_row(name, *(f"{100 * one.accuracy.value:.2f}" for one in metrics))
    console.print(harm)


def _write(out: Path, evaluation: Evaluation) -> None:
    try:
        out.mkdir(parents=True, exist_ok=True)
        text = json.dumps(evaluation.as_dict(), indent=1) + "\n"
        (out / "report.json").write_text(text, encoding="utf-8")
        (out / "report.html").write_text(html_report(evaluation), encoding="utf-8")
    except OSError as exc:
        msg = f"{out}: cannot write the report: {exc}"
        raise DatasetError(msg) from exc
