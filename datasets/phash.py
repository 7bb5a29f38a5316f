"""Perceptual hashes of images, and a search for close ones that holds for 100,000 images.

The hash is pHash: the signs of the 64 lowest frequencies of the cosine transform about their
median (Zauner, Implementation and benchmarking of perceptual image hash functions, 2010, section
3.2.1). Coding, size and brightness hardly change it; a crop of some percent changes a few bits.
"""

from __future__ import annotations

from collections.abc import Iterator

import cv2
import numpy as np
import numpy.typing as npt

from vision.types import Floats

Hashes = npt.NDArray[np.uint64]
BITS = 64
_SIDE = 32
_LOW = 8
_BLOCK = 4_000_000
"""Pairs that are compared at once: 32 MB, which stays near the processor."""


def phash_of_grey(grey: Floats) -> np.uint64:
    """Hash an image of grey levels, shape (H, W)."""
    small = cv2.resize(grey, (_SIDE, _SIDE), interpolation=cv2.INTER_AREA)
    # The first row and column are the plain means along a side: they reflect brightness, not shape.
    low = cv2.dct(small)[1 : _LOW + 1, 1 : _LOW + 1]
    bits = (low > np.median(low)).ravel()
    return np.uint64(int.from_bytes(np.packbits(bits).tobytes(), "big"))


def distance(first: np.uint64, second: np.uint64) -> int:
    """How many bits differ, 0 to 64."""
    return int(np.bitwise_count(first ^ second))


def close_pairs(
    first: Hashes, second: Hashes, at_most: int
) -> Iterator[tuple[npt.NDArray[np.int64], npt.NDArray[np.int64], npt.NDArray[np.uint8]]]:
    """Pairs of hashes that differ in few bits, by comparing all with all in blocks.

    Bands of bits as an index would save nothing: with ten bits free to differ nearly every pair
    shares a band. 80,000 against 20,000 take some seconds on one core.

    Args:
        first: shape (N,).
        second: shape (M,).
        at_most: bits that may differ.

    Yields:
        For each block indices into `first`, into `second`, and distances; each of shape (P,).
    """
    rows = max(1, _BLOCK // max(1, len(second)))
    for start in range(0, len(first), rows):
        differ = np.bitwise_count(first[start : start + rows, None] ^ second[None])
        i, j = np.nonzero(differ <= at_most)
        if len(i):
            yield i + start, j, differ[i, j]
