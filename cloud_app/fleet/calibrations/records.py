"""The revisions of a camera's calibration and how they go on, as the database has them."""

from __future__ import annotations

import json
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from pydantic import BaseModel, Field
from sqlalchemy import and_, bindparam, delete, insert, select, update

from cloud_app.fleet.calibrations.tables import calibration_revision
from cloud_app.fleet.commands import CommandFilter, CommandNow, listed
from cloud_app.fleet.tables import job
from cloud_app.json_values import read_json
from cloud_app.storage.database import Row, Session
from cloud_app.storage.times import from_ms
from telemetry.aws import JobStatus
from telemetry.commands import CommandName

_GONE = frozenset({JobStatus.FAILED, JobStatus.REJECTED, JobStatus.CANCELED})
_SHOWN = 50
_LOOKED_AT = 500


class Changes(BaseModel):
    """What a revision changed."""

    added: tuple[str, ...] = Field((), description="bays")
    removed: tuple[str, ...] = Field((), description="bays; their ids are never used again")
    changed: tuple[str, ...] = Field((), description="bays that were moved, or are of another kind")
    facts: tuple[str, ...] = Field((), description="what concerns no single bay")


class RevisionNow(BaseModel):
    """A revision, and what became of it."""

    id: str
    revision: int
    base: int = Field(description="the revision that was edited; 0: none")
    author: str
    note: str
    at: datetime = Field(description="when it was saved here, or read from the box")
    bays: int
    changes: Changes
    status: JobStatus | None = Field(description="of the job; null: the box had it by itself")
    detail: str = Field(description="what the box said")
    started: datetime | None
    ended: datetime | None

    @property
    def counts(self) -> bool:
        """Whether the box has it, or will have it as far as anybody knows."""
        return self.status not in _GONE


@dataclass(frozen=True, slots=True)
class Kept:
    """A revision with its document.

    Attributes:
        now: what became of it.
        text: the calibration as JSON.
        dismissed: whether nobody wants it any more, as the box refused it.
    """

    now: RevisionNow
    text: str
    dismissed: bool


@dataclass(frozen=True, slots=True)
class NewRevision:
    """A revision that is to be kept.

    Attributes:
        id: of it, and of the job that rolls it out.
        edge: the box.
        camera: of the box.
        revision: its number.
        base: number of the one before.
        author: who saved it.
        note: of the author.
        changes: what it changed.
        text: the calibration as JSON.
        rolls_out: whether a job of its id brings it to the box; else the box had it.
    """

    id: str
    edge: str
    camera: str
    revision: int
    base: int
    author: str
    note: str
    changes: Changes
    text: str
    rolls_out: bool


_OF_CAMERA = (
    select(calibration_revision, job.c.status, job.c.details, job.c.started_ms, job.c.ended_ms)
    .outerjoin(
        job,
        and_(job.c.job == calibration_revision.c.job, job.c.edge == calibration_revision.c.edge),
    )
    .where(
        calibration_revision.c.edge == bindparam("of"),
        calibration_revision.c.camera == bindparam("seen_by"),
    )
    .order_by(calibration_revision.c.at_ms.desc(), calibration_revision.c.revision.desc())
    .limit(_SHOWN)
)
_INSERT = insert(calibration_revision)
_OLD = (
    select(calibration_revision.c.calibration.label("of"))
    .where(
        calibration_revision.c.edge == bindparam("at"),
        calibration_revision.c.camera == bindparam("seen_by"),
    )
    .order_by(calibration_revision.c.at_ms.desc(), calibration_revision.c.revision.desc())
    .offset(_SHOWN)
)
_FORGET = delete(calibration_revision).where(calibration_revision.c.calibration == bindparam("of"))
_DISMISS = (
    update(calibration_revision)
    .where(
        calibration_revision.c.edge == bindparam("of"),
        calibration_revision.c.camera == bindparam("seen_by"),
        calibration_revision.c.calibration == bindparam("which"),
    )
    .values(dismissed=1)
)


def new_id() -> str:
    """The id of a revision."""
    return f"cal-{secrets.token_hex(8)}"


def kept(session: Session, edge: str, camera: str) -> list[Kept]:
    """The newest revisions of a camera, the newest first."""
    return [_kept(row) for row in session.rows(_OF_CAMERA, {"of": edge, "seen_by": camera})]


def keep(session: Session, new: NewRevision, now_ms: int) -> None:
    """Keep a revision; of a camera the newest 50 are kept."""
    row = {
        "calibration": new.id, "edge": new.edge, "camera": new.camera, "revision": new.revision,
        "base": new.base, "author": new.author, "note": new.note,
        "changes": new.changes.model_dump_json(), "document": new.text,
        "job": new.id if new.rolls_out else None, "dismissed": 0, "at_ms": now_ms,
    }  # fmt: skip
    session.run(_INSERT, row)
    old = session.rows(_OLD, {"at": new.edge, "seen_by": new.camera})
    session.run_many(_FORGET, [{"of": each.of} for each in old])
    session.announce(new.edge)


def dismiss(session: Session, edge: str, camera: str, name: str) -> None:
    """Note that nobody wants the work of a revision any more."""
    session.run(_DISMISS, {"of": edge, "seen_by": camera, "which": name})


def newest(revisions: Sequence[Kept]) -> Kept | None:
    """The revision that the box has, or will have as far as anybody knows."""
    return next((each for each in revisions if each.now.counts), None)


def fetched(session: Session, edge: str, camera: str, name: CommandName) -> CommandNow | None:
    """The newest command of that name to that camera."""
    wanted = CommandFilter(edge=edge, name=name, limit=_LOOKED_AT)
    of_camera = (each for each in listed(session, wanted) if each.args.get("camera") == camera)
    return next(of_camera, None)


def reported_revision(reported: Mapping[str, Any], camera: str) -> int | None:
    """The revision that a box says to use, in its shadow `config`; None: it says none."""
    cameras = reported.get("cameras")
    facts = cameras.get(camera) if isinstance(cameras, Mapping) else None
    found = facts.get("calibration") if isinstance(facts, Mapping) else None
    return found if isinstance(found, int) else None


def _kept(row: Row) -> Kept:
    details = read_json(row.details) if row.details else {}
    document = json.loads(row.document)
    now = RevisionNow(
        id=row.calibration,
        revision=row.revision,
        base=row.base,
        author=row.author,
        note=row.note,
        at=from_ms(row.at_ms),
        bays=len(document.get("bays", ())),
        changes=Changes.model_validate_json(row.changes),
        status=None if row.status is None else JobStatus(row.status),
        detail=details.get("detail", ""),
        started=from_ms(row.started_ms),
        ended=from_ms(row.ended_ms),
    )
    return Kept(now, row.document, bool(row.dismissed))
