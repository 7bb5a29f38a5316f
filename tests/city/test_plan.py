"""The town's plan: bays lie where they can, and the registry takes all of it."""

from __future__ import annotations

from pathlib import Path

import pytest
from pydantic import SecretStr
from shapely import Polygon

from city.places import Frame, box_around
from city.plan import CENTRE, OPERATORS, SCRIPTED, SITES, Watch, make_city
from city.registry import import_registry
from cloud_app.config import DatabaseConfig
from cloud_app.registry.kinds import KINDS
from cloud_app.registry.queries import Filter, every_thing
from cloud_app.storage.open import open_database
from tests.city.conftest import NOW, planned

DEGREE_M = 111_320.0


def test_a_frame_turns_and_scales() -> None:
    east = Frame((-2.6, 50.8)).place((100.0, 0.0))
    north = Frame((-2.6, 50.8), 90.0).place((100.0, 0.0))
    assert east[1] == 50.8
    assert (east[0] + 2.6) * DEGREE_M * 0.632 == pytest.approx(100, rel=0.01)
    assert north[0] == pytest.approx(-2.6)
    assert (north[1] - 50.8) * DEGREE_M == pytest.approx(100, rel=1e-3)


def test_a_box_around_points_has_a_margin() -> None:
    assert box_around([(0, 0), (2, 4)], 1) == ((-1, -1), (3, -1), (3, 5), (-1, 5))


@pytest.mark.parametrize("name", [spec.name for spec in SCRIPTED])
def test_bays_lie_within_their_lot_and_not_on_each_other(name: str) -> None:
    lot = planned(name)
    outline = Polygon(lot.outline)
    shapes = [Polygon(bay.corners) for bay in lot.bays if bay.said.level in {None, "0"}]
    assert all(outline.contains(shape) for shape in shapes)
    for index, shape in enumerate(shapes):
        for other in shapes[index + 1 :]:
            assert shape.intersection(other).area < 0.01 * shape.area


def test_lots_do_not_lie_on_each_other() -> None:
    outlines = [Polygon(lot.outline) for lot in make_city(()).lots]
    for index, outline in enumerate(outlines):
        assert not any(outline.intersects(other) for other in outlines[index + 1 :])


def test_the_town_is_as_large_as_it_was_meant_to_be() -> None:
    city = make_city(())
    assert 10 <= len(city.lots) <= 16
    assert 600 <= city.bays <= 1500
    assert {lot.spec.on_street for lot in city.lots} == {True, False}
    assert any(len(lot.spec.levels) > 1 for lot in city.lots)
    assert {lot.spec.site for lot in city.lots} <= {site.id for site in SITES}
    assert {site.operator for site in SITES} == {operator.id for operator in OPERATORS}
    assert len({lot.edge for lot in city.lots}) == len(city.lots)


def test_the_registry_takes_all_of_it_and_what_boxes_say_agrees(tmp_path: Path) -> None:
    city = make_city(())
    database = open_database(DatabaseConfig(url=SecretStr(f"sqlite:{tmp_path}/cloud.db")))
    try:
        things = import_registry(database, city, tmp_path / "city.geojson", NOW)
        with database.read() as session:
            count = sum(len(list(every_thing(session, Filter(kind)))) for kind in KINDS.values())
    finally:
        database.close()
    on_sensors, counted = (
        sum(len(lot.bays) for lot in city.watched_by(watch))
        for watch in (Watch.SENSORS, Watch.GATES)
    )
    # A device for each bay with a sensor, two gates; the bays of a counted garage are not known.
    assert things == count > city.bays - counted + on_sensors + 2
    garage = planned("Guildhall Garage").layout
    assert {bay.level for bay in garage.bays} == {"0", "1", "2"}
    assert garage.lots[0].location is not None
    assert garage.lots[0].location.lat == pytest.approx(CENTRE[1], abs=0.01)
