"""What the page gets: one pydantic model for each answer."""

from __future__ import annotations

from datetime import datetime
from typing import Self

from pydantic import BaseModel, ConfigDict, Field

from calibration.editor.documents import Draft
from calibration.findings import Finding
from calibration.types import Area, Bay, Calibration, Line, Mask, Polygon, Quad


class _View(BaseModel):
    model_config = ConfigDict(frozen=True)


class RevisionView(_View):
    """A saved revision."""

    revision: int
    author: str
    time: datetime | None
    note: str
    bays: int

    @classmethod
    def of(cls, calibration: Calibration) -> Self:
        """As it is listed."""
        return cls(
            revision=calibration.revision,
            author=calibration.author,
            time=calibration.time,
            note=calibration.note,
            bays=len(calibration.bays),
        )


class Formats(_View):
    """Names of the forms that files of other tools have."""

    imports: tuple[str, ...]
    exports: tuple[str, ...]


class SessionSummary(_View):
    """A camera and what is saved of it."""

    camera: str
    source: str = Field(description="name of the image, clip or camera")
    image_wh: tuple[int, int]
    duration_s: float | None = Field(description="of a clip")
    live: bool = Field(description="the images are live, from a camera")
    can_judge: bool
    can_propose: bool
    can_align: bool = Field(description="another reference image can be taken")
    revision: int = Field(description="0: never saved")
    calibration: Calibration | None
    retired_ids: tuple[str, ...]
    revisions: tuple[RevisionView, ...]
    drafts: tuple[Draft, ...] = Field(description="across all tabs, newest first")
    formats: Formats


class SessionView(SessionSummary):
    """All that the page needs to begin, and the token for what it will change."""

    cameras: tuple[str, ...]
    token: str
    token_header: str = Field(description="in which every change carries the token")
    author: str
    home: str | None = Field(description="address of the pages that contain the editor")
    applies: bool = Field(description="a running box loads what is saved")
    saved_hint: str = Field(description="what becomes of what is saved; may be empty")


class FindingList(_View):
    """What is wrong with a document."""

    findings: tuple[Finding, ...]


class JudgedBay(_View):
    """What the network sees in a bay."""

    occ: bool | None = Field(description="null: cannot tell")
    conf: float


class JudgedBays(_View):
    """What the network sees in each bay, in the document's order."""

    states: tuple[JudgedBay, ...]


class ByEye(_View):
    """Bays that a person should judge by eye, in the calibration's order."""

    bays: tuple[str, ...]


class ProposalView(_View):
    """A bay that is not drawn yet."""

    polygon: Polygon
    confidence: float
    group: str = Field(description="the same for all bays of one row")


class ProposalList(_View):
    """Bays that a document lacks."""

    proposals: tuple[ProposalView, ...]


class AlignView(_View):
    """Where the bays lie in the current image, if the camera was moved."""

    polygons: tuple[Polygon, ...] = Field(description="in the order of the document's bays")
    ground_quads: tuple[Quad | None, ...]
    masks: tuple[Mask, ...]
    areas: tuple[Area, ...]
    lines: tuple[Line, ...]
    usable: bool
    verdict: str
    inliers: int
    error_px: float
    shift_px: float


class RevisionList(_View):
    """The saved revisions, oldest first."""

    revisions: tuple[RevisionView, ...]


class SavedRevision(_View):
    """One saved revision."""

    calibration: Calibration


class Saved(RevisionList, SavedRevision):
    """What was just saved."""


class ImportedBays(_View):
    """Bays of another tool's file, and what was put right in them."""

    bays: tuple[Bay, ...]
    findings: tuple[Finding, ...]
