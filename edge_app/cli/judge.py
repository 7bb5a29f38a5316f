"""`lotsight judge`: the bays of a picture or clip, drawn and as JSON."""

from __future__ import annotations

import json
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path
from typing import Annotated, Any

import cv2
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

from calibration.clips import ClipReader
from calibration.pictures import is_picture
from edge_app.judging import (
    ClipChange,
    ClipJudge,
    ClipOptions,
    ClipReport,
    ClipWriter,
    PictureJudge,
)
from edge_app.judging.ahead import ahead
from edge_app.judging.calibrations import guard_of, read_bays
from edge_app.judging.picture import count_states, draw_states
from models import choose_model, explain_model, open_detector, parse_hints
from models.options import LayoutOption, NamesOption, RolesOption
from telemetry import BayState, CalibrationError, CameraError, ConfigError
from telemetry.messages import ModelRef
from vision.image_file import IMAGE_SUFFIXES, decode_image
from vision.types import ImageBgr
from vision.view_guard import ViewReport

ANY_VIEW = " (use --any-view to judge it anyway)"
FRAMES_FOR_A_STATE = 2
"""The evidence filter never takes one frame's word."""
MAX_ROWS = 24
"""Longer lists are in the JSON; a terminal is for a look."""

app = typer.Typer(add_completion=False)


@app.command()
def judge(  # noqa: PLR0913, PLR0917 - one for each option of the command
    source: Annotated[Path, typer.Argument(help="An image or a clip.", show_default=False)],
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
    out: Annotated[Path, typer.Option("--out", "-o", help="Output folder.")] = Path("judged"),
    rate_hz: Annotated[
        float, typer.Option(help="Clips: frames judged per second.", min=0.01, max=60)
    ] = 5.0,
    speed: Annotated[
        float,
        typer.Option(
            help="Clips: time-lapse factor, scene seconds per second of the clip.", min=0.01
        ),
    ] = 1.0,
    threads: Annotated[int, typer.Option(help="Inference threads; 0: all cores.", min=0)] = 0,
    any_view: Annotated[
        bool,
        typer.Option("--any-view", help="Do not check that the image shows the calibrated view."),
    ] = False,
) -> None:
    """Judge the bays of a picture or clip; write a drawn picture or clip and a JSON file.

    Exit code 1 when it is no whole picture, or does not show the calibrated view.
    """
    console = Console(highlight=False)
    entry = choose_model(model, parse_hints(layout, names, roles or ()))
    if not source.is_file():
        msg = f"{source}: expected an image or a clip, but there is no such file"
        raise CameraError(msg)
    detector = open_detector(entry, threads=threads)
    for line in explain_model(entry, detector):
        console.print(f"[dim]{escape(line)}[/]", soft_wrap=True)
    try:
        out.mkdir(parents=True, exist_ok=True)
    except OSError as exc:
        msg = f"{out}: cannot create this folder: {exc}"
        raise ConfigError(msg) from exc
    if is_picture(source):
        image = _read_picture(source)
        bays = read_bays(calibration, (image.shape[1], image.shape[0]))
        guard = None if any_view else guard_of(calibration, bays, is_clip=False)
        _judge_picture(console, source, image, PictureJudge(detector, bays, guard), out)
        return
    with _open_clip(source) as reader:
        bays = read_bays(calibration, reader.image_wh)
        guard = None if any_view else guard_of(calibration, bays, is_clip=True)
        options = ClipOptions(rate_hz, speed, bays.camera)
        _judge_clip(console, reader, ClipJudge(PictureJudge(detector, bays, guard), options), out)


def _judge_picture(
    console: Console, source: Path, image: ImageBgr, work: PictureJudge, out: Path
) -> None:
    try:
        report = work.judge(image)
    except CalibrationError as exc:
        msg = f"{source}: {exc}{ANY_VIEW}"
        raise CalibrationError(msg) from exc
    spec = work.spec
    caption = f"{source.name} · {spec.name} {spec.version}"
    drawn = draw_states(image, report.polygons_norm, report.states, report.detections, caption)
    picture = out / f"{source.stem}.judged.png"
    if not cv2.imwrite(str(picture), drawn):
        msg = f"{picture}: cannot write this image"
        raise ConfigError(msg)
    facts = _facts(source, work) | {"image_wh": [image.shape[1], image.shape[0]]}
    table = _write_json(out / f"{source.stem}.judged.json", facts | report.as_dict(spec))
    _print_counts(console, report.states)
    _print_unknown(console, report.states)
    _print_view(console, work, report.view)
    console.print(f"[dim]network input {report.plan.describe()}[/]")
    console.print(f"wrote [bold]{picture}[/] and [bold]{table}[/]", soft_wrap=True)


def _judge_clip(console: Console, reader: ClipReader, clip: ClipJudge, out: Path) -> None:
    source = reader.path
    target = out / f"{source.stem}.judged.mp4"
    caption = clip.options.caption
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeRemainingColumn(),
    )
    # Three threads: the network takes most of the time, and the others need not wait for it.
    judged = ahead(clip.run(ahead(reader.frames())))
    with Progress(*columns, console=console) as progress, closing(judged):
        task = progress.add_task(source.name, total=reader.frame_count)
        drawn = ((frame.time_s, frame.draw(caption)) for frame in judged)
        time_s, image = next(drawn)
        with ClipWriter(target, (image.shape[1], image.shape[0]), reader.rate_hz) as writer:
            writer.write(time_s, image)
            progress.advance(task)
            for later_s, picture in drawn:
                writer.write(later_s, picture)
                progress.advance(task)
    report = clip.report()
    facts = _facts(source, clip.judge) | {
        "image_wh": list(reader.image_wh),
        "rate_hz": clip.options.rate_hz,
        "speed": clip.options.speed,
        "broken_frames": reader.broken,
    }
    table = _write_json(out / f"{source.stem}.judged.json", facts | report.as_dict())
    _print_changes(console, report)
    _print_counts(console, report.states)
    _print_unknown(console, report.states)
    _print_view(console, clip.judge, report.view)
    if 0 < report.judged < FRAMES_FOR_A_STATE:
        console.print(
            f"[bold yellow]too few frames to decide states[/]: expected {FRAMES_FOR_A_STATE} or "
            f"more, but got {report.judged} in {report.duration_s:.1f} s at --rate-hz "
            f"{clip.options.rate_hz:g}"
        )
    if reader.broken or reader.fault:
        console.print(
            f"[bold yellow]{reader.broken} incomplete frames were skipped[/] {reader.fault}"
        )
    console.print(f"wrote [bold]{target}[/] and [bold]{table}[/]", soft_wrap=True)
    if report.judged == 0:
        why = report.view.detail or "the calibrated view was never recognised"
        msg = f"{source}: no frame could be judged: {why}{ANY_VIEW}"
        raise CalibrationError(msg)


def _open_clip(source: Path) -> ClipReader:
    try:
        return ClipReader(source)
    except CameraError:
        if source.suffix.lower() in IMAGE_SUFFIXES:
            _read_picture(source)  # it is called a picture: says what is wrong with it as one
        raise


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
    try:
        return decode_image(path.read_bytes(), str(path))
    except OSError as exc:
        msg = f"{path}: cannot read this image: {exc.strerror}"
        raise CameraError(msg) from exc


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


def _print_view(console: Console, work: PictureJudge, view: ViewReport) -> None:
    if work.guard is not None and work.calibration.reference is None:
        console.print(
            "[bold yellow]the view was not checked[/]: the calibration has no reference image"
        )
    if view.detail:
        console.print(f"view: {view.detail}")


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
