"""The occupancy rule of networks with a bay head: the network has judged each bay itself."""

from __future__ import annotations

import numpy as np

from vision.types import BayEvidence, Floats, NetworkOutput


class BayHeadRule:
    """Evidence straight from the network's calibrated bay probabilities."""

    def judge(
        self, output: NetworkOutput, polygons_norm: list[Floats], image_wh: tuple[int, int]
    ) -> BayEvidence:
        """Judge every bay of one frame.

        Args:
            output: of a network with a bay head.
            polygons_norm: M polygons; only their number counts here.
            image_wh: the image's width and height, pixels; not used.

        Raises:
            ValueError: the network gave no bay probabilities, or not one for each bay.
        """
        del image_wh
        prob = head_prob(output, len(polygons_norm))
        return BayEvidence(prob, np.ones(len(polygons_norm), np.float32))


def head_prob(output: NetworkOutput, bays: int) -> Floats:
    """The bay head's probability of each bay, shape (M,).

    Raises:
        ValueError: the network gave no bay probabilities, or not one for each bay.
    """
    if output.bay_prob is None or len(output.bay_prob) != bays:
        got = None if output.bay_prob is None else len(output.bay_prob)
        msg = f"expected {bays} bay probabilities, but got {got}"
        raise ValueError(msg)
    return output.bay_prob
