"""Who is looked at and who is judged next, simulated: slow processors, rushes, recoveries."""

from __future__ import annotations

import heapq
import math
from collections import Counter
from dataclasses import dataclass, field
from datetime import UTC, datetime

import numpy as np
import pytest

from edge_app.schedule import PassRequest, Schedule, ScheduledTask, ScheduleSettings, Urgency
from edge_app.urgency import request_for_next, urgency_of
from vision.change_gate import Finding
from vision.evidence import EvidenceFilter
from vision.types import BayEvidence

UTC_NOW = datetime(2026, 1, 1, tzinfo=UTC)
HEARTBEAT_S = 30.0


@dataclass
class Camera:
    """One bay, a picture a second, and what is believed of the bay.

    Attributes:
        number: in the order of the schedule; also its phase.
        changes_s: when a vehicle comes or goes.
    """

    number: int
    changes_s: list[float] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.phase_s = self.number * 0.37 % 1
        self.bay = EvidenceFilter((f"b{self.number}",), start_utc=UTC_NOW)
        self.taken_s = -1.0
        self.looked_s = self.judged_s = 0.0
        self.judged_occ: bool | None = None
        self.waits = False
        self.looks = self.passes = 0
        self.known: list[tuple[float, bool | None]] = []

    def picture_s(self, now_s: float) -> float:
        """When the newest picture was taken."""
        return math.floor(now_s - self.phase_s) + self.phase_s

    def occ(self, at_s: float) -> bool:
        return sum(change_s <= at_s for change_s in self.changes_s) % 2 == 1

    def find(self, at_s: float) -> Finding:
        if self.judged_occ is None:
            return Finding.FIRST
        if self.occ(at_s) != self.judged_occ:
            return Finding.CHANGED
        return Finding.HEARTBEAT if at_s - self.judged_s >= HEARTBEAT_S else Finding.NOTHING

    def look(self, at_s: float) -> PassRequest | None:
        self.taken_s = self.looked_s = at_s
        self.looks += 1
        urgency = urgency_of(self.bay, self.find(at_s), at_s)
        self.waits = urgency is not None
        return None if urgency is None else PassRequest(urgency)

    def run_pass(self, now_s: float) -> PassRequest | None:
        self.passes += 1
        self.waits = False
        self.judged_s, self.judged_occ = self.looked_s, self.occ(self.looked_s)
        prob = np.array([0.99 if self.judged_occ else 0.01], np.float32)
        evidence = BayEvidence(prob, np.ones(1, np.float32))
        for state in self.bay.update(evidence, self.looked_s, UTC_NOW):
            self.known.append((now_s, state.occ))
        return request_for_next(self.bay, has_gate=True)


class Box:
    """Workers that take schedule, with scripted costs.

    Args:
        count: cameras.
        look_s: what a look costs; the first of a camera costs eight times that.
        pass_s: what a pass costs.
    """

    def __init__(self, count: int, look_s: float = 0.015, pass_s: float = 0.115) -> None:
        self.now_s = 0.0
        self.workers = 2
        self.schedule = Schedule(self.workers)
        self.cameras = [Camera(number) for number in range(count)]
        self.look_s, self.pass_s = look_s, pass_s
        self._at_work: list[tuple[float, int, ScheduledTask, PassRequest | None, bool]] = []
        self._order = 0
        for camera in self.cameras:
            self.schedule.add(1.0, lambda camera=camera: self._waits(camera), 0.0)  # type: ignore[misc]

    def _waits(self, camera: Camera) -> float | None:
        newest_s = camera.picture_s(self.now_s)
        if newest_s < 0 or newest_s <= camera.taken_s:
            return None
        return max(camera.phase_s, camera.taken_s + 1)

    def run(self, until_s: float) -> None:
        while self.now_s < until_s:
            while len(self._at_work) < self.workers and self._begin():
                pass
            next_s = self._at_work[0][0] if self._at_work else math.inf
            if len(self._at_work) == self.workers or next_s <= self.now_s + 0.02:
                self._end()
            else:
                self.now_s += 0.02  # pictures come

    def _begin(self) -> bool:
        task = self.schedule.next(self.now_s)
        if task is None:
            return False
        camera = self.cameras[task.camera]
        has_looked, cost_s = self._waits(camera) is not None, 0.0
        request = None
        if has_looked:
            cost_s += self.look_s * (8 if camera.looks == 0 else 1)
            request = camera.look(camera.picture_s(self.now_s))
        elif camera.waits:
            urgency = urgency_of(camera.bay, camera.find(camera.looked_s), camera.looked_s)
            request = None if urgency is None else PassRequest(urgency)
        if task.is_pass and request is not None:
            cost_s += self.pass_s
            request = camera.run_pass(self.now_s + cost_s)
        self._order += 1
        heapq.heappush(self._at_work, (self.now_s + cost_s, self._order, task, request, has_looked))
        return True

    def _end(self) -> None:
        end_s, _, task, request, has_looked = heapq.heappop(self._at_work)
        self.now_s = max(self.now_s, end_s)
        self.schedule.done(task, self.now_s, request, has_looked=has_looked)

    def looks(self) -> Counter[int]:
        return Counter({camera.number: camera.looks for camera in self.cameras})

    def rate_hz(self, until_s: float) -> float:
        begin_s, before = self.now_s, self.looks().total()
        self.run(until_s)
        return (self.looks().total() - before) / (self.now_s - begin_s) / len(self.cameras)

    def settled(self) -> int:
        return sum(bool(camera.known) for camera in self.cameras)

    def delay_s(self, number: int, change_s: float) -> float:
        """From a change to its event."""
        return next(at_s for at_s, _ in self.cameras[number].known if at_s > change_s) - change_s


@pytest.mark.parametrize("count", [20, 100])
def test_still_lots_settle_one_after_the_other_and_keep_their_rate(count: int) -> None:
    box = Box(count)
    box.run(8)
    assert box.settled() >= 12, "the first are done long before the last"
    box.run(0.4 * count + 10)
    assert box.settled() == count
    assert box.rate_hz(box.now_s + 35) >= 0.98
    assert box.schedule.load(box.now_s).reach > 0.95


def test_a_box_whose_looks_alone_are_too_many_serves_all_alike_and_says_how_far() -> None:
    box = Box(160, look_s=0.03)
    box.run(100)
    assert box.settled() == 160
    before = box.looks()
    rate_hz = box.rate_hz(125)
    assert 0.2 < rate_hz < 0.45
    each = box.looks() - before
    assert min(each.values()) > 0.4 * max(each.values())
    assert box.schedule.load(box.now_s).reach == pytest.approx(rate_hz, abs=0.15)


@pytest.mark.parametrize("count", [100, 300])
def test_a_changed_bay_is_seen_first_however_busy_the_box_is(count: int) -> None:
    quiet, busy = Box(1), Box(count, look_s=0.02)
    start_s = 130.0
    for box in (quiet, busy):
        box.cameras[0].changes_s.append(start_s + 0.5)
        box.run(start_s + 20)
    assert busy.delay_s(0, start_s + 0.5) <= 3 * quiet.delay_s(0, start_s + 0.5)


def test_a_rush_ends_in_time_and_the_box_recovers_by_itself() -> None:
    box, start_s = Box(100), 90.0
    for camera in box.cameras:
        camera.changes_s += [start_s + camera.number * 0.3, start_s + 60 + camera.number * 0.3]
    box.run(start_s)
    box.run(start_s + 100)
    delays_s = [
        box.delay_s(camera.number, change_s)
        for camera in box.cameras
        for change_s in camera.changes_s
    ]
    assert max(delays_s) < 3 * 5.5
    assert box.rate_hz(start_s + 160) >= 0.9
    assert all(len(camera.known) == 3 for camera in box.cameras), "no change was lost"


def test_no_camera_has_two_turns_at_a_time() -> None:
    schedule = Schedule(workers=4)
    for _ in range(3):
        schedule.add(1.0, lambda: 0.0, 0.0)
    taken = [schedule.next(1.0) for _ in range(5)]
    assert sorted(task.camera for task in taken if task) == [0, 1, 2]
    assert taken[3:] == [None, None]
    assert not schedule.claim(0)
    assert taken[0] is not None
    schedule.done(taken[0], 1.1, None, has_looked=True)
    assert schedule.claim(taken[0].camera)
    assert schedule.next(1.2) is None
    schedule.release(taken[0].camera)
    assert schedule.next(1.2) is not None


def test_passes_go_by_urgency_and_heartbeats_last_until_they_are_old() -> None:
    schedule, pictures = Schedule(workers=2), [True] * 5
    for number in range(5):
        schedule.add(1.0, lambda number=number: 0.0 if pictures[number] else None, 0.0)  # type: ignore[misc]
    requests = [
        Urgency.HEARTBEAT, Urgency.STARTING, Urgency.SETTLING, Urgency.CHANGED, Urgency.DECIDING,
    ]  # fmt: skip
    for task in [schedule.next(0.0) for _ in requests]:
        assert task is not None
        pictures[task.camera] = False
        schedule.done(task, 0.0, PassRequest(requests[task.camera]), has_looked=True)
    order = []
    for _ in range(3):
        task = schedule.next(1.0)
        assert task is not None
        assert task.is_pass
        order.append(task.camera)
        schedule.done(task, 1.0, None, has_looked=False)
    assert order == [4, 3, 2]
    later_s = 1.0 + ScheduleSettings().old_heartbeat_s
    old = [schedule.next(later_s), schedule.next(later_s)]
    assert [task.camera for task in old if task and task.is_pass] == [1, 0], (
        "neither waits for ever"
    )


def test_a_camera_that_never_settles_does_not_hold_up_the_others() -> None:
    schedule = Schedule()
    for _ in range(10):
        schedule.add(1.0, lambda: 0.0, 0.0)
    now_s, seen = 0.0, set()
    while now_s < 14:
        task = schedule.next(now_s)
        assert task is not None
        seen.add(task.camera)
        now_s += 0.1
        schedule.done(task, now_s, PassRequest(Urgency.STARTING), has_looked=True)
    assert len(seen) == 10


def test_counted_lanes_are_looked_at_first_but_take_no_more_than_their_share() -> None:
    """A lane whose looks alone would fill the box, beside cameras that want 1 look a second."""
    settings = ScheduleSettings(count_share=0.5)
    schedule, now_s, spent = Schedule(1, settings), 0.0, Counter[int]()
    came_s, looked_s = [0.0] * 4, [-1.0] * 4
    intervals_s = (0.2, 1.0, 1.0, 1.0)
    for number, interval_s in enumerate(intervals_s):
        waits = lambda number=number: came_s[number] if came_s[number] > looked_s[number] else None  # noqa: E731
        schedule.add(interval_s, waits, 0.0)
    schedule.pace(0, 0.2, counts=True)
    costs_s = (0.3, 0.15, 0.15, 0.15)  # together 1.95 s a second
    while now_s < 120.0:
        for number, interval_s in enumerate(intervals_s):
            came_s[number] = math.floor(now_s / interval_s) * interval_s
        task = schedule.next(now_s)
        if task is None:
            now_s += 0.01
            continue
        looked_s[task.camera] = now_s
        now_s += costs_s[task.camera]
        spent[task.camera] += 1
        schedule.done(task, now_s, None, has_looked=True)
    assert spent[0] * 0.3 == pytest.approx(0.55 * 120, abs=0.12 * 120), "half, and what is left"
    for number in (1, 2, 3):
        assert spent[number] / 120 > 0.9, "the others keep their rate"


def test_a_lane_alone_may_take_all_of_the_time() -> None:
    schedule, now_s, looks = Schedule(1), 0.0, 0
    schedule.add(0.2, lambda: 0.0, 0.0)
    schedule.pace(0, 0.2, counts=True)
    while now_s < 30:
        task = schedule.next(now_s)
        assert task is not None
        now_s, looks = now_s + 0.3, looks + 1
        schedule.done(task, now_s, None, has_looked=True)
    assert looks == 100
