"""The registry of the city: written as GeoJSON, imported as an operator would import it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

from city.garage import GATES, gate_id
from city.garage import PERIOD_S as GATE_PERIOD_S
from city.places import Frame, Position
from city.plan import (
    CENTRE,
    COUNCIL,
    COUNTRY,
    OPERATORS,
    SITES,
    TIME_ZONE,
    TOWN,
    City,
    PlannedLot,
    Watch,
)
from city.sensor_field import PERIOD_S, PlannedSensor, sensors_of
from cloud_app.accounts.audit import Actor, ActorKind
from cloud_app.accounts.registry_log import record_import
from cloud_app.registry.files import read_file
from cloud_app.registry.imports import Import, Plan, run
from cloud_app.storage.database import Database, Session
from cloud_app.storage.times import to_ms

ACTOR = "city"
_DOMAIN = "wexmouth.example"
_POSTCODES = {"old-town": "WX1 1AA", "station": "WX1 4RS", "hospital": "WX2 7HP",
              "centre-kerb": "WX1 2CK", "seafront": "WX3 5SF"}  # fmt: skip


def import_registry(database: Database, city: City, file: Path, now: datetime) -> int:
    """Write the city's GeoJSON and import it; how many things it holds.

    Raises:
        FactsError: the registry refuses it.
    """
    features = list(features_of(city))
    document = {"type": "FeatureCollection", "features": features}
    file.write_text(json.dumps(document, indent=1), encoding="utf-8")
    reading = read_file(file)
    reading.refuse_if_wrong()
    actor = Actor(ActorKind.COMMAND_LINE, ACTOR, None, to_ms(now))

    def note(session: Session, plan: Plan) -> None:
        record_import(session, actor, plan, file.name)

    run(database, Import(reading.rows, ACTOR, file.name), actor.at_ms, note)
    return len(features)


def features_of(city: City) -> Iterator[dict[str, Any]]:
    """Everything that the registry is told, what others belong to first."""
    yield _feature("council", _contacts("council"), council=COUNCIL, name=f"{TOWN} Town Council")
    for operator in OPERATORS:
        facts = {"operator": operator.id, "name": operator.name, "council": COUNCIL}
        yield _feature("operator", _contacts(operator.id), **facts)
    for site in SITES:
        yield _feature(
            "site",
            _contacts(site.operator) | _address(site.id),
            _point(Frame(CENTRE).place(site.at_m)),
            site=site.id,
            name=site.name,
            operator=site.operator,
            time_zone=TIME_ZONE,
        )
    for lot in city.lots:
        yield from _features_of_lot(lot)


def _features_of_lot(lot: PlannedLot) -> Iterator[dict[str, Any]]:
    spec, ids = lot.spec, {"site": lot.spec.site, "lot": lot.id}
    yield _feature(
        "lot",
        _address(spec.site),
        _area(lot.outline),
        **ids,
        name=spec.name,
        street=spec.street,
        placement="on_street" if spec.on_street else "off_street",
        levels=list(spec.levels) or None,
        opening_hours=spec.hours,
        height_limit_m=spec.height_limit_m,
        capacity=len(lot.bays),
    )
    if lot.watch is Watch.GATES:
        yield from _gates(lot, ids)
        return
    yield from _bays(lot, ids)
    yield from map(_sensor, sensors_of(lot))


def _bays(lot: PlannedLot, ids: dict[str, str]) -> Iterator[dict[str, Any]]:
    levels = {bay.said.zone: bay.said.level for bay in lot.bays if bay.said.zone is not None}
    for zone, level in levels.items():
        name = zone.replace("-", " ").capitalize()
        yield _feature("zone", {}, **ids, zone=zone, name=name, level=level)
    for bay in lot.bays:
        said = bay.said
        yield _feature(
            "bay",
            {},
            _area(bay.corners),
            **ids,
            bay=said.bay,
            zone=said.zone,
            level=said.level,
            kind=said.kind.value,
            angle=said.angle.value,
            length_m=round(bay.length_m, 2),
            width_m=round(bay.width_m, 2),
        )


def _sensor(sensor: PlannedSensor) -> dict[str, Any]:
    lot, bay = sensor.lot, sensor.bay
    xs, ys = zip(*bay.corners, strict=True)
    return _feature(
        "device",
        {},
        _point((sum(xs) / len(xs), sum(ys) / len(ys))),
        device=sensor.id,
        kind="sensor",
        site=lot.spec.site,
        lot=lot.id,
        bay=bay.said.bay,
        model=sensor.model,
        serial=sensor.radio.dev_eui,
        profile=sensor.radio.profile,
        firmware=sensor.firmware,
        period_s=PERIOD_S,
        threshold_mm=sensor.needs_mm,
    )


def _gates(lot: PlannedLot, ids: dict[str, str]) -> Iterator[dict[str, Any]]:
    # At two corners of the outline that do not lie beside each other.
    for name, corner in zip(GATES, lot.outline[::2], strict=True):
        yield _feature(
            "device",
            {},
            _point(corner),
            **ids,
            device=gate_id(lot, name),
            name=f"{lot.spec.name}, {name} gate",
            kind="gate_counter",
            model="Two loops and a controller",
            period_s=GATE_PERIOD_S,
        )


def _feature(
    thing: str, more: dict[str, Any], geometry: dict[str, Any] | None = None, /, **facts: Any
) -> dict[str, Any]:
    properties = {
        name: value for name, value in {"type": thing, **facts, **more}.items() if value is not None
    }
    return {"type": "Feature", "properties": properties, "geometry": geometry}


def _contacts(whose: str) -> dict[str, Any]:
    return {
        "contact": "Parking office",
        "email": f"parking@{whose}.example" if whose != "council" else f"parking@{_DOMAIN}",
        "phone": "+44 1632 960000",  # a number that the regulator keeps for stories
    }


def _address(site: str) -> dict[str, Any]:
    return {"postcode": _POSTCODES[site], "city": TOWN, "country": COUNTRY}


def _point(position: Position) -> dict[str, Any]:
    return {"type": "Point", "coordinates": list(position)}


def _area(corners: tuple[Position, ...]) -> dict[str, Any]:
    ring = [*map(list, corners), list(corners[0])]
    return {"type": "Polygon", "coordinates": [ring]}
