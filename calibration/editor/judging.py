"""The live check: what the network sees in the bays as they are drawn now."""

from __future__ import annotations

from typing import Protocol

from calibration.types import Calibration
from vision.judge import Detector, judge_bays
from vision.types import BayEvidence, ImageBgr, NetworkSpec


class LiveJudge(Protocol):
    """Something that looks at an image and says how its bays are."""

    @property
    def spec(self) -> NetworkSpec:
        """The network behind it."""
        ...

    def judge(self, image_bgr: ImageBgr, calibration: Calibration) -> BayEvidence:
        """Look at one image, shape (H, W, 3), and every bay of `calibration` in it."""
        ...


class EyeQuestions(Protocol):
    """Bays of a running box that a person should judge by eye, and what takes the answers."""

    def wanted(self, camera: str) -> tuple[str, ...]:
        """The bays of a camera that are asked about now, in the calibration's order."""
        ...

    def confirm(self, bay: str, occ: bool) -> None:
        """Take a person's word on whether a vehicle is in a bay now.

        Raises:
            LotsightError: nothing watches this bay.
        """
        ...


class NetworkJudge:
    """A network with the occupancy rule that belongs to it: as the edge service judges."""

    def __init__(self, detector: Detector) -> None:
        """Use `detector`."""
        self._detector = detector

    @property
    def spec(self) -> NetworkSpec:
        """The network behind it."""
        return self._detector.spec

    def judge(self, image_bgr: ImageBgr, calibration: Calibration) -> BayEvidence:
        """Look at one image and every bay of `calibration` in it.

        Raises:
            ModelError: the network failed.
        """
        return judge_bays(self._detector, image_bgr, calibration.shapes()).evidence
