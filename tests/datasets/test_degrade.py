"""What each degradation does to a picture."""

from __future__ import annotations

import numpy as np

from datasets.degrade import blur, darken, downscale, grey, jpeg, overexpose, rain


def test_degradations_do_what_they_are_called() -> None:
    rng = np.random.default_rng(0)
    image = rng.integers(40, 200, (12, 16, 3)).astype(np.uint8).repeat(10, 0).repeat(10, 1)
    assert darken(image, 0.8, rng).mean() < 0.4 * image.mean()
    assert overexpose(image, 1.8).mean() > 1.3 * image.mean()
    no_colour = grey(image)
    assert np.array_equal(no_colour[..., 0], no_colour[..., 2])
    assert not np.array_equal(image[..., 0], image[..., 2])
    edges = np.abs(np.diff(image.astype(int), axis=1)).max()
    assert np.abs(np.diff(blur(image, 2).astype(int), axis=1)).max() < edges / 2
    assert downscale(image, 0.5).shape == image.shape
    assert not np.array_equal(jpeg(image, 30), image)
    assert rain(image, 300, rng).std() < 1.3 * image.std()
