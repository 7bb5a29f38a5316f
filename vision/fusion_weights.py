"""What weighs the cues of `vision.fusion`: numbers that come with a network."""

from __future__ import annotations

import math
from dataclasses import dataclass, fields

FUSION_VERSION = 1
"""Of the cues: weights fitted for other cues mean nothing."""


@dataclass(frozen=True, slots=True)
class FusionWeights:
    """Log-odds that each term of a bay's cues adds; see `vision.fusion.Cues.columns`.

    Attributes:
        bias: of a bay of which nothing is said.
        head: by the head's log-odds.
        head_sharp: by the head's log-odds, as far as it is sure of the image's other bays.
        firm: by overlap and confidence of the assigned vehicle both being high.
        covered: by overlap times confidence of any box.
    """

    bias: float
    head: float
    head_sharp: float
    firm: float
    covered: float

    def __post_init__(self) -> None:
        """Reject weights under which a bay that looks more occupied is called freer.

        Raises:
            ValueError: a term is negative, or a number is not finite.
        """
        for field in fields(self):
            value = getattr(self, field.name)
            if not math.isfinite(value) or (value < 0 and field.name != "bias"):
                msg = f"{field.name} must be finite{_SIGN[field.name != 'bias']}, but got {value}"
                raise ValueError(msg)

    def terms(self) -> tuple[float, ...]:
        """The weights but the bias, in the order of `Cues.columns`."""
        return tuple(getattr(self, field.name) for field in fields(self) if field.name != "bias")


_SIGN = {True: " and at least 0", False: ""}
