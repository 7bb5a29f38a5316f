"""Bays that are too dark, or hidden behind vehicles, have no evidence."""

from __future__ import annotations

from datetime import UTC, datetime

import cv2
import numpy as np
import pytest

from telemetry import UnknownReason
from vision.evidence import EvidenceFilter
from vision.types import BayEvidence, Detections, Floats, ImageBgr, as_floats
from vision.unseen import dark_bays, hidden_bays, seen_evidence

WH = (1280, 720)
T0 = datetime(2026, 1, 1, tzinfo=UTC)


def boxed(left: float, top: float, right: float, bottom: float) -> Floats:
    return as_floats([(left, top), (right, top), (right, bottom), (left, bottom)])


LEFT, RIGHT = boxed(100, 300, 300, 500), boxed(700, 300, 900, 500)


def night(level: float) -> ImageBgr:
    """A lot by night: the left half lit to `level`, a lamp on the right; a sensor's noise."""
    image = np.zeros((720, 1280, 3), np.float32)
    image[:, :640] = level
    image[:, 640:] = 60
    rng = np.random.default_rng(5)
    noisy = image + rng.normal(0, 2.0, image.shape)
    return np.clip(noisy, 0, 255).astype(np.uint8)


@pytest.mark.parametrize(
    ("level", "is_dark"), [(0.0, True), (4.0, True), (12.0, False), (40.0, False)]
)
def test_a_bay_is_dark_by_itself(level: float, is_dark: bool) -> None:
    polygons = [LEFT / as_floats(WH), RIGHT / as_floats(WH)]
    assert dark_bays(night(level), polygons).tolist() == [is_dark, False]


def test_a_dark_bay_is_found_at_any_size_of_image_and_beyond_its_rim() -> None:
    outside = boxed(-400, 300, -100, 500) / as_floats(WH)
    polygons = [LEFT / as_floats(WH), outside]
    for width in (64, 320, 2560):
        image = cv2.resize(night(0.0), (width, width * 9 // 16))
        assert dark_bays(np.asarray(image, np.uint8), polygons)[0]


def detections(*boxes: tuple[float, float, float, float]) -> Detections:
    count = len(boxes)
    return Detections(
        as_floats(boxes).reshape(-1, 4), np.full(count, 0.9, np.float32), np.zeros(count, np.int64)
    )


LORRY = (80.0, 200.0, 330.0, 700.0)
BEHIND = (80.0, 150.0, 330.0, 490.0)


@pytest.mark.parametrize(
    ("prob", "boxes", "is_hidden"),
    [
        pytest.param(0.2, [LORRY], True, id="a lorry before it"),
        pytest.param(0.01, [LORRY], False, id="the network is sure all the same"),
        pytest.param(0.2, [BEHIND], False, id="a lorry behind it"),
        pytest.param(0.2, [(80.0, 430.0, 330.0, 700.0)], False, id="only its front"),
        pytest.param(0.2, [(80, 200, 220, 700), (210, 200, 330, 700)], True, id="two together"),
        pytest.param(0.8, [LORRY, (110, 250, 290, 490)], True, id="its own car is hidden too"),
        pytest.param(0.8, [(110, 250, 290, 500)], False, id="its own car hides nothing"),
        pytest.param(0.2, [], False, id="nothing there"),
    ],
)
def test_a_bay_is_hidden_by_what_stands_before_it(
    prob: float, boxes: list[tuple[float, float, float, float]], is_hidden: bool
) -> None:
    found = hidden_bays(as_floats([prob, 0.2]), detections(*boxes), [LEFT, RIGHT])
    assert found.tolist() == [is_hidden, False]


def test_a_bay_that_is_not_seen_becomes_unknown_with_its_reason_and_others_do_not() -> None:
    bays = EvidenceFilter(["dark", "hidden", "seen"], start_utc=T0)
    polygons = [
        LEFT / as_floats(WH),
        RIGHT / as_floats(WH),
        boxed(1000, 300, 1200, 500) / as_floats(WH),
    ]
    by_day, by_night = night(90.0), night(0.0)
    lorry = detections((680.0, 200.0, 930.0, 700.0))
    for step in range(200):
        image, found = (by_day, detections()) if step < 20 else (by_night, lorry)
        evidence = BayEvidence(as_floats([0.1, 0.1, 0.1]), np.ones(3, np.float32))
        bays.update(seen_evidence(evidence, image, found, polygons), float(step), T0)
        if step in {19, 60}:
            assert [each.occ for each in bays.states()] == [False] * 3, "for a minute it holds"
    assert [(each.occ, each.reason) for each in bays.states()] == [
        (None, UnknownReason.DARK),
        (None, UnknownReason.OCCLUDED),
        (False, None),
    ]
