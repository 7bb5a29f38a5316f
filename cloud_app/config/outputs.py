"""Where events go to, and how long they are kept."""

from __future__ import annotations

from pathlib import Path

from pydantic import Field

from cloud_app.config.section import PositiveS, Section


class LakeConfig(Section):
    """Raw events in files by day, for whoever trains or audits."""

    folder: Path
    roll_mb: float = Field(default=64.0, gt=0, description="a part is sealed at this size")
    roll_s: PositiveS = Field(default=3600.0, description="or at this age")


class KafkaConfig(Section):
    """Every event to a Kafka topic, keyed by edge (extra `kafka`)."""

    bootstrap: str = Field(description="host:port[,host:port...]")
    topic: str = "lotsight.events"
    timeout_s: PositiveS = 30.0


class RetentionConfig(Section):
    """How long history is kept in the tables. The lake keeps what it has."""

    events_days: int = Field(default=400, ge=1)
    series_days: int = Field(
        default=1100, ge=1, description="how full each lot was, by quarters of an hour"
    )
    health_days: int = Field(default=31, ge=1, description="figures of edges, every ten minutes")
    frames_days: int = Field(default=90, ge=1, description="frames of sensors, as they came")
