"""Masks as segmentation tools and paint programs save them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from calibration.importers import Document, Imported, import_document
from telemetry.errors import CalibrationError
from tests.calibration.importers.forms import FIRST_PX, SECOND_PX

TALL_PX = [[500, 100], [560, 90], [600, 250], [530, 260]]
ALL_PX = (FIRST_PX, SECOND_PX, TALL_PX)


def drawn(values: list[Any], background: Any = 0, dtype: Any = np.uint8) -> Any:
    """A mask with three bays of these values."""
    channels = len(values[0]) if isinstance(values[0], tuple) else 1
    image = np.empty((720, 1280, channels), dtype)
    image[:] = background
    for value, points in zip(values, ALL_PX, strict=True):
        cv2.fillPoly(image, [np.array(points, np.int32)], value)
    return image


def taken(image: Any, suffix: str = ".png") -> Imported:
    content = cv2.imencode(suffix, image)[1].tobytes()
    return import_document(Document(Path("mask"), content))


def same(imported: Imported, tolerance_px: float = 1.5) -> list[str]:
    """Ids in the order of the three bays, each of which must be there with four corners."""
    found = []
    for points in ALL_PX:
        for bay in imported.bays:
            outline = np.asarray(bay.polygon) * imported.image_wh
            distance = np.linalg.norm(outline[:, None] - np.array(points)[None], axis=2)
            if max(distance.min(0)) <= tolerance_px:
                assert len(outline) == 4
                found.append(bay.id)
    assert len(found) == len(imported.bays) == 3
    return found


@pytest.mark.parametrize("suffix", [".png", ".bmp", ".tiff", ".webp"])
def test_white_blobs_are_numbered_as_one_reads(suffix: str) -> None:
    imported = taken(drawn([255] * 3), suffix)
    assert imported.image_wh == (1280, 720)
    assert same(imported) == ["B002", "B003", "B001"]


@pytest.mark.parametrize(("dtype", "values"), [(np.uint8, [3, 200, 7]), (np.uint16, [3, 9000, 7])])
def test_instance_numbers_become_the_ids(dtype: Any, values: list[int]) -> None:
    assert same(taken(drawn(values, dtype=dtype))) == [str(value) for value in values]


@pytest.mark.parametrize(
    ("values", "background"),
    [
        pytest.param([(0, 0, 255), (0, 255, 0), (10, 20, 30)], 0, id="coloured"),
        pytest.param([(0, 0, 255), (0, 0, 255), (0, 0, 255)], (255, 255, 255), id="on white"),
        pytest.param([(0, 0, 0), (0, 0, 0), (0, 0, 0)], (255, 255, 255), id="black on white"),
        pytest.param([(9, 9, 9, 255)] * 3, (9, 9, 9, 0), id="on nothing"),
    ],
)
def test_colours_and_backgrounds(values: list[tuple[int, ...]], background: Any) -> None:
    assert same(taken(drawn(values, background))) == ["B002", "B003", "B001"]


def test_bays_that_touch_are_two_where_their_colours_differ() -> None:
    image = np.zeros((100, 200), np.uint8)
    image[20:60, 20:60], image[20:60, 60:100] = 1, 2
    assert [bay.id for bay in taken(image).bays] == ["1", "2"]
    image[image > 0] = 255
    assert len(taken(image).bays) == 1


def test_soft_edges_and_jpeg_are_read_as_black_and_white() -> None:
    image = cv2.GaussianBlur(drawn([255] * 3), (5, 5), 0)
    assert same(taken(image), 4) == ["B002", "B003", "B001"]
    assert same(taken(image, ".jpg"), 4) == ["B002", "B003", "B001"]


def test_specks_and_drawn_outlines_are_told() -> None:
    image = drawn([255] * 3)
    image[50:52, 50:52] = 255
    cv2.rectangle(image, (800, 300), (900, 400), (255,), 2)
    imported = taken(image)
    assert len(imported.bays) == 3
    assert [finding.message for finding in imported.left_out] == [
        "1 skipped: a speck of less than 16 pixels (blob at (50, 50))",
        "1 skipped: a drawn outline, not a filled mask (blob at (799, 299))",
    ]


def test_photographs_are_refused() -> None:
    rng = np.random.default_rng(1)
    photo = rng.integers(0, 255, (200, 300, 3), np.uint8)
    with pytest.raises(CalibrationError, match="one colour for each bay, but got 5"):
        taken(photo)
    with pytest.raises(CalibrationError, match="black and white mask"):
        taken(photo, ".jpg")
    with pytest.raises(CalibrationError, match=r"a blob for each bay, but got .* of one colour"):
        taken((rng.random((720, 1280)) < 0.5).astype(np.uint8) * 255)
    with pytest.raises(CalibrationError, match="a blob for each bay, but got 0"):
        taken(np.zeros((50, 50), np.uint8))
