"""How large the pictures of a counted lane reach the network."""

from __future__ import annotations

from vision.input_size import InputPlan, smallest_input
from vision.types import NetworkSpec

LONG_SIDE_PX = 320
"""Of the network's input. Vehicles at an entrance are large in its picture, and a small input is
what makes many frames a second cheap; measured in docs/counted-lanes.md."""


def lane_plan(
    image_wh: tuple[int, int], spec: NetworkSpec, long_side_px: int = LONG_SIDE_PX
) -> InputPlan:
    """The whole picture in one small input; a network with a fixed input keeps that.

    Args:
        image_wh: width and height of the camera's picture, pixels.
        spec: of the network.
        long_side_px: of the input; a smaller picture is not enlarged.
    """
    scale = min(long_side_px / max(image_wh), 1.0)
    input_wh = smallest_input((image_wh[0] * scale, image_wh[1] * scale), spec)
    return InputPlan(image_wh, input_wh, ((0, 0, *image_wh),), 0.0, 0.0)
