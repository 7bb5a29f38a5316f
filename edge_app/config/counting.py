"""`[counting]`: vehicles counted over lines that are drawn in a camera's picture."""

from __future__ import annotations

from typing import Annotated, ClassVar

from pydantic import Field

from edge_app.config.section import Probability, Seconds, Section
from vision.lanes import LONG_SIDE_PX


class CountingConfig(Section):
    """`[counting]`: how counted lanes are watched; see docs/counted-lanes.md."""

    REMOTE: ClassVar = frozenset({"rate_hz", "time_share", "slow_after_s"})

    rate_hz: Annotated[float, Field(gt=0, le=30)] = Field(
        default=5.0,
        title="Rate",
        description="Wanted pictures per second of a camera whose calibration has counted lines; "
        "its bays and all other cameras keep the camera's rate_hz.",
    )
    long_side_px: Annotated[int, Field(ge=128, le=1280)] = Field(
        default=LONG_SIDE_PX,
        title="Input",
        description="Long side of the network's input for these pictures; more for a line that "
        "is far away and costs in proportion to its square.",
    )
    time_share: Annotated[Probability, Field(gt=0)] = Field(
        default=0.5,
        title="Share",
        description="Of the box's time that counting gets at most while other cameras wait.",
    )
    slow_after_s: Seconds = Field(
        default=60.0,
        title="Slow after",
        description="A lane that gets less than 60 % of its rate for so long raises an alarm.",
    )
