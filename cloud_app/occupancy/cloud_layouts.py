"""The layouts of cloud edges: which bays of a lot have sources in the cloud.

They are those for which the registry names a sensor, and those that a person has set by hand for a
while. What is known of the bays themselves is the registry's; where a box sees such a bay too, its
camera and the outline in its picture are shown.
"""

from __future__ import annotations

import json
import logging
import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import bindparam, select

from cloud_app.registry.facts import DeviceKind, LotFacts
from cloud_app.registry.kinds import BAY, LOT
from cloud_app.registry.queries import Filter, devices_at, every_thing
from cloud_app.registry.things import Said, find_one
from cloud_app.storage.bay_words import forget_others
from cloud_app.storage.carrying import mark_carried
from cloud_app.storage.cloud_edges import ensure_cloud_edge
from cloud_app.storage.cloud_stream import carry_over
from cloud_app.storage.counts import recount
from cloud_app.storage.database import Row, Session
from cloud_app.storage.intake import lock_edges, take_layout
from cloud_app.storage.source_tables import cloud_edge, source_state
from cloud_app.storage.tables import bay as bay_table
from cloud_app.storage.tables import edge
from cloud_app.storage.tables import lot as lot_table
from cloud_app.storage.upsert import Upsert, names, same
from telemetry.bay_sensors import SENSORS_CAMERA
from telemetry.bounds import MAX_BAYS
from telemetry.layout import Layout
from telemetry.messages import LayoutBay
from telemetry.vocabulary import BayAngle, BayKind

_log = logging.getLogger(__name__)

_CLOUD_LOTS = (
    select(cloud_edge.c.lot, cloud_edge.c.edge, edge.c.layout)
    .join(edge, edge.c.edge == cloud_edge.c.edge)
    .where(cloud_edge.c.site == bindparam("at_site"))
)
_BY_HAND = select(source_state.c.lot, source_state.c.bay).where(
    source_state.c.site == bindparam("at_site"), source_state.c.kind == "manual"
)
_SEEN = (
    select(bay_table)
    .select_from(edge)
    .join(bay_table, (bay_table.c.edge == edge.c.edge) & (bay_table.c.layout == edge.c.layout))
    .where(
        edge.c.kind == "box",
        bay_table.c.site == bindparam("at_site"),
        bay_table.c.lot == bindparam("of_lot"),
    )
    .order_by(bay_table.c.edge, bay_table.c.place)
)
_OF_BOX = ("camera", "kind", "angle", "zone", "level", "picture")
_LOT = Upsert(
    lot_table,
    names(lot_table),
    same("name", "levels", "lat", "lon"),
    lambda _new: lot_table.c.edge.is_(None),
)
_DIGITS = re.compile(r"(\d+)")


@dataclass(slots=True)
class LotSources:
    """A lot's bays that have sources in the cloud.

    Attributes:
        sensors: of each bay, in order of their ids; empty where only people speak of it.
    """

    sensors: dict[str, list[str]] = field(default_factory=dict)

    @property
    def bays(self) -> list[str]:
        """In the order of their names, A2 before A10."""
        return sorted(self.sensors, key=_natural)


def _natural(name: str) -> tuple[list[Any], str]:
    parts = _DIGITS.split(name)
    # Words and numbers alternate, so the same kinds are compared.
    return [int(part) if n % 2 else part.casefold() for n, part in enumerate(parts)], name


def sources_at(session: Session, site: str) -> dict[str, LotSources]:
    """The lots of a site that have, or had, bays with sources in the cloud."""
    found = {row.lot: LotSources() for row in session.rows(_CLOUD_LOTS, {"at_site": site})}
    for device in devices_at(session, site):
        said = device.said
        if said.get("kind") == DeviceKind.SENSOR and said.get("lot") and said.get("bay"):
            bays = found.setdefault(said["lot"], LotSources()).sensors
            bays.setdefault(said["bay"], []).append(device.ref.key)
    for row in session.rows(_BY_HAND, {"at_site": site}):
        found.setdefault(row.lot, LotSources()).sensors.setdefault(row.bay, [])
    return found


def lay_out(session: Session, site: str) -> dict[str, LotSources]:
    """Bring the layouts of a site's cloud edges up to the registry.

    Args:
        session: a transaction that may write and has written nothing yet.
        site: whose lots.

    Returns:
        The lots whose layouts changed.
    """
    known = {row.lot: row for row in session.rows(_CLOUD_LOTS, {"at_site": site})}
    changed: dict[str, LotSources] = {}
    for lot, sources in sorted(sources_at(session, site).items()):
        row = known.get(lot)
        if not sources.sensors and (row is None or row.layout is None):
            continue  # only counted, as far as it is watched at all
        if _lay_out_lot(session, site, lot, sources):
            changed[lot] = sources
    return changed


def _lay_out_lot(session: Session, site: str, lot: str, sources: LotSources) -> bool:
    if len(sources.sensors) > MAX_BAYS:
        _log.error(
            "lot %s of %s has %d bays with sensors, and at most %d are watched: make it two lots",
            lot, site, len(sources.sensors), MAX_BAYS,
        )  # fmt: skip
    things = every_thing(session, Filter(BAY, parent=LOT.ref({"site": site, "lot": lot}).key))
    said_of = {thing.ids["bay"]: thing.said for thing in things}
    seen: dict[str, Row] = {}
    boxes: set[str] = set()
    for row in session.rows(_SEEN, {"at_site": site, "of_lot": lot}):
        seen.setdefault(row.bay, row)
        boxes.add(row.edge)
    layout = Layout.of(
        [_bay(name, lot, said_of.get(name, {}), seen.get(name)) for name in sources.bays[:MAX_BAYS]]
    )
    name = ensure_cloud_edge(session, site, lot)
    _describe(session, site, lot)
    before = layout_in_force(session, name)
    is_less = forget_others(session, site, lot, sources.sensors)
    if before == layout:
        return is_less
    lock_edges(session, sorted({name, *boxes}))
    if before is not None and before.hash != layout.hash:
        carry_over(session, name, before.hash, layout.hash, layout.bay_ids)
    take_layout(session, site, name, layout)
    mark_boxes(session, boxes)
    session.announce(name)
    return True


def _describe(session: Session, site: str, lot: str) -> None:
    """Let lists know the lot as the registry does, until a box describes it."""
    thing = find_one(session, LOT.ref({"site": site, "lot": lot}))
    if thing is None or not isinstance(thing.facts, LotFacts):
        return
    facts, area = thing.facts, thing.facts.box()
    where = (None, None) if area is None else (
        (area.south + area.north) / 2, (area.west + area.east) / 2
    )  # fmt: skip
    levels = json.dumps(list(facts.levels or ()))
    session.upsert(_LOT, [(site, lot, facts.name, levels, *where, None)])


def mark_boxes(session: Session, boxes: Iterable[str]) -> None:
    """Mark what cloud edges carry of boxes; the transaction has locked these."""
    some = sorted(boxes)
    if some and mark_carried(session, some):
        recount(session, some)
        for box in some:
            session.announce(box)


_OWN = (
    select(bay_table, edge.c.layout.label("hash"))
    .select_from(edge)
    .join(bay_table, (bay_table.c.edge == edge.c.edge) & (bay_table.c.layout == edge.c.layout))
    .where(edge.c.edge == bindparam("of"))
    .order_by(bay_table.c.place)
)
_HASH = select(edge.c.layout).where(edge.c.edge == bindparam("of"))


def layout_in_force(session: Session, name: str) -> Layout | None:
    """The layout of a cloud edge; None before its first."""
    [(found,)] = session.rows(_HASH, {"of": name})
    if found is None:
        return None
    rows = session.rows(_OWN, {"of": name})
    return Layout.of([_own(row) for row in rows])


def _own(row: Row) -> LayoutBay:
    return LayoutBay(
        bay=row.bay,
        camera=row.camera,
        kind=BayKind(row.kind),
        angle=BayAngle(row.angle),
        zone=row.zone,
        lot=row.lot,
        level=row.level,
        picture=None if row.picture is None else json.loads(row.picture),
    )


def _bay(name: str, lot: str, said: Said, seen: Row | None) -> LayoutBay:
    of_box: Said = {} if seen is None else {name: getattr(seen, name) for name in _OF_BOX}
    picture = of_box.get("picture")
    return LayoutBay(
        bay=name,
        camera=of_box.get("camera") or SENSORS_CAMERA,
        kind=BayKind(said.get("kind") or of_box.get("kind") or BayKind.STANDARD),
        angle=BayAngle(said.get("angle") or of_box.get("angle") or BayAngle.PERPENDICULAR),
        zone=said.get("zone") or of_box.get("zone"),
        lot=lot,
        level=said.get("level") or of_box.get("level"),
        picture=None if picture is None else json.loads(picture),
    )
