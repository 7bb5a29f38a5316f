"""Lossy streams: pictures of RTSP streams that lose packets, and how many of them are smeared.

    .venv/bin/python benchmarks/lossy_streams.py [--seeds 5] [--loss 0.005] [--seconds 5]

A camera on loopback (tests/edge_app/lossy_rtsp.py) sends pictures that move, at 25 a second and a
key frame every ten, and loses a share of its RTP packets. A picture is smeared if any 16 x 16 px of
it differ from what was sent by more than coding errors do. Told for each codec, decoding and
transport, over all seeds:

- packets sent and lost,
- pictures accepted, and of these smeared, with the greatest difference (0 to 255),
- pictures rejected because they were not whole, or built on one that was not,
- runs that accepted none, and those in which the source gave up and was opened again.

All of it took five and a half minutes with `--seeds 6` on two busy cores; no picture was smeared.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Self

from rich.console import Console
from rich.progress import track
from rich.table import Table

from edge_app.sources import StreamSettings, StreamSource
from edge_app.sources.stream_settings import DecodeMode
from telemetry import CameraError, SystemClock
from tests.edge_app.lossy_rtsp import FPS, SMEARED, LossyCamera

CASES = [
    ("libx264", DecodeMode.ALL, 1),
    ("libx264", DecodeMode.ALL, 4),
    ("libx264", DecodeMode.KEY, 1),
    ("libx264", DecodeMode.KEY, 4),
    ("libx265", DecodeMode.ALL, 1),
    ("libx265", DecodeMode.KEY, 1),
    ("mjpeg", DecodeMode.AUTO, 1),
]
AT_ONCE = 3
"""Runs that overlap: each takes the time that its stream takes, but little of a core."""


@dataclass(frozen=True, slots=True)
class Case:
    """How a stream is coded, decoded and sent."""

    codec: str
    mode: DecodeMode
    slices: int
    over_udp: bool

    @property
    def settings(self) -> StreamSettings:
        """Every picture is wanted."""
        return StreamSettings(
            interval_s=1 / FPS, frame_timeout_s=3, decode=self.mode, rtsp_over_udp=self.over_udp
        )

    def row(self) -> tuple[str, ...]:
        """For the table."""
        decoded = "key frames" if self.mode is DecodeMode.KEY else "all"
        slices = f", {self.slices} slices" if self.slices > 1 else ""
        return self.codec.removeprefix("lib") + slices, decoded, "UDP" if self.over_udp else "TCP"


@dataclass(frozen=True, slots=True)
class Count:
    """What became of one or more streams."""

    sent: int = 0
    lost: int = 0
    accepted: int = 0
    smeared: int = 0
    worst: float = 0.0
    rejected: int = 0
    without: int = 0
    reopened: int = 0

    def __add__(self, other: Self) -> Count:
        """Both together."""
        return Count(
            self.sent + other.sent,
            self.lost + other.lost,
            self.accepted + other.accepted,
            self.smeared + other.smeared,
            max(self.worst, other.worst),
            self.rejected + other.rejected,
            self.without + other.without,
            self.reopened + other.reopened,
        )

    def row(self) -> tuple[str, ...]:
        """For the table."""
        return (
            *(str(each) for each in (self.sent, self.lost, self.accepted, self.smeared)),
            f"{self.worst:.0f}",
            *(str(each) for each in (self.rejected, self.without, self.reopened)),
        )


def run(case: Case, loss: float, frames: int, seed: int) -> Count:
    """Read one stream to its end."""
    smears: list[float] = []
    rejected = reopened = 0
    camera = LossyCamera(case.codec, loss=loss, frames=frames, slices=case.slices, seed=seed)
    with camera:
        source = StreamSource(camera.url, case.settings, SystemClock(), is_file=False)
        while not camera.done.is_set():
            try:
                source.open()
                for smear, broken in grabs(source, camera):
                    smears.append(smear)
                    rejected += broken
            except CameraError:
                reopened += not camera.done.is_set()
        source.close()
        return Count(
            camera.sent,
            camera.lost,
            len(smears),
            sum(smear >= SMEARED for smear in smears),
            max(smears, default=0.0),
            rejected,
            not smears,
            reopened,
        )


def grabs(source: StreamSource, camera: LossyCamera) -> Iterator[tuple[float, int]]:
    """Smear of each picture, and how many were not whole before it."""
    while not camera.done.is_set():
        grab = source.read()
        assert grab is not None
        yield camera.scene.smear(grab.image_bgr), grab.broken


def main() -> None:
    """Run every case and print the table."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--loss", type=float, default=0.005, help="share of the packets")
    parser.add_argument("--seconds", type=float, default=5.0, help="length of each stream")
    options = parser.parse_args()
    cases = [Case(*case, over_udp) for case in CASES for over_udp in (False, True)]
    jobs = [(case, seed) for case in cases for seed in range(options.seeds)]
    frames = min(round(options.seconds * FPS), 511)
    counts = dict.fromkeys(cases, Count())
    with ThreadPoolExecutor(AT_ONCE) as pool:
        found = pool.map(lambda job: run(job[0], options.loss, frames, job[1]), jobs)
        for (case, _), count in zip(jobs, track(found, total=len(jobs)), strict=True):
            counts[case] += count
    table = Table("codec", "decoded", "by")
    for name in ("sent", "lost", "accepted", "smeared", "worst", "rejected", "none", "reopened"):
        table.add_column(name, justify="right")
    for case, count in counts.items():
        table.add_row(*case.row(), *count.row())
    Console(width=110).print(table)


if __name__ == "__main__":
    main()
