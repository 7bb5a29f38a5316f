"""Two sites of which places are known: what the tests of map, plan, search and lists share."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import insert

from cloud_app.api.access import digest_of
from cloud_app.config import HttpConfig, Scope, TokenConfig
from cloud_app.storage.alert_tables import alert
from cloud_app.storage.database import Database
from cloud_app.storage.times import to_ms
from telemetry.layout import Layout
from telemetry.messages import LayoutBay, Location, LotInfo
from tests.cloud_app.hub import Hub, fill
from tests.cloud_app.registry.places import MUNICH, put, say, square
from tests.cloud_app.scripted_edge import START, ScriptedEdge
from tests.cloud_app.test_intake import take

LON, LAT = MUNICH
PICTURE = ((0.1, 0.1), (0.2, 0.1), (0.2, 0.3), (0.1, 0.3))
HTTP = HttpConfig(
    host="0.0.0.0",
    tokens=(
        TokenConfig(name="ops", sha256=digest_of("all"), scopes=frozenset(Scope)),
        TokenConfig(name="city", sha256=digest_of("north-only"), sites=frozenset({"north"})),
    ),
)


@dataclass
class PlacedEdge(ScriptedEdge):
    """A box that tells where its lot lies, and its first bay in the picture."""

    @property
    def layout(self) -> Layout:
        return Layout.of(
            [
                LayoutBay(
                    bay=bay, camera=self.camera, lot=self.lot, zone="z1", level="0",
                    picture=PICTURE if number == 0 else None,
                )
                for number, bay in enumerate(self.bay_ids)
            ],
            [LotInfo(lot=str(self.lot), name="Hall", location=Location(lat=LAT, lon=LON))],
        )  # fmt: skip


NORTH = {"edge": "box-1", "site": "north", "lot": "p1"}
SOUTH = {"edge": "box-2", "site": "south", "lot": "s1"}


def a_city(database: Database) -> tuple[Hub, PlacedEdge, PlacedEdge]:
    """North and south, one lot each; people said more of the north."""
    hub = Hub(database, HTTP)
    north, south = PlacedEdge(**NORTH), PlacedEdge(**SOUTH)  # type: ignore[arg-type]
    fill(hub, south)
    fill(hub, north)
    take(database, [south.incident("i-south", 1)])
    for number in range(5):
        take(database, [north.incident(f"i-{number}", 60)])
    for number in range(3):
        take(database, [north.incident(f"i-{number}", 60, end="left", began=north.now)])
    south.now = north.now
    take(database, [north.health(7), south.health()])
    with database.write() as session:
        say(session, "site", "north", time_zone="Europe/Berlin")
        say(
            session,
            "lot",
            "north/p1",
            name="Käthe-Kollwitz-Platz",
            outline=square(LON, LAT, 100),
            placement="off_street",
            levels=["-1", "0"],
        )
        say(
            session,
            "bay",
            "north/p1/a1",
            name="=1 by the door",
            outline=square(LON, LAT, 3),
            kind="disabled",
        )
        put(session, "lot", "north/kerb", name="+Kerb", placement="on_street")
        put(session, "lot", "north/later", location={"lat": LAT, "lon": LON + 0.01})
    with database.write() as session:
        session.run(
            insert(alert).values(
                rule="edge_offline", site="north", subject="box-1", text="away", version=2,
                opened_ms=to_ms(START) + 600_000, closed_ms=to_ms(START) + 700_000,
                ceased_ms=to_ms(START) + 1_200_000,
            )
        )  # fmt: skip
    hub.clock.now_s = (south.now - hub.clock.epoch_utc).total_seconds() + 10
    return hub, north, south
