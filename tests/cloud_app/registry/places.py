"""Places for the registry's tests."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from cloud_app.registry.edits import Edit, amend, state
from cloud_app.registry.imports import Plan
from cloud_app.registry.kinds import KINDS, Ref
from cloud_app.registry.things import Thing, find_one
from cloud_app.storage.database import Database, Session

MUNICH = (11.575, 48.137)
NOW_MS = 1_774_000_000_000


def unnoted(_session: Session, _plan: Plan) -> None:
    """No audit log."""


def polygon(ring: Sequence[tuple[float, float]]) -> dict[str, Any]:
    return {"type": "Polygon", "coordinates": [[list(position) for position in ring]]}


def square(lon: float, lat: float, metres: float) -> dict[str, Any]:
    """A square with its south-west corner there."""
    up = metres / 111_320
    right = up / math.cos(math.radians(lat))
    corners = [(lon, lat), (lon + right, lat), (lon + right, lat + up), (lon, lat + up), (lon, lat)]
    return polygon([(round(x, 7), round(y, 7)) for x, y in corners])


def swapped(outline: dict[str, Any]) -> dict[str, Any]:
    return polygon([(y, x) for x, y in outline["coordinates"][0]])


def ref(kind: str, key: str) -> Ref:
    assert kind in KINDS
    return Ref(kind, key)


def put(session: Session, kind: str, key: str, /, **facts: Any) -> Thing:
    """A new thing, said by a person."""
    return state(session, Edit(ref(kind, key), "ann", NOW_MS), facts)


def say(session: Session, kind: str, key: str, /, **facts: Any) -> Thing:
    """Some facts of a thing that is there."""
    known = thing(session, kind, key)
    return amend(session, Edit(known.ref, "ann", NOW_MS, known.version), facts)


def thing(session: Session, kind: str, key: str) -> Thing:
    found = find_one(session, ref(kind, key))
    assert found is not None, f"no {kind} {key}"
    return found


def small_city(database: Database) -> None:
    """A council, an operator, a site with a lot of two zones and three bays, a sign."""
    lon, lat = MUNICH
    with database.write() as session:
        put(session, "council", "city", name="City of Munich", email="parking@city.example")
        put(session, "operator", "acme", name="Acme Parking", council="city")
        put(
            session, "site", "north", operator="acme", time_zone="Europe/Berlin", city="München",
            country="DE", location={"lat": lat, "lon": lon},
        )  # fmt: skip
        put(
            session, "lot", "north/p1", name="Hall, \"P1\"", placement="off_street",
            levels=["0", "1"], opening_hours="Mo-Sa 06:00-22:00; PH off", height_limit_m=2.1,
            outline=square(lon, lat, 80), location={"lat": lat, "lon": lon},
        )  # fmt: skip
        put(session, "zone", "north/p1/z1", name="Ground", level="0")
        put(session, "zone", "north/p1/z2")
        for number in range(3):
            put(
                session, "bay", f"north/p1/a{number}", zone="z1", level="0", kind="standard",
                angle="perpendicular", length_m=5.0, width_m=2.5,
                outline=square(lon + number * 0.00004, lat, 2.4),
            )  # fmt: skip
        put(session, "device", "sign-1", site="north", lot="p1", kind="sign", serial="S/N 7")
