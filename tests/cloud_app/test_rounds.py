"""The loop of what only the leader does."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator

import pytest

from cloud_app.errors import StorageError
from cloud_app.rounds import LeaderRounds


def run(rounds: LeaderRounds, leads: list[bool], done: list[str]) -> list[str]:
    """One round for each of `leads`, then the end."""
    thread = threading.Thread(target=rounds.run)
    thread.start()
    thread.join(10)
    assert not thread.is_alive(), (leads, done)
    return done


def stops_after(rounds: list[LeaderRounds], leads: list[bool]) -> Callable[[], bool]:
    answers: Iterator[bool] = iter(leads)

    def lead() -> bool:
        answer = next(answers, None)
        if answer is None:
            rounds[0].stop()
            return False
        return answer

    return lead


def test_only_the_leader_works_and_what_it_remembers_goes_when_another_leads() -> None:
    done: list[str] = []
    made: list[LeaderRounds] = []
    leads = [True, False, True]
    made.append(
        LeaderRounds(
            "work",
            lambda: done.append("tick"),
            stops_after(made, leads),
            every_s=0.001,
            lost=lambda: done.append("lost"),
            close=lambda: done.append("closed"),
        )
    )
    assert run(made[0], leads, done) == ["tick", "lost", "tick", "lost", "closed"]


@pytest.mark.parametrize(
    ("fault", "said"),
    [
        (StorageError("no table"), "work: work waits: no table"),
        (KeyError("x"), "work: a round failed"),
    ],
)
def test_a_round_that_fails_is_logged_and_the_next_one_comes(
    fault: Exception, said: str, caplog: pytest.LogCaptureFixture
) -> None:
    done: list[str] = []
    made: list[LeaderRounds] = []
    faults = [fault]

    def tick() -> None:
        if faults:
            raise faults.pop()
        done.append("tick")

    leads = [True, True]
    made.append(
        LeaderRounds(
            "work",
            tick,
            stops_after(made, leads),
            every_s=0.001,
            lost=lambda: done.append("lost"),
        )
    )
    assert run(made[0], leads, done) == ["lost", "tick", "lost"]
    assert said in caplog.text
