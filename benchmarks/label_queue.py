"""What the label queue is worth: planted label errors found, network errors found, repeats avoided.

Every measure is taken at the same number of questions against the same number drawn at random:

- `planted`: some labels are flipped; share of the flipped that is asked about.
- `network`: no labels; share of the network's wrong bays that is asked about.
- `repeats`: share of questions whose crop nearly repeats an earlier one, with and without the
  weighing by distance.

    python benchmarks/label_queue.py [--set acpds:valid ...] [--questions 0.05] [--flipped 0.02]
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from datasets.labelling.pool import Judged, judge_pool
from datasets.labelling.scoring import Weights, Worth, value_bays
from datasets.labelling.selection import Budget, select
from datasets.labelling.sources import read_sources
from models import default_model, open_detector

SEEDS = 10
REPEAT = 0.35
"""Distance of looks below which a person sees the same crop again."""


def relabelled(pool: Sequence[Judged], labels: Sequence[Any]) -> list[Judged]:
    found, start = [], 0
    for one in pool:
        own = tuple(labels[start : start + len(one.prob)])
        start += len(one.prob)
        found.append(replace(one, frame=replace(one.frame, labels=own)))
    return found


def worth_of(pool: Sequence[Judged]) -> Worth:
    return Worth.joined([value_bays(one.signs, Weights()) for one in pool])


def asked(worth: Worth, look: Any, count: int, seed: int = 0, near: float = 0.7) -> Any:
    budget = Budget(count=count, random_share=0.0, twice_share=0.0, near=near, seed=seed)
    return select(worth, look, budget).index


def repeats(look: Any, index: Any) -> float:
    """Share of questions that nearly repeat an earlier one."""
    chosen = look[index]
    again = [
        bool((np.linalg.norm(chosen[:n] - chosen[n], axis=1) < REPEAT).any())
        for n in range(1, len(chosen))
    ]
    return float(np.mean(again)) if again else 0.0


def measure(name: str, pool: Sequence[Judged], options: Any) -> dict[str, Any]:
    truth = np.array([label for one in pool for label in one.frame.labels], bool)
    prob = np.concatenate([one.prob for one in pool])
    look = np.concatenate([one.looks for one in pool])
    count = max(1, round(options.questions * len(truth)))
    planted = []
    for seed in range(SEEDS):
        rng = np.random.default_rng(seed)
        flipped = rng.choice(len(truth), max(1, round(options.flipped * len(truth))), replace=False)
        labels = truth.copy()
        labels[flipped] ^= True
        picked = asked(worth_of(relabelled(pool, labels.tolist())), look, count, seed)
        planted.append(np.isin(flipped, picked).mean())
    bare = worth_of(relabelled(pool, [None] * len(truth)))
    wrong = np.flatnonzero((prob >= 0.5) != truth)
    picked, plain = asked(bare, look, count), asked(bare, look, count, near=0.0)
    return {
        "set": name,
        "bays": len(truth),
        "questions": count,
        "planted_found": round(float(np.mean(planted)), 3),
        "network_wrong": len(wrong),
        "network_wrong_found": round(float(np.isin(wrong, picked).mean()), 3)
        if len(wrong)
        else None,
        "found_at_random": round(count / len(truth), 3),
        "repeats": round(repeats(look, picked), 3),
        "repeats_by_worth_alone": round(repeats(look, plain), 3),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--set", action="append")
    parser.add_argument("--questions", type=float, default=0.05, help="share of the bays")
    parser.add_argument("--flipped", type=float, default=0.02, help="share of the labels")
    options = parser.parse_args()
    detector = open_detector(default_model())
    for name in options.set or ["acpds:valid", "pklot_ufpr05", "smartlot", "nightlot"]:
        pool = judge_pool(detector, read_sources([name], None, None))
        print(json.dumps(measure(name, pool, options), indent=1))


if __name__ == "__main__":
    main()
