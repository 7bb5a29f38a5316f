"""Running a model over labelled images, through the very code that an edge box runs."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from datasets.degrade import degrade
from datasets.frames import Bools, LotFrame
from datasets.jobs import Runner, SequentialRunner
from telemetry.errors import ModelError
from vision.geometry import bay_sizes_px, to_norm, to_pixels
from vision.input_size import InputPlan, input_fault, plan_input
from vision.judge import BayShapes, Detector, judge_bays
from vision.types import Floats, Ints, NetworkSpec, OccupancyRule, as_floats


@dataclass(frozen=True, slots=True)
class JudgeOptions:
    """How images and bays are changed before they are judged.

    Attributes:
        long_side_px: the image's long side in the network; None chooses by the bays' size.
        jitter_share: standard deviation by which each corner is moved, as a share of the size of
            its bay (root of its area): an installer's hand.
        change: name of a change of `datasets.degrade`.
        seed: of jitter and change.
        usual_input: whether every image fills one input of the network's usual size, whatever
            its bays, so that networks compare at like cost; `long_side_px` then says nothing.
    """

    long_side_px: int | None = None
    jitter_share: float = 0.0
    change: str | None = None
    seed: int = 0
    usual_input: bool = False


@dataclass(frozen=True, slots=True)
class Verdicts:
    """Judged bays of one split, all arrays of shape (M,) over the bays of all frames.

    Attributes:
        name: set and split, e.g. `acpds:valid`.
        frames: the frames judged.
        frame: index into `frames`.
        bay: index of the bay in its frame.
        prob: probability of occupied.
        occupied: the truth.
        size_px: side of the bay in the image, root of its area, pixels.
        y_norm: height of the bay's middle in the image, 0 top to 1 bottom; in an oblique view a
            stand-in for distance.
        input_px: pixels that the network worked on for each frame.
        unseen: which bays the image does not show well enough, and a box calls unknown.
    """

    name: str
    frames: tuple[LotFrame, ...] = field(repr=False)
    frame: Ints = field(repr=False)
    bay: Ints = field(repr=False)
    prob: Floats = field(repr=False)
    occupied: Bools = field(repr=False)
    size_px: Floats = field(repr=False)
    y_norm: Floats = field(repr=False)
    input_px: tuple[int, ...] = field(default=(), repr=False)
    unseen: Bools | None = field(default=None, repr=False)

    @classmethod
    def of(cls, frames: Sequence[LotFrame], results: Sequence[FrameResult]) -> Verdicts:
        """Put together the results of the frames of one split, which are in the same order."""
        counts = [len(frame.polygons_norm) for frame in frames]
        none = np.zeros(0, np.float32)
        return cls(
            name=f"{frames[0].set_name}:{frames[0].split}" if frames else "none",
            frames=tuple(frames),
            frame=np.repeat(np.arange(len(frames)), counts),
            bay=np.concatenate([np.arange(count) for count in counts] or [np.zeros(0, np.int64)]),
            prob=np.concatenate([one.prob for one in results] or [none]),
            occupied=np.concatenate([f.occupied for f in frames] or [np.zeros(0, np.bool)]),
            size_px=np.concatenate([one.size_px for one in results] or [none]),
            y_norm=as_floats([p[:, 1].mean() for f in frames for p in f.polygons_norm]),
            input_px=tuple(one.input_px for one in results),
            unseen=np.concatenate(
                [
                    np.zeros(len(one.prob), np.bool) if one.unseen is None else one.unseen
                    for one in results
                ]
                or [np.zeros(0, np.bool)]
            ),
        )

    def __len__(self) -> int:
        """How many bays."""
        return len(self.prob)

    @property
    def right(self) -> Bools:
        """Which bays were judged right at even odds."""
        return np.equal(self.prob >= 0.5, self.occupied)  # noqa: PLR2004 - even odds

    @property
    def right_of_frames(self) -> Ints:
        """How many bays of each frame were judged right, shape (frames,)."""
        return np.bincount(self.frame[self.right], minlength=len(self.frames))

    @property
    def input_mpx(self) -> float:
        """Millions of pixels that the network worked on, mean over frames."""
        return sum(self.input_px) / max(len(self.frames), 1) / 1e6

    def of_frames(self, keep: Bools) -> Verdicts:
        """The same verdicts on some of the frames only, shape (frames,)."""
        kept = np.flatnonzero(keep)
        bays = np.isin(self.frame, kept)
        return replace(
            self,
            frames=tuple(self.frames[index] for index in kept),
            frame=np.searchsorted(kept, self.frame[bays]),
            bay=self.bay[bays],
            prob=self.prob[bays],
            occupied=self.occupied[bays],
            size_px=self.size_px[bays],
            y_norm=self.y_norm[bays],
            input_px=tuple(px for index, px in enumerate(self.input_px) if index in kept),
            unseen=None if self.unseen is None else self.unseen[bays],
        )


def by_camera(parts: Sequence[Verdicts]) -> dict[str, Verdicts]:
    """Verdicts of each camera, over all splits; a set that names no camera counts as one."""
    whole = joined("all", parts)
    views = np.array([frame.view for frame in whole.frames])
    return {
        str(view): replace(whole.of_frames(views == view), name=str(view))
        for view in np.unique(views)
    }


def joined(name: str, parts: Sequence[Verdicts]) -> Verdicts:
    """Verdicts of several splits, at least one, as if of one."""
    first = np.cumsum([0, *(len(part.frames) for part in parts)])[:-1]
    return Verdicts(
        name=name,
        frames=tuple(frame for part in parts for frame in part.frames),
        frame=np.concatenate([p.frame + start for p, start in zip(parts, first, strict=True)]),
        bay=np.concatenate([part.bay for part in parts]),
        prob=np.concatenate([part.prob for part in parts]),
        occupied=np.concatenate([part.occupied for part in parts]),
        size_px=np.concatenate([part.size_px for part in parts]),
        y_norm=np.concatenate([part.y_norm for part in parts]),
        input_px=tuple(px for part in parts for px in part.input_px),
        unseen=np.concatenate(
            [np.zeros(len(p), np.bool) if p.unseen is None else p.unseen for p in parts]
        ),
    )


@dataclass(frozen=True, slots=True)
class FrameJob:
    """One frame to judge.

    Attributes:
        frame: the frame.
        index: its place in its split; with the seed it decides jitter and change, so that a frame
            is changed the same way by every worker, in any order.
    """

    frame: LotFrame
    index: int


@dataclass(frozen=True, slots=True)
class FrameResult:
    """What one frame's M bays were judged.

    Attributes:
        prob: probability of occupied, shape (M,).
        size_px: side of each bay in the image, root of its area, shape (M,).
        input_px: pixels that the network worked on.
        unseen: which bays the image does not show well enough, shape (M,); None: all are seen.
    """

    prob: Floats = field(repr=False)
    size_px: Floats = field(repr=False)
    input_px: int
    unseen: Bools | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class FrameJudging:
    """The work of judging frames, for a runner of `datasets.jobs`.

    Attributes:
        detector: the network.
        rule: how its output becomes a probability for each bay.
        options: how images and bays are changed first.
    """

    detector: Detector
    rule: OccupancyRule
    options: JudgeOptions

    def __call__(self, job: FrameJob) -> FrameResult:
        """Judge every bay of one frame.

        Raises:
            DatasetError: the image cannot be read.
            ModelError: the network failed.
        """
        rng = np.random.default_rng((self.options.seed, job.index))
        image = job.frame.read()
        image_wh = (image.shape[1], image.shape[0])
        if self.options.change is not None:
            image = degrade(image, self.options.change, rng)
        polygons = jittered(job.frame.polygons_norm, image_wh, self.options.jitter_share, rng)
        plan = _plan(polygons, image_wh, self.detector.spec, self.options)
        bays = BayShapes.of(polygons, image_wh)
        evidence = judge_bays(self.detector, image, bays, plan, self.rule).evidence
        return FrameResult(
            prob=evidence.prob,
            size_px=bay_sizes_px(job.frame.polygons_norm, image_wh),
            input_px=plan.input_px,
            unseen=np.asarray(evidence.quality == 0, np.bool),
        )


def judge_frames(
    judging: FrameJudging,
    frames: Sequence[LotFrame],
    on_frame: Callable[[], None] = lambda: None,
    runner: Runner | None = None,
) -> Verdicts:
    """Judge every bay of every frame once.

    Args:
        judging: network, rule and changes.
        frames: of one split.
        on_frame: called after each frame.
        runner: does the work; in turn and in this process if not given.

    Raises:
        DatasetError: an image cannot be read.
        ModelError: the network failed.
    """
    jobs = [FrameJob(frame, index) for index, frame in enumerate(frames)]
    found: dict[int, FrameResult] = {}
    for index, result in (runner or SequentialRunner()).run(judging, jobs):
        found[index] = result
        on_frame()
    return Verdicts.of(frames, [found[index] for index in range(len(jobs))])


def _plan(
    polygons_norm: Sequence[Floats],
    image_wh: tuple[int, int],
    spec: NetworkSpec,
    options: JudgeOptions,
) -> InputPlan:
    if not options.usual_input:
        return plan_for(polygons_norm, image_wh, spec, options.long_side_px)
    return _whole_picture(polygons_norm, image_wh, spec.input_wh)


def plan_for(
    polygons_norm: Sequence[Floats],
    image_wh: tuple[int, int],
    spec: NetworkSpec,
    long_side_px: int | None,
) -> InputPlan:
    """Input size by the bays, or the one that puts the image's long side at `long_side_px`.

    Raises:
        ModelError: the network does not take an input of that size; the text says what it takes.
    """
    if long_side_px is None:
        return plan_input(polygons_norm, image_wh, spec)
    input_wh = _by_long_side(image_wh, spec, long_side_px)
    if fault := input_fault(input_wh, spec):
        msg = f"{spec.name} {spec.version}: long side of {long_side_px} px: {fault}"
        if spec.dynamic_input:
            least_px = long_side_px
            while input_fault(_by_long_side(image_wh, spec, least_px), spec):
                least_px += 1
            msg += f"; {least_px} px is enough for images of {image_wh[0]}x{image_wh[1]} px"
        raise ModelError(msg)
    return _whole_picture(polygons_norm, image_wh, input_wh)


def _whole_picture(
    polygons_norm: Sequence[Floats], image_wh: tuple[int, int], input_wh: tuple[int, int]
) -> InputPlan:
    smallest = float(bay_sizes_px(polygons_norm, image_wh).min(initial=0.0))
    scale = min(side / image for side, image in zip(input_wh, image_wh, strict=True))
    return InputPlan(image_wh, input_wh, ((0, 0, *image_wh),), smallest * scale, 0.0)


def _by_long_side(
    image_wh: tuple[int, int], spec: NetworkSpec, long_side_px: int
) -> tuple[int, int]:
    scale = long_side_px / max(image_wh)
    width, height = (
        math.ceil(side * scale / spec.stride - 1e-6) * spec.stride for side in image_wh
    )
    return (width, height)


def jittered(
    polygons_norm: Sequence[Floats],
    image_wh: tuple[int, int],
    share: float,
    rng: np.random.Generator,
) -> list[Floats]:
    """Move each corner by a normal deviate of `share` of its bay's size."""
    if share == 0:
        return list(polygons_norm)
    sizes = bay_sizes_px(polygons_norm, image_wh)
    return [
        to_norm(to_pixels(p, image_wh) + size * rng.normal(0, share, p.shape), image_wh)
        for p, size in zip(polygons_norm, sizes, strict=True)
    ]
