"""The map of the lots, and the city in figures."""

from __future__ import annotations

from cloud_app.occupancy.places import geometry_of, point_of
from cloud_app.occupancy.views import (
    AlertCounts,
    EdgeCounts,
    LotState,
    MapFeature,
    MapLot,
    MapLots,
    Overview,
)
from cloud_app.registry.facts import Placement
from cloud_app.registry.geometry import Box
from cloud_app.registry.kinds import LOT
from cloud_app.registry.queries import Filter, in_window
from cloud_app.registry.things import Thing
from cloud_app.storage.alerts import open_by_severity
from cloud_app.storage.database import Session
from cloud_app.storage.edge_queries import edge_counts
from cloud_app.storage.incidents import count_open
from cloud_app.storage.queries import Now, Sites, lots_now, totals
from cloud_app.views import Counts, LotNow


def map_lots(session: Session, now: Now, sites: Sites, window: Box, limit: int) -> MapLots:
    """The lots that a map window shows, and how full each is.

    Args:
        session: to read with.
        now: the moment.
        sites: lots of these; None for all.
        window: in degrees.
        limit: most of them.
    """
    found, more = in_window(session, Filter(LOT, sites=sites), window, limit)
    at = {thing.ids["site"] for thing in found}
    # A map of a part of a site reads the site: some hundred rows at most.
    counted = {(lot.site, lot.lot): lot for lot in lots_now(session, now, at)}
    features = (
        _feature(thing, counted.get((thing.ids["site"], thing.ids["lot"]))) for thing in found
    )
    return MapLots(features=tuple(each for each in features if each is not None), truncated=more)


def _feature(thing: Thing, lot: LotNow | None) -> MapFeature | None:
    said = thing.said
    geometry, point = geometry_of(said), point_of(said)
    if geometry is None or point is None:
        return None
    counts = Counts() if lot is None else lot.counts
    placement = said.get("placement")
    properties = MapLot(
        **thing.ids,
        name=said.get("name"),
        point=point,
        **counts.model_dump(),
        occupancy=counts.occupancy,
        on_street=None if placement is None else placement == Placement.ON_STREET,
        state=LotState.of(counts),
    )
    return MapFeature.model_construct(id=thing.ref.key, geometry=geometry, properties=properties)


def overview(session: Session, now: Now, sites: Sites) -> Overview:
    """The sums of what some sites have."""
    lots, counts = totals(session, now, sites)
    edges, stale = edge_counts(session, now, sites)
    by_severity = {each.value: n for each, n in open_by_severity(session, sites).items()}
    return Overview(
        lots=lots,
        bays=counts.bays,
        counts=counts,
        occupancy=counts.occupancy,
        edges=EdgeCounts(online=edges - stale, stale=stale),
        alerts=AlertCounts(open=sum(by_severity.values()), by_severity=by_severity),
        incidents_open=count_open(session, sites),
    )
