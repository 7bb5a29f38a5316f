"""Configuration, drawn degradations, confidence, provenance, and what a network is given."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from pydantic import ValidationError

from datasets.degrade import ImageRgb
from datasets.errors import DatasetError
from datasets.frames import LotFrame, Vehicle
from datasets.metrics import calibration_error
from models.training import photometric
from models.training.confidence import Confidence, fit_temperature, logits_of
from models.training.config import AugmentConfig, TrainConfig, read_config
from models.training.held_out import held_out_plan, sets_of
from models.training.provenance import data_manifest
from models.training.samples import Sample, network_input
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


def _picture(seed: int = 0) -> ImageRgb:
    coarse = np.random.default_rng(seed).integers(40, 200, (12, 16, 3)).astype(np.uint8)
    return coarse.repeat(10, 0).repeat(10, 1)


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
    assert calibration_error(Confidence(1.0).probability(logits), occupied) > 0.05
    assert calibration_error(Confidence(temperature).probability(logits), occupied) < 0.01


def test_logits_come_back_from_probabilities_and_certainty_stays_finite() -> None:
    logits = np.linspace(-9, 9, 37).astype(np.float32)
    assert np.allclose(logits_of(Confidence(1.0).probability(logits)), logits, atol=2e-3)
    assert np.abs(logits_of(np.array([0, 1], np.float32))) == pytest.approx([16.1, 16.1], abs=0.1)


def test_a_sample_has_pixels_known_bays_and_our_classes() -> None:
    half = np.array([[0, 0], [0.5, 0], [0.5, 0.5], [0, 0.5]], np.float32)
    kinds = ("minibus", "cyclist", "truck")
    frame = LotFrame(
        set_name="made",
        split="train",
        path=Path("one.png"),
        polygons_norm=(half, half),
        states=(None, True),
        bay_ids=("1", "2"),
        vehicles=tuple(Vehicle((0.25, 0.5, 0.5, 1.0), kind) for kind in kinds),
        image_wh=(200, 100),
    )
    sample = Sample.of(frame)
    assert sample.quads_px.tolist() == [[[0, 0], [100, 0], [100, 50], [0, 50]]]
    assert sample.occupied.tolist() == [True]
    assert sample.boxes_px.tolist() == [[50, 50, 100, 100]] * 2
    assert sample.classes.tolist() == [2, 3], "a bus and a truck"


def test_sets_are_named_with_a_slash_or_a_colon(tmp_path: Path) -> None:
    (tmp_path / "lot").mkdir()
    (tmp_path / "lot" / "annotations.json").write_text('{"train": {}, "valid": {}}')
    assert sets_of(["lot/train"], tmp_path) == sets_of(["lot:train"], tmp_path)
    assert held_out_plan(["lot"], tmp_path).sets == (("lot", "train"), ("lot", "valid"))
    with pytest.raises(DatasetError, match="got 'lot:test'"):
        sets_of(["lot/test"], tmp_path)


def test_network_input_pads_with_grey() -> None:
    images, _ = network_input(
        np.zeros((100, 200, 3), np.uint8), np.zeros((0, 4, 2), np.float32), (320, 320)
    )
    assert images[0, :, 0, 0] == pytest.approx(114 / 255)
    assert images[0, :, 160, 160] == pytest.approx(0)


def test_only_open_licences_are_described(tmp_path: Path) -> None:
    picture, start = tmp_path / "a.jpg", tmp_path / "start.pt"
    picture.write_bytes(b"picture")
    start.write_bytes(b"weights")
    good = LotFrame("acpds", "train", picture, (), (), ())
    manifest = data_manifest([good], start, {"epochs": 1})
    assert [(s.name, s.licence, s.pictures) for s in manifest.sets] == [("acpds/train", "MIT", 1)]
    picture.write_bytes(b"another")
    assert data_manifest([good], start, {}).sets[0].sha256 != manifest.sets[0].sha256
    closed = LotFrame("smartlot", "train", picture, (), (), ())
    with pytest.raises(ModelError, match="smartlot/train"):
        data_manifest([good, closed], start, {})
