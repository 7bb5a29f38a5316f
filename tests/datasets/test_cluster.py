"""Work on a real Dask cluster of two processes gives what it gives here, also when one dies."""

from __future__ import annotations

import json
import os
import signal
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from typer.testing import CliRunner

from datasets.cluster import runner_of, threads_each
from datasets.errors import DatasetError
from datasets.eval_cli import app
from datasets.evaluation import EvalPlan, Evaluation, evaluate
from datasets.jobs import Runner, TravellingDetector
from datasets.judging import FrameJob, FrameJudging, FrameResult, JudgeOptions
from datasets.lots import read_lot
from datasets.pseudo_labels import LabelSettings, pseudo_label
from models import default_model
from vision.rules import rule_for

cloudpickle: Any = import_module("cloudpickle")
distributed: Any = import_module("distributed")

FRAMES = 10


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A set of ten different small frames with two bays each."""
    root = tmp_path_factory.mktemp("sets")
    folder = root / "plain"
    (folder / "images").mkdir(parents=True)
    rng = np.random.default_rng(0)
    names = [f"{index}.png" for index in range(FRAMES)]
    for name in names:
        blocks = rng.integers(0, 255, (12, 16, 3))
        picture = np.kron(blocks, np.ones((20, 20, 1))).astype(np.uint8)
        cv2.imwrite(str(folder / "images" / name), picture)
    left = [[0.1, 0.2], [0.4, 0.2], [0.4, 0.8], [0.1, 0.8]]
    right = [[0.6, 0.2], [0.9, 0.2], [0.9, 0.8], [0.6, 0.8]]
    table = {
        "file_names": names,
        "rois_list": [[left, right]] * FRAMES,
        "occupancy_list": [[index % 2 == 0, index % 3 == 0] for index in range(FRAMES)],
    }
    (folder / "annotations.json").write_text(json.dumps({"valid": table}))
    return root


@pytest.fixture(scope="module")
def address() -> Iterator[str]:
    """Two worker processes behind a scheduler on loopback."""
    with distributed.LocalCluster(
        n_workers=2, threads_per_worker=1, dashboard_address=None
    ) as cluster:
        yield cluster.scheduler_address


def _evaluate(root: Path, runner: Runner | None, advance: Callable[[str], None]) -> Evaluation:
    plan = EvalPlan(
        root,
        (("plain", "valid"),),
        options=JudgeOptions(long_side_px=320, change="rain", jitter_share=0.05, seed=3),
    )
    return evaluate(TravellingDetector(default_model(), threads=1), plan, advance, runner)


def _figures(evaluation: Evaluation) -> dict[str, object]:
    return {name: value for name, value in evaluation.as_dict().items() if name != "time"}


def test_two_processes_give_the_bits_that_one_gives(root: Path, address: str) -> None:
    calls: list[str] = []
    here = _evaluate(root, None, lambda _: None)
    with runner_of(address) as runner:
        there = _evaluate(root, runner, calls.append)
    assert len(calls) == FRAMES, "progress counts frames, not tasks"
    np.testing.assert_array_equal(there.verdicts[0].prob, here.verdicts[0].prob)
    assert len(set(here.verdicts[0].prob.tolist())) > FRAMES, "the frames differ"
    assert _figures(there) == _figures(here)


@dataclass(frozen=True)
class _DiesOnce:
    """Judges frames; the first process that comes to frame 5 dies over it."""

    judging: FrameJudging
    mark: Path

    def __call__(self, job: FrameJob) -> FrameResult:
        if job.index == 5 and not self.mark.exists():
            self.mark.write_text(str(os.getpid()))
            os.kill(os.getpid(), signal.SIGKILL)
        return self.judging(job)


def test_the_work_of_a_dead_worker_is_done_again(root: Path, address: str, tmp_path: Path) -> None:
    cloudpickle.register_pickle_by_value(sys.modules[__name__])  # workers cannot import a test
    detector = TravellingDetector(default_model(), threads=1)
    judging = FrameJudging(detector, rule_for(detector.spec), JudgeOptions(long_side_px=320))
    jobs = [FrameJob(frame, index) for index, frame in enumerate(read_lot(root / "plain", "valid"))]
    mark = tmp_path / "died"
    with runner_of(address) as runner:
        there = dict(runner.run(_DiesOnce(judging, mark), jobs))
    assert int(mark.read_text()) != os.getpid(), "a worker died, not this process"
    assert sorted(there) == list(range(FRAMES))
    for index, job in enumerate(jobs):
        np.testing.assert_array_equal(there[index].prob, judging(job).prob)


def test_a_fault_in_the_work_is_told_as_here(root: Path, address: str, tmp_path: Path) -> None:
    table = json.loads((root / "plain" / "annotations.json").read_text())
    folder = tmp_path / "plain"
    folder.mkdir()
    (folder / "annotations.json").write_text(json.dumps(table))
    with runner_of(address) as runner, pytest.raises(DatasetError, match=r"\.png.*No such file"):
        _evaluate(tmp_path, runner, lambda _: None)


def test_pseudo_labels_of_two_processes_are_those_of_one(root: Path, address: str) -> None:
    detector = TravellingDetector(default_model(), threads=1)
    frames = read_lot(root / "plain", "valid")[:6]
    settings = LabelSettings(least_log_odds=0.5)
    here = pseudo_label(detector, frames, settings)
    with runner_of(address) as runner:
        there = pseudo_label(detector, frames, settings, runner=runner)
    assert [frame.states for frame in there] == [frame.states for frame in here]
    assert {state for frame in here for state in frame.states} - {None}, "some are labelled"


def test_command_on_a_cluster_prints_what_it_prints_alone(root: Path, address: str) -> None:
    arguments = ["--set", "plain", "--data", str(root), "--input-px", "320", "--threads", "1"]
    alone = CliRunner().invoke(app, arguments, env={"COLUMNS": "160"})
    spread = CliRunner().invoke(app, [*arguments, "--cluster", address], env={"COLUMNS": "160"})
    assert alone.exit_code == 0, alone.output
    assert spread.output == alone.output


@pytest.mark.parametrize(
    ("text", "message"),
    [
        pytest.param("local:none", "N processes", id="no number"),
        pytest.param("local:0", "N processes", id="no process"),
        pytest.param("ftp://10.0.0.5", "Dask scheduler", id="no address"),
    ],
)
def test_what_is_no_cluster_is_refused(text: str, message: str) -> None:
    with pytest.raises(DatasetError, match=message), runner_of(text):
        pass


def test_workers_of_one_machine_share_its_cores() -> None:
    cores = os.cpu_count() or 1
    assert threads_each(f"local:{cores}", 0) == 1
    assert threads_each("local:1", 0) == cores
    assert threads_each("local:1", 3) == 3
    assert threads_each(None, 0) == threads_each("tcp://10.0.0.5:8786", 0) == 0
