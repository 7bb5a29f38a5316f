"""What the page gets: one pydantic model for each answer."""

from __future__ import annotations

from datetime import datetime

from pydantic import BaseModel, ConfigDict, Field

from datasets.labelling.journal import Mode, State

Points = tuple[tuple[float, float], ...]


class _View(BaseModel):
    model_config = ConfigDict(frozen=True)


class SessionView(_View):
    """All that the page needs to begin, and the token for what it will change."""

    token: str
    reviewer: str = Field(description="default name")
    reviewers: tuple[str, ...] = Field(description="reviewers so far")
    queue: str
    model: str = Field(description="name and version of the network that judged; may be empty")
    made: datetime


class VoteView(_View):
    """What a person said of a bay."""

    reviewer: str
    state: State


class QuestionView(_View):
    """Is this bay occupied?"""

    item: str = Field(description="its name")
    frame: str = Field(description="name of the image")
    image_wh: tuple[int, int]
    bay: str
    polygon: Points = Field(description="outline in the image, as fractions")
    outline: Points = Field(description="outline in the crop, as fractions")
    others: tuple[Points, ...] = Field(description="outlines of neighbours in the crop")
    suggestion: State
    prob: float = Field(description="of occupied, by the network")
    label: bool | None
    reasons: tuple[str, ...]
    place: str
    time: str
    votes: tuple[VoteView, ...] = Field(
        description="by others; hidden where bays must be judged independently"
    )
    was: State | None = Field(default=None, description="the answer that was undone")


class QuestionList(_View):
    """The next questions."""

    questions: tuple[QuestionView, ...]


class ProgressView(_View):
    """How far the queue and a person are."""

    asked: int
    answered: int
    left: int = Field(description="for this reviewer")
    mine: int
    corrected: int
    skipped: int
    disputed: int
    per_minute: float | None


class Undone(QuestionList):
    """What was taken back."""

    mode: Mode | None = Field(description="null: there was nothing to undo")
    progress: ProgressView
