"""Do readers and the leak search hold for large sets? Time against the number of pictures.

    python benchmarks/dataset_io.py [--largest 50000] [--bays 20] [--to coco]

Writes COCO, YOLO and our own form for sets of several sizes (labels only, the pictures are one file
linked under many names), reads each back, and searches hashes for near-duplicates. Prints the
processor's seconds, and microseconds a picture, which stay the same where the time is linear.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Annotated

import cv2
import numpy as np
import typer
from rich.console import Console
from rich.table import Table

from datasets.convert import Conversion, Target, convert
from datasets.formats import read_set
from datasets.frames import LotFrame
from datasets.leaks import CANDIDATE_BITS
from datasets.native import Placing
from datasets.phash import close_pairs
from vision.types import as_floats


def main(
    largest: int = 50_000,
    bays: int = 20,
    forms: Annotated[
        list[Target] | None, typer.Option("--to", help="Forms; all by default.")
    ] = None,
) -> None:
    """Measure and print."""
    console = Console()
    sizes = [largest // 4, largest // 2, largest]
    table = Table(title=f"{bays} bays a picture", box=None)
    table.add_column("what")
    for size in sizes:
        table.add_column(f"{size} pictures", justify="right")
    rows: dict[str, list[str]] = {}
    for size in sizes:
        with TemporaryDirectory() as name, console.status(f"{size} pictures"):
            frames = made(Path(name), size, bays)
            for target in forms or list(Target):
                out, conversion = Path(name) / target, Conversion(target, placing=Placing.LINK)
                wrote_s = seconds(partial(convert, frames, out, conversion))
                read_s = seconds(partial(read_set, out))
                rows.setdefault(f"{target}: write, hash", []).append(cell(wrote_s, size))
                rows.setdefault(f"{target}: read", []).append(cell(read_s, size))
            rows.setdefault("leaks: search", []).append(cell(seconds(partial(search, size)), size))
    for what, cells in rows.items():
        table.add_row(what, *cells)
    console.print(table)


def made(folder: Path, count: int, bays: int) -> list[LotFrame]:
    """So many pictures with random outlines."""
    rng = np.random.default_rng(0)
    picture = folder / "pictures" / "0.jpg"
    picture.parent.mkdir()
    cv2.imwrite(str(picture), np.full((36, 64, 3), 90, np.uint8))
    quad = np.array([[0, 0], [0.05, 0], [0.05, 0.1], [0, 0.1]])
    frames = []
    for number in range(count):
        path = picture.with_name(f"{number}.jpg")
        if number:
            os.link(picture, path)
        corners = rng.uniform(0, 0.9, (bays, 1, 2)) + quad
        frames.append(
            LotFrame(
                set_name="made",
                split="train" if number % 5 else "valid",
                path=path,
                polygons_norm=tuple(as_floats(corners)),
                states=tuple(bool(state) for state in rng.integers(0, 2, bays)),
                bay_ids=tuple(str(bay) for bay in range(bays)),
                image_wh=(64, 36),
            )
        )
    return frames


def search(count: int) -> int:
    """Compare the hashes of one in five pictures with all others."""
    hashes = np.random.default_rng(1).integers(0, 2**63, count, dtype=np.uint64)
    cut = count // 5
    return sum(len(i) for i, _, _ in close_pairs(hashes[:cut], hashes[cut:], CANDIDATE_BITS))


def seconds(work: Callable[[], object]) -> float:
    """How long the processor works on it: what others do on the machine does not count."""
    start_s = time.process_time()
    work()
    return time.process_time() - start_s


def cell(duration_s: float, pictures: int) -> str:
    """Seconds, and microseconds a picture."""
    return f"{duration_s:.1f} s ({1e6 * duration_s / pictures:.0f} us)"


if __name__ == "__main__":
    typer.run(main)
