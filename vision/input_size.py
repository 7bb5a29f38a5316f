"""How large a camera's image must reach the network, from the size of its bays.

A network judges a bay badly when only a few cells of its feature map cover it, and all bays worse
when the image is far larger than the images that it was trained on. So the input size is chosen
per camera: large enough for the smallest bay, but for its sake no larger than suits the others, and
in tiles where one input would be too large. All of it is arithmetic on the calibration, so
`lotsight calibration check` can tell the cost before a frame was seen.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from vision.geometry import bay_sizes_px, extents, to_pixels
from vision.types import Floats, Ints, NetworkSpec, as_floats

TileBox = tuple[int, int, int, int]
"""A crop of the image: x_min, y_min, x_max, y_max, whole pixels."""

USEFUL_BAY_PX = 16.0
"""Side of a bay (root of its area) in the network's input below which accuracy falls: two cells of
the finest feature map. Measured on acpds train, 2.5 % of the bays below it are wrong, of all 0.6 %;
on pklot train, which was not trained on, the log loss of the smaller bays (40 to 60 px in the
image) is 0.056 at 15 px, 0.024 at 17 px and 0.017 at 20 px."""
AIM = 1.25
"""Times the useful size is what the smallest bay gets where it is cheap, in one input: up to 20 px
bays of both lots that were not trained on and have small ones (pklot, nightlot) gain; beyond 25 px
pklot's gain on, nightlot's lose."""
MAX_FOR_SMALLEST = 4 / 3
"""Times the usual size, or what the typical (median) bay needs, is the most that the smallest bay
can ask for. The network knows images of 0.6 to 1.7 times its usual size, most of them in the
middle: on acpds train the log loss falls up to 1.25 times and rises again beyond 1.33, most for
bays of 20 to 60 px in the image, so one far bay must not take all others there."""
MAX_INPUT_PX = 2_100_000
"""Pixels of one input: 1,664 x 1,248. Above it, tiles; they need no more memory than one input."""
MAX_ENLARGEMENT = 1.0
"""An image is enlarged by this much at most: beyond it there is nothing more to see."""
FINEST_STRIDE = 8
"""Of YOLO networks, each further stride being twice the one before, up to the largest. One that has
a finer one (P2) has more anchors, and gets a larger input than it needs."""
MAX_TILES = 12
"""More would take seconds a frame on a small box; such a view needs a second camera."""
_HAIR_PX = 3e-5


@dataclass(frozen=True, slots=True)
class InputPlan:
    """How the images of one camera go through the network.

    Attributes:
        image_wh: size of the camera's image, pixels.
        input_wh: size of each network input, pixels.
        tiles: crops of the image, each of which fills one input; one crop is the whole image.
        smallest_bay_px: side of the smallest bay in the input, pixels; 0 without bays.
        useful_bay_px: the requested side.
    """

    image_wh: tuple[int, int]
    input_wh: tuple[int, int]
    tiles: tuple[TileBox, ...]
    smallest_bay_px: float
    useful_bay_px: float

    @property
    def input_px(self) -> int:
        """Pixels that the network works on for one frame: what the frame costs."""
        return self.input_wh[0] * self.input_wh[1] * len(self.tiles)

    @property
    def is_enough(self) -> bool:
        """Whether every bay reaches the useful size."""
        # A hair of a pixel: the scale is a quotient, and its product need not be exact.
        return self.smallest_bay_px > self.useful_bay_px - 1e-3 or self.smallest_bay_px == 0

    def describe(self) -> str:
        """One line for an installer."""
        width, height = self.input_wh
        shape = f"{len(self.tiles)} tiles of {width}x{height}" if len(self.tiles) > 1 else ""
        text = f"{shape or f'{width}x{height}'} px, smallest bay {self.smallest_bay_px:.0f} px"
        if not self.is_enough:
            text += f" (below the useful {self.useful_bay_px:.0f} px: move the camera closer)"
        return text


def plan_input(
    polygons_norm: Sequence[Floats],
    image_wh: tuple[int, int],
    spec: NetworkSpec,
    useful_bay_px: float = USEFUL_BAY_PX,
    max_input_px: int = MAX_INPUT_PX,
) -> InputPlan:
    """Choose input size and tiles for one camera.

    Args:
        polygons_norm: the camera's bays, each (K, 2), fractions of width and height.
        image_wh: size of the camera's image, pixels.
        spec: of the network; one with a fixed input keeps it, and gets tiles where it is too small.
        useful_bay_px: side that the smallest bay should have in the input, as far as that is good
            for the others too, see `MAX_FOR_SMALLEST`.
        max_input_px: pixels of one input; more means tiles.
    """
    base_scale = min(spec.input_wh[0] / image_wh[0], spec.input_wh[1] / image_wh[1])
    sizes = bay_sizes_px(polygons_norm, image_wh)
    smallest = float(sizes.min()) if len(sizes) else 0.0
    wanted = _wanted_scale(sizes, base_scale, useful_bay_px, spec) if smallest > 0 else base_scale
    scale = max(base_scale, min(wanted, MAX_ENLARGEMENT))
    whole: tuple[TileBox, ...] = ((0, 0, *image_wh),)
    # A side that is a multiple of the stride but for float error must not grow by a stride.
    scaled_wh = (image_wh[0] * scale - _HAIR_PX, image_wh[1] * scale - _HAIR_PX)
    input_wh = smallest_input(scaled_wh, spec)
    fits = input_wh[0] * input_wh[1] <= max_input_px
    if (spec.dynamic_input and fits) or scale <= base_scale:
        return InputPlan(image_wh, input_wh, whole, smallest * scale, useful_bay_px)
    boxes = extents([to_pixels(polygon, image_wh) for polygon in polygons_norm])
    return _tiled(boxes, image_wh, scale, spec, smallest, useful_bay_px)


def _wanted_scale(
    sizes_px: Floats, base_scale: float, useful_bay_px: float, spec: NetworkSpec
) -> float:
    smallest, typical = float(sizes_px.min()), float(np.median(sizes_px))
    if not spec.dynamic_input:
        # Its tiles are of one size, each a whole pass: once they are cut, every bay is served.
        return useful_bay_px / smallest
    for_typical = max(base_scale, useful_bay_px / typical)
    for_smallest = min(useful_bay_px / smallest, MAX_FOR_SMALLEST * for_typical)
    aimed_at = min(AIM * useful_bay_px / smallest, MAX_FOR_SMALLEST * base_scale)
    return max(for_typical, for_smallest, aimed_at)


def smallest_input(at_least_wh: tuple[float, float], spec: NetworkSpec) -> tuple[int, int]:
    """The smallest input that a network takes, not below a size and shaped as alike as can be.

    It has whole cells of the largest stride, and enough of them; a network with a fixed input takes
    that one only.

    Args:
        at_least_wh: pixels.
        spec: of the network, `fixed_boxes` included where an input may be very small.
    """
    if not spec.dynamic_input:
        return spec.input_wh
    width, height = at_least_wh
    columns, rows = (max(1, math.ceil(side / spec.stride)) for side in at_least_wh)
    while columns * rows < min_cells(spec):
        if (columns + 1) * height <= (rows + 1) * width:
            columns += 1
        else:
            rows += 1
    return (columns * spec.stride, rows * spec.stride)


def min_cells(spec: NetworkSpec) -> int:
    """How many cells of its largest stride a network's input must have, to have enough anchors."""
    per_cell, side = 0, spec.stride // FINEST_STRIDE
    while side > 0:
        per_cell, side = per_cell + side**2, side // 2
    return math.ceil(spec.fixed_boxes / max(1, per_cell)) or 1


def input_fault(input_wh: tuple[int, int], spec: NetworkSpec) -> str:
    """Why a network does not take an input of this size; empty if it does."""
    width, height = input_wh
    smallest = smallest_input(input_wh, spec)
    if smallest == input_wh:
        return ""
    if not spec.dynamic_input:
        why = "the model has a fixed input size"
    elif width % spec.stride or height % spec.stride:
        why = f"both sides must be multiples of {spec.stride}"
    else:
        why = (
            f"it gives {spec.fixed_boxes} boxes for every image, so it needs {min_cells(spec)} "
            f"cells of {spec.stride}x{spec.stride} px"
        )
    return (
        f"expected an input of {smallest[0]}x{smallest[1]} px{' or more' * spec.dynamic_input}, "
        f"but got {width}x{height}: {why}"
    )


def _tiled(
    boxes: Floats,
    image_wh: tuple[int, int],
    scale: float,
    spec: NetworkSpec,
    smallest: float,
    useful_bay_px: float,
) -> InputPlan:
    while True:
        tile_wh = (spec.input_wh[0] / scale, spec.input_wh[1] / scale)
        # A bay, and the car that stands out of it, must lie whole within one tile.
        overlap_wh = np.minimum(
            1.5 * (boxes[:, 2:] - boxes[:, :2]).max(0), 0.5 * as_floats(tile_wh)
        )
        tiles = _grid(boxes, image_wh, tile_wh, overlap_wh)
        if len(tiles) <= MAX_TILES:
            return InputPlan(image_wh, spec.input_wh, tiles, smallest * scale, useful_bay_px)
        scale *= 0.9


def _grid(
    boxes: Floats, image_wh: tuple[int, int], tile_wh: tuple[float, float], overlap_wh: Floats
) -> tuple[TileBox, ...]:
    margin = overlap_wh / 2
    low = np.maximum(boxes[:, :2].min(0) - margin, 0)
    high = np.minimum(boxes[:, 2:].max(0) + margin, image_wh)
    columns = _starts(float(low[0]), float(high[0]), tile_wh[0], float(overlap_wh[0]), image_wh[0])
    rows = _starts(float(low[1]), float(high[1]), tile_wh[1], float(overlap_wh[1]), image_wh[1])
    width, height = round(min(tile_wh[0], image_wh[0])), round(min(tile_wh[1], image_wh[1]))
    tiles = [(x, y, x + width, y + height) for y in rows for x in columns]
    used = set(tile_of_bays(boxes, tiles).tolist())
    return tuple(tile for index, tile in enumerate(tiles) if index in used)


def _starts(low: float, high: float, tile: float, overlap: float, image_side: int) -> list[int]:
    tile = min(tile, image_side)
    count = max(1, math.ceil((high - low - overlap) / max(tile - overlap, 1.0)))
    first = min(max(low, 0.0), image_side - tile)
    last = max(min(high, float(image_side)) - tile, first)
    if count == 1:
        middle = min(max((low + high - tile) / 2, 0.0), image_side - tile)
        return [math.floor(middle)]
    return [math.floor(first + (last - first) * step / (count - 1)) for step in range(count)]


def tile_of_bays(boxes_px: Floats, tiles: Sequence[TileBox]) -> Ints:
    """Choose the tile that judges each bay: the one in which it lies farthest from the rim.

    Args:
        boxes_px: bounding boxes of the bays, shape (M, 4), pixels of the image.
        tiles: crops of the image.

    Returns:
        Index of a tile for each bay, shape (M,), int64.
    """
    frames = np.asarray(tiles, np.float32)
    left_top = boxes_px[:, None, :2] - frames[None, :, :2]
    right_bottom = frames[None, :, 2:] - boxes_px[:, None, 2:]
    rim = np.concatenate([left_top, right_bottom], 2).min(2)
    chosen: Ints = rim.argmax(1).astype(np.int64)
    return chosen
