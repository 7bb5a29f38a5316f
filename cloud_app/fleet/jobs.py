"""Jobs for boxes, and how they go on: the seam for roll-outs (AWS IoT's words and rules).

    queue(session, orders, actor, now_ms)    have boxes do a job; a box that is away finds it later
    withdraw(session, job, edges, now_ms)    take it back where no box has begun it
    listed(session, wanted)                  how the jobs of an edge, or one job on all edges, stand

A job goes QUEUED -> IN_PROGRESS -> SUCCEEDED, FAILED or REJECTED; CANCELED where it was withdrawn.
A box does one after the other, the oldest first, and one that lost power is given its job again.
Where the broker has a jobs service of its own (AWS), these tables stay empty.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from pydantic import BaseModel
from sqlalchemy import bindparam, delete, exists, insert, select, update

from cloud_app.fleet.calibrations.tables import calibration_revision
from cloud_app.fleet.campaigns.tables import campaign_box
from cloud_app.fleet.commands import CommandError
from cloud_app.fleet.tables import job
from cloud_app.json_values import read_json
from cloud_app.storage.database import Row, Session
from cloud_app.storage.placing import sites_of_boxes
from cloud_app.storage.times import from_ms
from telemetry import is_identifier
from telemetry.aws import JobDocument, JobStatus


@dataclass(frozen=True, slots=True)
class JobOrder:
    """A job for one box.

    Attributes:
        edge: the box.
        job: its id; one id may stand for the same job on many boxes.
        document: what to do.
    """

    edge: str
    job: str
    document: JobDocument

    def __post_init__(self) -> None:
        if not is_identifier(self.job):
            msg = f"expected an identifier as id of a job, but got {self.job!r}"
            raise CommandError(msg)


class JobNow(BaseModel):
    """How a job stands on one box."""

    job: str
    edge: str
    document: dict[str, Any]
    actor: str
    status: JobStatus
    version: int
    details: dict[str, str]
    queued: datetime
    started: datetime | None
    ended: datetime | None


@dataclass(frozen=True, slots=True)
class JobFilter:
    """Which jobs are wanted; None does not matter.

    Attributes:
        edge: of this box.
        job: of this id.
        statuses: that stand so.
        limit: most of them, the newest first.
    """

    edge: str | None = None
    job: str | None = None
    statuses: Collection[JobStatus] | None = None
    limit: int = 10_000


_INSERT = insert(job)
_IS_IT = (job.c.edge == bindparam("of")) & (job.c.job == bindparam("called"))
_WITHDRAW = (
    update(job)
    .where(_IS_IT, job.c.status == JobStatus.QUEUED.value)
    .values(status=JobStatus.CANCELED.value, version=job.c.version + 1, ended_ms=bindparam("at"))
)

_OLD_JOBS = delete(job).where(
    job.c.ended_ms < bindparam("before_ms"),
    *(
        ~exists().where(each.c.edge == job.c.edge, each.c.job == job.c.job)
        for each in (calibration_revision, campaign_box)
    ),
)


def queue(session: Session, orders: Sequence[JobOrder], actor: str, now_ms: int) -> int:
    """Have boxes do jobs; one that a box has already stays as it is. Returns how many are new.

    Raises:
        CommandError: no such box is known; nothing is queued.
    """
    names = sorted({each.edge for each in orders})
    if unknown := set(names) - sites_of_boxes(session, names).keys():
        msg = f"expected known boxes, but got {', '.join(sorted(unknown)[:5])}"
        raise CommandError(msg)
    there = {
        (each.edge, each.job)
        for name in sorted({order.job for order in orders})
        for each in listed(session, JobFilter(job=name))
    }
    rows = [
        {
            "edge": each.edge,
            "job": each.job,
            "document": each.document.model_dump_json(by_alias=True, exclude_none=True),
            "actor": actor,
            "status": JobStatus.QUEUED.value,
            "version": 1,
            "details": "{}",
            "told": 0,
            "queued_ms": now_ms,
        }
        for each in orders
        if (each.edge, each.job) not in there
    ]
    session.run_many(_INSERT, rows)
    return len(rows)


def withdraw(session: Session, name: str, edges: Collection[str], now_ms: int) -> int:
    """Take a job back where no box has begun it; returns on how many boxes."""
    return sum(
        session.run(_WITHDRAW, {"of": edge, "called": name, "at": now_ms}) for edge in sorted(edges)
    )


def listed(session: Session, wanted: JobFilter) -> list[JobNow]:
    """Jobs, the newest first."""
    query = select(job).order_by(job.c.queued_ms.desc(), job.c.edge, job.c.job)
    if wanted.edge is not None:
        query = query.where(job.c.edge == wanted.edge)
    if wanted.job is not None:
        query = query.where(job.c.job == wanted.job)
    if wanted.statuses is not None:
        query = query.where(job.c.status.in_([each.value for each in wanted.statuses]))
    return [job_of(row) for row in session.rows(query.limit(wanted.limit))]


def job_of(row: Row) -> JobNow:
    """A row of `job`."""
    return JobNow(
        job=row.job,
        edge=row.edge,
        document=read_json(row.document),
        actor=row.actor,
        status=JobStatus(row.status),
        version=row.version,
        details=read_json(row.details),
        queued=from_ms(row.queued_ms),
        started=from_ms(row.started_ms),
        ended=from_ms(row.ended_ms),
    )


def details_text(details: Mapping[str, str]) -> str:
    """Details as the table holds them."""
    return json.dumps(dict(details), sort_keys=True)


def prune_jobs(session: Session, before_ms: int) -> int:
    """Delete jobs that ended before that, unless a revision or roll-out still shows them."""
    return session.run(_OLD_JOBS, {"before_ms": before_ms})
