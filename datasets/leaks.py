"""Does a model see in training what it is judged on? Near-identical images, and shared views.

Two kinds are distinguished, since all images of a fixed camera look alike. *Near-identical* images
(copied, coded again, cropped by some percent, brightened, or taken when nothing had changed) make
the judgement worthless. The *same view* on both sides is fair when days are split, and must be
said: the figure then holds for that camera, not for a new one.

Candidates come from a perceptual hash; each is then laid over the other (ECC, Evangelidis and
Psarakis 2008), and what is left is correlated.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import combinations
from pathlib import Path

import cv2
import numpy as np

from datasets.errors import DatasetError
from datasets.frames import LotFrame
from datasets.phash import Hashes, close_pairs, phash_of_grey
from vision.types import Floats

CANDIDATE_BITS = 12
"""Of 64. Coding and brightness change up to 6, a crop of 4 % up to 12 (acpds, pklot, smartlot,
nightlot, 60 images each); of 8,085 pairs of different places in acpds none is below 16."""
NEAR_IDENTICAL = 0.94
"""Correlation after alignment. All of 83 copies in four sets, cropped by up to 4 %, brightened by
20 % and coded at quality 60, reach it; images of one camera by day on other days reach 0.78."""
SAME_VIEW = 0.45
"""Correlation after alignment from which two images show one view: those of one camera on other
days that pass as candidates reach 0.48 to 0.78."""
_LOOKED_AT = 10
"""Candidates of an image that are laid over it: the closest by hash."""
_SIZE_WH = (192, 192)
_ITERATIONS = 60
_ECC_BLUR_PX = 7


@dataclass(frozen=True, slots=True)
class Leak:
    """Two images on different sides of a split.

    Attributes:
        first: in one split.
        second: in the other.
        bits: in which their hashes differ, of 64.
        likeness: correlation after alignment, up to 1.
    """

    first: LotFrame
    second: LotFrame
    bits: int
    likeness: float

    def __str__(self) -> str:
        """In one line."""
        one, two = (f"{side_of(one)} {one.path.name}" for one in (self.first, self.second))
        return f"{one} and {two}: similarity {self.likeness:.2f}, {self.bits} of 64 bits differ"


@dataclass(frozen=True, slots=True)
class Leaks:
    """What is on both sides.

    Attributes:
        near_identical: pairs of images; of each image in the smaller split the closest.
        same_view: pairs likewise, that show one view though no camera is named.
        cameras: splits that have images of a camera, where there are several.
    """

    near_identical: tuple[Leak, ...] = field(repr=False)
    same_view: tuple[Leak, ...] = field(repr=False)
    cameras: Mapping[str, tuple[str, ...]]


def side_of(frame: LotFrame) -> str:
    """Of a split: images of two sets are on different sides too."""
    return f"{frame.set_name}:{frame.split}" if frame.split else frame.set_name


def find_leaks(frames: Sequence[LotFrame], on_picture: Callable[[], None] = lambda: None) -> Leaks:
    """Look for what is on both sides of a split.

    Args:
        frames: of all splits; each is decoded at half size, again where it is a candidate.
        on_picture: called after each image.

    Raises:
        DatasetError: an image is missing or none.
    """
    hashes = np.zeros(len(frames), np.uint64)
    for index, frame in enumerate(frames):
        hashes[index] = phash_of_grey(_grey(frame.path))
        on_picture()
    splits: dict[str, list[int]] = defaultdict(list)
    for index, frame in enumerate(frames):
        splits[side_of(frame)].append(index)
    identical: list[Leak] = []
    views: list[Leak] = []
    for one, two in combinations(splits.values(), 2):
        few, many = sorted((one, two), key=len)
        for i, candidates in _candidates(hashes, few, many).items():
            _judge(frames, i, candidates, (identical, views))
    return Leaks(tuple(identical), tuple(views), _cameras(frames))


def _candidates(
    hashes: Hashes, few: Sequence[int], many: Sequence[int]
) -> dict[int, list[tuple[int, int]]]:
    """Of each index in `few` the closest in `many`, as (bits, index)."""
    found: dict[int, list[tuple[int, int]]] = defaultdict(list)
    for i, j, bits in close_pairs(hashes[few], hashes[many], CANDIDATE_BITS):
        for a, b, differ in zip(i.tolist(), j.tolist(), bits.tolist(), strict=True):
            found[few[a]].append((differ, many[b]))
    return {index: sorted(pairs)[:_LOOKED_AT] for index, pairs in found.items()}


def _judge(
    frames: Sequence[LotFrame],
    index: int,
    candidates: Sequence[tuple[int, int]],
    into: tuple[list[Leak], list[Leak]],
) -> None:
    """Lay the candidates over an image; the most alike counts."""
    frame = frames[index]
    mine = _grey(frame.path)
    best: Leak | None = None
    for bits, other in candidates:
        leak = Leak(frame, frames[other], bits, likeness(mine, _grey(frames[other].path)))
        if best is None or leak.likeness > best.likeness:
            best = leak
        if best.likeness >= NEAR_IDENTICAL:
            break
    if best is None or best.likeness < SAME_VIEW:
        return
    if best.likeness >= NEAR_IDENTICAL:
        into[0].append(best)
    elif not (best.first.camera and best.second.camera):
        into[1].append(best)


def likeness(first: Floats, second: Floats) -> float:
    """Correlation of two grey images, after the second is moved over the first.

    Args:
        first: shape (H, W), any size.
        second: likewise.

    Returns:
        Up to 1; 0 where they cannot be laid over each other.
    """
    one, two = (
        cv2.resize(grey, _SIZE_WH, interpolation=cv2.INTER_AREA) for grey in (first, second)
    )
    stop = (cv2.TERM_CRITERIA_EPS | cv2.TERM_CRITERIA_COUNT, _ITERATIONS, 1e-5)
    start = np.eye(2, 3, dtype=np.float32)
    everywhere = np.full(one.shape, 255, np.uint8)
    try:
        found, _ = cv2.findTransformECC(
            one, two, start, cv2.MOTION_AFFINE, stop, everywhere, _ECC_BLUR_PX
        )
    except cv2.error:  # it says so where nothing fits
        return 0.0
    return float(found)


def _cameras(frames: Sequence[LotFrame]) -> dict[str, tuple[str, ...]]:
    splits: dict[str, dict[str, None]] = defaultdict(dict)
    for frame in frames:
        if frame.camera:
            splits[f"{frame.lot or frame.set_name} {frame.camera}"][side_of(frame)] = None
    return {name: tuple(found) for name, found in splits.items() if len(found) > 1}


def _grey(path: Path) -> Floats:
    """An image at half size, grey; JPEG is decoded at that size, in half the time."""
    grey = cv2.imread(str(path), cv2.IMREAD_REDUCED_GRAYSCALE_2)
    if grey is None:
        msg = f"{path}: image is missing or cannot be decoded"
        raise DatasetError(msg)
    return np.asarray(grey, np.float32)
