"""A lot as a drawing: its levels, and where each bay lies, on the ground or in the picture."""

from __future__ import annotations

import json

from sqlalchemy import and_, bindparam, select

from cloud_app.occupancy.places import area_of, point_of, ring_of
from cloud_app.occupancy.tables import lot_count
from cloud_app.occupancy.views import LotPlan, PlanBay
from cloud_app.registry.kinds import BAY, LOT, SITE, Ref
from cloud_app.registry.queries import Filter, every_thing
from cloud_app.registry.things import Said, find
from cloud_app.storage.counts import COUNTS_HERE
from cloud_app.storage.database import Row, Session
from cloud_app.storage.tables import bay, edge

_BAYS = (
    select(bay)
    .select_from(edge)
    .join(bay, and_(bay.c.edge == edge.c.edge, bay.c.layout == edge.c.layout))
    .where(bay.c.site == bindparam("at_site"), bay.c.lot == bindparam("of_lot"), COUNTS_HERE)
    .order_by(bay.c.edge, bay.c.place)
)

_COUNTED = select(lot_count.c.lot).where(
    lot_count.c.site == bindparam("at_site"), lot_count.c.lot == bindparam("of_lot")
)


def lot_plan(session: Session, site: str, lot: str) -> LotPlan | None:
    """A lot's plan; None if neither a layout in force nor the registry knows it.

    What people say of a bay in the registry stands before what its layout says.
    """
    lot_ref, site_ref = LOT.ref({"site": site, "lot": lot}), Ref(SITE.name, site)
    known = find(session, [lot_ref, site_ref])
    rows = session.rows(_BAYS, {"at_site": site, "of_lot": lot})
    counted = bool(session.rows(_COUNTED, {"at_site": site, "of_lot": lot}))
    if not rows and lot_ref not in known and not counted:
        return None
    things = every_thing(session, Filter(BAY, parent=lot_ref.key))
    said_of = {thing.ids["bay"]: thing.said for thing in things}
    bays = tuple(_bay(row, said_of.get(row.bay, {})) for row in rows)
    said = known[lot_ref].said if lot_ref in known else {}
    told = {each.level for each in bays if each.level is not None}
    levels = tuple(said.get("levels") or ())
    return LotPlan(
        site=site,
        lot=lot,
        name=said.get("name"),
        time_zone=known[site_ref].said.get("time_zone") if site_ref in known else None,
        levels=(*levels, *sorted(told - set(levels))),
        point=point_of(said),
        outline=area_of(said),
        bays=bays,
        counted=counted,
    )


def _bay(row: Row, said: Said) -> PlanBay:
    return PlanBay(
        edge=row.edge,
        bay=row.bay,
        camera=row.camera,
        level=said.get("level", row.level),
        zone=said.get("zone", row.zone),
        kind=said.get("kind") or row.kind,
        angle=said.get("angle") or row.angle,
        ground=ring_of(said),
        picture=None if row.picture is None else json.loads(row.picture),
        label=said.get("name") or row.bay,
    )
