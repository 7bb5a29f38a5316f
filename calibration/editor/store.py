"""Where the editor's calibrations come from and go to: a file here, or a box that is elsewhere."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from calibration.editor.documents import Draft
from calibration.editor.drafts import DraftStore
from calibration.files import (
    list_revisions,
    load_revision,
    read_calibration,
    rollback_calibration,
    save_calibration,
)
from calibration.findings import Finding
from calibration.reference_files import load_reference, with_reference
from calibration.types import Calibration
from vision.types import ImageBgr


@dataclass(frozen=True, slots=True)
class Edit:
    """What is to be saved.

    Attributes:
        calibration: with its note.
        author: who saves it.
        base_revision: the revision that was edited; 0 for the first.
        picture: gives the image that was drawn on, shape (H, W, 3).
        new_reference: whether that image becomes the reference image.
    """

    calibration: Calibration
    author: str
    base_revision: int
    picture: Callable[[], ImageBgr] = field(repr=False)
    new_reference: bool = False


class Drafts(Protocol):
    """What tabs have drawn and not saved."""

    def put(self, draft: Draft) -> None:
        """Keep a tab's draft, in place of its former one."""
        ...

    def remove(self, tab: str) -> None:
        """Forget a tab's draft, if there is one."""
        ...

    def all(self) -> Sequence[Draft]:
        """Every draft, newest first."""
        ...


class CalibrationStore(Protocol):
    """The calibration of one camera with its revisions; called from several threads.

    Every method raises a `CalibrationError` where it cannot do it.
    """

    @property
    def drafts(self) -> Drafts:
        """What is not saved yet."""
        ...

    @property
    def takes_references(self) -> bool:
        """Whether another reference image can be taken here, as after the camera was moved."""
        ...

    def present(self) -> Calibration | None:
        """The newest revision; None before the first."""
        ...

    def history(self) -> Sequence[Calibration]:
        """The revisions, oldest first."""
        ...

    def revision(self, number: int) -> Calibration:
        """One of them."""
        ...

    def reference(self, calibration: Calibration) -> ImageBgr:
        """The reference image of a revision, shape (H, W, 3)."""
        ...

    def remarks(self, calibration: Calibration) -> Sequence[Finding]:
        """What is worth knowing before this is saved, besides what is wrong with it."""
        ...

    def save(self, edit: Edit) -> Calibration:
        """Save as the next revision.

        Raises:
            RevisionConflictError: the newest revision is another one than was edited.
            InvalidCalibrationError: bays are wrong.
        """
        ...

    def roll_back(self, revision: int, author: str, base_revision: int) -> Calibration:
        """Bring a revision back as a new one.

        Raises:
            RevisionConflictError: the newest revision is another one than `base_revision`.
        """
        ...


class CalibrationFile:
    """A calibration file with its revisions, reference images and drafts beside it."""

    takes_references = True

    def __init__(self, path: Path) -> None:
        """Use the file; it need not exist yet."""
        self.path = path
        self.drafts = DraftStore(path)

    def present(self) -> Calibration | None:
        """The calibration as saved; None before the first save."""
        return read_calibration(self.path) if self.path.exists() else None

    def history(self) -> tuple[Calibration, ...]:
        """The revisions, oldest first."""
        return tuple(revision.calibration for revision in list_revisions(self.path))

    def revision(self, number: int) -> Calibration:
        """One of them."""
        return load_revision(self.path, number)

    def reference(self, calibration: Calibration) -> ImageBgr:
        """The reference image of a revision, shape (H, W, 3)."""
        return load_reference(self.path, calibration)

    def remarks(self, calibration: Calibration) -> Sequence[Finding]:
        """None: whoever is at the box sees what they delete."""
        return ()

    def save(self, edit: Edit) -> Calibration:
        """Save as the next revision, with the reference image that it needs.

        Raises:
            RevisionConflictError: someone else saved in the meantime.
            InvalidCalibrationError: bays are wrong.
            CalibrationError: the file cannot be written.
        """
        calibration = with_reference(
            self.path, edit.calibration, self.present(), edit.picture, is_new=edit.new_reference
        )
        return save_calibration(
            self.path, calibration, author=edit.author, expected_revision=edit.base_revision
        )

    def roll_back(self, revision: int, author: str, base_revision: int) -> Calibration:
        """Bring a revision back as a new one.

        Raises:
            RevisionConflictError: someone else saved in the meantime.
            CalibrationError: there is no such revision.
        """
        return rollback_calibration(
            self.path, revision, author=author, expected_revision=base_revision
        )
