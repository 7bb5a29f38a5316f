"""What the page sends and gets: one pydantic model for each body."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from calibration.types import Area, Bay, Calibration, Line, Lot, Mask
from telemetry import BayId

TabId = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9-]{1,64}$")]

# Ten thousand bays in one picture is no car park but an attempt to fill the memory.
MOST_BAYS = 10_000
MOST_REGIONS = 1_000


class _Body(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Document(_Body):
    """The part of a calibration that the page edits.

    Without `masks`, `areas` or `lines` those of the file stay: a page of before they could be
    drawn, open while the box was brought up to date, takes nothing away.
    """

    bays: Annotated[tuple[Bay, ...], Field(max_length=MOST_BAYS)]
    lot: Lot
    masks: Annotated[tuple[Mask, ...], Field(max_length=MOST_REGIONS)] | None = None
    areas: Annotated[tuple[Area, ...], Field(max_length=MOST_REGIONS)] | None = None
    lines: Annotated[tuple[Line, ...], Field(max_length=MOST_REGIONS)] | None = None
    new_reference: bool = False


class CheckRequest(_Body):
    """Look for faults; a deep look takes a second or two for a large lot."""

    document: Document
    deep: bool = False


class PictureRequest(_Body):
    """Do something with the picture that the page shows."""

    document: Document
    time_s: float = 0.0


class ProposeRequest(PictureRequest):
    """Propose bays from the picture, or from the whole clip."""

    whole_clip: bool = False


class SaveRequest(PictureRequest):
    """Save, if the file still holds the revision that was edited."""

    base_revision: Annotated[int, Field(ge=0)]
    note: Annotated[str, StringConstraints(max_length=500)] = ""


class RollbackRequest(_Body):
    """Bring a revision back, if the file still holds the one that was edited."""

    revision: Annotated[int, Field(ge=1)]
    base_revision: Annotated[int, Field(ge=0)]


class ExportRequest(_Body):
    """The document as another tool's file."""

    document: Document
    format: str


class EyeAnswer(_Body):
    """What a person sees in a bay now."""

    bay: BayId
    occupied: bool


class Draft(_Body):
    """What a tab has drawn and not saved. It may be invalid: it is kept, not used."""

    tab: TabId
    saved_at: datetime
    base_revision: Annotated[int, Field(ge=0)]
    document: dict[str, Any]


def calibration_body(calibration: Calibration) -> dict[str, Any]:
    """A calibration as the page gets it."""
    body: dict[str, Any] = calibration.model_dump(mode="json")
    return body
