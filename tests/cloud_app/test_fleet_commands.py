"""Commands and jobs in the tables, on both databases: when they go out, and how they end."""

from __future__ import annotations

import base64
import hashlib
from datetime import UTC, datetime

import pytest

from cloud_app.fleet import commands, jobs, progress
from cloud_app.fleet.calibrations import records
from cloud_app.fleet.calibrations.records import Changes, NewRevision
from cloud_app.fleet.commands import CommandError, CommandFilter, CommandState, Order
from cloud_app.fleet.job_service import JobService
from cloud_app.fleet.jobs import JobFilter, JobOrder
from cloud_app.storage.database import Database
from telemetry.aws import JobDocument, JobKind, JobRequest, JobStatus, JobTopics, JobUpdate, NextJob
from telemetry.commands import CommandName, CommandPart, CommandResult, CommandStatus
from tests.cloud_app.scripted_edge import ScriptedEdge
from tests.cloud_app.test_intake import take

T0_MS = 1_772_352_000_000
AT = datetime(2026, 3, 1, 8, tzinfo=UTC)
RESTART = CommandName.RESTART_SERVICE


@pytest.fixture
def box(database: Database) -> ScriptedEdge:
    edge = ScriptedEdge()
    take(database, edge.hello())
    return edge


def ordered(database: Database, *orders: Order, now_ms: int = T0_MS) -> list[str]:
    with database.write() as session:
        return [each.id for each in commands.send(session, orders, "ada", now_ms)]


def due(database: Database, now_ms: int = T0_MS) -> list[str]:
    with database.write() as session:
        return [each.message.id for each in progress.take_due(session, now_ms)]


def said(
    database: Database, name: str, status: CommandStatus, now_ms: int = T0_MS, **more: object
) -> bool:
    answer = CommandResult.model_validate({"id": name, "status": status, "at": AT, **more})
    with database.write() as session:
        return progress.take_result(session, "box-1", answer, now_ms)


def state(database: Database, name: str) -> CommandState:
    with database.read() as session:
        found = commands.find(session, name)
    assert found is not None
    return found.state


def test_a_command_lives(database: Database, box: ScriptedEdge) -> None:
    [name] = ordered(database, Order("box-1", CommandName.CAMERA_STILL, {"camera": "cam-1"}))
    assert state(database, name) is CommandState.WAITING
    assert due(database) == [name]
    assert due(database) == [], "it went out; the answer is waited for"
    assert state(database, name) is CommandState.SENT
    assert said(database, name, CommandStatus.RUNNING, T0_MS + 20)
    assert said(database, name, CommandStatus.RECEIVED, T0_MS + 30), "overtaken: no way back"
    assert state(database, name) is CommandState.RUNNING
    assert said(database, name, CommandStatus.DONE, T0_MS + 40, result={"n": 1})
    assert said(database, name, CommandStatus.RUNNING, T0_MS + 50)
    with database.read() as session:
        found = commands.find(session, name)
        assert found == commands.listed(session, CommandFilter(edge="box-1"))[0]
    assert found is not None
    assert (found.state, found.result, found.actor, found.sends) == (
        CommandState.DONE, {"n": 1}, "ada", 1,
    )  # fmt: skip
    assert (found.received, found.running) == (found.running, found.received)
    assert due(database, T0_MS + 10**9) == []


def test_a_box_that_is_away_is_waited_for_until_the_end(
    database: Database, box: ScriptedEdge
) -> None:
    take(database, [box.will()])
    early, late = ordered(database, Order("box-1", RESTART, life_s=60), Order("box-1", RESTART))
    assert due(database) == []
    with database.write() as session:
        assert progress.expire(session, T0_MS + 59_999) == 0
        assert progress.expire(session, T0_MS + 60_000) == 1
    assert state(database, early) is CommandState.EXPIRED
    take(database, [box.birth(conn=2)])
    [later] = ordered(database, Order("box-1", RESTART), now_ms=T0_MS + 61_000)
    assert due(database, T0_MS + 61_000) == [late, later]


def test_what_nobody_answers_goes_out_again_less_and_less_often(
    database: Database, box: ScriptedEdge
) -> None:
    [name] = ordered(database, Order("box-1", RESTART, life_s=3600))
    sent_s = [s for s in range(0, 600) if due(database, T0_MS + s * 1000)]
    assert sent_s == [0, 30, 90, 210, 450]
    assert said(database, name, CommandStatus.RUNNING, T0_MS + 600_000)
    take(database, [box.birth(conn=2)])
    assert due(database, T0_MS + 601_000) == [name], "a new life of the box: ask how it ended"
    with database.write() as session:
        assert progress.expire(session, T0_MS + 3_600_000) == 0, "it began in time"
        assert progress.expire(session, T0_MS + 3_600_000 + progress.GRACE_MS) == 1
    assert state(database, name) is CommandState.FAILED


def test_what_the_box_says_is_the_truth(database: Database, box: ScriptedEdge) -> None:
    [name] = ordered(database, Order("box-1", RESTART, life_s=10))
    due(database)
    with database.write() as session:
        progress.expire(session, T0_MS + 10_000)
    assert state(database, name) is CommandState.EXPIRED
    assert said(database, name, CommandStatus.DONE, T0_MS + 11_000), "its answer was late"
    assert state(database, name) is CommandState.DONE
    assert said(database, name, CommandStatus.FAILED, T0_MS + 12_000)
    assert state(database, name) is CommandState.DONE, "the first answer stands"
    answer = CommandResult(id=name, status=CommandStatus.FAILED, at=AT)
    with database.write() as session:
        assert not progress.take_result(session, "box-2", answer, T0_MS), "not its command"


def test_an_id_is_one_command(database: Database, box: ScriptedEdge) -> None:
    order = Order("box-1", RESTART, id="once")
    assert ordered(database, order) == ordered(database, order, now_ms=T0_MS + 5) == ["once"]
    assert due(database) == ["once"]
    with pytest.raises(CommandError, match="once was used for restart_service"):
        ordered(database, Order("box-1", CommandName.DIAGNOSTICS, id="once"))
    with pytest.raises(CommandError, match="expected a known box, but got 'box-9'"):
        ordered(database, Order("box-1", RESTART), Order("box-9", RESTART))
    with pytest.raises(CommandError, match="camera"):
        Order("box-1", CommandName.CAMERA_STILL, {"lens": 1})
    with pytest.raises(CommandError, match="expected a life of 1"):
        Order("box-1", RESTART, life_s=0)


def test_only_what_no_box_has_heard_of_can_be_taken_back(
    database: Database, box: ScriptedEdge
) -> None:
    [first] = ordered(database, Order("box-1", RESTART))
    with database.write() as session:
        assert commands.cancel(session, first, T0_MS)
        assert not commands.cancel(session, first, T0_MS)
    assert due(database) == []
    [second] = ordered(database, Order("box-1", RESTART))
    due(database)
    with database.write() as session:
        assert not commands.cancel(session, second, T0_MS)


def test_files_are_kept_for_minutes(database: Database) -> None:
    data = b"x" * 10
    part = CommandPart(
        name="a.jpg", media_type="image/jpeg", sha256=hashlib.sha256(data).hexdigest(), number=1,
        parts=1, data=base64.b64encode(data).decode(),
    )  # fmt: skip
    with database.write() as session:
        assert progress.is_idle(session)
        progress.keep_part(session, "c1", part, T0_MS + 1000)
        progress.keep_part(session, "c1", part, T0_MS + 9000)
        assert not progress.is_idle(session)
        assert [row.data for row in progress.parts_of(session, "c1")] == [part.data]
        assert progress.forget_files(session, T0_MS + 999) == 0
        assert progress.forget_files(session, T0_MS + 1000) == 1
        assert progress.parts_of(session, "c1") == []


def test_jobs_go_as_at_aws(database: Database, box: ScriptedEdge) -> None:
    service, topics = JobService("$aws"), JobTopics("box-1")
    document = JobDocument(kind=JobKind.MODEL, target="a.onnx", version="2")
    orders = [JobOrder("box-1", name, document) for name in ("j1", "j2", "j3")]

    def ask(now_ms: int) -> NextJob:
        with database.write() as session:
            [(topic, body)] = service.answer(session, JobRequest(topics), b"{}", now_ms)
        assert (str(topic), type(body)) == (str(topics.start_next_accepted), NextJob)
        assert isinstance(body, NextJob)
        return body

    def tell(name: str, status: JobStatus, version: int | None) -> list[str]:
        update = JobUpdate(status=status, expected_version=version, status_details={"d": "x"})
        with database.write() as session:
            said = service.answer(session, JobRequest(topics, name), update.encode(), T0_MS)
        return [str(topic).rpartition("/jobs/")[2] for topic, _ in said]

    with database.write() as session:
        assert jobs.queue(session, orders, "ada", T0_MS) == 3
        assert jobs.queue(session, orders, "ada", T0_MS) == 0
        assert jobs.withdraw(session, "j3", ["box-1", "box-2"], T0_MS) == 1
        [(topic, _)] = service.untold(session, T0_MS)
        assert topic == topics.notify_next
        assert service.untold(session, T0_MS) == []
    first, again = ask(T0_MS), ask(T0_MS)
    assert first == again, "a box that lost power gets its job again"
    assert first.execution is not None
    assert (first.execution.job_id, first.execution.version_number) == ("j1", 2)
    assert first.execution.job_document["target"] == "a.onnx"
    assert tell("j1", JobStatus.SUCCEEDED, 1) == ["j1/update/rejected"]
    assert tell("j9", JobStatus.SUCCEEDED, 1) == ["j9/update/rejected"]
    assert tell("j1", JobStatus.SUCCEEDED, 2) == ["j1/update/accepted", "notify-next"]
    assert tell("j1", JobStatus.FAILED, None) == ["j1/update/rejected"]
    second = ask(T0_MS)
    assert second.execution is not None
    assert second.execution.job_id == "j2"
    tell("j2", JobStatus.FAILED, 2)
    assert ask(T0_MS).execution is None
    with database.read() as session:
        found = {each.job: each.status for each in jobs.listed(session, JobFilter(edge="box-1"))}
    assert found == {
        "j1": JobStatus.SUCCEEDED, "j2": JobStatus.FAILED, "j3": JobStatus.CANCELED,
    }  # fmt: skip


def test_old_jobs_go_and_those_that_a_page_shows_stay(
    database: Database, box: ScriptedEdge
) -> None:
    assert box.edge == "box-1"
    document = JobDocument(kind=JobKind.MODEL, target="a.onnx", version="2")
    order = [JobOrder("box-1", name, document) for name in ("old", "shown", "waits")]
    edit = NewRevision("shown", "box-1", "c", 2, 1, "ada", "", Changes(), "{}", rolls_out=True)
    with database.write() as session:
        jobs.queue(session, order, "ada", T0_MS)
        jobs.withdraw(session, "old", ["box-1"], T0_MS)
        jobs.withdraw(session, "shown", ["box-1"], T0_MS)
        records.keep(session, edit, T0_MS)
        assert jobs.prune_jobs(session, T0_MS) == 0
        assert jobs.prune_jobs(session, T0_MS + 1) == 1
        assert {each.job for each in jobs.listed(session, JobFilter())} == {"shown", "waits"}
