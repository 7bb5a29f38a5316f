"""Batches of training samples: made bays, jitter, corner order, repeatability."""

from __future__ import annotations

import importlib.util
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest

from datasets.frames import LotFrame, Vehicle
from models.training.config import AugmentConfig, TrainConfig
from models.training.samples import Sample, samples_of

if importlib.util.find_spec("torch"):
    import torch

    from models.training.batches import Batches, jitter_quads, made_bays, shuffle_corners

pytestmark = [pytest.mark.train, pytest.mark.usefixtures("train_extra")]


WH = (160, 120)


def lot_frames(folder: Path, count: int) -> list[LotFrame]:
    """Grey lots with bright cars (vehicles) in their occupied bays."""
    frames = []
    for number in range(count):
        rng = np.random.default_rng(number)
        image = np.full((120, 160, 3), 70, np.uint8)
        low = np.array([[x, y] for y in (15, 65) for x in (10, 60, 110)], np.float32)
        quads = low[:, None] + np.array([[0, 0], [40, 0], [40, 36], [0, 36]], np.float32)
        occupied = rng.random(len(quads)) < 0.5
        for quad in quads[occupied].astype(int):
            cv2.rectangle(image, quad[0] + 5, quad[2] - 5, rng.integers(120, 255, 3).tolist(), -1)
        path = folder / f"{number}.png"
        cv2.imwrite(str(path), image)
        boxes = np.concatenate([quads[occupied, 0], quads[occupied, 2]], 1) / np.tile(WH, 2)
        frames.append(
            LotFrame(
                set_name="made",
                split="train",
                path=path,
                polygons_norm=tuple(quad / np.array(WH, np.float32) for quad in quads),
                states=tuple(occupied.tolist()),
                bay_ids=tuple(map(str, range(len(quads)))),
                vehicles=tuple(Vehicle((box[0], box[1], box[2], box[3])) for box in boxes.tolist()),
                image_wh=WH,
            )
        )
    return frames


def lot_samples(folder: Path, count: int) -> list[Sample]:
    return samples_of(lot_frames(folder, count))


def _vertical() -> Sample:
    boxes = np.array(
        [[100, 100, 140, 118], [100, 130, 140, 148], [300, 200, 318, 240], [200, 50, 230, 80]],
        np.float32,
    )
    return Sample(
        frame=LotFrame("vehicles", "train", Path("x.jpg"), (), (), ()),
        quads_px=np.zeros((0, 4, 2), np.float32),
        occupied=np.zeros(0, np.bool_),
        boxes_px=boxes,
        classes=np.zeros(4, np.int64),
        near_vertical=True,
    )


@pytest.mark.parametrize("seed", range(5))
def test_made_bays_hold_a_car_or_none(seed: int) -> None:
    sample = _vertical()
    quads, occupied = made_bays(sample, (640, 480), np.random.default_rng(seed))
    low, high = quads.min(1), quads.max(1)
    sides = np.minimum(high[:, None], sample.boxes_px[None, :, 2:]) - np.maximum(
        low[:, None], sample.boxes_px[None, :, :2]
    )
    shared = np.prod(np.clip(sides, 0, None), 2)
    share_of_bay = shared.max(1) / np.prod(high - low, 1)
    # The square box is a car that stands askew: it gives no bay, but no free bay may cover it.
    assert occupied.sum() == 3
    assert (~occupied).sum() >= 1
    assert share_of_bay[~occupied].max() < 0.04
    assert share_of_bay[occupied].min() > 0.4
    assert (low[~occupied] >= 0).all()
    assert (high[~occupied] <= [640, 480]).all()


def test_a_view_without_upright_cars_gives_no_bays() -> None:
    sample = _vertical()
    askew = replace(sample, boxes_px=sample.boxes_px[3:], classes=sample.classes[3:])
    quads, occupied = made_bays(askew, (640, 480), np.random.default_rng(0))
    assert len(quads) == len(occupied) == 0


def test_shuffled_corners_stay_a_ring() -> None:
    ring = np.array([[[0, 0], [10, 0], [10, 5], [0, 5]]], np.float32).repeat(200, 0)
    shuffled = shuffle_corners(ring, 1.0, np.random.default_rng(0))
    x, y = shuffled[..., 0], shuffled[..., 1]
    area = (x * np.roll(y, -1, 1) - np.roll(x, -1, 1) * y).sum(1) / 2
    assert np.allclose(np.abs(area), 50)
    assert (area > 0).any()
    assert (area < 0).any()
    assert len(np.unique(shuffled[:, 0], axis=0)) == 4
    assert np.array_equal(shuffle_corners(ring, 0.0, np.random.default_rng(0)), ring)


def test_jitter_is_relative_to_the_bay() -> None:
    ring = np.array([[[0, 0], [100, 0], [100, 100], [0, 100]]], np.float32).repeat(800, 0)
    config = AugmentConfig(corner_jitter_sd=0.05, bay_shift_sd=0, bay_scale_sd=0)
    moved = jitter_quads(ring, config, np.random.default_rng(0)) - ring
    assert moved.std() == pytest.approx(5.0, rel=0.1)


def test_batches_repeat_for_a_seed_and_differ_between_epochs(tmp_path: Path) -> None:
    samples = lot_samples(tmp_path, 6)
    config = TrainConfig(input_wh=(128, 96), batch=2)
    first = list(Batches(samples, [], config).epoch(0))
    again = list(Batches(samples, [], config).epoch(0))
    other = list(Batches(samples, [], config).epoch(1))
    assert len(first) == len(Batches(samples, [], config)) == 3
    for a, b in zip(first, again, strict=True):
        assert torch.equal(a.images, b.images)
        assert torch.equal(a.bay_quads, b.bay_quads)
    assert not all(torch.equal(a.images, b.images) for a, b in zip(first, other, strict=True))


def test_an_epoch_sees_the_lots_whole_and_a_share_of_the_extras(tmp_path: Path) -> None:
    lots, extras = lot_samples(tmp_path, 4), lot_samples(tmp_path, 8)
    config = TrainConfig(input_wh=(128, 96), batch=2)
    assert len(Batches(lots, [(extras, 0.5)], config)) == 4
    assert len(list(Batches(lots, [(extras, 0.5), (extras, 0.25)], config).epoch(0))) == 5


def test_labels_stay_with_their_bays(tmp_path: Path) -> None:
    """An occupied bay's centre is brighter than the ground of its picture, a free bay's is not."""
    config = TrainConfig(
        input_wh=(320, 256),
        batch=2,
        augment=AugmentConfig(
            corner_jitter_sd=0,
            bay_shift_sd=0,
            bay_scale_sd=0,
            dark_share=0,
            bright_share=0,
            shadow_share=0,
            rain_share=0,
            blur_share=0,
            noise_share=0,
            jpeg_share=0,
            downscale_share=0,
        ),
    )
    agree = []
    for batch in Batches(lot_samples(tmp_path, 8), [], config).epoch(0):
        size = torch.tensor([320, 256])
        for quad, picture, occupied in zip(
            batch.bay_quads, batch.bay_image, batch.occupied, strict=True
        ):
            x, y = (quad.mean(0) * size).int().tolist()
            image = batch.images[picture].float().amax(0)
            edge_x, edge_y = (quad * size)[0].int().tolist()
            contrast = image[y, x] - image[max(min(edge_y, 255), 0), max(min(edge_x, 319), 0)]
            agree.append((contrast > 15) == bool(occupied))
    assert np.mean(agree) > 0.9
