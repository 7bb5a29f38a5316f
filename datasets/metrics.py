"""Figures of merit: accuracy, precision, recall, F1, calibration error, with intervals."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import asdict, dataclass

import numpy as np
import numpy.typing as npt

from datasets.frames import Bools
from datasets.judging import Verdicts
from vision.types import Floats

BOOTSTRAP_ROUNDS = 2000
CALIBRATION_BINS = 10
EVEN_ODDS = 0.5
Doubles = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Interval:
    """A figure with its 95 % interval, bootstrapped over frames.

    Over frames, not bays: bays of one image share its light and its view and err together, so
    bays drawn one by one would give intervals that are far too narrow.
    """

    value: float
    low: float
    high: float


@dataclass(frozen=True, slots=True)
class Metrics:
    """How well bays were judged; 'positive' is occupied.

    Attributes:
        frames: how many images.
        bays: how many bays.
        occupied: how many of them are occupied in truth.
        accuracy: share of bays judged right at even odds.
        precision: share of bays judged occupied that are.
        recall: share of occupied bays judged so.
        f1: harmonic mean of the two.
        ece: expected calibration error, 10 bins of stated confidence from 0.5 to 1.
        brier: mean squared error of the probability.
        abstained: share of bays in the abstain band or not to be seen, which a box calls unknown;
            they count as
            judged in all other figures.
        decided_accuracy: accuracy of the others.
    """

    frames: int
    bays: int
    occupied: int
    accuracy: Interval
    precision: float
    recall: float
    f1: Interval
    ece: float
    brier: float
    abstained: float
    decided_accuracy: float

    def as_dict(self) -> dict[str, object]:
        """For JSON."""
        return asdict(self)


def measure(
    verdicts: Verdicts, abstain: tuple[float, float] = (0.5, 0.5), seed: int = 0
) -> Metrics:
    """Measure the bays of one split.

    Args:
        verdicts: at least one bay.
        abstain: the network's abstain band.
        seed: of the bootstrap.
    """
    said = verdicts.prob >= EVEN_ODDS
    truth = verdicts.occupied
    counts = np.zeros((len(verdicts.frames), 4))
    np.add.at(counts, (verdicts.frame, 2 * said + truth), 1)
    rng = np.random.default_rng(seed)
    draws = rng.integers(len(counts), size=(BOOTSTRAP_ROUNDS, len(counts)))
    rounds = counts[draws].sum(1)
    total = counts.sum(0, keepdims=True)
    _, missed, false, hits = total[0]
    decided = ~((verdicts.prob > abstain[0]) & (verdicts.prob < abstain[1]))
    if verdicts.unseen is not None:
        decided &= ~verdicts.unseen
    return Metrics(
        frames=len(verdicts.frames),
        bays=len(verdicts),
        occupied=int(truth.sum()),
        accuracy=_interval(_accuracy(total), _accuracy(rounds)),
        precision=float(hits / max(hits + false, 1)),
        recall=float(hits / max(hits + missed, 1)),
        f1=_interval(_f1(total), _f1(rounds)),
        ece=calibration_error(verdicts.prob, truth),
        brier=float(np.square(verdicts.prob - truth).mean()),
        abstained=float(1 - decided.mean()),
        decided_accuracy=float(verdicts.right[decided].mean()) if decided.any() else 0.0,
    )


def gain(old: Verdicts, new: Verdicts, seed: int = 0) -> Interval:
    """How many more of the bays, as a share, one network judges right than another.

    The interval holds 95 %, from a paired bootstrap over frames.

    Args:
        old: of at least one bay.
        new: of the same frames.
        seed: of the bootstrap.
    """
    bays = np.bincount(old.frame, minlength=len(old.frames)).astype(np.float64)
    more = (new.right_of_frames - old.right_of_frames).astype(np.float64)
    draws = np.random.default_rng(seed).integers(len(bays), size=(BOOTSTRAP_ROUNDS, len(bays)))
    rounds = more[draws].sum(1) / np.maximum(bays[draws].sum(1), 1)
    return _interval(np.array([more.sum() / bays.sum()]), rounds)


def share_right(verdicts: Verdicts, *, occupied: bool) -> float:
    """Share of the bays of one state that are judged right; 1 without any."""
    right = verdicts.right[verdicts.occupied == occupied]
    return float(right.mean()) if len(right) else 1.0


def _accuracy(counts: Doubles) -> Doubles:
    bays = np.maximum(counts.sum(-1), 1)
    return np.asarray((counts[..., 0] + counts[..., 3]) / bays, np.float64)


def _f1(counts: Doubles) -> Doubles:
    wrong = counts[..., 1] + counts[..., 2]
    return np.asarray(2 * counts[..., 3] / np.maximum(2 * counts[..., 3] + wrong, 1), np.float64)


def _interval(value: Doubles, rounds: Doubles) -> Interval:
    low, high = np.quantile(rounds, [0.025, 0.975])
    return Interval(float(value[0]), float(low), float(high))


def calibration_error(prob: Floats, occupied: Bools) -> float:
    """Expected calibration error (Naeini et al. 2015) of the stated confidence, 0.5 to 1."""
    confidence = np.maximum(prob, 1 - prob)
    right = (prob >= EVEN_ODDS) == occupied
    scaled = ((confidence - 0.5) * 2 * CALIBRATION_BINS).astype(np.int64)
    bins = np.minimum(scaled, CALIBRATION_BINS - 1)
    gaps = [
        (bins == b).mean() * abs(right[bins == b].mean() - confidence[bins == b].mean())
        for b in range(CALIBRATION_BINS)
        if (bins == b).any()
    ]
    return float(sum(gaps))


@dataclass(frozen=True, slots=True)
class ReliabilityBin:
    """Bays whose stated probability lies in one tenth."""

    bays: int
    stated: float
    observed: float


def reliability(prob: Floats, occupied: Bools) -> list[ReliabilityBin]:
    """Stated against observed share of occupied bays, for each tenth that has bays."""
    bins = np.minimum((prob * CALIBRATION_BINS).astype(np.int64), CALIBRATION_BINS - 1)
    return [
        ReliabilityBin(
            int((bins == b).sum()),
            float(prob[bins == b].mean()),
            float(occupied[bins == b].mean()),
        )
        for b in range(CALIBRATION_BINS)
        if (bins == b).any()
    ]


@dataclass(frozen=True, slots=True)
class Slice:
    """Accuracy of the bays whose size or place lies in one range."""

    label: str
    bays: int
    accuracy: float


def by_size(verdicts: Sequence[Verdicts]) -> list[Slice]:
    """Accuracy by the bay's side in the image."""
    size = np.concatenate([v.size_px for v in verdicts])
    right = np.concatenate([v.right for v in verdicts])
    return _slices(size, right, (0, 25, 40, 60, 90, 140, np.inf), "px")


def by_height(verdicts: Sequence[Verdicts]) -> list[Slice]:
    """Accuracy by the bay's height in the image: near the top is far away in an oblique view."""
    y = np.concatenate([v.y_norm for v in verdicts])
    right = np.concatenate([v.right for v in verdicts])
    return _slices(100 * y, right, (-np.inf, 20, 40, 60, 80, np.inf), "% down")


def _slices(value: Floats, right: Bools, edges: tuple[float, ...], unit: str) -> list[Slice]:
    slices = []
    for low, high in itertools.pairwise(edges):
        inside = (value >= low) & (value < high)
        if inside.any():
            label = _range_label(low, high, unit)
            slices.append(Slice(label, int(inside.sum()), float(right[inside].mean())))
    return slices


def _range_label(low: float, high: float, unit: str) -> str:
    if low <= 0:
        return f"below {high:g} {unit}"
    return f"{low:g} {unit} and more" if np.isinf(high) else f"{low:g} to {high:g} {unit}"
