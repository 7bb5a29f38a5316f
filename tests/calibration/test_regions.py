"""Privacy masks and watched areas: by command, checked, tidied, and absent from files without."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner, Result

from calibration import (
    Area,
    Calibration,
    Code,
    Mask,
    check_calibration,
    compare,
    errors_of,
    load_calibration,
    save_calibration,
)
from calibration.canonical import canonical_bytes
from calibration.cli import app
from calibration.reregister import move_calibration
from telemetry.errors import CalibrationError

Make = Callable[..., Calibration]
Region = type[Mask | Area]

LANE = ((0.1, 0.6), (0.9, 0.6), (0.9, 0.7), (0.1, 0.7))
KINDS = [
    pytest.param("mask", "masks", "hidden", "shown", id="mask"),
    pytest.param("area", "areas", "watched", "not watched", id="area"),
]
TYPES = [pytest.param(Mask, id="mask"), pytest.param(Area, id="area")]


@pytest.fixture
def north(make_calibration: Make, tmp_path: Path) -> Path:
    path = tmp_path / "north.json"
    save_calibration(path, make_calibration(), author="test")
    return path


def run(*arguments: object) -> Result:
    return CliRunner().invoke(app, [str(argument) for argument in arguments])


def with_regions(make: Make, *regions: Mask | Area) -> Calibration:
    masks = tuple(region for region in regions if isinstance(region, Mask))
    areas = tuple(region for region in regions if isinstance(region, Area))
    return make(masks=masks, areas=areas)


def test_a_file_without_areas_keeps_the_form_and_checksum_it_always_had(
    make_calibration: Make, north: Path
) -> None:
    assert b"areas" not in canonical_bytes(make_calibration())
    assert "areas" not in json.loads(north.read_text())


@pytest.mark.parametrize(("command", "field", "put", "removed"), KINDS)
def test_drawn_kept_replaced_and_deleted_by_command(
    north: Path, command: str, field: str, put: str, removed: str
) -> None:
    drawn = run(command, north, "lane", "--polygon", "0.1,0.6 0.9,0.6 0.9,0.7 0.1,0.7")
    assert f"{put}: lane" in drawn.output
    (lane,) = getattr(load_calibration(north), field)
    assert (lane.name, lane.polygon) == ("lane", LANE)
    run(command, north, "lane", "--pixels", "--polygon", "64,72 640,72 640,360")
    (lane,) = getattr(load_calibration(north), field)
    assert lane.polygon == ((0.05, 0.1), (0.5, 0.1), (0.5, 0.5))
    assert f"{removed}: lane" in run(command, north, "lane").output
    assert getattr(load_calibration(north), field) == ()
    gone = run(command, north, "lane")
    assert f"{north}: {field}: expected one of that name, but got 'lane'" in str(gone.exception)


@pytest.mark.parametrize("command", ["mask", "area"])
@pytest.mark.parametrize(
    ("name", "polygon", "said"),
    [
        pytest.param("x", "0,0 1,1", "3 or more, but got 2", id="two points"),
        pytest.param("x", " ".join(["0,0", "1,0", "1,1"] * 22), "at most 64", id="66 points"),
        pytest.param("", "0,0 1,0 1,1", "name: expected .* at least 1 character", id="no name"),
        pytest.param("x", "0,0 1,1 1,0 0,1", "does not cross or touch itself", id="crossing"),
        pytest.param("x", "0,0 1.5,0 1,1", "points between 0 and 1", id="outside"),
        pytest.param("x", "0,0 1,0 0.5,0.0001", "at least 4 px across", id="tiny"),
    ],
)
def test_a_bad_outline_is_one_clear_error_and_changes_nothing(
    north: Path, command: str, name: str, polygon: str, said: str
) -> None:
    before = north.read_bytes()
    result = run(command, north, name, "--polygon", polygon)
    assert isinstance(result.exception, CalibrationError)
    with pytest.raises(CalibrationError, match=said):
        raise result.exception
    assert north.read_bytes() == before


@pytest.mark.parametrize("kind", TYPES)
def test_faults_name_the_region(kind: Region, make_calibration: Make) -> None:
    crossed = kind(name="lane", polygon=((0.1, 0.6), (0.9, 0.9), (0.9, 0.6), (0.1, 0.9)))
    twice = kind(name="lane", polygon=LANE)
    findings = errors_of(check_calibration(with_regions(make_calibration, crossed, twice)))
    assert [finding.code for finding in findings] == [Code.DUPLICATE_NAME, Code.SELF_CROSSING]
    what = "privacy mask" if kind is Mask else "watched area"
    for finding in findings:
        assert finding.message.startswith(f"{what} 'lane': expected ")
        named = (finding.mask, finding.area)
        assert named == (("lane", None) if kind is Mask else (None, "lane"))
        assert finding.at_norm is not None
        assert finding.remedy


def test_a_mask_and_an_area_may_share_a_name_and_run_either_way(make_calibration: Make) -> None:
    regions = (Mask(name="a", polygon=LANE[::-1]), Area(name="a", polygon=LANE[::-1]))
    assert check_calibration(with_regions(make_calibration, *regions)) == ()


@pytest.mark.parametrize("kind", TYPES)
def test_saving_tidies(kind: Region, make_calibration: Make, tmp_path: Path) -> None:
    """Points given twice go, and a hand that overshot the picture's rim meant the rim."""
    drawn = kind(name="a", polygon=((-0.01, 0), (0.4, 0), (0.4, 0), (0.4, 0.2), (-0.01, 0.2)))
    path = tmp_path / "north.json"
    saved = save_calibration(path, with_regions(make_calibration, drawn), author="test")
    (region,) = saved.masks + saved.areas
    assert region.polygon == ((0, 0), (0.4, 0), (0.4, 0.2), (0, 0.2))


def test_a_difference_names_each(make_calibration: Make) -> None:
    lane = Area(name="lane", polygon=LANE)
    moved = Area(name="lane", polygon=tuple((x + 0.01, y) for x, y in LANE))
    house, gate = (Mask(name=name, polygon=LANE) for name in ("house", "gate"))
    before = with_regions(make_calibration, lane, house)
    after = with_regions(make_calibration, moved, gate)
    assert compare(before, after).facts == (
        "mask gate: added",
        "mask house: removed",
        "area lane: outline moved by up to 12.8 px",
    )
    other_order = with_regions(make_calibration, lane, gate, house)
    assert compare(with_regions(make_calibration, lane, house, gate), other_order).is_empty


def test_regions_move_with_the_camera_and_are_cut_at_the_rim(make_calibration: Make) -> None:
    wh = (1280, 720)
    lane = Area(name="lane", polygon=LANE)
    rim = Mask(name="rim", polygon=((0.8, 0.0), (1.0, 0.0), (1.0, 0.2), (0.8, 0.2)))
    gone = Mask(name="gone", polygon=((0.95, 0.5), (1.0, 0.5), (1.0, 0.6), (0.95, 0.6)))
    shift = np.array([[1, 0, 128.0], [0, 1, 0], [0, 0, 1]])
    moved = move_calibration(with_regions(make_calibration, lane, rim, gone), shift, wh, wh)
    expected = [(0.2, 0.6), (0.2, 0.7), (1.0, 0.6), (1.0, 0.7)]
    np.testing.assert_allclose(sorted(moved.areas[0].polygon), expected, atol=1e-6)
    assert [mask.name for mask in moved.masks] == ["rim"]
    expected = [(0.9, 0.0), (0.9, 0.2), (1.0, 0.0), (1.0, 0.2)]
    np.testing.assert_allclose(sorted(moved.masks[0].polygon), expected, atol=1e-6)
    assert errors_of(check_calibration(moved)) == ()
