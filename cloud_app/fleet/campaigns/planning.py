"""What a campaign does next: one pure function of how its boxes stand.

The canaries go first; a batch begins once every box of those before has ended and the soak time is
over. A box that is away keeps its job and holds up nobody, but for the canaries, of which one at
least must have succeeded. The campaign stops itself when too many boxes failed, or when a camera's
audited accuracy fell too far on a box that has what is rolled out.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from cloud_app.fleet.commands import CommandError

CANARIES = 0
"""Number of the first batch."""


class BoxState(StrEnum):
    """Where a box stands in a campaign."""

    PENDING = "pending"
    """Its batch has not begun."""
    QUEUED = "queued"
    """Its job is there; the box has not begun it."""
    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"
    """The box keeps what it had before."""
    CANCELLED = "cancelled"
    RETURNING = "returning"
    """It had what was rolled out, and is sent back to what was before."""
    RETURNED = "returned"
    STUCK = "stuck"
    """Going back failed."""

    @property
    def is_open(self) -> bool:
        """Whether more is expected of the box."""
        return self in OPEN


OPEN = frozenset({BoxState.PENDING, BoxState.QUEUED, BoxState.RUNNING, BoxState.RETURNING})


class CampaignState(StrEnum):
    """Where a campaign stands."""

    DRAFT = "draft"
    RUNNING = "running"
    PAUSED = "paused"
    STOPPED = "stopped"
    FINISHED = "finished"


@dataclass(frozen=True, slots=True)
class Plan:
    """How a campaign goes about it.

    Attributes:
        canaries: boxes that go first.
        batch: boxes at once after that.
        stop_after_failures: so many failed boxes stop the campaign.
        attempts: how often a box tries.
        soak_s: pause between the end of a batch and the next one.
        audit_drop: fall of a camera's audited accuracy, as a share, that stops the campaign; None:
            accuracy is not looked at.
    """

    canaries: int = 1
    batch: int = 10
    stop_after_failures: int = 2
    attempts: int = 2
    soak_s: float = 600.0
    audit_drop: float | None = 0.02

    def __post_init__(self) -> None:
        for name, least, most in (
            ("canaries", 1, 10_000),
            ("batch", 1, 10_000),
            ("stop_after_failures", 1, 100_000),
            ("attempts", 1, 10),
            ("soak_s", 0, 30 * 86_400),
        ):
            value = getattr(self, name)
            if not least <= value <= most:
                msg = f"expected {name} from {least} to {most}, but got {value}"
                raise CommandError(msg)
        if self.audit_drop is not None and not 0 < self.audit_drop <= 1:
            msg = f"expected audit_drop above 0 and at most 1, but got {self.audit_drop}"
            raise CommandError(msg)

    def batch_of(self, place: int) -> int:
        """Number of the batch of the box at a place in the list, from 0."""
        if place < self.canaries:
            return CANARIES
        return 1 + (place - self.canaries) // self.batch


@dataclass(frozen=True, slots=True)
class BoxNow:
    """How a box stands.

    Attributes:
        edge: the box.
        batch: number of its batch.
        state: where it stands.
        attempts: how often it was given the job.
        is_online: whether it is there now.
        ended_ms: when it last ended, Unix milliseconds.
        accuracy_drop: how far its worst camera's audited accuracy fell since it has what is rolled
            out, as a share; None while that is not known.
    """

    edge: str
    batch: int
    state: BoxState
    attempts: int = 0
    is_online: bool = True
    ended_ms: int | None = None
    accuracy_drop: float | None = None


@dataclass(frozen=True, slots=True)
class Step:
    """What is to be done.

    Attributes:
        give: boxes that get the job now, for the first time or once more.
        state: where the campaign stands after it.
        reason: why it stopped, for people; empty otherwise.
    """

    give: tuple[str, ...] = ()
    state: CampaignState = CampaignState.RUNNING
    reason: str = ""


def next_step(plan: Plan, boxes: Sequence[BoxNow], now_ms: int) -> Step:
    """What a running campaign does next."""
    failed = [each.edge for each in boxes if _has_failed(plan, each)]
    if len(failed) >= plan.stop_after_failures:
        reason = f"{len(failed)} of {len(boxes)} boxes failed: {', '.join(sorted(failed)[:5])}"
        return Step(state=CampaignState.STOPPED, reason=reason)
    if fallen := _fallen(plan, boxes):
        reason = (
            f"audited accuracy fell by {fallen.accuracy_drop or 0:.1%} on {fallen.edge}, "
            f"at most {plan.audit_drop:.1%} expected"
        )
        return Step(state=CampaignState.STOPPED, reason=reason)
    again = [
        each.edge for each in boxes if each.state is BoxState.FAILED and not _spent(plan, each)
    ]
    begun = [each for each in boxes if each.state is not BoxState.PENDING]
    waiting = [each for each in boxes if each.state is BoxState.PENDING]
    if not waiting:
        is_over = not again and not any(each.state.is_open for each in boxes)
        return Step(tuple(again), CampaignState.FINISHED if is_over else CampaignState.RUNNING)
    first = min(each.batch for each in waiting)
    if not begun or (not again and _may_go_on(plan, begun, now_ms)):
        again += [each.edge for each in waiting if each.batch == first]
    return Step(tuple(again))


def _spent(plan: Plan, box: BoxNow) -> bool:
    return box.attempts >= plan.attempts


def _has_failed(plan: Plan, box: BoxNow) -> bool:
    return box.state is BoxState.FAILED and _spent(plan, box)


def _fallen(plan: Plan, boxes: Sequence[BoxNow]) -> BoxNow | None:
    if plan.audit_drop is None:
        return None
    known = [each for each in boxes if each.accuracy_drop is not None]
    worst = max(known, key=lambda each: each.accuracy_drop or 0.0, default=None)
    if worst is None or (worst.accuracy_drop or 0.0) < plan.audit_drop:
        return None
    return worst


def _may_go_on(plan: Plan, begun: Sequence[BoxNow], now_ms: int) -> bool:
    """Whether the batches that have begun allow for the next one."""
    if any(each.state is BoxState.RUNNING for each in begun):
        return False
    if any(each.state is BoxState.QUEUED and each.is_online for each in begun):
        return False
    canaries = [each for each in begun if each.batch == CANARIES]
    if not any(each.state is BoxState.DONE for each in canaries):
        return False
    last_ms = max((each.ended_ms or 0 for each in begun), default=0)
    return now_ms >= last_ms + int(plan.soak_s * 1000)
