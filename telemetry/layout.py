"""The layout: the ordered bays of one box, its hash, and bays as a string of one letter each."""

from __future__ import annotations

import hashlib
import json
import math
import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Annotated, Self

from pydantic import Field, model_validator

from telemetry.bounds import (
    EARLIEST,
    MAX_BAYS,
    MAX_CAMERAS,
    MAX_INCIDENTS,
    MAX_LOTS,
    MAX_MESSAGE_BYTES,
    MAX_ZONES,
    LayoutHash,
)
from telemetry.errors import TelemetryError
from telemetry.messages import Blocked, LayoutBay, LotInfo, Message, Occupancy, SnapshotBay
from telemetry.vocabulary import BlockKind, BlockSource, UnknownReason

_LETTER_OF_OCC: dict[bool | None, str] = {False: "f", True: "o", None: "u"}
_NAMED_TWICE = 5
_OCC_OF_LETTER = {letter: occ for occ, letter in _LETTER_OF_OCC.items()}


def layout_hash(bays: Iterable[str]) -> str:
    """16 hex digits of SHA-256 over the ordered bay ids.

    Ids alone: a bay's new kind or zone changes the layout message, not the meaning of a position.
    """
    canonical = json.dumps(list(bays), separators=(",", ":"), ensure_ascii=True)
    return hashlib.sha256(canonical.encode()).hexdigest()[:16]


class Layout(Message):
    """The ordered bays of one box with their metadata; `hash` says what a position means."""

    hash: LayoutHash
    bays: Annotated[tuple[LayoutBay, ...], Field(max_length=MAX_BAYS)]
    lots: Annotated[tuple[LotInfo, ...], Field(max_length=MAX_LOTS)] = ()

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        ids = [bay.bay for bay in self.bays]
        if twice := sorted(bay for bay, times in Counter(ids).items() if times > 1):
            some = ", ".join(twice[:_NAMED_TWICE])
            more = len(twice) - _NAMED_TWICE
            some += f" and {more} more" if more > 0 else ""
            msg = f"a bay must appear in a layout once, but got twice: {some}"
            raise ValueError(msg)
        if self.hash != layout_hash(ids):
            msg = f"hash must be {layout_hash(ids)} for these bays, but got {self.hash}"
            raise ValueError(msg)
        return self

    @classmethod
    def of(cls, bays: Sequence[LayoutBay], lots: Sequence[LotInfo] = ()) -> Layout:
        """A layout with its hash worked out."""
        return cls(hash=layout_hash(bay.bay for bay in bays), bays=tuple(bays), lots=tuple(lots))

    @property
    def bay_ids(self) -> tuple[str, ...]:
        """The ids in order."""
        return tuple(bay.bay for bay in self.bays)


_LONGEST_BAY = SnapshotBay(
    bay="b",
    occ=None,
    state=Occupancy.UNKNOWN,
    reason=max(UnknownReason, key=len),
    since=EARLIEST.replace(microsecond=1),
    conf=0.0,
)
_LONGEST_CONF = len("0.12345678901234567")
_BLOCKED = Blocked(
    kind=max(BlockKind, key=len), conf=0.1234, by=max(BlockSource, key=len), share=0.1234
)
_MOST_BLOCKED = 0.1
"""Share of a box's bays for whose block a snapshot keeps room; no lot is ever blocked as a whole,
it is closed."""
_INCIDENT_BYTES = 24
"""Of one id in a snapshot, as a box makes them."""


def check_fits(layout: Layout) -> None:
    """Reject a layout whose own message, snapshot or aggregates could not be published.

    Raises:
        TelemetryError: the box has too many bays, cameras or zones for the contract's bounds.
    """
    blocked = len(_BLOCKED.encode()) + len(',"blocked":')
    each = len(_LONGEST_BAY.encode()) + _LONGEST_CONF + blocked * _MOST_BLOCKED
    snapshot = sum(each + len(bay.bay) for bay in layout.bays) + MAX_INCIDENTS * _INCIDENT_BYTES
    for what, got, most in (
        ("bytes of layout", len(layout.encode()), MAX_MESSAGE_BYTES),
        ("bytes of snapshot", math.ceil(snapshot), MAX_MESSAGE_BYTES),
        ("cameras", len({bay.camera for bay in layout.bays}), MAX_CAMERAS),
        # Half, since a window of the aggregates may see two layouts.
        ("zones", len({bay.zone for bay in layout.bays}), MAX_ZONES // 2),
    ):
        if got > most:
            msg = (
                f"a box may have at most {most} {what}, but these {len(layout.bays)} bays make "
                f"{got}: move some of its cameras to another box"
            )
            raise TelemetryError(msg)


def pack_bays(
    bay_ids: Sequence[str], occ: Mapping[str, bool | None], closed: Iterable[str] = ()
) -> str:
    """One letter per bay: f free, o occupied, u unknown; upper case when the bay is closed.

    Args:
        bay_ids: in the order of the layout.
        occ: occupancy by bay; a bay that is missing is unknown.
        closed: ids of closed bays.
    """
    shut = set(closed)
    letters = ((_LETTER_OF_OCC[occ.get(bay)], bay in shut) for bay in bay_ids)
    return "".join(letter.upper() if is_shut else letter for letter, is_shut in letters)


def unpack_bays(bay_ids: Sequence[str], packed: str) -> dict[str, tuple[bool | None, bool]]:
    """Occupancy and closed of each bay.

    Raises:
        TelemetryError: the string has another length than the layout, or another letter.
    """
    if len(packed) != len(bay_ids):
        msg = f"bays must have {len(bay_ids)} letters for this layout, but got {len(packed)}"
        raise TelemetryError(msg)
    facts: dict[str, tuple[bool | None, bool]] = {}
    for index, (bay, letter) in enumerate(zip(bay_ids, packed, strict=True)):
        if letter not in "fouFOU":
            msg = f"bays letter {index} must be one of f, o, u, F, O, U, but got {letter!r}"
            raise TelemetryError(msg)
        facts[bay] = (_OCC_OF_LETTER[letter.lower()], letter.isupper())
    return facts


_LETTER_OF_BLOCK = {kind: kind[0] for kind in BlockKind}
_BLOCK_OF_LETTER = {letter: kind for kind, letter in _LETTER_OF_BLOCK.items()}
_BLOCKS = re.compile(r"(?:\d{1,5}[nos])*", re.ASCII)
_BLOCK = re.compile(r"(\d+)([nos])", re.ASCII)


def pack_blocked(bay_ids: Sequence[str], blocked: Mapping[str, Blocked]) -> str:
    """The blocked bays: place in the layout, then n neighbour, o obstacle or s snow: `3n17o`."""
    return "".join(
        f"{place}{_LETTER_OF_BLOCK[blocked[bay].kind]}"
        for place, bay in enumerate(bay_ids)
        if bay in blocked
    )


def unpack_blocked(bay_ids: Sequence[str], packed: str) -> dict[str, BlockKind]:
    """Why each blocked bay is.

    Raises:
        TelemetryError: the string is of another form, or names a place that the layout has not.
    """
    if _BLOCKS.fullmatch(packed) is None:
        msg = f"blocked must be places with n, o or s, such as 3n17o, but got {packed[:64]!r}"
        raise TelemetryError(msg)
    places = [(int(place), letter) for place, letter in _BLOCK.findall(packed)]
    for place, _ in places:
        if place >= len(bay_ids):
            msg = f"blocked must name places below {len(bay_ids)}, but got {place}"
            raise TelemetryError(msg)
    return {bay_ids[place]: _BLOCK_OF_LETTER[letter] for place, letter in places}
