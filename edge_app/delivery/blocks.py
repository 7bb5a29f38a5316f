"""Who is believed when several say that a bay is blocked, or not."""

from __future__ import annotations

from typing import TYPE_CHECKING

from telemetry.messages import Blocked
from telemetry.vocabulary import BlockKind, BlockSource

if TYPE_CHECKING:  # the store asks us
    from edge_app.delivery.store import Store

_WEIGHT = {source: weight for weight, source in enumerate(BlockSource)}


def outweighs(one: BlockSource, other: BlockSource) -> bool:
    """Whether one's word stands against the other's."""
    return _WEIGHT[one] > _WEIGHT[other]


def block_by_hand(store: Store, bay: str, kind: BlockKind | None) -> bool:
    """A person says what blocks a bay, or that nothing does; gives whether that changed anything.

    Raises:
        StoreError: the layout does not hold the bay.
    """
    person = BlockSource.PERSON
    blocked = None if kind is None else Blocked(kind=kind, conf=1.0, by=person)
    return store.set_blocked(bay, blocked, person)
