"""Topics and messages with AWS IoT's names: shadows and jobs.

Sources: AWS IoT Core developer guide, "Device Shadow MQTT topics", "Jobs device MQTT API". Field
names are AWS's, hence camel case in JSON.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Annotated, Self

from pydantic import ConfigDict, Field, JsonValue, StringConstraints, model_validator
from pydantic.alias_generators import to_camel

from telemetry.bounds import MAX_DETAILS, MAX_NUMBER, NO_NUL, Name64, Text1k, Text64
from telemetry.errors import TelemetryError
from telemetry.messages import Message
from telemetry.packing import Packed
from telemetry.topics import Topic, TopicFilter
from telemetry.vocabulary import Identifier, is_identifier

DEFAULT_ROOT = "$aws"

ClientToken = Text64
Details = Annotated[dict[Text64, Text1k], Field(max_length=MAX_DETAILS)]
_FileName = Annotated[str, StringConstraints(min_length=1, max_length=256, pattern=NO_NUL)]
_VersionNumber = Annotated[int, Field(ge=1, le=MAX_NUMBER)]


class ShadowName(StrEnum):
    """The shadows of a box: the classic one has no name."""

    CLASSIC = ""
    CONFIG = "config"
    MODEL = "model"
    BAYS = "bays"


@dataclass(frozen=True, slots=True)
class ShadowTopics:
    """The topics of one shadow of one box.

    Attributes:
        thing: the box.
        name: which of its shadows.
        root: `$aws`, or what the broker's operator put in its place.
    """

    thing: str
    name: ShadowName = ShadowName.CLASSIC
    root: str = DEFAULT_ROOT

    def __post_init__(self) -> None:
        """Reject a thing that is no single level."""
        check_thing(self.thing)

    @property
    def base(self) -> str:
        """All of this shadow's topics start with it."""
        base = f"{self.root}/things/{self.thing}/shadow"
        return f"{base}/name/{self.name.value}" if self.name.value else base

    def of(self, *levels: str) -> Topic:
        """A topic below the base, such as `of("update", "accepted")`."""
        return Topic("/".join((self.base, *levels)))

    @property
    def update(self) -> Topic:
        """Where updates go."""
        return self.of("update")

    @property
    def get(self) -> Topic:
        """Where the document is requested."""
        return self.of("get")

    @property
    def delta(self) -> Topic:
        """Where the service publishes what differs."""
        return self.of("update", "delta")


@dataclass(frozen=True, slots=True)
class ShadowRequest:
    """A topic on which a shadow service is asked something, taken apart."""

    topics: ShadowTopics
    action: str


def shadow_requests(root: str = DEFAULT_ROOT) -> tuple[TopicFilter, ...]:
    """What a shadow service subscribes to."""
    return tuple(
        TopicFilter(f"{root}/things/+/shadow/{name}{action}")
        for name in ("", "name/+/")
        for action in ("update", "get", "delete")
    )


def parse_shadow_request(topic: str, root: str = DEFAULT_ROOT) -> ShadowRequest:
    """Take the topic of a request to a shadow service apart.

    Raises:
        TelemetryError: it is no such topic, or names a shadow that the contract does not have.
    """
    names = {name.value for name in ShadowName if name.value}
    levels = topic.removeprefix(f"{root}/things/").split("/")
    if topic.startswith(f"{root}/things/"):
        match levels:
            case [thing, "shadow", "update" | "get" | "delete" as action]:
                return ShadowRequest(ShadowTopics(thing, ShadowName.CLASSIC, root), action)
            case [thing, "shadow", "name", name, "update" | "get" | "delete" as action] if (
                name in names
            ):
                return ShadowRequest(ShadowTopics(thing, ShadowName(name), root), action)
    msg = (
        f"expected {root}/things/{{thing}}/shadow[/name/{{{'|'.join(sorted(names))}}}]"
        f"/{{update|get|delete}}, but got {topic!r}"
    )
    raise TelemetryError(msg)


@dataclass(frozen=True, slots=True)
class JobTopics:
    """The job topics of one box."""

    thing: str
    root: str = DEFAULT_ROOT

    def __post_init__(self) -> None:
        """Reject a thing that is no single level."""
        check_thing(self.thing)

    @property
    def base(self) -> str:
        """All of them start with it."""
        return f"{self.root}/things/{self.thing}/jobs"

    @property
    def notify_next(self) -> Topic:
        """Where the next pending job is announced."""
        return Topic(f"{self.base}/notify-next")

    @property
    def start_next(self) -> Topic:
        """Where the box asks for the next job and starts it."""
        return Topic(f"{self.base}/start-next")

    @property
    def start_next_accepted(self) -> Topic:
        """The answer: the job, or none."""
        return Topic(f"{self.base}/start-next/accepted")

    def update(self, job_id: str) -> Topic:
        """Where the box reports the progress of a job."""
        return Topic(f"{self.base}/{job_id}/update")

    def update_accepted(self, job_id: str) -> Topic:
        """The answer to an update."""
        return Topic(f"{self.base}/{job_id}/update/accepted")

    def update_rejected(self, job_id: str) -> Topic:
        """The refusal of an update."""
        return Topic(f"{self.base}/{job_id}/update/rejected")

    @property
    def update_answers(self) -> TopicFilter:
        """Answers to all updates."""
        return TopicFilter(f"{self.base}/+/update/+")


@dataclass(frozen=True, slots=True)
class JobRequest:
    """A topic on which a jobs service is asked something, taken apart.

    Attributes:
        topics: of the box that asks.
        job: the job that it reports on; None: it asks for its next one.
    """

    topics: JobTopics
    job: str | None = None


def job_requests(root: str = DEFAULT_ROOT) -> tuple[TopicFilter, ...]:
    """What a jobs service subscribes to."""
    base = f"{root}/things/+/jobs"
    return TopicFilter(f"{base}/start-next"), TopicFilter(f"{base}/+/update")


def parse_job_request(topic: str, root: str = DEFAULT_ROOT) -> JobRequest:
    """Take the topic of a request to a jobs service apart.

    Raises:
        TelemetryError: it is no such topic.
    """
    if topic.startswith(f"{root}/things/"):
        match topic.removeprefix(f"{root}/things/").split("/"):
            case [thing, "jobs", "start-next"]:
                return JobRequest(JobTopics(thing, root))
            case [thing, "jobs", job, "update"] if is_identifier(job):
                return JobRequest(JobTopics(thing, root), job)
    msg = f"expected {root}/things/{{thing}}/jobs/{{start-next|JOB/update}}, but got {topic!r}"
    raise TelemetryError(msg)


def answers(topic: Topic) -> tuple[Topic, Topic]:
    """The topics of a request's acceptance and refusal."""
    return Topic(f"{topic}/accepted"), Topic(f"{topic}/rejected")


def check_thing(name: str) -> None:
    """Reject a thing or template that is no single level of a topic.

    Raises:
        TelemetryError: it is not.
    """
    if not is_identifier(name):
        msg = f"expected an identifier as thing or template, but got {name!r}"
        raise TelemetryError(msg)


class AwsMessage(Message):
    """A message with AWS's field names."""

    model_config = ConfigDict(alias_generator=to_camel, populate_by_name=True)


class JobStatus(StrEnum):
    """Where a job stands."""

    QUEUED = "QUEUED"
    IN_PROGRESS = "IN_PROGRESS"
    SUCCEEDED = "SUCCEEDED"
    FAILED = "FAILED"
    REJECTED = "REJECTED"
    CANCELED = "CANCELED"

    @property
    def is_final(self) -> bool:
        """Whether nothing can follow."""
        return self not in {JobStatus.QUEUED, JobStatus.IN_PROGRESS}


class JobKind(StrEnum):
    """What a job rolls out, or has the box send."""

    MODEL = "model"
    CALIBRATION = "calibration"
    HARVEST = "harvest"
    SOFTWARE = "software"
    CONFIG = "config"


class CalibrationEdit(AwsMessage):
    """A camera's calibration that was edited in the cloud; it comes inside the job."""

    base_revision: Annotated[int, Field(ge=0, le=MAX_NUMBER)] = Field(
        description="The revision that was edited; 0: the camera has none yet."
    )
    packed: Packed = Field(description="The calibration file: UTF-8, zlib (RFC 1950), base64.")


class JobDocument(AwsMessage):
    """What to roll out or to send.

    Bytes go by TUF or over HTTPS, never inside the job: but for a calibration edited in the cloud,
    which is no more than a setting, and checked like one.
    """

    kind: JobKind
    target: _FileName = Field(
        description="Name of the file in the signed repository; of the bundle for a harvest. For "
        "software, the archive of its packages; for settings, the name of this attempt."
    )
    companions: Annotated[tuple[_FileName, ...], Field(max_length=8)] = Field(
        default=(), description="Additional files, such as a model's manifest."
    )
    version: Name64
    camera: Identifier | None = Field(
        default=None,
        description="The camera of the calibration, or whose frames to send; else all.",
    )
    upload_url: Annotated[str, Field(pattern=r"^https://[^\x00]*$", max_length=4096)] | None = (
        Field(
            default=None,
            description="Upload URL of a harvest (HTTPS, such as a pre-signed URL).",
        )
    )

    edit: CalibrationEdit | None = Field(
        default=None, description="Of a calibration that is not in the signed repository."
    )
    settings: Annotated[dict[Text64, JsonValue], Field(min_length=1, max_length=64)] | None = Field(
        default=None,
        description="Settings to try out, as in the shadow `config` (kind `config` only).",
    )

    @model_validator(mode="after")
    def _is_whole(self) -> Self:
        if self.edit is not None and (self.kind is not JobKind.CALIBRATION or self.camera is None):
            msg = f"edit is valid for the calibration of a camera only, but got kind {self.kind}"
            raise ValueError(msg)
        if (self.kind is JobKind.CONFIG) != (self.settings is not None):
            msg = f"settings are required for config and invalid otherwise, but got {self.kind}"
            raise ValueError(msg)
        return self

    @model_validator(mode="after")
    def _has_a_way(self) -> Self:
        if (self.kind is JobKind.HARVEST) != (self.upload_url is not None):
            msg = (
                "uploadUrl is required for a harvest and invalid otherwise, but got kind "
                f"{self.kind}"
            )
            raise ValueError(msg)
        return self


class JobExecution(AwsMessage):
    """A job as the service tells it to the box."""

    job_id: Identifier
    status: JobStatus
    version_number: _VersionNumber
    job_document: dict[str, JsonValue]


class NextJob(AwsMessage):
    """Payload of `notify-next` and `start-next/accepted`; no execution: nothing to do."""

    execution: JobExecution | None = None
    timestamp: Annotated[int, Field(ge=0, le=MAX_NUMBER)] = 0
    client_token: ClientToken | None = None


class StartNextJob(AwsMessage):
    """The box asks for its next job."""

    client_token: ClientToken | None = None
    status_details: Details = Field(default_factory=dict)


class JobUpdate(AwsMessage):
    """Progress of a job; rejected if `expected_version` is not the service's."""

    status: JobStatus
    expected_version: _VersionNumber | None = None
    status_details: Details = Field(default_factory=dict)
    client_token: ClientToken | None = None


class ErrorResponse(AwsMessage):
    """A refusal by the jobs or provisioning service."""

    code: Text64 = ""
    error_code: Text64 = ""
    message: Text1k = ""
    error_message: Text1k = ""
    client_token: ClientToken | None = None

    @property
    def text(self) -> str:
        """What was wrong; AWS names the fields differently in its two services."""
        return f"{self.code or self.error_code}: {self.message or self.error_message}"
