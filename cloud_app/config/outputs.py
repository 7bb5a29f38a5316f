"""Where events go to, and how long they are kept."""

from __future__ import annotations

from pathlib import Path
from typing import Self
from urllib.parse import urlsplit

from pydantic import Field, SecretStr, model_validator

from cloud_app.config.section import PositiveS, Section, is_loopback
from telemetry import Identifier


class S3Config(Section):
    """A bucket of an object store that speaks S3."""

    bucket: str = Field(min_length=3, max_length=63)
    prefix: str = Field(
        default="", pattern=r"^[A-Za-z0-9_.\-/]*$", description="folder in the bucket"
    )
    endpoint: str | None = Field(
        default=None, pattern=r"^https?://", description="AWS's own if absent"
    )
    region: str = "us-east-1"
    access_key_id: str | None = Field(
        default=None, description="from the environment or the instance if absent"
    )
    secret_access_key: SecretStr | None = None
    timeout_s: PositiveS = 30.0

    @model_validator(mode="after")
    def _checked(self) -> Self:
        if (self.access_key_id is None) != (self.secret_access_key is None):
            msg = "access_key_id and secret_access_key belong together: expected both or neither"
            raise ValueError(msg)
        if self.endpoint is not None and self.endpoint.startswith("http://"):
            host = urlsplit(self.endpoint).hostname or ""
            if not is_loopback(host):
                msg = f"endpoint {self.endpoint} is beyond loopback: expected https://"
                raise ValueError(msg)
        return self


class LakeConfig(Section):
    """Raw events in Parquet files by date and site, for training and audits (extra `lake`)."""

    folder: Path | None = Field(default=None, description="on this machine's disk")
    s3: S3Config | None = Field(default=None, description="or in an object store")
    roll_s: PositiveS = Field(default=3600.0, description="what is new is written so often")
    roll_rows: int = Field(
        default=200_000, ge=1, description="or as soon as so many events wait for it"
    )
    compact_files: int = Field(
        default=2, ge=2, description="files of one date and site that are made one, once it is over"
    )
    delete_after_s: float = Field(
        default=3600.0, ge=0, description="readers may go on so long with files that were replaced"
    )
    keep_days: int | None = Field(
        default=None, ge=1, description="dates older than this are deleted; none if absent"
    )

    @model_validator(mode="after")
    def _one_place(self) -> Self:
        if (self.folder is None) == (self.s3 is None):
            got = "neither" if self.folder is None else "both"
            msg = f"expected folder or [lake.s3], but got {got}"
            raise ValueError(msg)
        return self


class KafkaSourceConfig(Section):
    """A topic whose records are events of edges, keyed by edge."""

    topic: str = Field(min_length=1, max_length=249)
    group: Identifier = Field(default="lotsight-ingest", description="the same for all consumers")
    replaces_mqtt: bool = Field(
        default=True,
        description="events are not read from the broker too; replays that fill holes still are",
    )


class KafkaConfig(Section):
    """Every event to a Kafka topic, or from one (extra `kafka`)."""

    bootstrap: str = Field(description="host:port[,host:port...]")
    topic: str = Field(default="lotsight.events", description="that every event is sent to")
    sink: bool = Field(default=True, description="whether events are sent at all")
    source: KafkaSourceConfig | None = None
    timeout_s: PositiveS = 30.0
    options: dict[str, str | int | float | bool] = Field(
        default_factory=dict,
        description="further settings of librdkafka, such as security.protocol",
    )
    options_file: Path | None = Field(
        default=None, description="more of them, a key=value a line; for passwords"
    )

    @model_validator(mode="after")
    def _no_loop(self) -> Self:
        if self.source is None and not self.sink:
            msg = "expected sink = true or [kafka.source], but got neither"
            raise ValueError(msg)
        if self.source is not None and self.sink and self.source.topic == self.topic:
            msg = (
                f"each event read from {self.topic} would be sent to it again: expected two topics"
            )
            raise ValueError(msg)
        return self


class RetentionConfig(Section):
    """How long history is kept in the tables. The lake keeps what it has."""

    events_days: int = Field(default=400, ge=1)
    series_days: int = Field(
        default=1100, ge=1, description="how full each lot was, by quarters of an hour"
    )
    health_days: int = Field(default=31, ge=1, description="figures of edges, every ten minutes")
    frames_days: int = Field(default=90, ge=1, description="frames of sensors, as they came")
