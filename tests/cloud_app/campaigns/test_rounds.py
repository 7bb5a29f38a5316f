"""Campaigns in the tables, with boxes that ask for their jobs as real ones do."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

import pytest

from cloud_app.fleet.campaigns import acts
from cloud_app.fleet.campaigns.planning import BoxState, CampaignState, Plan
from cloud_app.fleet.campaigns.rounds import CampaignRounds, accuracy_drop
from cloud_app.fleet.campaigns.store import CampaignNow, NewCampaign, boxes_of, create, find
from cloud_app.fleet.commands import CommandError
from cloud_app.fleet.job_service import JobService
from cloud_app.storage.database import Database
from cloud_app.storage.times import to_ms
from telemetry import ManualClock
from telemetry.aws import (
    JobDocument,
    JobKind,
    JobRequest,
    JobStatus,
    JobTopics,
    JobUpdate,
    NextJob,
    StartNextJob,
)
from telemetry.health import CameraAudit, CameraHealth, Health, OutboxHealth
from telemetry.topics import TopicKind
from tests.cloud_app.scripted_edge import START, ScriptedEdge
from tests.cloud_app.test_intake import take

SERVICE = JobService("$aws")
NEW = JobDocument(
    kind=JobKind.MODEL, target="net-2.onnx", companions=("net-2.json",), version="2.0"
)
OLD = JobDocument(
    kind=JobKind.MODEL, target="net-1.onnx", companions=("net-1.json",), version="1.0"
)
HOUR_S = 3600.0


@dataclass
class Fleet:
    """Boxes that do what they are told, and a cloud that rolls out to them."""

    database: Database
    size: int = 3
    clock: ManualClock = field(default_factory=lambda: ManualClock(epoch_utc=START))
    edges: dict[str, ScriptedEdge] = field(default_factory=dict)
    versions: dict[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for number in range(self.size):
            name = f"box-{number}"
            edge = ScriptedEdge(edge=name, lot=f"p{number}")
            self.edges[name] = edge
            self.versions[name] = "1.0"
            take(self.database, edge.hello())
        self.rounds = CampaignRounds(self.database, 10 * 365 * 86_400, self.clock)

    @property
    def now_ms(self) -> int:
        return to_ms(self.clock.utc())

    def start(self, plan: Plan, former: JobDocument | None = OLD) -> str:
        wanted = NewCampaign("net 2", NEW, list(self.edges), plan, former)
        with self.database.write() as session:
            name = create(session, wanted, "ada", self.now_ms)
            acts.turn(session, acts.known(session, name), CampaignState.RUNNING, self.now_ms)
        return name

    def work(self, name: str, fails: bool = False) -> str | None:
        """The box asks for its next job and does it; gives the version that it was to have."""
        topics = JobTopics(name, "$aws")
        with self.database.write() as session:
            [(_, answer)] = SERVICE.answer(
                session, JobRequest(topics, None), StartNextJob().encode(), self.now_ms
            )
        assert isinstance(answer, NextJob)
        if answer.execution is None:
            return None
        job = answer.execution
        version = str(job.job_document["version"])
        status = JobStatus.FAILED if fails else JobStatus.SUCCEEDED
        update = JobUpdate(
            status=status,
            expected_version=job.version_number,
            status_details={"detail": "rolled back" if fails else "in use"},
        )
        with self.database.write() as session:
            SERVICE.answer(session, JobRequest(topics, job.job_id), update.encode(), self.now_ms)
        if not fails:
            self.versions[name] = version
        return version

    def go_on(self, failing: frozenset[str] = frozenset(), rounds: int = 60) -> None:
        """Rounds of the cloud and of every box, a quarter of an hour each."""
        for _ in range(rounds):
            self.rounds.tick()
            for name in self.edges:
                self.work(name, name in failing)
            self.clock.now_s += 900

    def seen(self, name: str) -> CampaignNow:
        with self.database.read() as session:
            found = find(session, name)
        assert found is not None
        return found

    def states(self, name: str) -> dict[str, BoxState]:
        with self.database.read() as session:
            return {each.edge: each.state for each in boxes_of(session, name)}

    def audited(self, name: str, accuracy: float) -> None:
        """The box's health, with an audit that began now."""
        edge = self.edges[name]
        edge.now = max(edge.now, self.clock.utc())
        audit = CameraAudit(
            since=edge.now, looks=40, bays=400, accuracy=accuracy, low=accuracy - 0.01,
            high=accuracy + 0.005,
        )  # fmt: skip
        message = Health(
            at=edge.now + timedelta(seconds=1),
            uptime_s=60.0,
            outbox=OutboxHealth(rows=0, bytes=0),
            cameras=(CameraHealth(camera="cam-1", up=True, audit=audit),),
        )
        take(self.database, [edge.inbound(TopicKind.HEALTH, message)])


def test_all_boxes_get_it_the_canary_first(database: Database) -> None:
    fleet = Fleet(database, 3)
    name = fleet.start(Plan(canaries=1, batch=10, soak_s=HOUR_S))
    fleet.rounds.tick()
    assert fleet.states(name)["box-0"] is BoxState.QUEUED
    assert fleet.work("box-1") is None, "only the canary has a job"
    fleet.go_on()
    seen = fleet.seen(name)
    assert (seen.state, seen.boxes) == (CampaignState.FINISHED, {BoxState.DONE: 3})
    assert set(fleet.versions.values()) == {"2.0"}
    with database.read() as session:
        canary, *others = boxes_of(session, name)
    assert canary.ended is not None
    for each in others:
        assert each.given is not None
        assert each.given - canary.ended >= timedelta(hours=1)


def test_fifty_boxes_of_which_two_fail_stop_it_and_go_back(database: Database) -> None:
    fleet = Fleet(database, 50)
    name = fleet.start(Plan(canaries=2, batch=8, attempts=1, soak_s=0))
    fleet.go_on(frozenset({"box-5", "box-8"}), rounds=12)
    seen = fleet.seen(name)
    assert seen.state is CampaignState.STOPPED
    assert seen.reason == "2 of 50 boxes failed: box-5, box-8"
    assert seen.boxes == {BoxState.RETURNED: 8, BoxState.FAILED: 2, BoxState.CANCELLED: 40}
    assert set(fleet.versions.values()) == {"1.0"}


def test_without_a_way_back_boxes_keep_what_they_have(database: Database) -> None:
    fleet = Fleet(database, 4)
    name = fleet.start(
        Plan(canaries=1, batch=1, attempts=1, stop_after_failures=1, soak_s=0), former=None
    )
    fleet.go_on(frozenset({"box-2"}), rounds=12)
    assert fleet.seen(name).boxes == {
        BoxState.DONE: 2, BoxState.FAILED: 1, BoxState.CANCELLED: 1,
    }  # fmt: skip
    assert fleet.versions["box-0"] == "2.0"


def test_a_failure_is_tried_again(database: Database) -> None:
    fleet = Fleet(database, 1)
    name = fleet.start(Plan(attempts=2, stop_after_failures=1))
    fleet.rounds.tick()
    fleet.work("box-0", fails=True)
    fleet.go_on(rounds=3)
    assert fleet.seen(name).state is CampaignState.FINISHED
    with database.read() as session:
        [box] = boxes_of(session, name)
    assert (box.state, box.attempts, box.detail) == (BoxState.DONE, 2, "in use")


def test_a_paused_campaign_begins_no_box_and_goes_on_later(database: Database) -> None:
    fleet = Fleet(database, 3)
    name = fleet.start(Plan(soak_s=0))
    fleet.rounds.tick()
    with database.write() as session:
        acts.turn(session, acts.known(session, name), CampaignState.PAUSED, fleet.now_ms)
    fleet.go_on(rounds=4)
    assert fleet.seen(name).boxes == {BoxState.DONE: 1, BoxState.PENDING: 2}
    with database.write() as session:
        acts.turn(session, acts.known(session, name), CampaignState.RUNNING, fleet.now_ms)
    fleet.go_on(rounds=4)
    assert fleet.seen(name).state is CampaignState.FINISHED


def test_a_box_that_had_begun_when_it_was_stopped_is_sent_back_later(database: Database) -> None:
    fleet = Fleet(database, 1)
    name = fleet.start(Plan())
    fleet.rounds.tick()
    topics = JobTopics("box-0", "$aws")
    with database.write() as session:
        SERVICE.answer(session, JobRequest(topics, None), StartNextJob().encode(), fleet.now_ms)
    fleet.rounds.tick()
    assert fleet.states(name) == {"box-0": BoxState.RUNNING}
    with database.write() as session:
        acts.stop(session, acts.known(session, name), fleet.now_ms, "no", roll_back=True)
    fleet.go_on(rounds=4)
    assert fleet.states(name) == {"box-0": BoxState.RETURNED}
    assert fleet.versions == {"box-0": "1.0"}


def test_a_fall_of_audited_accuracy_stops_it(database: Database) -> None:
    fleet = Fleet(database, 3)
    fleet.audited("box-0", 0.99)
    name = fleet.start(Plan(canaries=1, soak_s=HOUR_S, audit_drop=0.02))
    fleet.rounds.tick()
    fleet.clock.now_s += 60
    fleet.work("box-0")
    fleet.rounds.tick()
    fleet.clock.now_s += 60
    fleet.audited("box-0", 0.90)
    fleet.rounds.tick()
    seen = fleet.seen(name)
    assert seen.state is CampaignState.STOPPED
    assert "audited accuracy fell by 8.5% on box-0" in seen.reason
    fleet.go_on(rounds=2)
    assert fleet.states(name)["box-0"] is BoxState.RETURNED


SINCE = START + timedelta(hours=1)


@pytest.mark.parametrize(
    ("audit", "expected"),
    [
        ({"high": 0.95, "bays": 400, "since": SINCE.isoformat()}, 0.04),
        ({"high": 1.0, "bays": 400, "since": SINCE.isoformat()}, 0.0),
        ({"high": 0.5, "bays": 99, "since": SINCE.isoformat()}, None),
        ({"high": 0.5, "bays": 400, "since": START.isoformat()}, None),
    ],
    ids=["fell", "rose", "too few bays", "of what was before"],
)
def test_only_a_sure_fall_since_the_roll_out_counts(
    audit: Mapping[str, Any], expected: float | None
) -> None:
    found = accuracy_drop({"cam-1": 0.99}, {"cam-1": audit}, SINCE)
    assert found == (None if expected is None else pytest.approx(expected))
    assert accuracy_drop({}, {"cam-1": audit}, SINCE) is None


@pytest.mark.parametrize(
    ("edges", "told"),
    [
        ([], "expected at least one box, but got none"),
        (["box-0", "box-0"], "expected each box once, but got box-0 more than once"),
        (["box-0", "box-9"], "expected known boxes, but got box-9"),
    ],
)
def test_boxes_that_cannot_be_are_refused(database: Database, edges: list[str], told: str) -> None:
    Fleet(database, 1)
    with database.write() as session, pytest.raises(CommandError, match=told):
        create(session, NewCampaign("n", NEW, edges), "ada", 0)


def test_what_ended_does_not_begin_again(database: Database) -> None:
    fleet = Fleet(database, 1)
    name = fleet.start(Plan())
    fleet.go_on(rounds=3)
    with database.write() as session:
        now = acts.known(session, name)
        with pytest.raises(CommandError, match="finished cannot become running"):
            acts.turn(session, now, CampaignState.RUNNING, 0)
        with pytest.raises(acts.StaleCampaignError, match="expected version 1"):
            acts.known(session, name, 1)
