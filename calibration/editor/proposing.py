"""Where proposals of bays come from, as the editor sees it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from calibration.proposals import propose_from_frames
from calibration.types import Calibration, Polygon
from telemetry.errors import CalibrationError
from vision.judge import Detector
from vision.types import ImageBgr


@dataclass(frozen=True, slots=True)
class ProposedBay:
    """A bay that may have been forgotten.

    Attributes:
        polygon: its outline, fractions of the image.
        confidence: how sure it is one, 0 to 1.
        row: bays of one row have the same name here; they are numbered together.
    """

    polygon: Polygon
    confidence: float
    row: str


class BayProposer(Protocol):
    """Something that finds bays in images."""

    def propose(
        self, pictures: Iterable[ImageBgr], calibration: Calibration
    ) -> Sequence[ProposedBay]:
        """Find bays that `calibration` lacks, row by row.

        Args:
            pictures: of one view, in order of time; one may be all there is.
            calibration: what is drawn already.

        Raises:
            CalibrationError: the images do not say enough.
            ModelError: the network failed.
        """
        ...


class VehicleProposer:
    """Bays from where vehicles stand, as a network sees them; see `calibration.proposals`."""

    def __init__(self, detector: Detector) -> None:
        """Look for vehicles with `detector`."""
        self._detector = detector

    def propose(
        self, pictures: Iterable[ImageBgr], calibration: Calibration
    ) -> Sequence[ProposedBay]:
        """Find bays under vehicles and in the gaps between them.

        Raises:
            CalibrationError: there was no image.
            ModelError: the network failed.
        """
        watched = list(pictures)
        if not watched:
            msg = f"camera {calibration.camera}: expected images to propose bays from, but got none"
            raise CalibrationError(msg)
        no_bays = np.zeros((0, 4, 2), np.float32)
        seen = [self._detector.detect(image, no_bays).detections for image in watched]
        wh = (watched[0].shape[1], watched[0].shape[0])
        drawn = [bay.polygon for bay in calibration.bays]
        return [
            ProposedBay(proposal.polygon, min(1.0, proposal.confidence), str(proposal.row + 1))
            for proposal in propose_from_frames(seen, wh, watched, drawn)
        ]
