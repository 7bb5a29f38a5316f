"""Exact truth of a picture: which car or person each pixel shows, and boxes round them."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from simulator.stage import Actor
from vision.types import Floats

Labels = npt.NDArray[np.int32]
"""Shape (H, W): 0 nothing that moves, 1, 2, ... a car, -1, -2, ... a person."""


def label_pixels(
    nearest_m: npt.NDArray[np.float32], cars: Sequence[Actor], people: Sequence[Actor]
) -> Labels:
    """Which car or person each pixel shows; what hides one hides its pixels.

    Args:
        nearest_m: distance of the nearest thing that stands still, shape (H, W).
        cars: car `i` is labelled `i + 1`.
        people: person `i` is labelled `-(i + 1)`.
    """
    nearest = nearest_m.copy()
    labels = np.zeros(nearest.shape, np.int32)
    named = [(actor, index + 1) for index, actor in enumerate(cars)]
    named += [(actor, -(index + 1)) for index, actor in enumerate(people)]
    for actor, label in sorted(named, key=lambda pair: -pair[0].sprite.distance_m):
        window = actor.sprite.window()
        shows = (actor.sprite.cover > 0.5) & (nearest[window] > actor.sprite.distance_m)  # noqa: PLR2004 - half a pixel
        labels[window][shows] = label
        nearest[window][shows] = actor.sprite.distance_m
    return labels


def boxes_of(labels: Labels, min_px: int = 40) -> Floats:
    """Boxes round what is seen of each car, x_min, y_min, x_max, y_max, shape (N, 4).

    Args:
        labels: of `label_pixels`; negated, it gives the boxes of people.
        min_px: cars of fewer pixels are left out.
    """
    boxes = []
    for car in np.unique(labels[labels > 0]).tolist():
        rows, columns = np.nonzero(labels == car)
        if len(rows) >= min_px:
            boxes.append((columns.min(), rows.min(), columns.max() + 1, rows.max() + 1))
    return np.asarray(boxes, np.float32).reshape(-1, 4)
