"""`lotsight judge`: the bays of a picture or clip, drawn and as JSON."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any

import cv2
import numpy as np
import typer
from rich.console import Console
from rich.markup import escape
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    TextColumn,
    TimeRemainingColumn,
)
from rich.table import Table

from edge_app.judging import (
    ClipChange,
    ClipJudge,
    ClipOptions,
    ClipReader,
    ClipReport,
    ClipWriter,
    PictureJudge,
)
from edge_app.judging.calibrations import read_bays
from edge_app.judging.picture import count_states
from models import choose_model, explain_model, open_detector, parse_told
from models.options import LayoutOption, NamesOption, RolesOption
from telemetry import BayState, CameraError, ConfigError
from telemetry.messages import ModelRef
from vision.types import ImageBgr

PICTURES = {".png", ".jpg", ".jpeg", ".webp", ".bmp", ".tif", ".tiff"}
MAX_ROWS = 24
"""Longer lists are in the JSON; a terminal is for a look."""

app = typer.Typer(add_completion=False)


@app.command()
def judge(  # noqa: PLR0913, PLR0917 - one for each option of the command
    source: Annotated[Path, typer.Argument(help="A picture or a clip.", show_default=False)],
    calibration: Annotated[
        Path,
        typer.Option("--calibration", "-c", help="Calibration file, or bays of a clip (*.json)."),
    ],
    model: Annotated[
        str | None, typer.Option("--model", "-m", help="Name or path of a model.")
    ] = None,
    layout: LayoutOption = None,
    names: NamesOption = None,
    roles: RolesOption = None,
    out: Annotated[Path, typer.Option("--out", "-o", help="Folder for the results.")] = Path(
        "judged"
    ),
    rate_hz: Annotated[
        float, typer.Option(help="Clips: judged frames for each second.", min=0.01, max=60)
    ] = 5.0,
    speed: Annotated[
        float,
        typer.Option(help="Clips: seconds of the scene in a second of a time-lapse.", min=0.01),
    ] = 1.0,
    threads: Annotated[int, typer.Option(help="Threads; 0 takes every core.", min=0)] = 0,
) -> None:
    """Judge the bays of a picture or clip; write a drawn picture or clip and a JSON file."""
    console = Console(highlight=False)
    entry = choose_model(model, parse_told(layout, names, roles or ()))
    if not source.is_file():
        msg = f"{source}: expected a picture or a clip, but there is no such file"
        raise CameraError(msg)
    detector = open_detector(entry, threads=threads)
    for line in explain_model(entry, detector):
        console.print(f"[dim]{escape(line)}[/]", soft_wrap=True)
    try:
        out.mkdir(parents=True, exist_ok=True)
    except OSError as exc:
        msg = f"{out}: cannot make this folder: {exc}"
        raise ConfigError(msg) from exc
    if source.suffix.lower() in PICTURES:
        image = _read_picture(source)
        bays = read_bays(calibration, (image.shape[1], image.shape[0]))
        _judge_picture(console, source, image, PictureJudge(detector, bays), out)
    else:
        with ClipReader(source) as reader:
            bays = read_bays(calibration, reader.image_wh)
            options = ClipOptions(rate_hz, speed, bays.camera)
            _judge_clip(console, reader, ClipJudge(PictureJudge(detector, bays), options), out)


def _judge_picture(
    console: Console, source: Path, image: ImageBgr, work: PictureJudge, out: Path
) -> None:
    report = work.judge(image)
    spec = work.spec
    caption = f"{source.name} · {spec.name} {spec.version}"
    drawn = work.draw(image, report.states, report.detections, caption)
    picture = out / f"{source.stem}.judged.png"
    if not cv2.imwrite(str(picture), drawn):
        msg = f"{picture}: cannot write this picture"
        raise ConfigError(msg)
    facts = _facts(source, work) | {"image_wh": [image.shape[1], image.shape[0]]}
    table = _write_json(out / f"{source.stem}.judged.json", facts | report.as_dict(spec))
    _print_counts(console, report.states)
    _print_unknown(console, report.states)
    console.print(f"[dim]network input {report.plan.describe()}[/]")
    console.print(f"wrote [bold]{picture}[/] and [bold]{table}[/]", soft_wrap=True)


def _judge_clip(console: Console, reader: ClipReader, clip: ClipJudge, out: Path) -> None:
    source = reader.path
    target = out / f"{source.stem}.judged.mp4"
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=console) as progress:
        task = progress.add_task(source.name, total=reader.frame_count)
        drawn = clip.run(reader.frames(), lambda: progress.advance(task))
        time_s, image = next(drawn)
        size_wh = (image.shape[1], image.shape[0])
        with ClipWriter(target, size_wh, reader.rate_hz) as writer:
            writer.write(time_s, image)
            for later_s, picture in drawn:
                writer.write(later_s, picture)
    report = clip.report()
    facts = _facts(source, clip.judge) | {
        "image_wh": list(reader.image_wh),
        "rate_hz": clip.options.rate_hz,
        "speed": clip.options.speed,
    }
    table = _write_json(out / f"{source.stem}.judged.json", facts | report.as_dict())
    _print_changes(console, report)
    _print_counts(console, report.states)
    console.print(f"wrote [bold]{target}[/] and [bold]{table}[/]", soft_wrap=True)


def _facts(source: Path, work: PictureJudge) -> dict[str, Any]:
    spec, bays = work.spec, work.calibration
    return {
        "source": source.name,
        "camera": bays.camera,
        "calibration_revision": bays.revision,
        "method": spec.method,
        "model": ModelRef.of(spec).model_dump(),
    }


def _read_picture(path: Path) -> ImageBgr:
    image = cv2.imread(str(path), cv2.IMREAD_COLOR)
    if image is None:
        msg = f"{path}: expected a picture, but it cannot be decoded"
        raise CameraError(msg)
    return np.asarray(image, np.uint8)


def _write_json(path: Path, content: dict[str, Any]) -> Path:
    try:
        path.write_text(json.dumps(content, indent=1) + "\n", encoding="utf-8")
    except OSError as exc:
        msg = f"{path}: cannot write this file: {exc}"
        raise ConfigError(msg) from exc
    return path


def _print_counts(console: Console, states: tuple[BayState, ...]) -> None:
    counts = count_states(states)
    console.print(
        f"[bold]{len(states)} bays[/]: [#d55e00]■ {counts['occupied']} occupied[/], "
        f"[#009e73]○ {counts['free']} free[/], ? {counts['unknown']} unknown"
    )


def _print_unknown(console: Console, states: tuple[BayState, ...]) -> None:
    names = [f"{state.bay} ({state.reason})" for state in states if state.occ is None]
    if names:
        console.print(f"unknown: {', '.join(names)}")


def _print_changes(console: Console, report: ClipReport) -> None:
    table = Table(box=None, header_style="bold", pad_edge=False)
    for heading in ("at", "bay", "is", "conf", "since"):
        table.add_column(heading, justify="left" if heading in {"bay", "is"} else "right")
    later = _after_start(report.changes)
    for change in later[:MAX_ROWS]:
        state = change.state
        word = {
            True: "[#d55e00]■ occupied[/]",
            False: "[#009e73]○ free[/]",
            None: f"? unknown ({state.reason})",
        }[state.occ]
        table.add_row(
            f"{change.at_s:.2f} s", state.bay, word, f"{state.conf:.2f}", f"{change.since_s:.2f} s"
        )
    if later:
        console.print(table)
    if len(later) > MAX_ROWS:
        console.print(f"[dim]and {len(later) - MAX_ROWS} more in the JSON[/]")
    console.print(f"{report.judged} of {report.frames} frames judged, {len(later)} changes")


def _after_start(changes: Sequence[ClipChange]) -> list[ClipChange]:
    """The changes but for the first of each bay, which only ends `starting`."""
    known: set[str] = set()
    later = []
    for change in changes:
        if change.state.bay in known:
            later.append(change)
        known.add(change.state.bay)
    return later
