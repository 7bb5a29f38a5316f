"""The seven kinds of things, how each is named, and what it belongs to."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

from cloud_app.registry.facts import (
    BayFacts,
    CouncilFacts,
    DeviceFacts,
    Facts,
    LotFacts,
    OperatorFacts,
    SiteFacts,
    ZoneFacts,
)


class Ref(NamedTuple):
    """Which thing: its kind, and the ids that name it, joined by '/'."""

    kind: str
    key: str

    def __str__(self) -> str:
        return f"{self.kind} {self.key}"


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of thing.

    Attributes:
        name: in one word.
        plural: the same, of several.
        facts: what may be known of one.
        ids: what names one, from the largest down.
        parent: the kind of what it belongs to.
        parent_fact: the fact that names it; None where the ids do.
        type_fact: the fact that says which type of its kind one is.
    """

    name: str
    plural: str
    facts: type[Facts]
    ids: tuple[str, ...]
    parent: str | None = None
    parent_fact: str | None = None
    type_fact: str | None = None

    def ref(self, ids: Mapping[str, str]) -> Ref:
        """Which one these ids name."""
        return Ref(self.name, "/".join(ids[name] for name in self.ids))

    def ids_of(self, key: str) -> dict[str, str]:
        """The ids that a key joins."""
        return dict(zip(self.ids, key.split("/"), strict=True))

    def parent_of(self, key: str, facts: Mapping[str, Any]) -> Ref | None:
        """What one belongs to; None if unknown."""
        if self.parent is None:
            return None
        named = key.rpartition("/")[0] if self.parent_fact is None else facts.get(self.parent_fact)
        return None if named is None else Ref(self.parent, named)

    def site_of(self, key: str, facts: Mapping[str, Any]) -> str | None:
        """The site that one is at; None for councils, operators and what is in store."""
        if self.ids[0] == "site":
            return key.split("/", 1)[0]
        site: str | None = facts.get("site")
        return site


COUNCIL = Kind("council", "councils", CouncilFacts, ("council",))
OPERATOR = Kind("operator", "operators", OperatorFacts, ("operator",), "council", "council")
SITE = Kind("site", "sites", SiteFacts, ("site",), "operator", "operator")
LOT = Kind("lot", "lots", LotFacts, ("site", "lot"), "site", type_fact="placement")
ZONE = Kind("zone", "zones", ZoneFacts, ("site", "lot", "zone"), "lot")
BAY = Kind("bay", "bays", BayFacts, ("site", "lot", "bay"), "lot", type_fact="kind")
DEVICE = Kind("device", "devices", DeviceFacts, ("device",), "site", "site", "kind")

KINDS: Mapping[str, Kind] = {
    kind.name: kind for kind in (COUNCIL, OPERATOR, SITE, LOT, ZONE, BAY, DEVICE)
}
"""What belongs to a thing stands after it."""
_ORDER = {name: place for place, name in enumerate(KINDS)}


def in_order(ref: Ref) -> tuple[int, str]:
    """The order in which things are written: what they belong to first, then by key."""
    return _ORDER[ref.kind], ref.key
