"""Every topic of the contract: value types, builders and parsers.

All of an edge box's topics lie below one base, `{prefix}/v1/{site}/{edge}`; its shadow, jobs and
provisioning topics carry AWS IoT's names below a configurable root, `$aws`.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from telemetry.errors import TelemetryError
from telemetry.vocabulary import ID_PATTERN, is_identifier

CONTRACT_VERSION = "v1"
MAX_TOPIC_BYTES = 65_535  # the length field of an MQTT string has 16 bits


class TopicKind(StrEnum):
    """What a topic below an edge box's base is for."""

    STATUS = "status"
    EVENT = "event"
    SNAPSHOT = "snapshot"
    LAYOUT = "layout"
    AGGREGATE = "aggregate"
    HEALTH = "health"
    ACK = "ack"
    COMMAND = "cmd"
    COMMAND_RESULT = "cmd_res"
    BAY = "bay"


@dataclass(frozen=True, slots=True)
class Topic:
    """A topic to publish to: no wildcard, no empty string, at most 65,535 bytes."""

    value: str

    def __post_init__(self) -> None:
        """Reject what a broker would drop the connection for."""
        _check_text("topic", self.value)
        if "+" in self.value or "#" in self.value:
            msg = f"topic must not hold the wildcards '+' or '#', but got {self.value!r}"
            raise TelemetryError(msg)

    def __str__(self) -> str:
        """The topic as MQTT wants it."""
        return self.value


@dataclass(frozen=True, slots=True)
class TopicFilter:
    """A topic filter to subscribe to; '+' stands for one level, a last '#' for all that follow."""

    value: str

    def __post_init__(self) -> None:
        """Reject misplaced wildcards."""
        _check_text("topic filter", self.value)
        levels = self.value.split("/")
        for index, level in enumerate(levels):
            stray_plus = "+" in level and level != "+"
            stray_hash = "#" in level and (level != "#" or index != len(levels) - 1)
            if stray_plus or stray_hash:
                msg = f"topic filter has a misplaced wildcard in level {index}: {self.value!r}"
                raise TelemetryError(msg)

    def __str__(self) -> str:
        """The filter as MQTT wants it."""
        return self.value

    def matches(self, topic: str) -> bool:
        """Whether the filter selects `topic`; wildcards never match a leading '$' (MQTT 4.7.2)."""
        wanted, got = self.value.split("/"), topic.split("/")
        if got[0].startswith("$") and wanted[0] in {"+", "#"}:
            return False
        for index, level in enumerate(wanted):
            if level == "#":
                return True
            if index >= len(got) or level not in {"+", got[index]}:
                return False
        return len(wanted) == len(got)

    def shared(self, group: str) -> TopicFilter:
        """The same filter, its messages dealt out among the members of `group`."""
        return TopicFilter(f"$share/{_identifier('group', group)}/{self.value}")


class WishedFilter(TopicFilter):
    """A filter that it is good to have, and no fault to be refused."""

    __slots__ = ()


@dataclass(frozen=True, slots=True)
class EdgeTopics:
    """The topics of one edge box.

    Attributes:
        site: the operator's place.
        edge: the box; also the CN of its certificate and its MQTT client id.
        prefix: one or more levels in front of the version.
    """

    site: str
    edge: str
    prefix: str = "pk"

    def __post_init__(self) -> None:
        """Reject names that would break the levels of a topic."""
        _identifier("site", self.site)
        _identifier("edge", self.edge)
        check_prefix(self.prefix)

    @property
    def base(self) -> str:
        """`{prefix}/v1/{site}/{edge}`; also the `source` of the box's events."""
        return f"{self.prefix}/{CONTRACT_VERSION}/{self.site}/{self.edge}"

    def of(self, kind: TopicKind) -> Topic:
        """The topic of a kind that needs no further name.

        Raises:
            TelemetryError: `kind` is one of those that name a command or a bay.
        """
        if kind in {TopicKind.COMMAND, TopicKind.COMMAND_RESULT, TopicKind.BAY}:
            msg = f"topic kind {kind.value} needs a command or bay id: use command() or bay()"
            raise TelemetryError(msg)
        return Topic(f"{self.base}/{kind.value}")

    def command(self, command_id: str) -> Topic:
        """Where the cloud puts a command."""
        return Topic(f"{self.base}/cmd/{_identifier('command id', command_id)}")

    def command_result(self, command_id: str) -> Topic:
        """Where the box answers a command."""
        return Topic(f"{self.base}/cmd/{_identifier('command id', command_id)}/res")

    def bay(self, bay: str) -> Topic:
        """The retained state of one bay, for Home Assistant."""
        return Topic(f"{self.base}/bay/{_identifier('bay', bay)}")

    @property
    def command_filter(self) -> TopicFilter:
        """All commands to this box."""
        return TopicFilter(f"{self.base}/cmd/+")


@dataclass(frozen=True, slots=True)
class EdgeTopic:
    """A topic below an edge box's base, taken apart.

    Attributes:
        topics: of the box.
        kind: what the topic is for.
        item: the command id or bay, where the kind has one.
    """

    topics: EdgeTopics
    kind: TopicKind
    item: str | None = None

    @property
    def site(self) -> str:
        """The box's site."""
        return self.topics.site

    @property
    def edge(self) -> str:
        """The box."""
        return self.topics.edge


def parse_edge_topic(topic: str, prefix: str = "pk") -> EdgeTopic:
    """Take a topic below an edge box's base apart.

    Raises:
        TelemetryError: it is none of the contract's topics under `prefix`.
    """
    head = f"{check_prefix(prefix)}/{CONTRACT_VERSION}/"
    levels = topic.removeprefix(head).split("/") if topic.startswith(head) else []
    match levels:
        case [site, edge, "cmd", item, "res"] if is_identifier(item):
            return EdgeTopic(EdgeTopics(site, edge, prefix), TopicKind.COMMAND_RESULT, item)
        case [site, edge, "cmd" | "bay" as kind, item] if is_identifier(item):
            return EdgeTopic(EdgeTopics(site, edge, prefix), TopicKind(kind), item)
        case [site, edge, kind] if kind in _PLAIN_KINDS:
            return EdgeTopic(EdgeTopics(site, edge, prefix), TopicKind(kind))
    msg = (
        f"expected a topic {head}{{site}}/{{edge}}/... with one of "
        f"{', '.join(sorted(_PLAIN_KINDS))}, cmd/{{id}}, cmd/{{id}}/res, bay/{{bay}}, "
        f"but got {topic!r}"
    )
    raise TelemetryError(msg)


def every_edge(kind: TopicKind, prefix: str = "pk") -> TopicFilter:
    """The filter of one kind of message from all boxes."""
    tail = {
        TopicKind.COMMAND: "cmd/+",
        TopicKind.COMMAND_RESULT: "cmd/+/res",
        TopicKind.BAY: "bay/+",
    }.get(kind, kind.value)
    return TopicFilter(f"{check_prefix(prefix)}/{CONTRACT_VERSION}/+/+/{tail}")


def check_prefix(prefix: str) -> str:
    """Give `prefix` back if each of its levels is an identifier.

    Raises:
        TelemetryError: it is not.
    """
    if not all(is_identifier(level) for level in prefix.split("/")):
        msg = f"prefix must be identifiers joined by '/', but got {prefix!r}"
        raise TelemetryError(msg)
    return prefix


_PLAIN_KINDS = frozenset(
    kind.value
    for kind in TopicKind
    if kind not in {TopicKind.COMMAND, TopicKind.COMMAND_RESULT, TopicKind.BAY}
)


def _identifier(what: str, text: str) -> str:
    if not is_identifier(text):
        msg = f"{what} must match {ID_PATTERN}, but got {text!r}"
        raise TelemetryError(msg)
    return text


def _check_text(what: str, text: str) -> None:
    size = len(text.encode("utf-8", "surrogatepass"))
    if not text or "\0" in text or size > MAX_TOPIC_BYTES:
        msg = f"{what} must be 1 to {MAX_TOPIC_BYTES} bytes without NUL, but got {text[:80]!r}"
        raise TelemetryError(msg)
