"""Settings by a job: tried out as those of the shadow, over restarts, and the end is told."""

from __future__ import annotations

from pathlib import Path

import pytest

from edge_app.delivery.slots import RolloutError
from edge_app.settings_rollout import SettingsRollout
from telemetry.aws import JobDocument, JobKind
from tests.edge_app.test_remote_settings import Bench


def job(attempt: str = "c-1", **sections: object) -> JobDocument:
    return JobDocument(kind=JobKind.CONFIG, target=attempt, version="calm", settings=dict(sections))


class Ended(Exception):  # noqa: N818 - it ends the process of the test's box
    """The service restarts, and the job's thread with it."""


class JobBench(Bench):
    """Knows whether the restart for the job has come."""

    restarted = False


def runner(bench: JobBench, *, working: bool = True) -> SettingsRollout:
    """The job's thread; while it waits the box restarts, or, once restarted, goes on."""

    def sleep(_s: float) -> None:
        if bench.settings.is_trying and not bench.restarted:
            bench.restarted = True
            raise Ended
        if working:
            bench.settings.answered()
        bench.clock.advance(60)
        bench.settings.look()

    return SettingsRollout(bench.settings, 300.0, sleep)


@pytest.fixture
def bench(tmp_path: Path) -> JobBench:
    return JobBench(tmp_path)


def test_a_job_outlives_the_restart_and_tells_that_settings_are_in_force(bench: JobBench) -> None:
    document = job(evidence={"enter_hold_s": 5})
    with pytest.raises(Ended):
        runner(bench).run(document)
    bench.start()
    assert runner(bench).run(document) == "settings calm are in force"
    assert bench.hold_s() == 5.0
    assert runner(bench).run(document) == "settings calm are in force", "delivered once more"
    again = job("c-2", evidence={"enter_hold_s": 5})
    assert runner(bench).run(again) == "settings calm are in force already"
    assert len(bench.restarts) == 1


def test_settings_that_do_no_good_are_undone_and_can_be_tried_again(
    bench: JobBench,
) -> None:
    document = job(evidence={"enter_hold_s": 5})
    with pytest.raises(Ended):
        runner(bench).run(document)
    bench.start()
    with pytest.raises(RolloutError, match=r"calm rolled back: within 300 s: no answer"):
        runner(bench, working=False).run(document)
    bench.start()
    assert bench.hold_s() == 3.0
    with pytest.raises(RolloutError, match="rolled back"):
        runner(bench).run(document)
    bench.restarted = False
    with pytest.raises(Ended):
        runner(bench).run(job("c-2", evidence={"enter_hold_s": 5}))


def test_settings_that_cannot_be_are_rejected_at_once(bench: JobBench) -> None:
    with pytest.raises(RolloutError, match=r"settings calm rejected: .*enter_hold_s"):
        runner(bench).run(job(evidence={"enter_hold_s": -1}))
    with pytest.raises(RolloutError, match="settings calm rejected"):
        runner(bench).run(job("c-2", mqtt={"port": 1}))
    assert not bench.restarts


def test_what_waits_for_another_trial_is_tried_after_it(bench: JobBench) -> None:
    bench.wish("1", evidence={"enter_hold_s": 4})
    bench.start()
    bench.restarted = True
    seen: list[bool] = []

    def sleep(_s: float) -> None:
        bench.settings.answered()
        bench.settings.look()
        seen.append(bench.settings.is_trying)
        if len(bench.restarts) > 1:
            raise Ended

    with pytest.raises(Ended):
        SettingsRollout(bench.settings, 300.0, sleep).run(job("c-1", evidence={"leave_hold_s": 9}))
    bench.start()
    assert bench.settings.is_trying
    assert bench.hold_s() == 4.0
