from __future__ import annotations

import json
import math
from collections.abc import Callable
from pathlib import Path

import jsonschema
import numpy as np
import pytest
import rfc8785
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from calibration import (
    Bay,
    Calibration,
    ControlPoint,
    Location,
    Lot,
    Mask,
    ReferencePicture,
    checksum_of,
    format_calibration,
    parse_calibration,
    seal,
)
from calibration.canonical import canonical_bytes
from calibration.json_schema import SCHEMA_FILE, format_schema, json_schema
from telemetry.errors import CalibrationError
from telemetry.vocabulary import BayAngle, BayKind

Make = Callable[..., Calibration]

coordinates = st.floats(0, 1, allow_nan=False)
points = st.tuples(coordinates, coordinates)
names = st.text(st.characters(exclude_categories=["Cs", "Cc"]), min_size=1, max_size=20).filter(
    lambda text: bool(text.strip())
)
locations = st.builds(Location, lat_deg=st.floats(-90, 90), lon_deg=st.floats(-180, 180))
ids = st.from_regex(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,8}", fullmatch=True)
bays = st.builds(
    Bay,
    id=ids,
    polygon=st.lists(points, min_size=3, max_size=8).map(tuple),
    kind=st.sampled_from(BayKind),
    angle=st.sampled_from(BayAngle),
    zone=st.none() | ids,
    level=st.none() | ids,
    ground_quad=st.none() | st.tuples(points, points, points, points),
)
calibrations = st.builds(
    Calibration,
    camera=ids,
    image_wh=st.tuples(st.integers(16, 8000), st.integers(16, 8000)),
    lot=st.builds(Lot, name=names, location=st.none() | locations),
    reference=st.none() | st.builds(ReferencePicture, file=names, sha256=st.just("0" * 64)),
    bays=st.lists(bays, max_size=6).map(tuple),
    masks=st.lists(st.builds(Mask, name=names, polygon=st.just(((0, 0), (1, 0), (0, 1))))).map(
        tuple
    ),
    control_points=st.just(())
    | st.lists(st.builds(ControlPoint, image=points, place=locations), min_size=4, max_size=5).map(
        tuple
    ),
    retired_ids=st.lists(ids, max_size=3).map(tuple),
    note=st.text(st.characters(exclude_categories=["Cs"]), max_size=30),
)


@given(calibrations)
def test_what_is_written_is_what_is_read(calibration: Calibration) -> None:
    sealed = seal(calibration)
    assert parse_calibration(format_calibration(sealed), "f.json") == sealed


@given(calibrations, st.randoms(use_true_random=False))
def test_checksum_ignores_order_of_keys_and_white_space(
    calibration: Calibration, random: object
) -> None:
    def shuffled(value: object) -> object:
        if isinstance(value, dict):
            items = [(key, shuffled(item)) for key, item in value.items()]
            random.shuffle(items)  # type: ignore[attr-defined]
            return dict(items)
        return [shuffled(item) for item in value] if isinstance(value, list) else value

    data = json.loads(format_calibration(calibration))
    text = json.dumps(shuffled(data), indent=3, ensure_ascii=True)
    assert checksum_of(parse_calibration(text, "f.json")) == checksum_of(calibration)


@given(calibrations)
def test_canonical_form_is_a_fixed_point_and_sorted(calibration: Calibration) -> None:
    canonical = canonical_bytes(calibration)
    data = json.loads(canonical)
    assert rfc8785.dumps(data) == canonical
    assert "checksum" not in data
    assert list(data) == sorted(data)


def test_checksum_changes_with_every_field(make_calibration: Make) -> None:
    base = make_calibration()
    changed = [
        base.model_copy(update={"camera": "south"}),
        base.model_copy(update={"image_wh": (1280, 721)}),
        base.model_copy(update={"bays": base.bays[::-1]}),
        base.model_copy(update={"revision": 9}),
        base.model_copy(update={"retired_ids": ("Z9",)}),
        base.model_copy(update={"note": "x"}),
    ]
    sums = {checksum_of(calibration) for calibration in [base, *changed]}
    assert len(sums) == len(changed) + 1
    assert checksum_of(seal(base)) == checksum_of(base)


def test_schema_file_is_current() -> None:
    published = Path(json_schema.__code__.co_filename).parent / "schema" / SCHEMA_FILE
    assert published.read_text(encoding="utf-8") == format_schema(), (
        "run: lotsight calibration schema > calibration/schema/calibration-1.schema.json"
    )


def test_schema_accepts_what_is_saved_and_refuses_the_rest(make_calibration: Make) -> None:
    validator = jsonschema.Draft202012Validator(json_schema())
    validator.check_schema(json_schema())
    good = json.loads(format_calibration(seal(make_calibration())))
    validator.validate(good)
    outside = json.loads(json.dumps(good))
    outside["bays"][0]["polygon"][0][0] = 1.5
    unknown = {**good, "colour": "red"}
    for bad in (outside, unknown, {**good, "schema_version": 2}, {**good, "camera": "a/b"}):
        assert not validator.is_valid(bad)


@pytest.mark.parametrize(
    ("field", "value"),
    [
        pytest.param("id", "A/1", id="slash in id"),
        pytest.param("id", "", id="empty id"),
        pytest.param("polygon", ((0, 0), (1, 1)), id="two points"),
        pytest.param("polygon", ((0, 0), (1, 1), (math.nan, 0)), id="nan"),
        pytest.param("polygon", ((0, 0), (1, 1), (math.inf, 0)), id="infinite"),
        pytest.param("polygon", ((0, 0, 0), (1, 1, 1), (1, 0, 0)), id="three coordinates"),
        pytest.param("kind", "motorhome", id="kind"),
        pytest.param("angle", "upside-down", id="angle"),
        pytest.param("ground_quad", ((0, 0), (1, 1), (0, 1)), id="ground triangle"),
        pytest.param("colour", "red", id="unknown field"),
    ],
)
def test_a_bay_refuses_what_has_no_meaning(field: str, value: object) -> None:
    good: dict[str, object] = {"id": "A01", "polygon": ((0, 0), (1, 0), (1, 1))}
    with pytest.raises(ValidationError, match=field):
        Bay.model_validate({**good, field: value})


def test_types_are_frozen(make_calibration: Make) -> None:
    with pytest.raises(ValidationError, match="frozen"):
        make_calibration().bays[0].id = "B01"  # type: ignore[misc]


def test_three_control_points_are_refused() -> None:
    point = ControlPoint(image=(0.1, 0.2), place=Location(lat_deg=48, lon_deg=11))
    with pytest.raises(ValidationError, match="none or at least 4, but got 3"):
        Calibration(camera="n", image_wh=(640, 480), control_points=(point,) * 3)


def test_quads_take_four_points_as_drawn_else_the_ground_quad_else_a_rectangle() -> None:
    drawn = ((0.1, 0.1), (0.3, 0.12), (0.32, 0.3), (0.08, 0.28))
    five = (*drawn[:2], (0.34, 0.2), *drawn[2:])
    calibration = Calibration(
        camera="n",
        image_wh=(1000, 500),
        bays=(
            Bay(id="a", polygon=drawn[2:] + drawn[:2]),
            Bay(id="b", polygon=five, ground_quad=drawn),
            Bay(id="c", polygon=((0.5, 0.5), (0.7, 0.5), (0.7, 0.7))),
        ),
    )
    quads = calibration.quads_norm()
    assert quads.shape == (3, 4, 2)
    np.testing.assert_allclose(quads[0], drawn, atol=1e-6)
    np.testing.assert_allclose(quads[1], drawn, atol=1e-6)
    # The triangle's least rectangle in square pixels has twice its area.
    x, y = (quads[2] * (1000, 500)).T
    area = abs(np.dot(x, np.roll(y, -1)) - np.dot(y, np.roll(x, -1))) / 2
    assert area == pytest.approx(2 * 200 * 100 / 2, rel=1e-3)
    assert Calibration(camera="n", image_wh=(1000, 500)).quads_norm().shape == (0, 4, 2)


GOOD = '{"camera": "n", "image_wh": [640, 480], "bays": [{"id": "A01", "polygon": %s}]}'


@pytest.mark.parametrize(
    ("text", "said"),
    [
        pytest.param("", "line 1, column 1: expected JSON", id="empty"),
        pytest.param('{"camera":\n  "n",,}', "line 2, column 7: expected JSON", id="comma"),
        pytest.param('{"camera": "n"', "but got the end of the line or file", id="cut short"),
        pytest.param("[1, 2]", "expected a calibration", id="list"),
        pytest.param('{"camera": "n", "camera": "m"}', "'camera' twice", id="key twice"),
        pytest.param('{"camera": NaN}', "expected a number, but got NaN", id="nan"),
        pytest.param("[" * 100_000, "nested too deeply", id="nested"),
        pytest.param('{"schema_version": 7}', "written by a newer lotsight", id="newer"),
        pytest.param('{"image_wh": [640, 480]}', "camera: expected this field", id="no camera"),
        pytest.param(
            GOOD % "[[0, 0], [1, 0]]",
            "bay A01 (bays[0]): polygon: expected tuple should have at least 3 items",
            id="two points",
        ),
        pytest.param(
            GOOD % '[[0, 0], [1, 0], [1, "x"]]',
            "bay A01 (bays[0]): polygon[2][1]: expected a valid number",
            id="text for a number",
        ),
        pytest.param(
            GOOD % '[[0, 0], [1, 0], [1, 1]], "colour": 3',
            "bay A01 (bays[0]): colour: expected no field of this name, but got 3",
            id="unknown field",
        ),
        pytest.param(
            '{"camera": "n", "image_wh": [640, 480], "bays": [{"polygon": []}, 7]}',
            "bays[0]: id: expected this field, but got none",
            id="no id",
        ),
        pytest.param(
            '{"camera": "n", "image_wh": [640, 480], "bays": [7]}', "bays[0]", id="bay is a number"
        ),
        pytest.param(
            '{"camera": "n", "image_wh": [640, 480], "bays": 7}', "bays: expected", id="bays"
        ),
    ],
)
def test_errors_name_file_place_expected_and_got(text: str, said: str) -> None:
    with pytest.raises(CalibrationError) as caught:
        parse_calibration(text, "lots/north.json")
    assert str(caught.value).startswith("lots/north.json: ")
    assert said in str(caught.value)
    assert "pydantic" not in str(caught.value)


def test_text_that_is_not_utf8_is_named() -> None:
    with pytest.raises(CalibrationError, match="byte 0xff at offset 12"):
        parse_calibration(b'{"camera": "\xff"}', "f.json")


def test_a_byte_order_mark_is_no_fault(make_calibration: Make) -> None:
    text = format_calibration(make_calibration()).encode("utf-8-sig")
    assert parse_calibration(text, "f.json") == make_calibration()


def test_a_changed_file_is_noticed(make_calibration: Make) -> None:
    text = format_calibration(seal(make_calibration())).replace('"A02"', '"A99"')
    with pytest.raises(CalibrationError, match="edited outside"):
        parse_calibration(text, "f.json")
    assert parse_calibration(text, "f.json", verify=False).bay_ids == ("A01", "A99", "A03")
