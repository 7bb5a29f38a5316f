"""Edge boxes that people enter here are registered, so that they may speak for their site."""

from __future__ import annotations

from collections.abc import Mapping

from cloud_app.registry.facts import DeviceKind
from cloud_app.registry.kinds import DEVICE, Ref
from cloud_app.registry.things import Said
from cloud_app.storage.database import Session
from cloud_app.storage.placing import register_edge, sites_of


def register_edges(session: Session, given: Mapping[Ref, Said]) -> None:
    """Register what people call an edge at a site; one that is registered stays where it is.

    Called before the registry is locked: the intake locks edges first, too.

    Args:
        session: a writing transaction.
        given: facts that people say.
    """
    sites = {
        ref.key: said["site"]
        for ref, said in given.items()
        if ref.kind == DEVICE.name and said.get("kind") == DeviceKind.EDGE and said.get("site")
    }
    known = sites_of(session, sorted(sites)) if sites else {}
    for edge in sorted(sites.keys() - known.keys()):
        register_edge(session, edge, sites[edge])
