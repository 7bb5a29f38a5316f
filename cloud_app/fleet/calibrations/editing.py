"""Calibrations of boxes for the editor: the same checks as on the box, roll-outs as jobs."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from sqlalchemy import bindparam, delete, insert, select

from calibration import (
    Calibration,
    Code,
    Finding,
    RevisionConflictError,
    Severity,
    brought_back,
    compare,
    lost_masks,
    next_revision,
    parse_calibration,
    with_retired,
)
from calibration.editor import Edit
from calibration.editor.documents import Draft
from calibration.editor.pictures import wh_of
from calibration.succession import format_calibration
from cloud_app.accounts.audit import Actor, Subject, record
from cloud_app.fleet.calibrations import records
from cloud_app.fleet.calibrations.records import Changes, Kept, NewRevision
from cloud_app.fleet.calibrations.tables import calibration_draft
from cloud_app.fleet.commands import CommandError, CommandNow, CommandState
from cloud_app.fleet.files import CommandFile, file_of
from cloud_app.fleet.jobs import JobOrder, queue
from cloud_app.storage.database import Database, Session
from cloud_app.storage.times import from_ms, to_ms
from telemetry import CalibrationError, CameraError
from telemetry.aws import CalibrationEdit, JobDocument, JobKind
from telemetry.commands import CommandName
from telemetry.packing import pack
from vision.image_file import decode_image
from vision.types import ImageBgr

_DRAFTS = 8
_OF_BOX = "edit-"
"""Drafts that begin so are edits that the box refused."""


def take_in(session: Session, edge: str, camera: str, file: CommandFile, now_ms: int) -> None:
    """Keep what a box handed over, if it is another calibration than the newest that is known.

    Raises:
        CalibrationError: it is not the calibration of that camera.
    """
    given = parse_calibration(file.data, file.name)
    if given.camera != camera:
        msg = f"expected the calibration of camera {camera}, but got that of {given.camera}"
        raise CalibrationError(msg)
    known = [each for each in records.kept(session, edge, camera) if each.now.counts]
    same = (each for each in known if each.now.revision == given.revision)
    former = _read(known[0]) if known else None
    if any(_is_same(_read(each), given) for each in same):
        return
    new = NewRevision(
        id=records.new_id(), edge=edge, camera=camera, revision=given.revision,
        base=0 if former is None else former.revision, author=given.author, note=given.note,
        changes=_changes(former, given), text=format_calibration(given), rolls_out=False,
    )  # fmt: skip
    records.keep(session, new, now_ms)


@dataclass(frozen=True, slots=True)
class CameraAtBox:
    """A camera of a box, and who edits it.

    Attributes:
        database: with what is known of it.
        edge: the box.
        camera: its id.
        actor: who edits.
        tenant: whose audit log tells of it.
        reported: the revision that the box says to use; None: it says none.
    """

    database: Database
    edge: str
    camera: str
    actor: Actor
    tenant: str | None
    reported: int | None

    @property
    def place(self) -> str:
        """For errors."""
        return f"camera {self.camera} of {self.edge}"


class BoxCalibration:
    """The calibration of a camera at a box, as the editor's store.

    What is saved is kept here and rolled out by a job; the box checks it once more. A box that is
    away takes it up later, and refuses it if it has another revision by then.
    """

    takes_references = False

    def __init__(self, at: CameraAtBox) -> None:
        """Edit a camera."""
        self._at = at
        self.drafts = BoxDrafts(at)

    def present(self) -> Calibration | None:
        """The newest revision that the box has or will have; None: it has none.

        Raises:
            CalibrationError: the box has a newer one that is not known here.
        """
        with self._at.database.read() as session:
            return self._present(session)

    def history(self) -> tuple[Calibration, ...]:
        """The revisions that are known here, oldest first."""
        return tuple(found for _, found in sorted(self._by_number().items()))

    def revision(self, number: int) -> Calibration:
        """One of them.

        Raises:
            CalibrationError: it is not known here.
        """
        known = self._by_number()
        if number not in known:
            numbers = ", ".join(map(str, sorted(known))) or "none"
            msg = f"{self._at.place}: expected a revision ({numbers}), but got {number}"
            raise CalibrationError(msg)
        return known[number]

    def reference(self, calibration: Calibration) -> ImageBgr:
        """There is none to compare with.

        Raises:
            CalibrationError: always.
        """
        msg = f"camera {calibration.camera}: one that moved is aligned at the box"
        raise CalibrationError(msg)

    def remarks(self, calibration: Calibration) -> list[Finding]:
        """Bays that would vanish: reports and permits far from the box may name them."""
        present = self.present()
        kept = set(calibration.bay_ids)
        return [
            Finding(
                Severity.WARNING,
                Code.DELETED,
                None,
                f"bay {bay.id} is deleted: its history ends, and its id is never used again",
                "undo this if the bay is still there; Restore brings it back later",
                at_norm=bay.polygon[0],
            )
            for bay in (() if present is None else present.bays)
            if bay.id not in kept
        ]

    def save(self, edit: Edit) -> Calibration:
        """Keep the next revision, and have the box take it up.

        Raises:
            RevisionConflictError: another revision was saved in the meantime.
            InvalidCalibrationError: bays are wrong.
            CalibrationError: it would uncover what a mask hides, or the box has a newer revision.
        """
        if edit.new_reference:
            self.reference(edit.calibration)
        with self._at.database.write() as session:
            present = self._based_on(session, edit.base_revision)
            content = with_retired(edit.calibration, present)
            return self._roll_out(session, content, present, edit.author)

    def roll_back(self, revision: int, author: str, base_revision: int) -> Calibration:
        """Have the box take up a former revision again, as a new one.

        Raises:
            RevisionConflictError: another revision was saved in the meantime.
            CalibrationError: it is not known here, or would uncover what a mask hides.
        """
        wanted = self.revision(revision)
        with self._at.database.write() as session:
            present = self._based_on(session, base_revision)
            note = {"note": f"roll back to revision {revision}"}
            content = brought_back(wanted, present).model_copy(update=note)
            return self._roll_out(session, content, present, author)

    def _present(self, session: Session) -> Calibration | None:
        found = records.newest(records.kept(session, self._at.edge, self._at.camera))
        reported = self._at.reported or 0
        known = 0 if found is None else found.now.revision
        if reported > known:
            msg = (
                f"{self._at.place} has revision {reported}, and {known or 'none'} is the newest "
                "known here: fetch it on the camera's page. What is drawn stays"
            )
            raise CalibrationError(msg)
        return None if found is None else _read(found)

    def _based_on(self, session: Session, base_revision: int) -> Calibration | None:
        present = self._present(session)
        found = 0 if present is None else present.revision
        if found != base_revision:
            raise RevisionConflictError(self._at.place, base_revision, found)
        return present

    def _roll_out(
        self, session: Session, content: Calibration, present: Calibration | None, author: str
    ) -> Calibration:
        at = self._at
        if present is not None and (lost := lost_masks(present, content)):
            msg = (
                f"{at.place}: privacy masks can be changed and removed at the box only, but "
                f"{', '.join(lost)} is another one or missing"
            )
            raise CalibrationError(msg)
        now_utc = from_ms(at.actor.at_ms)
        saved = next_revision(content, present, source=at.place, author=author, now_utc=now_utc)
        changes, text = _changes(present, saved), format_calibration(saved)
        base = saved.revision - 1
        new = NewRevision(
            id=records.new_id(), edge=at.edge, camera=at.camera, revision=saved.revision,
            base=base, author=author, note=saved.note, changes=changes, text=text, rolls_out=True,
        )  # fmt: skip
        records.keep(session, new, at.actor.at_ms)
        document = JobDocument(
            kind=JobKind.CALIBRATION, target=f"{new.id}.json", version=new.id, camera=at.camera,
            edit=CalibrationEdit(base_revision=base, packed=pack(text)),
        )  # fmt: skip
        queue(session, [JobOrder(at.edge, new.id, document)], at.actor.name, at.actor.at_ms)
        facts = {"camera": at.camera, "revision": saved.revision, **changes.model_dump()}
        subject = Subject("edge", at.edge, at.tenant)
        record(session, at.actor, "calibration.save", subject, {"revision": base}, facts)
        return saved

    def _by_number(self) -> dict[int, Calibration]:
        with self._at.database.read() as session:
            found = records.kept(session, self._at.edge, self._at.camera)
        # Of one number the newest stands: it is what the box really has.
        return {each.now.revision: _read(each) for each in reversed(found) if each.now.counts}


_PUT = insert(calibration_draft)
_IS_OF = (calibration_draft.c.edge == bindparam("of")) & (
    calibration_draft.c.camera == bindparam("seen_by")
)
_REMOVE = delete(calibration_draft).where(_IS_OF, calibration_draft.c.tab == bindparam("which"))
_DRAFTS_OF = (
    select(calibration_draft.c.tab, calibration_draft.c.document)
    .where(_IS_OF)
    .order_by(calibration_draft.c.saved_ms.desc())
)


class BoxDrafts:
    """What is drawn and not saved.

    And what the box refused, so that it can be joined with what the box has.
    """

    def __init__(self, at: CameraAtBox) -> None:
        self._at = at
        self._of = {"of": at.edge, "seen_by": at.camera}

    def put(self, draft: Draft) -> None:
        """Keep a tab's draft, in place of its former one."""
        at = self._at
        with at.database.write() as session:
            session.run(_REMOVE, {**self._of, "which": draft.tab})
            row = {
                "edge": at.edge, "camera": at.camera, "tab": draft.tab,
                "document": draft.model_dump_json(), "saved_ms": to_ms(draft.saved_at),
            }  # fmt: skip
            session.run(_PUT, row)
            for old in session.rows(_DRAFTS_OF, self._of)[_DRAFTS:]:
                session.run(_REMOVE, {**self._of, "which": old.tab})

    def remove(self, tab: str) -> None:
        """Forget a tab's draft, if there is one."""
        at = self._at
        with at.database.write() as session:
            if tab.startswith(_OF_BOX):
                records.dismiss(session, at.edge, at.camera, tab.removeprefix(_OF_BOX))
            else:
                session.run(_REMOVE, {**self._of, "which": tab})

    def all(self) -> list[Draft]:
        """Every draft, newest first."""
        with self._at.database.read() as session:
            rows = session.rows(_DRAFTS_OF, self._of)
            found = records.kept(session, self._at.edge, self._at.camera)
        drafts = [Draft.model_validate_json(row.document) for row in rows]
        return [*_refused(found), *drafts]


def _refused(found: list[Kept]) -> list[Draft]:
    """The newest edit, if the box refused it and somebody may still want it."""
    edits = [each for each in found if each.now.status is not None]
    if not edits or edits[0].now.counts or edits[0].dismissed:
        return []
    [lost, *_] = edits
    document = _read(lost).model_dump(mode="json")
    drawn = {name: document.get(name, []) for name in ("bays", "lot", "masks", "areas", "lines")}
    return [
        Draft(
            tab=f"{_OF_BOX}{lost.now.id}",
            saved_at=lost.now.at,
            base_revision=lost.now.base,
            document=drawn,
        )
    ]


class BoxPicture:
    """What a box sent to draw on: its reference image, or what the camera saw. Kept for minutes."""

    live = False
    duration_s = None

    def __init__(
        self, at: CameraAtBox, kept_s: float, present: Callable[[], Calibration | None]
    ) -> None:
        """Look for it when it is asked for.

        Args:
            at: the camera.
            kept_s: how long images are kept.
            present: gives the calibration; it knows the image's size when the image is gone.
        """
        self.name = f"{at.edge}: {at.camera}"
        self._at = at
        self._kept_s = kept_s
        self._present = present

    def image_wh(self) -> tuple[int, int]:
        """Width and height of the image.

        Raises:
            CameraError: there is neither a calibration nor an image.
        """
        if (present := self._present()) is not None:
            return present.image_wh
        return wh_of(self.picture(0.0))

    def picture(self, time_s: float) -> ImageBgr:
        """The image.

        Raises:
            CameraError: there is none, or its minutes are over.
        """
        at = self._at
        with at.database.read() as session:
            asked = records.fetched(session, at.edge, at.camera, CommandName.CAMERA_REFERENCE)
            try:
                file = None if asked is None else file_of(session, asked.id)
            except CommandError as exc:
                raise CameraError(str(exc)) from exc
        if file is not None:
            return decode_image(file.data, file.name)
        msg = f"{at.place}: {self._why(asked)}"
        raise CameraError(msg)

    def _why(self, asked: CommandNow | None) -> str:
        if asked is None:
            return "no image was fetched: fetch it on the camera's page"
        if asked.state is CommandState.DONE:
            minutes = round(self._kept_s / 60)
            return (
                f"the image was kept for {minutes} minutes, which are over: "
                "fetch it again on the camera's page"
            )
        if asked.state.is_final:
            return f"no image came: {asked.detail or asked.state.value}"
        return f"the image is on its way ({asked.state.value})"


def _read(found: Kept) -> Calibration:
    return parse_calibration(found.text, f"revision {found.now.revision}")


def _is_same(one: Calibration, other: Calibration) -> bool:
    """As far as the bays go: the reference image is the box's."""
    of_box = {"reference": other.reference, "image_wh": other.image_wh}
    return compare(one.model_copy(update=of_box), other).is_empty


def _changes(before: Calibration | None, after: Calibration) -> Changes:
    if before is None:
        return Changes(added=after.bay_ids)
    found = compare(before, after)
    by_kind: dict[str, list[str]] = {"added": [], "removed": [], "changed": []}
    for each in found.bays:
        by_kind[each.kind.value].append(each.bay)
    facts = (*found.facts, *(("order of the bays",) if found.order_changed else ()))
    return Changes(**{name: tuple(ids) for name, ids in by_kind.items()}, facts=facts)
