"""What is on both sides of a split: planted copies are found, other places and days are not."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest

from datasets.frames import LotFrame
from datasets.leaks import CANDIDATE_BITS, NEAR_IDENTICAL, find_leaks
from datasets.lots import read_dataset
from datasets.phash import close_pairs, distance, phash_of_grey
from vision.types import ImageBgr, as_floats

MakeFrame = Callable[..., LotFrame]


def copy_of(image: ImageBgr, crop: float, gain: float = 1.2, quality: int = 60) -> ImageBgr:
    """Cropped, brightened and coded again."""
    height, width = image.shape[:2]
    dx, dy = int(width * crop), int(height * crop)
    part = image[dy // 2 : height - dy + dy // 2, dx // 3 : width - dx + dx // 3]
    bright = np.clip(part.astype(np.float32) * gain + 5, 0, 255).astype(np.uint8)
    _, data = cv2.imencode(".jpg", bright, [cv2.IMWRITE_JPEG_QUALITY, quality])
    return np.asarray(cv2.imdecode(data, cv2.IMREAD_COLOR), np.uint8)


@pytest.mark.parametrize("crop", [0.0, 0.02, 0.04])
def test_planted_copies_are_found_and_nothing_else(make_frame: MakeFrame, crop: float) -> None:
    train = [make_frame(f"t{seed}", seed=seed) for seed in range(8)]
    other = [make_frame(f"v{seed}", split="valid", seed=50 + seed) for seed in range(4)]
    planted = make_frame("copy", split="valid", image=copy_of(train[3].read(), crop))
    found = find_leaks([*train, *other, planted])
    [leak] = found.near_identical
    assert {leak.first.path.name, leak.second.path.name} == {"copy.jpg", "t3.jpg"}
    assert leak.likeness >= NEAR_IDENTICAL
    assert leak.bits <= CANDIDATE_BITS
    assert (found.same_view, found.cameras) == ((), {})
    assert "made:valid copy.jpg" in str(leak)


def test_a_view_on_another_day_is_told_apart_from_a_copy(make_frame: MakeFrame) -> None:
    first = make_frame("monday", seed=7)
    changed = first.read().copy()
    for left in (60, 180, 300):  # cars
        changed[180:240, left : left + 80] = (20 + left // 2, 60, 200 - left // 2)
    light = np.linspace(0.75, 1.2, changed.shape[1])[None, :, None]
    changed = np.clip(changed * light, 0, 255).astype(np.uint8)
    second = make_frame("tuesday", split="valid", image=changed)
    found = find_leaks([first, second])
    assert found.near_identical == ()
    assert [leak.first.path.name for leak in found.same_view] == ["monday.jpg"]
    named = [replace(frame, camera="north") for frame in (first, second)]
    found = find_leaks(named)
    assert found.same_view == ()
    assert found.cameras == {"made north": ("made:train", "made:valid")}


def test_copies_within_a_split_are_no_leak(make_frame: MakeFrame) -> None:
    first = make_frame("a", seed=1)
    again = make_frame("b", seed=1)
    other = make_frame("c", split="valid", seed=2)
    assert find_leaks([first, again, other]).near_identical == ()


def test_hashes_tell_alike_from_other(make_frame: MakeFrame) -> None:
    image, other = (
        as_floats(cv2.cvtColor(make_frame(name, seed=seed).read(), cv2.COLOR_BGR2GRAY))
        for name, seed in (("a", 3), ("b", 4))
    )
    small = as_floats(cv2.resize(image, (240, 180), interpolation=cv2.INTER_AREA))
    assert distance(phash_of_grey(image), phash_of_grey(small)) <= 4
    assert distance(phash_of_grey(image), phash_of_grey(other)) > CANDIDATE_BITS


def test_all_close_hashes_are_found() -> None:
    rng = np.random.default_rng(0)
    first = rng.integers(0, 2**63, 3000, dtype=np.uint64)
    second = rng.integers(0, 2**63, 2000, dtype=np.uint64)
    second[77] = first[1234] ^ np.uint64(0b111)
    second[78] = first[2999]
    found = {
        (int(i), int(j), int(bits))
        for block in close_pairs(first, second, 3)
        for i, j, bits in zip(*block, strict=True)
    }
    assert found == {(1234, 77, 3), (2999, 78, 0)}


@pytest.mark.data
def test_real_sets(shared_data: Path, make_frame: MakeFrame) -> None:
    # Lots by day: the cameras are shared, no picture is. The copy of one is found.
    frames = [f for f in read_dataset(shared_data / "smartlot") if f.split == "train"][::3]
    frames += [f for f in read_dataset(shared_data / "smartlot") if f.split == "valid"]
    before = find_leaks(frames)
    assert before.near_identical == ()
    assert list(before.cameras) == ["smartlot nethken_a"]
    planted = make_frame("p", split="valid", set_name="smartlot",
                         image=copy_of(frames[0].read(), 0.03))  # fmt: skip
    [leak] = find_leaks([*frames, planted]).near_identical
    assert frames[0].path in {leak.first.path, leak.second.path}
