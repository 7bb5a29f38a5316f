"""What is done to a campaign and its boxes: started, paused, stopped, sent back."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

from sqlalchemy import bindparam, func, update

from cloud_app.errors import CloudError
from cloud_app.fleet import jobs
from cloud_app.fleet.campaigns.desired import settle, wish
from cloud_app.fleet.campaigns.planning import BoxState, CampaignState
from cloud_app.fleet.campaigns.store import Campaign, boxes_of, load
from cloud_app.fleet.campaigns.tables import campaign, campaign_box
from cloud_app.fleet.commands import CommandError
from cloud_app.storage.database import Session
from telemetry.aws import JobDocument, JobKind


class StaleCampaignError(CloudError):
    """A campaign changed since it was looked at."""


_TURNS: Mapping[CampaignState, frozenset[CampaignState]] = {
    CampaignState.RUNNING: frozenset({CampaignState.DRAFT, CampaignState.PAUSED}),
    CampaignState.PAUSED: frozenset({CampaignState.RUNNING}),
    CampaignState.STOPPED: frozenset(
        {CampaignState.DRAFT, CampaignState.RUNNING, CampaignState.PAUSED}
    ),
    CampaignState.FINISHED: frozenset({CampaignState.RUNNING}),
}
"""Which states a campaign comes to a state from."""


def known(session: Session, name: str, expected_version: int | None = None) -> Campaign:
    """A campaign, as it was looked at.

    Raises:
        CommandError: there is none of this id.
        StaleCampaignError: it changed since.
    """
    found = load(session, name)
    if found is None:
        msg = f"no campaign {name!r}"
        raise CommandError(msg)
    if expected_version not in {None, found.version}:
        msg = f"expected version {expected_version} of the campaign, but it has {found.version}"
        raise StaleCampaignError(msg)
    return found


def turn(session: Session, now: Campaign, to: CampaignState, now_ms: int, reason: str = "") -> None:
    """Bring a campaign to another state.

    Raises:
        CommandError: it cannot come there from where it stands.
    """
    if now.state not in _TURNS[to]:
        msg = f"a campaign that is {now.state.value} cannot become {to.value}"
        raise CommandError(msg)
    values: dict[str, Any] = {
        "state": to.value,
        "reason": reason,
        "version": now.version + 1,
        "started_ms": func.coalesce(campaign.c.started_ms, now_ms),
    }
    if to in {CampaignState.STOPPED, CampaignState.FINISHED}:
        values["ended_ms"] = now_ms
    session.run(update(campaign).where(campaign.c.campaign == now.id).values(values))


def stop(session: Session, now: Campaign, now_ms: int, reason: str, *, roll_back: bool) -> None:
    """Stop a campaign; jobs that no box has begun are withdrawn.

    Args:
        session: to write with.
        now: the campaign.
        now_ms: Unix milliseconds.
        reason: for people.
        roll_back: whether boxes that have what was rolled out, or will yet, are sent back.

    Raises:
        CommandError: it ended before, or there is no way back.
    """
    if roll_back and now.former is None:
        msg = "expected a way back in the campaign, but it was made without one"
        raise CommandError(msg)
    turn(session, now, CampaignState.STOPPED, now_ms, reason)
    for each in boxes_of(session, now.id):
        is_withdrawn = (
            each.state is BoxState.QUEUED
            and each.job is not None
            and jobs.withdraw(session, each.job, [each.edge], now_ms)
        )
        if each.state is BoxState.PENDING or is_withdrawn:
            mark(session, now.id, [each.edge], state=BoxState.CANCELLED, ended_ms=now_ms)
        if is_withdrawn:
            settle(session, now.document, each.edge, now_ms)
    if roll_back:
        values = {"goes_back": 1}
        session.run(update(campaign).where(campaign.c.campaign == now.id).values(values))
        send_back(session, now, now_ms)


def retry(session: Session, now: Campaign, now_ms: int) -> int:
    """Give boxes that failed the job once more; returns how many.

    Raises:
        CommandError: the campaign does not run and is not paused.
    """
    if now.state not in {CampaignState.RUNNING, CampaignState.PAUSED}:
        msg = f"expected a campaign that runs or is paused, but it is {now.state.value}"
        raise CommandError(msg)
    failed = [each.edge for each in boxes_of(session, now.id) if each.state is BoxState.FAILED]
    give(session, now, failed, now_ms)
    return len(failed)


def give(session: Session, now: Campaign, edges: Collection[str], now_ms: int) -> None:
    """Have boxes do the job; the job of each attempt has an id of its own."""
    wanted = set(edges)
    by_attempt: dict[int, list[str]] = {}
    for each in boxes_of(session, now.id):
        if each.edge in wanted:
            by_attempt.setdefault(each.attempts + 1, []).append(each.edge)
    for attempts, names in by_attempt.items():
        job = f"{now.id}-{attempts}"
        document = _named(now.document, job)
        orders = [jobs.JobOrder(name, job, document) for name in names]
        jobs.queue(session, orders, now.actor, now_ms)
        wish(session, document, names, job, now_ms)
        mark(
            session, now.id, names, state=BoxState.QUEUED, attempts=attempts, job=job,
            given_ms=now_ms, started_ms=None, ended_ms=None,
        )  # fmt: skip


def send_back(session: Session, now: Campaign, now_ms: int) -> None:
    """Send boxes that have what was rolled out back to what was before."""
    if now.former is None:
        return
    job = f"{now.id}-back"
    done = [each.edge for each in boxes_of(session, now.id) if each.state is BoxState.DONE]
    document = _named(now.former, job)
    orders = [jobs.JobOrder(edge, job, document) for edge in done]
    jobs.queue(session, orders, now.actor, now_ms)
    wish(session, document, done, job, now_ms)
    mark(
        session, now.id, done, state=BoxState.RETURNING, job=job, given_ms=now_ms,
        started_ms=None, ended_ms=None,
    )  # fmt: skip


def _named(document: JobDocument, job: str) -> JobDocument:
    """The job under its id: to a box, settings asked for again are another attempt."""
    if document.kind is not JobKind.CONFIG:
        return document
    return document.model_copy(update={"target": job})


def mark(session: Session, name: str, edges: Collection[str], **values: Any) -> None:
    """Write how boxes of a campaign stand."""
    if "state" in values:
        values["state"] = values["state"].value
    statement = update(campaign_box).where(
        campaign_box.c.campaign == name, campaign_box.c.edge == bindparam("of")
    )
    session.run_many(statement.values(**values), [{"of": each} for each in sorted(edges)])
