"""The change gate: bays' own pixels, levelled light, heartbeat, settling, global changes."""

from __future__ import annotations

from datetime import UTC, datetime

import numpy as np
import pytest

from vision.change_gate import ChangeGate, GateSettings, bay_patches, patch_change
from vision.types import Frame, ImageBgr, as_floats

NOW = datetime(2026, 1, 1, tzinfo=UTC)
BAYS = [
    as_floats([[x, 0.4], [x + 0.15, 0.4], [x + 0.15, 0.7], [x, 0.7]])
    for x in (0.05, 0.25, 0.45, 0.65, 0.83)
]


def lot() -> ImageBgr:
    """An empty lot with lines, kerbs and the grain of asphalt."""
    rng = np.random.default_rng(3)
    image = np.full((240, 320, 3), 105, np.float32) + rng.normal(0, 6, (240, 320, 1))
    image[95:170, ::64] = 210
    image[:40] = 60
    return image.clip(0, 255).astype(np.uint8)


def with_car(image: ImageBgr, bay: int) -> ImageBgr:
    changed = image.copy()
    left = int(BAYS[bay][0, 0] * 320)
    changed[104:160, left + 8 : left + 40] = (40, 30, 30)
    changed[112:124, left + 10 : left + 38] = (190, 180, 170)
    return changed


def noisy(image: ImageBgr, seed: int, gain: float = 1.0, offset: float = 0.0) -> ImageBgr:
    noise = np.random.default_rng(seed).normal(0, 3, image.shape)
    return np.clip(image * gain + offset + noise, 0, 255).astype(np.uint8)


def frame(image: ImageBgr, time_s: float) -> Frame:
    return Frame("cam", image, time_s, NOW, 0)


@pytest.fixture
def gate() -> ChangeGate:
    gate = ChangeGate()
    assert gate.wants(frame(noisy(lot(), 0), 0), BAYS, settling=False), "the first frame"
    return gate


def test_a_still_lot_costs_one_pass_a_heartbeat(gate: ChangeGate) -> None:
    passes = sum(
        gate.wants(frame(noisy(lot(), step), step / 5), BAYS, settling=False)
        for step in range(1, 601)
    )
    assert passes == 4  # 120 s, one every 30 s


def test_the_first_heartbeat_may_come_sooner_than_the_others() -> None:
    gate = ChangeGate(first_heartbeat_share=0.2)
    beats = [
        step
        for step in range(100)
        if gate.wants(frame(noisy(lot(), step), step), BAYS, settling=False)
    ]
    assert beats == [0, 6, 36, 66, 96]


@pytest.mark.parametrize(
    ("gain", "offset"),
    [
        pytest.param(0.7, 0, id="a cloud"),
        pytest.param(1.25, 0, id="exposure"),
        pytest.param(1, 30, id="haze"),
    ],
)
def test_light_is_no_change(gate: ChangeGate, gain: float, offset: float) -> None:
    image = noisy(lot(), 9, gain, offset)
    assert not gate.wants(frame(image, 1), BAYS, settling=False)


@pytest.mark.parametrize("bay", range(5))
def test_a_car_in_one_bay_is_a_change(gate: ChangeGate, bay: int) -> None:
    assert gate.wants(frame(noisy(with_car(lot(), bay), 5), 1), BAYS, settling=False)


def test_what_was_judged_is_the_new_rest(gate: ChangeGate) -> None:
    parked = with_car(lot(), 2)
    assert gate.wants(frame(noisy(parked, 5), 1), BAYS, settling=False)
    assert not gate.wants(frame(noisy(parked, 6), 2), BAYS, settling=False)
    assert gate.wants(frame(noisy(lot(), 7), 3), BAYS, settling=False), "it left"


def test_something_outside_the_bays_is_no_change(gate: ChangeGate) -> None:
    image = lot()
    image[190:235, 30:140] = 15
    assert not gate.wants(frame(noisy(image, 5), 1), BAYS, settling=False)


def test_every_frame_passes_while_a_bay_settles(gate: ChangeGate) -> None:
    assert all(
        gate.wants(frame(noisy(lot(), n), n / 25), BAYS, settling=True) for n in range(1, 20)
    )


def test_a_global_change_passes_at_most_every_two_seconds(gate: ChangeGate) -> None:
    rng = np.random.default_rng(1)
    wanted = []
    for step in range(1, 51):
        streaks = rng.integers(0, 120, (240, 320, 1)) * (rng.uniform(size=(240, 320, 1)) < 0.4)
        blocks = np.kron(rng.normal(0, 60, (24, 32, 1)), np.ones((10, 10, 1)))
        rain = np.clip(lot() + streaks + blocks, 0, 255).astype(np.uint8)
        wanted.append(gate.wants(frame(rain, step / 5), BAYS, settling=False))
    assert 4 <= sum(wanted) <= 6  # 10 s


def test_another_calibration_is_judged_at_once(gate: ChangeGate) -> None:
    assert gate.wants(frame(noisy(lot(), 1), 0.2), BAYS[:3], settling=False)


def test_no_bays() -> None:
    gate = ChangeGate(GateSettings(heartbeat_s=10))
    assert gate.wants(frame(lot(), 0), [], settling=False)
    assert not gate.wants(frame(lot(), 5), [], settling=False)
    assert gate.wants(frame(lot(), 10), [], settling=False)


def test_patches_of_bays_beyond_the_rim() -> None:
    outside = [as_floats([[1.2, 1.2], [1.4, 1.2], [1.4, 1.4]]), BAYS[0] - 0.1]
    assert bay_patches(lot(), outside).shape == (2, 12, 12)


def test_change_is_zero_for_the_same_and_about_one_for_unrelated() -> None:
    rng = np.random.default_rng(0)
    a, b = (as_floats(rng.normal(100, 40, (1, 12, 12))) for _ in range(2))
    assert patch_change(a, a * 0.5 + 20, 9)[0] == pytest.approx(0, abs=1e-5)
    assert 0.9 < patch_change(a, b, 9)[0] < 1.4
