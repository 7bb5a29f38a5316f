"""Automatic labels: where a network's opinions and neighbouring frames agree.

Three opinions on each bay of each image (see `vision.second_opinion`), then their neighbours in
time: a bay is occupied or free, and stays so for hours, so a two-state hidden Markov model smooths
each bay's log-odds forwards and backwards (Rabiner 1989). A bay whose smoothed log-odds are large
enough gets that label; the others stay unknown. So a label can contradict the network that is to
learn from it, and only then is there something to learn.
"""

from __future__ import annotations

import itertools
import math
from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from datasets.errors import DatasetError
from datasets.frames import LotFrame, State
from datasets.jobs import Runner, SequentialRunner
from vision.evidence import MAX_LOG_ODDS
from vision.judge import BayShapes, Detector, judge_bays
from vision.second_opinion import second_opinion

Doubles = npt.NDArray[np.float64]
ADAPT, CHECK = "adapt", "check"


@dataclass(frozen=True, slots=True)
class LabelSettings:
    """When a bay gets a label.

    Attributes:
        least_log_odds: smoothed log-odds that a label needs, either way.
        stay_s: mean time that a bay keeps its state.
        check_share: share of the images, the latest, that is kept for the gate: what was learnt
            on the earlier ones must hold on these.
    """

    least_log_odds: float = 2.0
    stay_s: float = 3 * 3600.0
    check_share: float = 0.3

    def __post_init__(self) -> None:
        """Reject settings without sense.

        Raises:
            DatasetError: one is out of its range.
        """
        if not (self.least_log_odds > 0 and self.stay_s > 0 and 0 < self.check_share < 1):
            msg = f"expected positive settings and a fraction between 0 and 1, but got {self}"
            raise DatasetError(msg)


@dataclass(frozen=True, slots=True)
class OpinionWork:
    """The work of asking for opinions, for a runner of `datasets.jobs`.

    Attributes:
        detector: the network.
    """

    detector: Detector

    def __call__(self, frame: LotFrame) -> Doubles:
        """Log-odds that all opinions on one image give together, shape (M,).

        Raises:
            DatasetError: the image cannot be read.
            ModelError: the network failed.
        """
        image = frame.read()
        image_wh = (image.shape[1], image.shape[0])
        if not frame.polygons_norm:
            return np.zeros(0)
        bays = BayShapes.of(frame.polygons_norm, image_wh)
        first = judge_bays(self.detector, image, bays)
        return second_opinion(self.detector, image, bays, first.output).consensus(
            first.evidence.prob
        )


def pseudo_label(
    detector: Detector,
    frames: Sequence[LotFrame],
    settings: LabelSettings,
    on_frame: Callable[[], None] = lambda: None,
    runner: Runner | None = None,
) -> list[LotFrame]:
    """Label the bays of images; whatever states they have are neither used nor kept.

    Args:
        detector: the network.
        frames: of fixed cameras, in any order; those without a time are not smoothed.
        settings: when a bay gets a label.
        on_frame: called after each image.
        runner: does the work; in turn and in this process if not given.

    Returns:
        The images in order of time, split into ADAPT (earlier) and CHECK (later), with True,
        False or None for each bay. The two are smoothed apart: nothing of CHECK is in ADAPT.

    Raises:
        DatasetError: an image cannot be read, or there are too few.
        ModelError: the network failed.
    """
    ordered = _in_time(frames, settings.check_share)
    log_odds: dict[int, Doubles] = {}
    for index, found in (runner or SequentialRunner()).run(OpinionWork(detector), ordered):
        log_odds[index] = found
        on_frame()
    labelled = []
    for split in (ADAPT, CHECK):
        part = [index for index, frame in enumerate(ordered) if frame.split == split]
        smoothed = smooth_bays(
            [ordered[i] for i in part], [log_odds[i] for i in part], settings.stay_s
        )
        labelled += [
            replace(ordered[i], states=_states(said, settings.least_log_odds))
            for i, said in zip(part, smoothed, strict=True)
        ]
    return labelled


def smooth_bays(
    frames: Sequence[LotFrame], log_odds: Sequence[Doubles], stay_s: float
) -> list[Doubles]:
    """Smooth each bay over the images that show it; those without a time stay as they are.

    Args:
        frames: in order of time.
        log_odds: of each image's M bays, shape (M,).
        stay_s: mean time that a bay keeps its state.
    """
    smoothed = [said.copy() for said in log_odds]
    seen: dict[tuple[str, str], list[tuple[int, int]]] = defaultdict(list)
    for index, frame in enumerate(frames):
        if frame.time_local is not None:
            for bay, name in enumerate(frame.bay_ids):
                seen[frame.camera, name].append((index, bay))
    for places in seen.values():
        times_s = np.array([frames[i].time_local.timestamp() for i, _ in places])  # type: ignore[union-attr]
        said = np.array([log_odds[i][bay] for i, bay in places])
        for (i, bay), value in zip(places, smooth(said, times_s, stay_s), strict=True):
            smoothed[i][bay] = value
    return smoothed


def smooth(log_odds: Doubles, times_s: Doubles, stay_s: float) -> Doubles:
    """Posterior log-odds of a two-state Markov chain, forward-backward.

    Args:
        log_odds: what each image says of one bay, shape (T,).
        times_s: when, rising, seconds, shape (T,).
        stay_s: mean time in a state.
    """
    before, after = np.zeros(len(log_odds)), np.zeros(len(log_odds))
    gaps_s = np.diff(times_s)
    for i, gap_s in enumerate(gaps_s):
        before[i + 1] = _carried(before[i] + log_odds[i], gap_s, stay_s)
    for i in range(len(gaps_s) - 1, -1, -1):
        after[i] = _carried(after[i + 1] + log_odds[i + 1], gaps_s[i], stay_s)
    return before + log_odds + after


def _carried(log_odds: float, gap_s: float, stay_s: float) -> float:
    """What log-odds are worth after a time in which the bay may have changed."""
    changed = 0.5 * (1 - math.exp(-2 * gap_s / stay_s))
    prob = 1 / (1 + math.exp(-max(min(log_odds, 4 * MAX_LOG_ODDS), -4 * MAX_LOG_ODDS)))
    prob = prob * (1 - changed) + (1 - prob) * changed
    limit = 1 / (1 + math.exp(MAX_LOG_ODDS))
    prob = min(max(prob, limit), 1 - limit)
    return math.log(prob / (1 - prob))


def _states(log_odds: Doubles, least: float) -> tuple[State, ...]:
    return tuple(bool(said > 0) if abs(said) >= least else None for said in log_odds.tolist())


def _in_time(frames: Sequence[LotFrame], check_share: float) -> list[LotFrame]:
    """Order each camera's images by time and split them there."""
    ordered: list[LotFrame] = []
    by_camera = sorted(frames, key=lambda frame: frame.camera)
    for _, group in itertools.groupby(by_camera, lambda frame: frame.camera):
        own = list(group)
        if all(frame.time_local is not None for frame in own):
            own.sort(key=lambda frame: frame.time_local.timestamp())  # type: ignore[union-attr]
        cut = len(own) - round(check_share * len(own))
        if not 0 < cut < len(own):
            msg = (
                f"camera {own[0].camera or 'without a name'}: expected images for training and "
                f"for checking, but got {len(own)}"
            )
            raise DatasetError(msg)
        ordered += [replace(f, split=ADAPT if i < cut else CHECK) for i, f in enumerate(own)]
    return ordered
