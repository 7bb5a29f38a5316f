"""Commands to boxes, and what they answer."""

from __future__ import annotations

from pydantic import Field

from cloud_app.config.section import PositiveS, Section


class FleetConfig(Section):
    """What is kept of what boxes were asked."""

    command_life_s: PositiveS = Field(
        default=300.0,
        le=604_800,
        description="a box that comes back later than this does not begin a command, unless its "
        "sender said otherwise",
    )
    picture_kept_s: PositiveS = Field(
        default=600.0, le=3_600, description="a still of a camera is deleted after so long"
    )
    file_kept_s: PositiveS = Field(
        default=3_600.0, le=86_400, description="logs and diagnostics bundles are"
    )
    commands_days: float = Field(
        default=90.0, gt=0, le=3_650, description="commands that ended; the audit log keeps its own"
    )
