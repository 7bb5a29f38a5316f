"""Where proposals of bays come from, as the editor sees it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Protocol

from calibration.types import Calibration, Polygon
from vision.types import ImageBgr


@dataclass(frozen=True, slots=True)
class ProposedBay:
    """A bay that somebody may have forgotten to draw.

    Attributes:
        polygon: its outline, fractions of the picture.
        confidence: how sure it is one, 0 to 1.
        row: bays of one row have the same name here; they are numbered together.
    """

    polygon: Polygon
    confidence: float
    row: str


class BayProposer(Protocol):
    """Something that finds bays in pictures."""

    def propose(
        self, pictures: Iterable[ImageBgr], calibration: Calibration
    ) -> Sequence[ProposedBay]:
        """Find bays that `calibration` lacks, row by row.

        Args:
            pictures: of one view, in order of time; one may be all there is.
            calibration: what is drawn already.

        Raises:
            CalibrationError: the pictures do not say enough.
            ModelError: the network failed.
        """
        ...
