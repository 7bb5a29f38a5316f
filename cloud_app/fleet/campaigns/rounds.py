"""The leader's round: what boxes said of their jobs, and what each campaign does next."""

from __future__ import annotations

import json
import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import select

from cloud_app.fleet import jobs
from cloud_app.fleet.campaigns.acts import give, mark, send_back, stop, turn
from cloud_app.fleet.campaigns.desired import settle
from cloud_app.fleet.campaigns.planning import BoxNow, BoxState, CampaignState, next_step
from cloud_app.fleet.campaigns.store import Campaign, CampaignBox, active, boxes_of, load
from cloud_app.fleet.campaigns.tables import campaign_box
from cloud_app.fleet.jobs import JobFilter, JobNow
from cloud_app.json_values import read_json
from cloud_app.storage.database import Database, Session
from cloud_app.storage.edge_queries import EdgeFilter, edges_now
from cloud_app.storage.queries import Now
from cloud_app.storage.times import to_ms
from cloud_app.views import EdgeNow
from telemetry import Clock
from telemetry.aws import JobStatus

_log = logging.getLogger(__name__)

# Fewer say nothing of a network.
_LEAST_BAYS = 100

_GOING: Mapping[JobStatus, BoxState] = {
    JobStatus.QUEUED: BoxState.QUEUED,
    JobStatus.IN_PROGRESS: BoxState.RUNNING,
    JobStatus.SUCCEEDED: BoxState.DONE,
    JobStatus.FAILED: BoxState.FAILED,
    JobStatus.REJECTED: BoxState.FAILED,
    JobStatus.CANCELED: BoxState.CANCELLED,
}
_GOING_BACK: Mapping[JobStatus, BoxState] = {
    JobStatus.QUEUED: BoxState.RETURNING,
    JobStatus.IN_PROGRESS: BoxState.RETURNING,
    JobStatus.SUCCEEDED: BoxState.RETURNED,
    JobStatus.FAILED: BoxState.STUCK,
    JobStatus.REJECTED: BoxState.STUCK,
    JobStatus.CANCELED: BoxState.STUCK,
}


@dataclass(slots=True)
class CampaignRounds:
    """What the leader does for campaigns.

    Attributes:
        database: with campaigns, jobs and the boxes' health.
        stale_after_s: a box silent for so long is away.
        clock: wall time.
    """

    database: Database
    stale_after_s: float
    clock: Clock

    def tick(self) -> None:
        """One round, each campaign in its own transaction.

        Raises:
            StorageError: the database did not do it; the next round tries again.
        """
        with self.database.read() as session:
            names = [each.id for each in active(session)]
        for name in names:
            with self.database.write() as session:
                # Read once more: a person may have paused it meanwhile.
                found = load(session, name)
                if found is not None:
                    self._go_on(session, found)

    def _go_on(self, session: Session, now: Campaign) -> None:
        now_ms = to_ms(self.clock.utc())
        boxes = _taken_up(session, now, now_ms)
        there = self._there(session, {each.site for each in boxes}, now_ms)
        boxes = _with_drops(session, now, boxes, there)
        if now.goes_back:
            send_back(session, now, now_ms)
        if now.state is not CampaignState.RUNNING:
            return
        step = next_step(now.plan, [_now(each, there) for each in boxes], now_ms)
        if step.state is CampaignState.STOPPED:
            _log.warning("campaign %s stopped: %s", now.id, step.reason)
            stop(session, now, now_ms, step.reason, roll_back=now.former is not None)
            return
        if step.give:
            given = set(step.give)
            for each in boxes:
                if each.edge in given:
                    mark(session, now.id, [each.edge], audits=_audits_text(there.get(each.edge)))
            give(session, now, step.give, now_ms)
        if step.state is CampaignState.FINISHED:
            _log.info("campaign %s finished", now.id)
            turn(session, now, CampaignState.FINISHED, now_ms)

    def _there(self, session: Session, sites: set[str], now_ms: int) -> dict[str, EdgeNow]:
        moment = Now(now_ms, int(self.stale_after_s * 1000))
        return {each.edge: each for each in edges_now(session, moment, EdgeFilter(sites=sites))}


def _taken_up(session: Session, now: Campaign, now_ms: int) -> Sequence[CampaignBox]:
    """The boxes, once it is written down what they said of their jobs."""
    boxes = boxes_of(session, now.id)
    wanted = {each.edge: each for each in boxes if each.state.is_open}
    names = sorted({each.job for each in wanted.values() if each.job is not None})
    has_changed = False
    for name in names:
        for job in jobs.listed(session, JobFilter(job=name, limit=100_000)):
            box = wanted.get(job.edge)
            if box is not None and box.job == name:
                has_changed |= _take_one(session, now, box, job, now_ms)
    return boxes_of(session, now.id) if has_changed else boxes


def _take_one(session: Session, now: Campaign, box: CampaignBox, job: JobNow, now_ms: int) -> bool:
    states = _GOING_BACK if box.state is BoxState.RETURNING else _GOING
    detail = job.details.get("detail", box.detail)
    if (states[job.status], detail) == (box.state, box.detail):
        return False
    mark(
        session,
        now.id,
        [box.edge],
        state=states[job.status],
        detail=detail,
        started_ms=None if job.started is None else to_ms(job.started),
        ended_ms=None if job.ended is None else to_ms(job.ended),
    )
    if job.status.is_final and job.status is not JobStatus.SUCCEEDED:
        document = now.former if box.state is BoxState.RETURNING else now.document
        settle(session, document or now.document, box.edge, now_ms)
    return True


def _now(box: CampaignBox, there: Mapping[str, EdgeNow]) -> BoxNow:
    edge = there.get(box.edge)
    return BoxNow(
        edge=box.edge,
        batch=box.batch,
        state=box.state,
        attempts=box.attempts,
        is_online=edge is not None and edge.online and not edge.stale,
        ended_ms=None if box.ended is None else to_ms(box.ended),
        accuracy_drop=box.accuracy_drop if box.state is BoxState.DONE else None,
    )


def _audits(edge: EdgeNow | None) -> dict[str, dict[str, Any]]:
    """The audit of each camera that has one."""
    health = {} if edge is None else edge.health or {}
    cameras = health.get("cameras", ())
    return {each["camera"]: each["audit"] for each in cameras if each.get("audit")}


def _audits_text(edge: EdgeNow | None) -> str:
    return json.dumps({camera: audit["accuracy"] for camera, audit in _audits(edge).items()})


def _with_drops(
    session: Session, now: Campaign, boxes: Sequence[CampaignBox], there: Mapping[str, EdgeNow]
) -> Sequence[CampaignBox]:
    """The boxes, once it is written down how far audited accuracy fell where the job is done."""
    done = {each.edge: each for each in boxes if each.state is BoxState.DONE}
    if now.plan.audit_drop is None or not done:
        return boxes
    query = select(campaign_box.c.edge, campaign_box.c.audits).where(
        campaign_box.c.campaign == now.id, campaign_box.c.audits.is_not(None)
    )
    drops: dict[str, float] = {}
    for row in session.rows(query):
        box = done.get(row.edge)
        if box is None or box.ended is None:
            continue
        drop = accuracy_drop(read_json(row.audits), _audits(there.get(row.edge)), box.ended)
        if drop is not None and drop != box.accuracy_drop:
            mark(session, now.id, [row.edge], accuracy_drop=drop)
            drops[row.edge] = drop
    return [
        each.model_copy(update={"accuracy_drop": drops.get(each.edge, each.accuracy_drop)})
        for each in boxes
    ]


def accuracy_drop(
    before: Mapping[str, float], audits: Mapping[str, Mapping[str, Any]], since: datetime
) -> float | None:
    """How far the worst camera's audited accuracy fell for sure; None while nothing is known.

    Args:
        before: accuracy by camera, when the job was given.
        audits: of the contract's health message, by camera, as they are now.
        since: when the box had what is rolled out; an audit that counts older images is of what
            was before (an audit begins again with another network).
    """
    drops = [
        before[camera] - float(audit["high"])
        for camera, audit in audits.items()
        if camera in before
        and audit["bays"] >= _LEAST_BAYS
        and datetime.fromisoformat(audit["since"]) >= since
    ]
    return max(0.0, *drops) if drops else None
