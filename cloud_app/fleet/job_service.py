"""A jobs service with AWS IoT's topics and answers, for brokers that have none."""

from __future__ import annotations

from dataclasses import dataclass

from pydantic import JsonValue
from sqlalchemy import bindparam, case, select, update

from cloud_app.fleet.jobs import JobNow, details_text, job_of
from cloud_app.fleet.tables import job
from cloud_app.storage.database import Session
from cloud_app.storage.tables import edge
from telemetry.aws import (
    ErrorResponse,
    JobExecution,
    JobRequest,
    JobStatus,
    JobTopics,
    JobUpdate,
    NextJob,
    StartNextJob,
)
from telemetry.messages import Message, decode
from telemetry.topics import Topic

_TELL_AT_ONCE = 500
_PENDING = (JobStatus.IN_PROGRESS.value, JobStatus.QUEUED.value)
_NEXT = (
    select(job)
    .where(job.c.edge == bindparam("of"), job.c.status.in_(_PENDING))
    .order_by(
        case((job.c.status == JobStatus.IN_PROGRESS.value, 0), else_=1), job.c.queued_ms, job.c.job
    )
    .limit(1)
)
_ONE = select(job).where(job.c.edge == bindparam("of"), job.c.job == bindparam("called"))
_CHANGE = (
    update(job)
    .where(job.c.edge == bindparam("of"), job.c.job == bindparam("called"))
    .values(
        status=bindparam("to"),
        version=job.c.version + 1,
        details=bindparam("more"),
        started_ms=bindparam("began"),
        ended_ms=bindparam("over"),
    )
)
_UNTOLD = (
    select(job.c.edge)
    .distinct()
    .join(edge, edge.c.edge == job.c.edge)
    .where(job.c.status == JobStatus.QUEUED.value, job.c.told == 0, edge.c.dead == 0)
    .limit(_TELL_AT_ONCE)
)
_TOLD = update(job).where(job.c.edge == bindparam("of"), job.c.told == 0).values(told=1)

Answer = tuple[Topic, Message]


@dataclass(frozen=True, slots=True)
class JobService:
    """Answers what boxes ask about their jobs.

    Attributes:
        root: first level of the topics.
    """

    root: str

    def answer(
        self, session: Session, request: JobRequest, payload: bytes, now_ms: int
    ) -> list[Answer]:
        """Serve one request.

        Raises:
            TelemetryError: it is malformed.
        """
        name = request.topics.thing
        if request.job is None:
            asked = decode(StartNextJob, payload, str(request.topics.start_next))
            found = self._start_next(session, name, now_ms)
            body = NextJob(
                execution=found, timestamp=now_ms // 1000, client_token=asked.client_token
            )
            return [(request.topics.start_next_accepted, body)]
        update = decode(JobUpdate, payload, str(request.topics.update(request.job)))
        return self._update(session, request, update, now_ms)

    def untold(self, session: Session, now_ms: int) -> list[Answer]:
        """Announcements to boxes that are there and have jobs they do not know of."""
        said: list[Answer] = []
        names = [row.edge for row in session.rows(_UNTOLD)]
        for name in names:
            topics = JobTopics(name, self.root)
            said.append((topics.notify_next, _announcement(_next(session, name), now_ms)))
        session.run_many(_TOLD, [{"of": name} for name in names])
        return said

    def _start_next(self, session: Session, name: str, now_ms: int) -> JobExecution | None:
        found = _next(session, name)
        if found is None:
            return None
        if found.status is JobStatus.QUEUED:
            _change(session, found, JobStatus.IN_PROGRESS, {}, now_ms)
            found = _one(session, name, found.job) or found
        return _execution(found)

    def _update(
        self, session: Session, request: JobRequest, update: JobUpdate, now_ms: int
    ) -> list[Answer]:
        topics, called = request.topics, request.job or ""
        found = _one(session, topics.thing, called)
        refusal = _refusal(found, update)
        if found is None or refusal is not None:
            code, text = refusal or ("ResourceNotFound", "no such job")
            body = ErrorResponse(code=code, message=text, client_token=update.client_token)
            return [(topics.update_rejected(called), body)]
        _change(session, found, update.status, found.details | update.status_details, now_ms)
        said: list[Answer] = [
            (topics.update_accepted(called), StartNextJob(client_token=update.client_token))
        ]
        if update.status.is_final:
            said.append((topics.notify_next, _announcement(_next(session, topics.thing), now_ms)))
        return said


def _refusal(found: JobNow | None, update: JobUpdate) -> tuple[str, str] | None:
    """AWS's code and words for an update that cannot be; None if it can."""
    if found is None:
        return "ResourceNotFound", "no such job"
    if found.status.is_final:
        return "InvalidStateTransition", f"the job is {found.status.value}"
    if update.status in {JobStatus.QUEUED, JobStatus.CANCELED}:
        return "InvalidStateTransition", f"a box cannot make a job {update.status.value}"
    wanted = update.expected_version
    if wanted is not None and wanted != found.version:
        return "VersionMismatch", f"expected version {found.version}, but got {wanted}"
    return None


def _next(session: Session, name: str) -> JobNow | None:
    rows = session.rows(_NEXT, {"of": name})
    return job_of(rows[0]) if rows else None


def _one(session: Session, name: str, called: str) -> JobNow | None:
    rows = session.rows(_ONE, {"of": name, "called": called})
    return job_of(rows[0]) if rows else None


def _change(
    session: Session, found: JobNow, status: JobStatus, details: dict[str, str], now_ms: int
) -> None:
    started = found.started
    session.run(
        _CHANGE,
        {
            "of": found.edge,
            "called": found.job,
            "to": status.value,
            "more": details_text(details),
            "began": now_ms if started is None else int(started.timestamp() * 1000),
            "over": now_ms if status.is_final else None,
        },
    )
    session.announce(found.edge)


def _execution(found: JobNow) -> JobExecution:
    document: dict[str, JsonValue] = found.document
    return JobExecution(
        job_id=found.job,
        status=found.status,
        version_number=found.version,
        job_document=document,
    )


def _announcement(found: JobNow | None, now_ms: int) -> NextJob:
    return NextJob(execution=None if found is None else _execution(found), timestamp=now_ms // 1000)
