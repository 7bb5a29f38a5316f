"""Labelled sets by name, and how networks are compared on those that they never saw."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from datasets.evaluation import EvalPlan
from datasets.frames import LotFrame
from datasets.judging import JudgeOptions
from datasets.lots import parse_set, read_lot
from datasets.metrics import Metrics

HELD_OUT = (
    "acpds/valid",
    "pklot_ufpr05/train",
    "pklot_ufpr05/valid",
    "smartlot/train",
    "smartlot/valid",
    "nightlot/train",
    "nightlot/valid",
)


def sets_of(names: Sequence[str], root: Path) -> tuple[tuple[str, str], ...]:
    """Pairs of set and split of names like `acpds/train` (or `acpds:train`, `acpds`, `all`).

    Raises:
        DatasetError: there is no such set or split.
    """
    return tuple(pair for name in names for pair in parse_set(name.replace("/", ":"), root))


def read_sets(names: Sequence[str], root: Path) -> list[LotFrame]:
    """Read the frames of sets; images are not decoded yet.

    Raises:
        DatasetError: there is no such set or split, or it is damaged.
    """
    return [frame for name, split in sets_of(names, root) for frame in read_lot(root / name, split)]


def held_out_plan(
    names: Sequence[str], root: Path, jitter_share: float = 0.0, seed: int = 0
) -> EvalPlan:
    """Judge sets with one input of the network's usual size for every image.

    Args:
        names: see `sets_of`.
        root: folder of the sets.
        jitter_share: see `datasets.judging.JudgeOptions`.
        seed: of the jitter.

    Raises:
        DatasetError: there is no such set or split.
    """
    options = JudgeOptions(jitter_share=jitter_share, seed=seed, usual_input=True)
    return EvalPlan(root, sets_of(names, root), options=options)


def summary(metrics: Metrics) -> dict[str, float]:
    """The figures that manifests and runs record of a set."""
    figures = {
        "frames": metrics.frames,
        "bays": metrics.bays,
        "accuracy": metrics.accuracy.value,
        "low": metrics.accuracy.low,
        "high": metrics.accuracy.high,
        "f1": metrics.f1.value,
        "ece": metrics.ece,
    }
    return {k: round(v, 5) if isinstance(v, float) else v for k, v in figures.items()}
