"""`lotsight calibration propose`: bays from where vehicles stand."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import numpy as np
import typer
from rich.progress import track

from calibration.commands.common import (
    AuthorOption,
    FileArgument,
    ModelOption,
    console,
    counted,
    model_access,
    save,
)
from calibration.draw import draw_calibration
from calibration.edit import add_bays, taken_ids
from calibration.files import load_calibration
from calibration.numbering import next_id
from calibration.pictures import spread_frames, write_picture
from calibration.proposals import proposals_to_bays, propose_from_frames
from calibration.types import Calibration
from telemetry.errors import CalibrationError
from vision.judge import Detector
from vision.types import Detections, ImageBgr


def propose(  # noqa: PLR0913, PLR0917 - one for each option of the command
    context: typer.Context,
    file: FileArgument,
    source: Annotated[
        Path, typer.Argument(help="A clip, image or folder from the camera.", show_default=False)
    ],
    frames: Annotated[int, typer.Option(help="Frames to use.", min=1, max=500)] = 24,
    least: Annotated[
        float, typer.Option(help="Minimum confidence of a proposal.", min=0, max=1)
    ] = 0.0,
    start: Annotated[
        str | None, typer.Option(help="First id; default: the next free one of A01, ...")
    ] = None,
    out: Annotated[
        Path | None, typer.Option("--out", "-o", help="Also draw the result to an image.")
    ] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Do not save.")] = False,
    model: ModelOption = None,
    author: AuthorOption = None,
) -> None:
    """Propose bays from where vehicles stand, beside those that are drawn already.

    A clip of many hours says most; a single image gives the bays under cars and in the gaps
    between them. Look at the result (--out, or the editor) before it is used.
    """
    calibration = load_calibration(file)
    access = model_access(context)
    if access is None:
        msg = "propose: expected a model to detect vehicles, but this command line has none"
        raise CalibrationError(msg)
    seen, pictures = _watch(access.detector(model), source, frames)
    fullest = pictures[int(np.argmax([len(found) for found in seen]))]
    _check_size(calibration, fullest, source)
    height, width = fullest.shape[:2]
    drawn = [bay.polygon for bay in calibration.bays]
    proposals = propose_from_frames(seen, (width, height), pictures, drawn)
    kept = [proposal for proposal in proposals if proposal.confidence >= least]
    taken = taken_ids(calibration)
    bays = proposals_to_bays(kept, start or next_id(taken), taken)
    changed = add_bays(calibration, bays)
    gaps = sum(proposal.is_gap for proposal in kept)
    rows = len({proposal.row for proposal in kept})
    console().print(
        f"{len(bays)} bays proposed in {rows} rows from {len(seen)} frames: {len(bays) - gaps} "
        f"under vehicles, {gaps} between them"
    )
    if out is not None:
        write_picture(out, draw_calibration(fullest, changed))
    if bays and not dry_run:
        note = f"proposed from {source.name}"
        save(file, changed, author, note, f"added {counted(len(bays), 'proposed bay')}")


def _watch(
    detector: Detector, source: Path, frames: int
) -> tuple[list[Detections], list[ImageBgr]]:
    """Vehicles of each frame, and the frames."""
    no_bays = np.zeros((0, 4, 2), np.float32)
    seen: list[Detections] = []
    pictures: list[ImageBgr] = []
    for image in track(
        spread_frames(source, frames), "looking", console=console(), total=None, transient=True
    ):
        pictures.append(image)
        seen.append(detector.detect(image, no_bays).detections)
    return seen, pictures


def _check_size(calibration: Calibration, image_bgr: ImageBgr, source: Path) -> None:
    height, width = image_bgr.shape[:2]
    expected = calibration.image_wh
    # Fractions carry over to another size of the same image, not to another shape of it.
    if abs(width * expected[1] - height * expected[0]) > 0.02 * width * expected[1]:
        msg = (
            f"{source}: expected images with the aspect ratio of {expected[0]}x{expected[1]}, but "
            f"got {width}x{height}"
        )
        raise CalibrationError(msg)
