"""A model on labelled lots: judged, measured, put together for JSON, HTML and the terminal."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any

from datasets.baselines import RuleName, make_rule
from datasets.degrade import CHANGES
from datasets.errors import DatasetError
from datasets.jobs import Runner, SequentialRunner
from datasets.judging import FrameJudging, JudgeOptions, Verdicts, by_camera, judge_frames, plan_for
from datasets.metrics import Metrics, by_height, by_size, measure, reliability
from datasets.sets import read_split
from telemetry.messages import ModelRef
from vision.judge import Detector

Report = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class EvalPlan:
    """What is judged.

    Attributes:
        root: folder of the sets.
        sets: pairs of set and split, as `datasets.sets.choose` gives them.
        rule: how boxes or logits become occupancy.
        options: changes to every image and bay.
        with_robustness: whether every change of `datasets.degrade` is judged as well.
        jitter_shares: amounts of corner jitter that are judged as well.
        limit: frames of each split; None takes all.
    """

    root: Path
    sets: tuple[tuple[str, str], ...]
    rule: RuleName = RuleName.AUTO
    options: JudgeOptions = field(default_factory=JudgeOptions)
    with_robustness: bool = False
    jitter_shares: tuple[float, ...] = ()
    limit: int | None = None


@dataclass(frozen=True, slots=True)
class Evaluation:
    """What came out.

    Attributes:
        plan: what was judged.
        model: name, version and sha256.
        time_utc: when.
        verdicts: of each split.
        metrics: of each split, in the same order.
        cameras: of each camera over all splits, worst first; a set that names none is one.
        variants: name of a change to the metrics of each split.
    """

    plan: EvalPlan
    model: dict[str, str]
    time_utc: datetime
    verdicts: tuple[Verdicts, ...]
    metrics: tuple[Metrics, ...]
    cameras: dict[str, Metrics] = field(default_factory=dict)
    variants: dict[str, tuple[Metrics, ...]] = field(default_factory=dict)

    def as_dict(self) -> dict[str, Any]:
        """For JSON."""
        names = [one.name for one in self.verdicts]
        return {
            "model": self.model,
            "rule": self.plan.rule,
            "time": self.time_utc.isoformat(timespec="seconds"),
            "options": {
                "long_side_px": self.plan.options.long_side_px,
                "jitter_share": self.plan.options.jitter_share,
                "change": self.plan.options.change,
                "seed": self.plan.options.seed,
                "usual_input": self.plan.options.usual_input,
            },
            "sets": {
                name: metrics.as_dict() | {"input_mpx": round(verdicts.input_mpx, 3)}
                for name, metrics, verdicts in zip(names, self.metrics, self.verdicts, strict=True)
            },
            "cameras": {name: metrics.as_dict() for name, metrics in self.cameras.items()},
            "mean_over_cameras": mean_of(self.cameras),
            "variants": {
                variant: {n: m.as_dict() for n, m in zip(names, rows, strict=True)}
                for variant, rows in self.variants.items()
            },
            "by_size": [vars_of(one) for one in by_size(self.verdicts)],
            "by_height": [vars_of(one) for one in by_height(self.verdicts)],
            "reliability": {
                one.name: [vars_of(b) for b in reliability(one.prob, one.occupied)]
                for one in self.verdicts
            },
        }


def mean_of(cameras: Mapping[str, Metrics]) -> dict[str, float]:
    """Means over cameras, each counting alike: the frames of one are much the same."""
    rows = [
        {
            "accuracy": one.accuracy.value,
            "abstained": one.abstained,
            "decided_accuracy": one.decided_accuracy,
            "f1": one.f1.value,
            "ece": one.ece,
        }
        for one in cameras.values()
    ]
    return {name: sum(row[name] for row in rows) / len(rows) for name in rows[0]}


def _worst_first(cameras: Mapping[str, Metrics]) -> dict[str, Metrics]:
    return dict(sorted(cameras.items(), key=lambda item: item[1].accuracy.value))


def vars_of(value: Any) -> dict[str, Any]:
    """Fields of a slotted dataclass."""
    return {name: getattr(value, name) for name in value.__slots__}


def evaluate(
    detector: Detector,
    plan: EvalPlan,
    advance: Report = lambda _: None,
    runner: Runner | None = None,
) -> Evaluation:
    """Judge and measure.

    Args:
        detector: the network; a `datasets.jobs.TravellingDetector` for a runner that works in other
            processes.
        plan: what is judged.
        advance: called with the name of the set (and change) after each frame.
        runner: does the work; in turn and in this process if not given. The figures are the same.

    Raises:
        DatasetError: a set or image cannot be read.
        ModelError: the network failed, or does not accept images of the requested size.
    """
    _check_sizes(detector, plan)
    band = (detector.spec.abstain_low, detector.spec.abstain_high)
    judge = _Judge(detector, plan, advance, runner or SequentialRunner())
    verdicts = judge.all_sets(plan.options, "")
    variants: dict[str, tuple[Metrics, ...]] = {}
    for name, options in variants_of(plan).items():
        changed = judge.all_sets(options, name)
        variants[name] = tuple(measure(one, band) for one in changed)
    return Evaluation(
        plan=plan,
        model=ModelRef.of(detector.spec).model_dump(),
        time_utc=datetime.now(UTC),
        verdicts=tuple(verdicts),
        metrics=tuple(measure(one, band) for one in verdicts),
        cameras=_worst_first(
            {name: measure(one, band) for name, one in by_camera(verdicts).items()}
        ),
        variants=variants,
    )


def variants_of(plan: EvalPlan) -> dict[str, JudgeOptions]:
    """Name of each further change, and how images are judged under it."""
    found = {
        f"corners ±{100 * share:g} %": replace(plan.options, jitter_share=share)
        for share in plan.jitter_shares
    }
    if plan.with_robustness:
        found |= {change: replace(plan.options, change=change) for change in CHANGES}
    return found


def frames_to_judge(plan: EvalPlan) -> int:
    """How often `evaluate` will call `advance`."""
    frames = sum(len(read_split(plan.root, name, split)[: plan.limit]) for name, split in plan.sets)
    return frames * (1 + len(variants_of(plan)))


def _check_sizes(detector: Detector, plan: EvalPlan) -> None:
    """Before anything is judged, where the sets say how large their images are."""
    if plan.options.long_side_px is None or plan.options.usual_input:
        return
    read = [read_split(plan.root, name, split)[: plan.limit] for name, split in plan.sets]
    for image_wh in {frame.image_wh for frames in read for frame in frames}:
        if image_wh is not None:
            plan_for([], image_wh, detector.spec, plan.options.long_side_px)


@dataclass(frozen=True, slots=True)
class _Judge:
    detector: Detector
    plan: EvalPlan
    advance: Report
    runner: Runner

    def all_sets(self, options: JudgeOptions, variant: str) -> Sequence[Verdicts]:
        rule = make_rule(self.plan.rule, self.detector.spec)
        judging = FrameJudging(self.detector, rule, options)
        verdicts = []
        for name, split in self.plan.sets:
            read = read_split(self.plan.root, name, split)[: self.plan.limit]
            frames = [frame.with_known_bays() for frame in read]
            if not any(frame.bay_ids for frame in frames):
                msg = f"{name}:{split}: expected bays of known state to judge, but got none"
                raise DatasetError(msg)
            on_frame = partial(self.advance, f"{Path(name).name}:{split} {variant}".strip())
            verdicts.append(judge_frames(judging, frames, on_frame, self.runner))
        return verdicts
