"""Search as pages show it."""

from __future__ import annotations

from cloud_app.occupancy.places import point_of
from cloud_app.occupancy.views import HitKind, SearchHit
from cloud_app.registry.facts import DeviceKind
from cloud_app.registry.kinds import DEVICE
from cloud_app.registry.search import search
from cloud_app.registry.things import Thing
from cloud_app.storage.database import Session
from cloud_app.storage.queries import Sites


def hits(session: Session, typed: str, sites: Sites, limit: int) -> list[SearchHit]:
    """What fits what was typed: lots first, whole words before beginnings."""
    return [_hit(thing) for thing in search(session, typed, sites, limit)]


def _hit(thing: Thing) -> SearchHit:
    said, ids = thing.said, thing.ids
    kind = HitKind(thing.ref.kind)
    if thing.ref.kind == DEVICE.name and said.get("kind") == DeviceKind.EDGE:
        kind = HitKind.EDGE
    return SearchHit(
        kind=kind,
        key=thing.ref.key,
        name=said.get("name"),
        site=thing.site,
        lot=ids.get("lot") or said.get("lot"),
        point=point_of(said),
    )
