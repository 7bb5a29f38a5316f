"""What the city consists of: an invented town, its owners, lots and bays, all from a table.

The town of Wexmouth does not exist; its coordinates lie in fields in the south of England.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from functools import cached_property

from city.demand import Use
from city.places import Frame, Metres, Position, box_around
from cloud_app.storage.cloud_edges import cloud_edge_names
from edge_app.layout_names import lot_id
from simulator.layout import BaySpot, RowPlan
from telemetry import BayAngle, BayKind
from telemetry.bay_sensors import SENSORS_CAMERA
from telemetry.layout import Layout
from telemetry.messages import LayoutBay, Location, LotInfo

TIME_ZONE = "Europe/London"
TOWN = "Wexmouth"
COUNTRY = "GB"
CENTRE: Position = (-2.6000, 50.8000)
COUNCIL = "wexmouth"

_LANE_M = 6.5
_STREET_M = 7.5
_MARGIN_M = 1.5
_NINETY = 90.0


@dataclass(frozen=True, slots=True)
class Operator:
    """Who runs sites."""

    id: str
    name: str


@dataclass(frozen=True, slots=True)
class Site:
    """A place of an operator."""

    id: str
    name: str
    operator: str
    at_m: Metres


OPERATORS = (
    Operator("wexpark", "WexPark Car Parks"),
    Operator("kerbside", "Kerbside Services"),
)
SITES = (
    Site("old-town", "Old town", "wexpark", (0, 0)),
    Site("station", "Station quarter", "wexpark", (820, 340)),
    Site("hospital", "Wexmouth Hospital", "wexpark", (-900, 520)),
    Site("centre-kerb", "Kerb of the centre", "kerbside", (60, 60)),
    Site("seafront", "Seafront", "kerbside", (250, -780)),
)


@dataclass(frozen=True, slots=True)
class LotSpec:
    """One lot of the table.

    Attributes:
        name: for people; its id is made from it, as a box does.
        site: whose.
        use: what for.
        at_m: where it lies, east and north of the centre.
        turn_deg: how it lies, from east towards north.
        rows: of bays, all levels alike.
        levels: lowest first; none for a flat lot.
        street: with the number.
        hours: opening hours as OpenStreetMap writes them.
        height_limit_m: of what may drive in.
        on_street: whether it is part of the street.
        marked: kinds of bays, by row and number from 1; the others are standard.
    """

    name: str
    site: str
    use: Use
    at_m: Metres
    turn_deg: float
    rows: Sequence[RowPlan]
    levels: tuple[str, ...] = ()
    street: str = ""
    hours: str = "24/7"
    height_limit_m: float | None = None
    on_street: bool = False
    marked: Mapping[tuple[str, int], BayKind] | None = None


class Watch(StrEnum):
    """What tells of a lot."""

    PICTURES = "pictures"
    """A box with the real pipeline, on simulated cameras."""
    SCRIPT = "script"
    """A box that is told what it sees."""
    SENSORS = "sensors"
    """A sensor in each bay, over LoRaWAN; there is no box."""
    GATES = "gates"
    """Counters at its gates, so that only its count is known, not its bays."""


@dataclass(frozen=True, slots=True)
class PlannedBay:
    """A bay: what its box says of it, and where it lies."""

    said: LayoutBay
    corners: tuple[Position, ...]
    length_m: float
    width_m: float


@dataclass(frozen=True)
class PlannedLot:
    """A lot with its bays, and the box or the cloud's own edge that speaks for it.

    Attributes:
        spec: its line of the table.
        id: as its box says it.
        edge: its box; of a lot without one the edge that the cloud makes for it.
        frame: where its plan lies.
        outline: around all its bays.
        bays: in the order of the layout.
        watch: what tells of it.
    """

    spec: LotSpec
    id: str
    edge: str
    frame: Frame
    outline: tuple[Position, ...]
    bays: tuple[PlannedBay, ...]
    watch: Watch = Watch.SCRIPT

    @property
    def key(self) -> str:
        """Site and lot."""
        return f"{self.spec.site}/{self.id}"

    @property
    def has_box(self) -> bool:
        """Whether a box speaks for it, and not sensors or gates of the cloud's."""
        return self.watch in {Watch.PICTURES, Watch.SCRIPT}

    def source_of(self, bay: PlannedBay) -> str:
        """The camera or the sensor that tells of a bay."""
        return sensor_id(self.id, bay.said.bay) if self.watch is Watch.SENSORS else bay.said.camera

    @property
    def point(self) -> Position:
        """Its middle."""
        lons, lats = zip(*self.outline, strict=True)
        return sum(lons) / len(lons), sum(lats) / len(lats)

    @cached_property
    def layout(self) -> Layout:
        """What its box publishes."""
        lon, lat = self.point
        place = Location(lat=round(lat, 7), lon=round(lon, 7))
        info = LotInfo(lot=self.id, name=self.spec.name, levels=self.spec.levels, location=place)
        return Layout.of([bay.said for bay in self.bays], [info])


def sensor_id(lot: str, bay: str) -> str:
    """The registry's id of the sensor in a bay."""
    return f"{lot}-{bay}".lower()


def lot_of_spots(
    spec: LotSpec, lot: str, edge: str, spots: Sequence[tuple[BaySpot, LayoutBay]], watch: Watch
) -> PlannedLot:
    """A lot from bays in metres and what a box says of them."""
    frame = Frame(Frame(CENTRE).place(spec.at_m), spec.turn_deg)
    bays = tuple(
        PlannedBay(said, frame.places(_points(spot)), spot.length_m, spot.width_m)
        for spot, said in spots
    )
    everywhere = [point for spot, _ in spots for point in _points(spot)]
    outline = frame.places(box_around(everywhere, _MARGIN_M))
    return PlannedLot(spec, lot, edge, frame, outline, bays, watch)


def generated_lot(spec: LotSpec, watch: Watch = Watch.SCRIPT) -> PlannedLot:
    """A lot whose bays are generated from its rows."""
    lot = lot_id(spec.name)
    [edge, *_] = (
        [f"box-{lot.lower()}"] if watch is Watch.SCRIPT else cloud_edge_names(spec.site, lot)
    )
    spots = [
        each
        for level in spec.levels or (None,)
        for row in spec.rows
        for each in _row(spec, row, level, lot)
    ]
    if watch is not Watch.SCRIPT:
        spots = [(spot, said.model_copy(update={"camera": SENSORS_CAMERA})) for spot, said in spots]
    return lot_of_spots(spec, lot, edge, spots, watch)


def _row(
    spec: LotSpec, row: RowPlan, level: str | None, lot: str
) -> Iterator[tuple[BaySpot, LayoutBay]]:
    prefix = row.prefix if level is None else f"{level}{row.prefix}"
    zone = "kerb" if spec.on_street else f"row-{row.prefix}" if level is None else f"level-{level}"
    for number, spot in enumerate(row.bays(), start=1):
        kind = (spec.marked or {}).get((row.prefix, number), BayKind.STANDARD)
        yield (
            replace(spot, id=f"{prefix}{number:02d}", kind=kind),
            LayoutBay(
                bay=f"{prefix}{number:02d}",
                camera=f"cam-{prefix}",
                kind=kind,
                angle=spot.angle,
                zone=zone,
                lot=lot,
                level=level,
            ),
        )


def _points(spot: BaySpot) -> list[Metres]:
    return [(float(x), float(y)) for x, y in spot.corners()]


# -- the table ------------------------------------------------------------------------------------


def aisles(count: int, bays: int, angle: BayAngle = BayAngle.PERPENDICULAR) -> tuple[RowPlan, ...]:
    """Lanes side by side with a row of bays on either side of each."""
    turn = 60.0 if angle is BayAngle.ANGLED else _NINETY
    rows: list[RowPlan] = []
    y = 0.0
    for lane in range(count):
        first, second = (chr(65 + lane * 2 + side) for side in (0, 1))
        lower = RowPlan(first, 0.0, 0.0, False, bays, angle, turn, (2.5, 5.0), lane)
        y += lower.depth_m()
        rows.append(replace(lower, edge_y_m=y))
        y += _LANE_M
        rows.append(replace(lower, prefix=second, edge_y_m=y, up=True))
        y += lower.depth_m()
    return tuple(rows)


def kerb(
    bays: int, sides: int = 2, angle: BayAngle = BayAngle.PARALLEL, turn_deg: float = _NINETY
) -> tuple[RowPlan, ...]:
    """Bays along one or both sides of a street."""
    wide = (2.1, 5.8) if angle is BayAngle.PARALLEL else (2.5, 4.8)
    low = RowPlan("A", 0.0, 0.0, False, bays, angle, turn_deg, wide, 0)
    high = replace(low, prefix="B", edge_y_m=_STREET_M, up=True)
    return (low, high)[:sides]


def _marked(**rows: Mapping[int, BayKind]) -> dict[tuple[str, int], BayKind]:
    return {(row, number): kind for row, bays in rows.items() for number, kind in bays.items()}


_D, _E, _L = BayKind.DISABLED, BayKind.EV, BayKind.LOADING
_SHOPS = "Mo-Sa 07:00-22:00; Su 09:00-20:00"

WATCHED = (
    LotSpec(
        "Market Square",
        "old-town",
        Use.SHOPPING,
        (-40, 30),
        12.0,
        (),
        street="Market Square 1",
        hours=_SHOPS,
    ),
    LotSpec(
        "Station Forecourt",
        "station",
        Use.SHOPPING,
        (800, 300),
        -20.0,
        (),
        street="Station Road 2",
    ),
)
"""Watched by the real pipeline on simulated cameras; their bays come from the simulator."""

# fmt: off
SCRIPTED = (
    LotSpec("Guildhall Garage", "old-town", Use.GARAGE, (-190, 90), 12.0,
            aisles(2, 14), ("0", "1", "2"), "Guildhall Lane 8",
            "Mo-Sa 06:00-24:00; Su 08:00-22:00", 2.1,
            marked=_marked(A={1: _D, 2: _D, 13: _E, 14: _E}, B={1: _D})),
    LotSpec("Abbey Car Park", "old-town", Use.SHOPPING, (-120, -130), 4.0, aisles(2, 16),
            street="Abbey Walk 3", hours=_SHOPS,
            marked=_marked(A={1: _D, 2: _D}, D={15: _E, 16: _E})),
    LotSpec("Park and Ride", "station", Use.COMMUTERS, (860, 420), -20.0, aisles(2, 16),
            ("0", "1"), "Station Road 14", height_limit_m=2.3,
            marked=_marked(A={1: _D, 2: _D, 3: _E, 4: _E})),
    LotSpec("Hospital Visitors", "hospital", Use.VISITORS, (-860, 480), 35.0,
            aisles(2, 17, BayAngle.ANGLED), street="Infirmary Road 1",
            marked=_marked(A=dict.fromkeys(range(1, 6), _D))),
    LotSpec("Hospital Staff", "hospital", Use.STAFF, (-960, 570), 35.0, aisles(2, 15),
            street="Infirmary Road 5", marked=_marked(A={1: _D}, B={1: _E, 2: _E, 3: _E})),
    LotSpec("High Street", "centre-kerb", Use.KERB, (20, 120), 10.0, kerb(14),
            street="High Street", on_street=True,
            marked=_marked(A={1: _L, 2: _L, 8: _D}, B={1: _L})),
    LotSpec("Castle Street", "centre-kerb", Use.KERB, (150, -60), -52.0,
            kerb(16, 1, BayAngle.ANGLED, 50.0), street="Castle Street", on_street=True,
            marked=_marked(A={1: _D})),
    LotSpec("Bridge Road", "centre-kerb", Use.RESIDENTS, (300, 60), 74.0, kerb(20),
            street="Bridge Road", on_street=True),
    LotSpec("Church Lane", "centre-kerb", Use.RESIDENTS, (-60, -260), 98.0, kerb(15, 1),
            street="Church Lane", on_street=True, marked=_marked(A={15: _E})),
    LotSpec("Promenade", "seafront", Use.LEISURE, (120, -700), -8.0,
            kerb(30, 1, BayAngle.PERPENDICULAR), street="Promenade", on_street=True,
            marked=_marked(A={1: _D, 2: _D, 30: _L})),
    LotSpec("Harbour Car Park", "seafront", Use.LEISURE, (330, -790), -8.0, aisles(2, 18),
            street="Quay Street 2", marked=_marked(A={1: _D, 2: _D}, C={17: _E, 18: _E})),
    LotSpec("Lido", "seafront", Use.LEISURE, (-160, -760), 2.0, aisles(1, 20, BayAngle.ANGLED),
            street="Lido Road 9", hours="Apr-Sep 06:00-23:00; Oct-Mar 07:00-20:00",
            marked=_marked(A={1: _D, 2: _D})),
)
# fmt: on
"""Judged by a script; generated rows."""

SENSED = (
    LotSpec(
        "Mill Lane",
        "old-town",
        Use.SHOPPING,
        (150, 210),
        28.0,
        aisles(1, 14),
        street="Mill Lane 4",
        hours=_SHOPS,
        marked=_marked(A={1: _D, 2: _D}, B={13: _E, 14: _E}),
    ),
)
"""A sensor in each bay."""

COUNTED = (
    LotSpec(
        "Quay Garage",
        "seafront",
        Use.GARAGE,
        (560, -700),
        -8.0,
        aisles(3, 24),
        street="Quay Street 20",
        height_limit_m=2.0,
    ),
)
"""Counted at its gates; its bays are there, but nothing tells of them."""


@dataclass(frozen=True)
class City:
    """All of it.

    Attributes:
        lots: the watched ones first.
    """

    lots: tuple[PlannedLot, ...]

    def watched_by(self, watch: Watch) -> tuple[PlannedLot, ...]:
        """The lots that something of a kind tells of."""
        return tuple(lot for lot in self.lots if lot.watch is watch)

    @property
    def bays(self) -> int:
        """How many in all."""
        return sum(len(lot.bays) for lot in self.lots)


def make_city(watched: Sequence[PlannedLot]) -> City:
    """The city around the lots that cameras watch."""
    tables = ((Watch.SENSORS, SENSED), (Watch.GATES, COUNTED), (Watch.SCRIPT, SCRIPTED))
    made = (generated_lot(spec, watch) for watch, table in tables for spec in table)
    return City((*watched, *made))
