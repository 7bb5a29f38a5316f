"""What a sign at the entrance shows. Pure: from figures of a lot to a face."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from enum import StrEnum

from edge_app.config import SignConfig
from telemetry import BayState
from telemetry.layout import Layout
from telemetry.messages import LayoutBay

_MOST = 65_535
"""What a holding register takes."""


class SignState(StrEnum):
    """What a sign says."""

    SPACES = "spaces"
    FULL = "full"
    CLOSED = "closed"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class LotFigures:
    """How many bays there are for a sign; closed and blocked ones are of no other kind.

    Attributes:
        free: known to be free.
        occupied: known to be occupied.
        unknown: of which nobody can say.
        closed: taken out of service, whatever stands there.
        blocked: free, but of no use to any vehicle.
    """

    free: int = 0
    occupied: int = 0
    unknown: int = 0
    closed: int = 0
    blocked: int = 0

    @property
    def in_service(self) -> int:
        """Bays that are not closed."""
        return self.free + self.occupied + self.unknown + self.blocked

    def __add__(self, other: LotFigures) -> LotFigures:
        """Of both together."""
        return LotFigures(
            self.free + other.free,
            self.occupied + other.occupied,
            self.unknown + other.unknown,
            self.closed + other.closed,
            self.blocked + other.blocked,
        )


@dataclass(frozen=True, slots=True)
class SignFace:
    """What is shown.

    Attributes:
        state: in one word.
        free: known free bays; None when too little is known.
        value: the number for a register.
        text: the text.
    """

    state: SignState
    free: int | None
    value: int
    text: str


def face_of(config: SignConfig, figures: LotFigures) -> SignFace:
    """What a sign shows of these figures; unknown bays are never counted as free."""
    if figures.closed and not figures.in_service:
        return SignFace(SignState.CLOSED, 0, config.closed_value, config.closed_text)
    allowed = config.max_unknown_share * figures.in_service
    if not figures.in_service or figures.unknown > allowed:
        return SignFace(SignState.UNKNOWN, None, config.unknown_value, config.unknown_text)
    free = min(figures.free, _MOST)
    if free <= config.full_at:
        return SignFace(SignState.FULL, free, config.full_value, config.full_text)
    return SignFace(SignState.SPACES, free, free, str(free))


def bays_at(
    layout: Layout | None,
    lot: str | None = None,
    level: str | None = None,
    zone: str | None = None,
) -> list[LayoutBay]:
    """The bays of a lot, level and zone; None: of any."""
    bays = () if layout is None else layout.bays
    return [
        bay
        for bay in bays
        if lot in {None, bay.lot} and level in {None, bay.level} and zone in {None, bay.zone}
    ]


def bay_figures(
    bays: Iterable[LayoutBay],
    states: Iterable[BayState],
    closed: Collection[str],
    blocked: Collection[str] = (),
) -> LotFigures:
    """Count bays.

    Args:
        bays: of the layout, that are meant.
        states: of each bay of the box, in any order.
        closed: ids of closed bays.
        blocked: ids of bays that no vehicle can use.
    """
    known = {state.bay: state.occ for state in states}
    free = occupied = unknown = shut = useless = 0
    for bay in bays:
        occ = known.get(bay.bay)
        if bay.bay in closed:
            shut += 1
        elif occ is None:
            unknown += 1
        elif occ:
            occupied += 1
        elif bay.bay in blocked:
            useless += 1
        else:
            free += 1
    return LotFigures(free, occupied, unknown, shut, useless)
