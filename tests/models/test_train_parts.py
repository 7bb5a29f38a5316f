"""Configuration, degradations, confidence, provenance, places, and the judge's arithmetic."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from pydantic import ValidationError

from models.training import photometric
from models.training.confidence import Confidence, fit_temperature
from models.training.config import AugmentConfig, TrainConfig, read_config
from models.training.judge import (
    FrameVerdict,
    calibration_error,
    jittered,
    judge_frames,
    network_input,
    score,
)
from models.training.provenance import data_manifest
from models.training.records import Floats, ImageRgb, Ints, Sample, place_of
from telemetry.errors import ModelError


def test_config_names_a_wrong_key(tmp_path: Path) -> None:
    file = tmp_path / "run.toml"
    file.write_text("epochs = 3\n[augment]\nrotation_deg = 4.0\n")
    with pytest.raises(ValidationError, match=r"augment\.rotation_deg"):
        read_config(file)
    file.write_text("epochs = 3\n[augment]\nrotation_sd_deg = 4.0\n")
    config = read_config(file)
    assert (config.epochs, config.augment.rotation_sd_deg) == (3, 4.0)
    assert read_config(None) == TrainConfig()


@pytest.mark.parametrize(
    ("file", "place"),
    [
        pytest.param("GOPR0113.jpg", "acpds-a", id="first run"),
        pytest.param("GOPR6589.jpg", "acpds-b", id="last before a gap"),
        pytest.param("GOPR6590.jpg", "acpds-v1", id="valid split"),
        pytest.param("GOPR6810.jpg", "acpds-e", id="last"),
    ],
)
def test_places_of_acpds(file: str, place: str) -> None:
    assert place_of("acpds", file) == place


def _picture(seed: int = 0) -> ImageRgb:
    coarse = np.random.default_rng(seed).integers(40, 200, (12, 16, 3)).astype(np.uint8)
    return coarse.repeat(10, 0).repeat(10, 1)


def test_degradations_do_what_they_are_called() -> None:
    image, rng = _picture(), np.random.default_rng(0)
    assert photometric.darken(image, 0.8, rng).mean() < 0.4 * image.mean()
    assert photometric.overexpose(image, 1.8).mean() > 1.3 * image.mean()
    grey = photometric.grey(image)
    assert np.array_equal(grey[..., 0], grey[..., 2])
    assert not np.array_equal(image[..., 0], image[..., 2])
    edges = np.abs(np.diff(image.astype(int), axis=1)).max()
    assert np.abs(np.diff(photometric.blur(image, 2).astype(int), axis=1)).max() < edges / 2
    assert photometric.downscale(image, 0.5).shape == image.shape
    assert not np.array_equal(photometric.jpeg(image, 30), image)
    assert photometric.rain(image, 300, rng).std() < 1.3 * image.std()


def test_degrade_is_repeatable_and_varied() -> None:
    image, config = _picture(), AugmentConfig()
    first = photometric.degrade(image, config, np.random.default_rng(5))
    again = photometric.degrade(image, config, np.random.default_rng(5))
    other = photometric.degrade(image, config, np.random.default_rng(6))
    assert np.array_equal(first, again)
    assert not np.array_equal(first, other)


def test_temperature_is_found_again() -> None:
    rng = np.random.default_rng(1)
    true_logits = rng.normal(0, 3, 20_000)
    occupied = rng.random(20_000) < 1 / (1 + np.exp(-true_logits))
    logits = (2.5 * true_logits).astype(np.float32)
    temperature = fit_temperature(logits, occupied)
    assert temperature == pytest.approx(2.5, rel=0.05)
    assert calibration_error(logits, occupied) > 0.05
    assert calibration_error((logits / temperature).astype(np.float32), occupied) < 0.01


def test_the_abstain_band_is_about_even_odds() -> None:
    confidence = Confidence(temperature=2.0)
    logits = np.array([-8, -2, 0, 2, 8], np.float32)
    assert confidence.abstains(logits).tolist() == [False, True, True, True, False]
    assert confidence.probability(logits)[2] == pytest.approx(0.5)


def _verdict(right: int, wrong: int, key: str = "k") -> FrameVerdict:
    logits = np.array([3.0] * right + [-3.0] * wrong, np.float32)
    return FrameVerdict(key, "g", logits, np.ones(right + wrong, np.bool_))


def test_score_counts_bays_and_brackets_the_accuracy() -> None:
    result = score([_verdict(10, 0), _verdict(8, 2), _verdict(30, 0)])
    assert (result.frames, result.bays) == (3, 50)
    assert result.accuracy == pytest.approx(0.96)
    assert result.low < 0.96 < result.high
    assert result.f1 == pytest.approx(2 * 48 / (48 + 50))
    assert score([_verdict(5, 0)] * 4).low == 1.0


def test_judging_uses_the_letterboxed_bays(tmp_path: Path) -> None:
    import cv2

    path = tmp_path / "frame.png"
    cv2.imwrite(str(path), np.zeros((100, 200, 3), np.uint8))
    quad = np.array([[[50, 25], [150, 25], [150, 75], [50, 75]]], np.float32)
    sample = Sample("made/train/frame.png", "made", path, quad, np.array([True]))
    seen: list[Floats] = []

    def judge(images: Floats, bay_quads: Floats, bay_image: Ints) -> Floats:
        assert images.shape == (1, 3, 320, 320)
        assert bay_image.tolist() == [0]
        seen.append(bay_quads)
        return np.array([1.0], np.float32)

    (verdict,) = judge_frames(judge, [sample], (320, 320))
    assert verdict.right.all()
    # 200x100 fills the width of 320x320 and stands centred: 80 px of border above.
    expected = np.array([[80, 120], [240, 120], [240, 200], [80, 200]]) / 320
    assert np.allclose(seen[0][0], expected, atol=1e-3)


def test_network_input_pads_with_grey() -> None:
    images, _ = network_input(
        np.zeros((100, 200, 3), np.uint8), np.zeros((0, 4, 2), np.float32), (320, 320)
    )
    assert images[0, :, 0, 0] == pytest.approx(114 / 255)
    assert images[0, :, 160, 160] == pytest.approx(0)


def test_jitter_scales_with_the_bay() -> None:
    small = np.array([[[0, 0], [10, 0], [10, 10], [0, 10]]], np.float32).repeat(500, 0)
    rng = np.random.default_rng(0)
    moved = jittered(small * 10, 0.05, rng) - small * 10
    assert moved.std() == pytest.approx(5.0, rel=0.05)
    assert np.array_equal(jittered(small, 0.0, rng), small)


def test_only_open_licences_are_described(tmp_path: Path) -> None:
    picture, start = tmp_path / "a.jpg", tmp_path / "start.pt"
    picture.write_bytes(b"picture")
    start.write_bytes(b"weights")
    empty = (np.zeros((0, 4, 2), np.float32), np.zeros(0, np.bool_))
    good = Sample("acpds/train/a.jpg", "acpds-a", picture, *empty)
    manifest = data_manifest([good], start, {"epochs": 1})
    assert [(s.name, s.licence, s.pictures) for s in manifest.sets] == [("acpds/train", "MIT", 1)]
    picture.write_bytes(b"another")
    assert data_manifest([good], start, {}).sets[0].sha256 != manifest.sets[0].sha256
    closed = Sample("smartlot/train/a.jpg", "smartlot", picture, *empty)
    with pytest.raises(ModelError, match="smartlot/train"):
        data_manifest([good, closed], start, {})
