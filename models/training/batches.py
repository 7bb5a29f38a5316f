"""From samples to batches of tensors: warp, degrade, make bays, jitter their corners."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace

import numpy as np
import torch
from torch import Tensor

from datasets.degrade import ImageRgb
from datasets.frames import Bools
from models.training.config import AugmentConfig, TrainConfig
from models.training.geometry import random_warp, warp_boxes
from models.training.photometric import degrade
from models.training.samples import Sample, read_rgb
from vision.quads import canonical_quads
from vision.types import Floats

CORNERS = 4
HALF = 0.5
MIN_BAY_SEEN = 0.8
MIN_BAY_AREA_PX = (
    60.0  # at input resolution; under 8 px a side a label says nothing about the pixels
)
PREFETCH = 3


@dataclass(frozen=True, slots=True)
class Batch:
    """One training step's input.

    Attributes:
        images: `(N, 3, H, W)`, uint8.
        bay_quads: `(M, 4, 2)`, shares of the input.
        bay_image: `(M,)`, int64.
        occupied: `(M,)`, float32.
        boxes: `(K, 4)`, centre x, centre y, width, height as shares of the input.
        classes: `(K,)`, float32.
        box_image: `(K,)`, float32, as Ultralytics' loss wants it.
    """

    images: Tensor
    bay_quads: Tensor
    bay_image: Tensor
    occupied: Tensor
    boxes: Tensor
    classes: Tensor
    box_image: Tensor


def made_bays(
    sample: Sample, image_wh: tuple[int, int], rng: np.random.Generator
) -> tuple[Floats, Bools]:
    """Bays for a near-vertical image: around its vehicles (occupied) and on free ground (free).

    Only boxes of a car's proportions give an occupied bay: an upright box around a car that stands
    askew would be half empty. Free ones are an occupied bay's twin moved aside, to the neighbouring
    place half of the time, since telling a bay from its neighbour is what matters.
    """
    boxes = sample.boxes_px
    sides = boxes[:, 2:] - boxes[:, :2]
    aligned = (sides.max(1) > 1.6 * sides.min(1)) & (sample.classes == 0)  # cars: 1.8 to 2.5
    if not aligned.any():
        return np.zeros((0, 4, 2), np.float32), np.zeros(0, np.bool_)
    centre, size = (boxes[aligned, :2] + boxes[aligned, 2:]) / 2, sides[aligned]
    long_axis = size == size.max(1, keepdims=True)
    size = size * np.where(
        long_axis, rng.uniform(1.0, 1.3, size.shape), rng.uniform(1.05, 1.5, size.shape)
    )
    centre = centre + rng.normal(0, 0.04, centre.shape) * size
    pick = rng.integers(len(centre), size=3 * len(centre))
    way = rng.choice([-1.0, 1.0], (len(pick), 1)) * np.where(long_axis[pick], 0, 1)
    beside = way * size[pick] * rng.uniform(1.0, 1.2, (len(pick), 1))
    anywhere = rng.uniform(-4, 4, (len(pick), 2)) * size[pick].max(1, keepdims=True)
    free = centre[pick] + np.where(rng.random((len(pick), 1)) < HALF, beside, anywhere)
    half = size[pick] / 2
    low = np.maximum((free - half)[:, None], boxes[None, :, :2])
    high = np.minimum((free + half)[:, None], boxes[None, :, 2:])
    covered = np.prod(np.clip(high - low, 0, None), 2).max(1) / np.prod(size[pick], 1)
    inside = ((free - half >= 0) & (free + half <= np.array(image_wh, np.float32))).all(1)
    clear = inside & (covered < 0.04)  # noqa: PLR2004 - a mirror's width
    centres = np.concatenate([centre, free[clear]])
    halves = np.concatenate([size / 2, half[clear]])
    signs = np.array([[-1, -1], [1, -1], [1, 1], [-1, 1]], np.float32)
    quads = centres[:, None] + signs * halves[:, None]
    return quads.astype(np.float32), np.arange(len(centres)) < len(centre)


def jitter_quads(quads_px: Floats, config: AugmentConfig, rng: np.random.Generator) -> Floats:
    """Move corners and whole bays as an installer's hand would, relative to each bay's size."""
    count = len(quads_px)
    size = np.sqrt(np.maximum(_areas(quads_px), 1))[:, None, None]
    centre = quads_px.mean(1, keepdims=True)
    quads = centre + (quads_px - centre) * np.exp(rng.normal(0, config.bay_scale_sd, (count, 1, 1)))
    quads = quads + size * rng.normal(0, config.bay_shift_sd, (count, 1, 2))
    return (quads + size * rng.normal(0, config.corner_jitter_sd, quads.shape)).astype(np.float32)


def shuffle_corners(quads_px: Floats, share: float, rng: np.random.Generator) -> Floats:
    """Give a share of the bays another first corner, half of them the other sense too."""
    order = np.tile(np.arange(CORNERS), (len(quads_px), 1))
    chosen = rng.random(len(quads_px)) < share
    step = rng.integers(CORNERS, size=len(quads_px))[:, None] + np.where(
        rng.random((len(quads_px), 1)) < HALF,
        order,
        -order,
    )
    order[chosen] = step[chosen] % CORNERS
    return np.take_along_axis(quads_px, order[..., None], 1)


def _areas(quads: Floats) -> Floats:
    x, y = quads[..., 0], quads[..., 1]
    return np.abs((x * np.roll(y, -1, 1) - np.roll(x, -1, 1) * y).sum(1)) / 2


def augment(
    sample: Sample, image: ImageRgb, config: TrainConfig, rng: np.random.Generator
) -> tuple[ImageRgb, Sample]:
    """Return the image as network input and the labels that belong to it."""
    height, width = image.shape[:2]
    if sample.near_vertical:
        quads, occupied = made_bays(sample, (width, height), rng)
        sample = replace(sample, quads_px=quads, occupied=occupied)
    warp = random_warp(sample, (width, height), config.input_wh, config.augment, rng)
    whole = warp.points(sample.quads_px)
    limit = np.array(config.input_wh, np.float32)
    area = _areas(whole)
    keep = (_areas(whole.clip(0, limit)) >= MIN_BAY_SEEN * area) & (area >= MIN_BAY_AREA_PX)
    quads = canonical_quads(jitter_quads(whole[keep], config.augment, rng))
    quads = shuffle_corners(quads, config.augment.shuffle_corners_share, rng)
    boxes, kept = warp_boxes(warp, sample.boxes_px)
    labels = replace(
        sample,
        quads_px=quads,
        occupied=sample.occupied[keep],
        boxes_px=boxes,
        classes=sample.classes[kept],
    )
    return degrade(warp.image(image), config.augment, rng), labels


def collate(items: list[tuple[ImageRgb, Sample]]) -> Batch:
    """Stack augmented images and their labels."""
    size = np.array([items[0][0].shape[1], items[0][0].shape[0]], np.float32)
    boxes = np.concatenate([s.boxes_px for _, s in items]).reshape(-1, 2, 2) / size
    centre_size = np.concatenate([boxes.mean(1), boxes[:, 1] - boxes[:, 0]], 1)
    bay_counts, box_counts = [len(s.occupied) for _, s in items], [len(s.classes) for _, s in items]
    index = np.arange(len(items))
    return Batch(
        images=torch.from_numpy(np.stack([i for i, _ in items])).permute(0, 3, 1, 2),
        bay_quads=torch.from_numpy(np.concatenate([s.quads_px for _, s in items]) / size).float(),
        bay_image=torch.from_numpy(np.repeat(index, bay_counts)),
        occupied=torch.from_numpy(
            np.concatenate([s.occupied for _, s in items]).astype(np.float32)
        ),
        boxes=torch.from_numpy(centre_size).float(),
        classes=torch.from_numpy(np.concatenate([s.classes for _, s in items]).astype(np.float32)),
        box_image=torch.from_numpy(np.repeat(index, box_counts).astype(np.float32)),
    )


class Batches:
    """Shuffled, augmented batches; the same for the same seed, epoch and samples.

    Args:
        lots: seen whole in every epoch.
        extras: sets of which an epoch sees a share, each with that share.
        config: the recipe.
    """

    def __init__(
        self, lots: list[Sample], extras: Sequence[tuple[list[Sample], float]], config: TrainConfig
    ) -> None:
        self._lots, self._extras, self._config = lots, extras, config
        self._images: dict[str, ImageRgb] = {}
        seen = len(lots) + sum(_part(samples, share) for samples, share in extras)
        self._steps = seen // config.batch

    def __len__(self) -> int:
        """Steps in an epoch."""
        return self._steps

    def epoch(self, number: int) -> Iterator[Batch]:
        """Yield the batches of one epoch."""
        rng = np.random.default_rng([self._config.seed, number])
        samples = list(self._lots)
        for extra, share in self._extras:
            samples += [extra[i] for i in rng.permutation(len(extra))[: _part(extra, share)]]
        order = rng.permutation(len(samples))[: self._steps * self._config.batch]
        # One thread makes a few batches ahead: OpenCV frees the interpreter's lock.
        chunks = order.reshape(self._steps, self._config.batch)
        with ThreadPoolExecutor(1) as pool:
            waiting = [pool.submit(self._make, samples, c, number) for c in chunks[:PREFETCH]]
            for step in range(self._steps):
                if step + PREFETCH < self._steps:
                    waiting.append(
                        pool.submit(self._make, samples, chunks[step + PREFETCH], number)
                    )
                yield waiting.pop(0).result()

    def _make(self, samples: list[Sample], chunk: np.ndarray, epoch: int) -> Batch:
        items = []
        for position in chunk:
            sample = samples[position]
            if sample.frame.key not in self._images:
                self._images[sample.frame.key] = read_rgb(sample.frame)
            rng = np.random.default_rng([self._config.seed, epoch, int(position)])
            items.append(augment(sample, self._images[sample.frame.key], self._config, rng))
        return collate(items)


def _part(samples: list[Sample], share: float) -> int:
    return round(share * len(samples))
