"""Which site an edge belongs to: by registration, whatever its topics say.

An edge that speaks for the first time is registered for the site that it speaks under, unless only
listed edges are taken in. From then on the site changes by an operator's word alone.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Protocol

from cloud_app.storage.cloud_edges import cloud_edges_among
from cloud_app.storage.database import Database
from cloud_app.storage.placing import sites_of_boxes


class Registry(Protocol):
    """Knows the site of each edge."""

    def places(self, claims: Mapping[str, list[str]]) -> Mapping[str, str]:
        """The site of each edge; one that is missing may not publish at all.

        Args:
            claims: for each edge, the sites under which it publishes, the first one first.
        """
        ...


class FirstUse:
    """Believes the first claim and remembers nothing."""

    def places(self, claims: Mapping[str, list[str]]) -> Mapping[str, str]:
        """The first claim of each edge."""
        return {edge: sites[0] for edge, sites in claims.items()}


@dataclass(slots=True)
class EdgeRegistry:
    """The sites in the database, remembered, and asked for again where a claim differs.

    Attributes:
        database: where they are registered.
        listed_only: an edge that is not registered may not publish.
    """

    database: Database
    listed_only: bool = False
    _known: dict[str, str] = field(default_factory=dict)

    def places(self, claims: Mapping[str, list[str]]) -> Mapping[str, str]:
        """The registered site of each edge, else the first that it claims; a cloud edge has none.

        Raises:
            StorageDownError: the database cannot be asked.
        """
        doubtful = [edge for edge, sites in claims.items() if sites != [self._known.get(edge)]]
        of_cloud: set[str] = set()
        if doubtful:
            with self.database.read() as session:
                self._known |= sites_of_boxes(session, doubtful)
                of_cloud = cloud_edges_among(session, doubtful)
        found = {edge: self._known[edge] for edge in claims if edge in self._known}
        if self.listed_only:
            return found
        first = FirstUse().places(
            {edge: sites for edge, sites in claims.items() if edge not in of_cloud}
        )
        return {**first, **found}

    def forget(self) -> None:
        """Ask the database again: an edge was moved, or registered by another consumer."""
        self._known.clear()
