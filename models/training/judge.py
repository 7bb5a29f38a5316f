"""Judge bay logits on labelled frames, the same way for every set, split and file format.

`lotsight eval` (datasets/) judges the whole run-time path on any annotated set; this is the
trainer's own, which also takes a torch network and can degrade pictures and move corners.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

import numpy as np

from models.training.records import Bools, Floats, ImageRgb, Ints, Sample, read_rgb
from vision.letterbox import Letterbox
from vision.quads import canonical_quads
from vision.runtime import ort

if TYPE_CHECKING:  # judging ONNX files must not need torch
    from models.network.net import LotNet

BOOTSTRAP_ROUNDS = 2000
ECE_BINS = 10

ImageChange = Callable[[ImageRgb, np.random.Generator], ImageRgb]


class BayJudge(Protocol):
    """Anything that gives logits for the bays of a batch of pictures."""

    def __call__(self, images: Floats, bay_quads: Floats, bay_image: Ints) -> Floats:
        """Return logits `(M,)` for images `(N, 3, H, W)` and quads as shares of the input."""
        ...


def torch_judge(net: LotNet) -> BayJudge:
    """Judge with a torch network."""
    import torch

    net = net.eval()

    def judge(images: Floats, bay_quads: Floats, bay_image: Ints) -> Floats:
        tensors = (torch.from_numpy(a) for a in (images, bay_quads, bay_image))
        return np.asarray(net.bay_logits(*tensors).numpy(), np.float32)

    return judge


def onnx_judge(model: Path, threads: int = 2) -> BayJudge:
    """Judge with an exported graph."""
    options = ort.SessionOptions()
    options.intra_op_num_threads = threads
    session = ort.InferenceSession(str(model), options, providers=["CPUExecutionProvider"])

    def judge(images: Floats, bay_quads: Floats, bay_image: Ints) -> Floats:
        feed = {"images": images, "bay_quads": bay_quads, "bay_image": bay_image}
        return np.asarray(session.run(["bay_logits"], feed)[0], np.float32)

    return judge


@dataclass(frozen=True, slots=True)
class FrameVerdict:
    """Logits and labels of one frame's bays, both of shape `(M,)`."""

    key: str
    group: str
    logits: Floats
    occupied: Bools

    @property
    def right(self) -> Bools:
        """Which bays are judged right, shape `(M,)`."""
        return (self.logits > 0) == self.occupied


@dataclass(frozen=True, slots=True)
class Score:
    """How well a set of frames was judged.

    Attributes:
        frames: Number of frames.
        bays: Number of bays.
        accuracy: Share of bays judged right.
        low: Lower end of the 95 % interval of the accuracy, bootstrapped over frames.
        high: Upper end.
        f1: Of "occupied".
        ece: Expected calibration error of the probabilities, ten bins.
    """

    frames: int
    bays: int
    accuracy: float
    low: float
    high: float
    f1: float
    ece: float


def network_input(
    image_rgb: ImageRgb, quads_px: Floats, input_wh: tuple[int, int]
) -> tuple[Floats, Floats]:
    """Letterbox a picture and its bays as the run time does.

    Returns:
        Images `(1, 3, H, W)`, float32 0-1, and canonical quads as shares of the input, `(M, 4, 2)`.
    """
    box = Letterbox.fit((image_rgb.shape[1], image_rgb.shape[0]), input_wh)
    pixels = box.apply(image_rgb).transpose(2, 0, 1)[None].astype(np.float32) / 255
    quads = canonical_quads(box.to_input_px(quads_px)) / np.array(input_wh, np.float32)
    return np.ascontiguousarray(pixels), quads.astype(np.float32)


def judge_frames(
    judge: BayJudge,
    samples: Iterable[Sample],
    input_wh: tuple[int, int],
    change: ImageChange | None = None,
    corner_jitter: float = 0.0,
    seed: int = 0,
) -> list[FrameVerdict]:
    """Judge every frame once.

    Args:
        judge: The network.
        samples: Labelled frames.
        input_wh: Network input, pixels.
        change: Degrades each picture first.
        corner_jitter: Standard deviation by which each corner is moved, as a share of the bay's
            size (the square root of its area).
        seed: Of the degradation and the jitter.
    """
    rng = np.random.default_rng(seed)
    verdicts = []
    for sample in samples:
        image = read_rgb(sample.path)
        if change is not None:
            image = change(image, rng)
        quads = jittered(sample.quads_px, corner_jitter, rng)
        images, shares = network_input(image, quads, input_wh)
        logits = judge(images, shares, np.zeros(len(shares), np.int64))
        verdicts.append(FrameVerdict(sample.key, sample.group, logits, sample.occupied))
    return verdicts


def jittered(quads_px: Floats, share: float, rng: np.random.Generator) -> Floats:
    """Move each corner by a normal deviate of `share` of its bay's size."""
    if not share or not len(quads_px):
        return quads_px
    x, y = quads_px[..., 0], quads_px[..., 1]
    area = np.abs((x * np.roll(y, -1, 1) - np.roll(x, -1, 1) * y).sum(1)) / 2
    size = np.sqrt(np.maximum(area, 1))[:, None, None]
    return (quads_px + size * rng.normal(0, share, quads_px.shape)).astype(np.float32)


def score(verdicts: list[FrameVerdict], temperature: float = 1.0, seed: int = 0) -> Score:
    """Score judged frames."""
    # The interval is bootstrapped over frames, not bays: the bays of a frame err together.
    right = np.array([v.right.sum() for v in verdicts], np.float64)
    bays = np.array([len(v.right) for v in verdicts], np.float64)
    drawn = np.random.default_rng(seed).integers(
        len(verdicts), size=(BOOTSTRAP_ROUNDS, len(verdicts))
    )
    rounds = right[drawn].sum(1) / bays[drawn].sum(1)
    low, high = np.quantile(rounds, [0.025, 0.975])
    logits = np.concatenate([v.logits for v in verdicts])
    occupied = np.concatenate([v.occupied for v in verdicts])
    said = logits > 0
    hits = int((said & occupied).sum())
    return Score(
        frames=len(verdicts),
        bays=int(bays.sum()),
        accuracy=float(right.sum() / bays.sum()),
        low=float(low),
        high=float(high),
        f1=2 * hits / max(int(said.sum() + occupied.sum()), 1),
        ece=calibration_error((logits / temperature).astype(np.float32), occupied),
    )


def calibration_error(logits: Floats, occupied: Bools) -> float:
    """Expected calibration error of the confidence, in ten equal bins from 0.5 to 1."""
    prob = 1 / (1 + np.exp(-logits.astype(np.float64)))
    confidence = np.maximum(prob, 1 - prob)
    right = (prob > 0.5) == occupied  # noqa: PLR2004 - even odds
    bins = np.minimum(((confidence - 0.5) * 2 * ECE_BINS).astype(int), ECE_BINS - 1)
    gaps = [
        (bins == b).mean() * abs(right[bins == b].mean() - confidence[bins == b].mean())
        for b in range(ECE_BINS)
        if (bins == b).any()
    ]
    return float(sum(gaps))
