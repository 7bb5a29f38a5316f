"""What a number, a time, a text and a list of the contract may be at most.

A sender chooses all of them, so each has a range that readers can store, add up and show: whole
numbers stay exact in every JSON reader, times fit every database and calendar, texts hold no NUL
(PostgreSQL stores none), and the lists of one message are short enough for its bytes.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated, Final

from pydantic import (
    AfterValidator,
    AwareDatetime,
    Field,
    StringConstraints,
    WithJsonSchema,
)

MAX_MESSAGE_BYTES: Final = 1024 * 1024
"""Of any message but a shadow's; a layout of some 5,000 bays fits."""
MAX_DEPTH: Final = 8
"""Objects and arrays within each other; the contract's own messages need four."""
MAX_NUMBER: Final = 2**53
"""Of seq, epoch, counts: RFC 8259 calls whole numbers up to here interoperable."""
MAX_SECONDS: Final = 1e10
"""Of any duration or sum of durations: 300 years, or one year of 300 bays."""
EARLIEST: Final = datetime(2000, 1, 1, tzinfo=UTC)
LATEST: Final = datetime(2099, 12, 31, 23, 59, 59, 999_999, tzinfo=UTC)

MAX_BAYS: Final = 10_000
"""Of one box. Its bytes bound a layout first; the shadow `bays` holds some 8,000."""
MAX_CAMERAS: Final = 1_000
MAX_LOTS: Final = 1_000
MAX_LEVELS: Final = 200
MAX_ZONES: Final = 2_000
"""Of one aggregate: a window may have seen two layouts, each with half of them."""
MAX_INCIDENTS: Final = 2_000
MAX_INCIDENT_BAYS: Final = 256
MAX_RANGES: Final = 1_000
"""Ranges that one gap event may name: about 35 kB."""
MAX_ALARMS: Final = 200
MAX_ALARM_CHARS: Final = 1_024
MAX_DETAILS: Final = 64
MAX_POINTS: Final = 64
"""Of a bay's outline in the image."""

NO_NUL: Final = r"^[^\x00]*$"


def in_range(moment: datetime) -> datetime:
    """`moment` in UTC.

    Raises:
        ValueError: it lies outside of what the contract's times may be, or has no time zone.
    """
    # By the year first: to compare moments of different zones takes longer.
    is_amid = EARLIEST.year < moment.year < LATEST.year
    if moment.tzinfo is None or not (is_amid or EARLIEST <= moment <= LATEST):
        # Compared before it is converted: the first hour of year 1 east of Greenwich has no UTC.
        msg = f"expected a time from {EARLIEST:%Y} to {LATEST:%Y} with its zone, but got {moment}"
        raise ValueError(msg)
    return moment.astimezone(UTC)


def clamped(moment: datetime) -> datetime:
    """`moment`, or the nearest that a message may carry: a box without a battery starts in 1970."""
    return min(max(moment, EARLIEST), LATEST)


UtcTime = Annotated[
    AwareDatetime,
    AfterValidator(in_range),
    WithJsonSchema({"type": "string", "format": "date-time", "pattern": "^20[0-9]{2}-"}),
]
"""A time from 2000 to 2099, kept in UTC."""

Seq = Annotated[int, Field(ge=1, le=MAX_NUMBER)]
Watermark = Annotated[int, Field(ge=0, le=MAX_NUMBER)]
Epoch = Annotated[int, Field(ge=1, le=MAX_NUMBER)]
Conn = Annotated[int, Field(ge=1, le=MAX_NUMBER)]
Count = Annotated[int, Field(ge=0, le=MAX_NUMBER)]
Probability = Annotated[float, Field(ge=0.0, le=1.0)]
Seconds = Annotated[float, Field(ge=0.0, le=MAX_SECONDS)]
Figure = Annotated[float, Field(ge=0.0, le=1e12)]
"""A measurement that is never negative: frames per second, milliseconds."""
LayoutHash = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{16}$")]
Sha256 = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}$")]

Text32 = Annotated[str, StringConstraints(max_length=32, pattern=NO_NUL)]
Text64 = Annotated[str, StringConstraints(max_length=64, pattern=NO_NUL)]
Text128 = Annotated[str, StringConstraints(max_length=128, pattern=NO_NUL)]
Text200 = Annotated[str, StringConstraints(max_length=200, pattern=NO_NUL)]
Text1k = Annotated[str, StringConstraints(max_length=1024, pattern=NO_NUL)]
Name64 = Annotated[str, StringConstraints(min_length=1, max_length=64, pattern=NO_NUL)]
Name128 = Annotated[str, StringConstraints(min_length=1, max_length=128, pattern=NO_NUL)]
PicturePoint = tuple[Probability, Probability]
"""x and y as fractions of an image's width and height, y down."""
PictureOutline = Annotated[tuple[PicturePoint, ...], Field(min_length=3, max_length=MAX_POINTS)]
