"""mosquitto's access list: each box its own branch, under the site that it is registered for."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from telemetry.aws import DEFAULT_ROOT
from telemetry.rules import DELIVERY_RULES, Direction
from telemetry.topics import CONTRACT_VERSION, EdgeTopics, TopicKind

_TAILS = {
    TopicKind.COMMAND: "cmd/+",
    TopicKind.COMMAND_RESULT: "cmd/+/res",
    TopicKind.BAY: "bay/+",
}


def access_list(
    edges: Iterable[tuple[str, str]],
    prefix: str = "pk",
    root: str = DEFAULT_ROOT,
    consumer: str = "consumer",
) -> str:
    """The file for `acl_file`; user names are the CNs of certificates.

    A pattern with `+` for the site would let every box speak for every site, so each box has a
    block of its own, which names both.

    Args:
        edges: (edge, site) of each box.
        prefix: first levels of the topics.
        root: first level of the shadow topics.
        consumer: the user name of lotsight-cloud.
    """
    blocks = [_consumer(prefix, root, consumer)]
    blocks += ["\n".join(_box(edge, site, prefix, root)) for edge, site in sorted(edges)]
    return "\n\n".join(blocks) + "\n"


def _consumer(prefix: str, root: str, user: str) -> str:
    every = f"{prefix}/{CONTRACT_VERSION}/+/+"
    return "\n".join(
        (
            f"user {user}",
            f"topic read {every}/#",
            f"topic write {every}/ack",
            f"topic write {every}/cmd/+",
            f"topic readwrite {root}/things/+/shadow/#",
            f"topic readwrite {root}/things/+/jobs/#",
            "topic read $SYS/#",
        )
    )


def _box(edge: str, site: str, prefix: str, root: str) -> Iterator[str]:
    base = EdgeTopics(site, edge, prefix).base
    yield f"user {edge}"
    for kind, rule in DELIVERY_RULES.items():
        word = "write" if rule.direction is Direction.UP else "read"
        yield f"topic {word} {base}/{_TAILS.get(kind, kind.value)}"
    yield f"topic readwrite {root}/things/{edge}/#"
