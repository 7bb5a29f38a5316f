from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from telemetry import (
    Direction,
    EdgeTopics,
    TelemetryError,
    Topic,
    TopicFilter,
    TopicKind,
    every_edge,
    parse_edge_topic,
)
from telemetry.rules import DELIVERY_RULES

TOPICS = EdgeTopics("north", "edge-7")
IDENTIFIERS = st.from_regex(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,20}", fullmatch=True)
PLAIN = [k for k in TopicKind if k.value not in {"cmd", "cmd_res", "bay"}]


@pytest.mark.parametrize("kind", PLAIN)
def test_plain_topics_come_back_from_the_parser(kind: TopicKind) -> None:
    parsed = parse_edge_topic(str(TOPICS.of(kind)))
    assert (parsed.topics, parsed.kind, parsed.item) == (TOPICS, kind, None)


@given(site=IDENTIFIERS, edge=IDENTIFIERS, item=IDENTIFIERS, prefix=IDENTIFIERS)
def test_topics_with_an_item_come_back_from_the_parser(
    site: str, edge: str, item: str, prefix: str
) -> None:
    topics = EdgeTopics(site, edge, prefix)
    for topic, kind in [
        (topics.command(item), TopicKind.COMMAND),
        (topics.command_result(item), TopicKind.COMMAND_RESULT),
        (topics.bay(item), TopicKind.BAY),
    ]:
        parsed = parse_edge_topic(str(topic), prefix)
        assert (parsed.site, parsed.edge, parsed.kind, parsed.item) == (site, edge, kind, item)
        assert every_edge(kind, prefix).matches(str(topic))


@pytest.mark.parametrize(
    "topic",
    [
        pytest.param("pk/v1/north/edge-7", id="no kind"),
        pytest.param("pk/v1/north/edge-7/unheard", id="unknown kind"),
        pytest.param("pk/v2/north/edge-7/status", id="other version"),
        pytest.param("xx/v1/north/edge-7/status", id="other prefix"),
        pytest.param("pk/v1/no rth/edge-7/status", id="blank in the site"),
        pytest.param("pk/v1/north/edge-7/cmd", id="command without an id"),
        pytest.param("pk/v1/north/edge-7/cmd/a b/res", id="blank in the command id"),
        pytest.param("pk/v1/north/edge-7/cmd_res", id="inner name of the result kind"),
        pytest.param("pk/v1/north/edge-7/status/more", id="too deep"),
        pytest.param("", id="empty"),
    ],
)
def test_foreign_topics_are_refused(topic: str) -> None:
    with pytest.raises(TelemetryError, match=r"expected a topic|must match"):
        parse_edge_topic(topic)


@pytest.mark.parametrize("text", ["", "a/+/b", "a/#", "a\0b", "x" * 65_536])
def test_topics_that_cannot_be_published_to(text: str) -> None:
    with pytest.raises(TelemetryError, match="topic must"):
        Topic(text)


@pytest.mark.parametrize("text", ["", "a+/b", "a/#/b", "a/b#", "\0"])
def test_filters_with_misplaced_wildcards(text: str) -> None:
    with pytest.raises(TelemetryError, match="topic filter"):
        TopicFilter(text)


@pytest.mark.parametrize(
    ("pattern", "topic", "matches"),
    [
        ("pk/v1/+/+/event", "pk/v1/a/b/event", True),
        ("pk/v1/+/+/event", "pk/v1/a/b/event/c", False),
        ("pk/#", "pk", True),
        ("pk/#", "pk/a/b", True),
        ("#", "$aws/things", False),
        ("+/things", "$aws/things", False),
        ("$aws/#", "$aws/things", True),
        ("a/b", "a", False),
    ],
)
def test_filters_match_as_mqtt_says(pattern: str, topic: str, matches: bool) -> None:
    assert TopicFilter(pattern).matches(topic) is matches


def test_shared_filter() -> None:
    assert str(every_edge(TopicKind.EVENT).shared("ingest")) == "$share/ingest/pk/v1/+/+/event"


def test_names_that_break_levels_are_refused() -> None:
    for site, edge, prefix in [("a/b", "e", "pk"), ("s", "e+", "pk"), ("s", "e", "p//k")]:
        with pytest.raises(TelemetryError, match="must"):
            EdgeTopics(site, edge, prefix)
    with pytest.raises(TelemetryError, match="use command"):
        TOPICS.of(TopicKind.COMMAND)


def test_the_rules_are_those_of_the_contract() -> None:
    table = {
        kind.value: (rule.direction, rule.qos, rule.retain, rule.expiry_s)
        for kind, rule in DELIVERY_RULES.items()
    }
    up, down = Direction.UP, Direction.DOWN
    assert table == {
        "status": (up, 1, True, None),
        "event": (up, 1, False, None),
        "snapshot": (up, 1, True, 24 * 3600),
        "layout": (up, 1, True, None),
        "aggregate": (up, 1, False, None),
        "health": (up, 0, False, None),
        "ack": (down, 1, False, None),
        "cmd": (down, 1, False, None),
        "cmd_res": (up, 1, False, None),
        "bay": (up, 1, True, None),
    }
