"""What is asked: worth of bays, no repeats, an honest sample, planted errors found."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from datasets.errors import DatasetError
from datasets.labelling.build import Recipe, Unit, make_queue, rank_frames
from datasets.labelling.queue import Queue, read_queue, write_queue
from datasets.labelling.scoring import (
    HEADS,
    LABEL,
    UNSURE,
    Signs,
    Weights,
    Worth,
    reasons_of,
    value_bays,
)
from datasets.labelling.selection import Budget, pick_diverse, select
from tests.networks import scripted_spec
from vision.types import as_floats


def learning(value: Any) -> Worth:
    return Worth(as_floats(value), np.zeros(len(value), np.float32))


def signs(prob: float, box: float | None = None, label: bool | None = None, edge: float = 0) -> Any:
    return Signs(
        prob=as_floats([prob]),
        box_prob=as_floats([prob if box is None else box]),
        label=np.array([label is True]),
        has_label=np.array([label is not None]),
        edge=edge,
    )


@pytest.mark.parametrize(
    ("one", "value", "reasons"),
    [
        pytest.param(signs(0.5), 1.0, (UNSURE,), id="even odds are worth most"),
        pytest.param(signs(1.0), 0.0, (), id="a sure bay is worth nothing"),
        pytest.param(signs(1.0, box=0.0), 0.5, (HEADS,), id="the heads differ"),
        pytest.param(signs(1.0, label=False), 1.0, (LABEL,), id="a label is contradicted"),
        pytest.param(signs(1.0, label=True), 0.0, (), id="a label is borne out"),
        pytest.param(signs(0.75), 0.5, (UNSURE,), id="half unsure"),
        pytest.param(signs(0.75, box=0.25), 0.625, (UNSURE, HEADS), id="causes add up"),
        pytest.param(signs(1.0, edge=1.0), 0.2, (), id="the box kept the frame"),
    ],
)
def test_worth_and_reasons(one: Signs, value: float, reasons: tuple[str, ...]) -> None:
    assert value_bays(one, Weights()).total()[0] == pytest.approx(value)
    assert reasons_of(one, 0) == reasons


def test_signs_and_weights_refuse_nonsense() -> None:
    with pytest.raises(ValueError, match="heads: expected a weight from 0 to 1, but got 2"):
        Weights(heads=2)
    with pytest.raises(ValueError, match="arrays of one shape"):
        Signs(as_floats([0.5]), as_floats([0.5, 0.5]), np.array([True]), np.array([True]))
    with pytest.raises(ValueError, match="random_share: expected a fraction"):
        Budget(random_share=1.5)


def test_repeats_of_one_crop_cost_one_question() -> None:
    rng = np.random.default_rng(0)
    cases = rng.normal(size=(10, 16))
    cases /= np.linalg.norm(cases, axis=1, keepdims=True)
    # Ten crops, each forty times over with a little noise; one of them is worth more than all.
    look = as_floats(np.repeat(cases, 40, axis=0) + rng.normal(0, 0.005, (400, 16)))
    value = as_floats(np.where(np.arange(400) < 40, 0.9, 0.5))
    picked = pick_diverse(learning(value), look, 10, 0.7, np.random.default_rng(0))
    assert sorted(picked // 40) == list(range(10))
    assert picked[0] < 40, "the most valuable is asked first"
    plain = pick_diverse(learning(value), look, 10, 0.0, np.random.default_rng(0))
    assert set(plain // 40) == {0}, "without diversity all ten are the same crop"


def test_selection_is_the_same_for_a_seed_and_counts_fit() -> None:
    rng = np.random.default_rng(1)
    value, look = as_floats(rng.random(300)), as_floats(rng.normal(size=(300, 8)))
    budget = Budget(count=50, random_share=0.3, twice_share=0.2, seed=5)
    first, again = select(learning(value), look, budget), select(learning(value), look, budget)
    assert np.array_equal(first.index, again.index)
    assert np.array_equal(first.random, again.random)
    assert len(set(first.index)) == 50
    assert first.random.sum() == 15
    assert first.twice.sum() == 10
    other = select(learning(value), look, Budget(count=50, random_share=0.3, seed=6))
    assert not np.array_equal(first.index, other.index)


def test_random_sample_knows_nothing_of_worth() -> None:
    value = as_floats(np.linspace(0, 1, 200))
    look = as_floats(np.random.default_rng(0).normal(size=(200, 4)))
    drawn = np.zeros(200)
    for seed in range(300):
        picks = select(learning(value), look, Budget(count=20, random_share=0.5, seed=seed))
        drawn[picks.index[picks.random]] += 1
    # Each bay is drawn with 10 / 200; halves of low and high worth are drawn alike.
    assert drawn[:100].sum() / drawn.sum() == pytest.approx(0.5, abs=0.05)


def test_planted_label_errors_come_first(lots: Any, with_labels: Any, tmp_path: Path) -> None:
    """Of 111 bays with 6 flipped labels the first questions hold them all."""
    rng = np.random.default_rng(3)
    names = list(lots.truth)
    sure = [name for name in names if abs(_prob(lots.pool, name) - lots.truth[name]) < 0.1]
    flipped = set(rng.choice(sure, 6, replace=False))
    pool = [
        with_labels(
            judged,
            [lots.truth[n] ^ (n in flipped) for n in _names(judged)],
        )
        for judged in lots.pool
    ]
    recipe = Recipe(Budget(count=25, random_share=0.0))
    queue = make_queue(pool, scripted_spec(name="rendered"), recipe, tmp_path, _now())
    asked = {queue.id_of(item) for item in queue.items}
    assert flipped <= asked
    found = [item for item in queue.items if queue.id_of(item) in flipped]
    assert all(LABEL in item.reasons for item in found)
    assert all(queue.bay_of(i).suggestion != lots.truth[queue.id_of(i)] for i in found)


def test_whole_pictures(lots: Any, tmp_path: Path) -> None:
    recipe = Recipe(Budget(count=40, random_share=0.1), unit=Unit.FRAME)
    queue = make_queue(lots.pool, scripted_spec(name="rendered"), recipe, tmp_path, _now())
    whole = [item for item in queue.items if not item.random]
    best = rank_frames(lots.pool, recipe.weights)[0].judged
    frames = {item.frame for item in whole}
    assert best.sha256[:12] in {queue.frames[frame].id for frame in frames}
    for frame in frames:
        asked = {item.bay for item in queue.items if item.frame == frame}
        assert asked == set(range(len(queue.frames[frame].bays))), "no bay of it is left out"


def test_queue_comes_back_as_it_was_written(lots: Any, make: Any, tmp_path: Path) -> None:
    queue = make(lots.pool, tmp_path / "q")
    assert read_queue(tmp_path / "q") == queue
    assert queue.made.pool_bays == sum(len(one.prob) for one in lots.pool)
    picture = (tmp_path / "q" / queue.frames[0].picture).resolve()
    assert picture in {one.frame.path.resolve() for one in lots.pool}
    with pytest.raises(DatasetError, match="its answers would be lost"):
        write_queue(tmp_path / "q", queue)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        pytest.param(None, "expected a queue", id="missing"),
        pytest.param("{", "queue.json: queue: Invalid JSON", id="cut"),
        pytest.param('{"made": 1}', "queue.json: made", id="wrong field"),
    ],
)
def test_damaged_queue_is_named(text: str | None, message: str, tmp_path: Path) -> None:
    if text is not None:
        (tmp_path / "queue.json").write_text(text)
    with pytest.raises(DatasetError, match=message):
        read_queue(tmp_path)


def test_question_about_a_missing_bay_is_refused(lots: Any, make: Any, tmp_path: Path) -> None:
    body = make(lots.pool, tmp_path / "q").model_dump()
    body["items"][3]["bay"] = 999
    with pytest.raises(ValueError, match="has no bay 999"):
        Queue.model_validate(body)


def test_no_bay_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(DatasetError, match="expected bays to label"):
        make_queue([], scripted_spec(name="rendered"), Recipe(sources=("empty",)), tmp_path, _now())


def _names(judged: Any) -> list[str]:
    return [f"{judged.sha256[:12]}-{bay}" for bay in range(len(judged.prob))]


def _prob(pool: Any, name: str) -> float:
    frame, bay = name.split("-")
    return float(next(one for one in pool if one.sha256.startswith(frame)).prob[int(bay)])


def _now() -> Any:
    from datetime import UTC, datetime

    return datetime(2026, 11, 24, tzinfo=UTC)
