"""The box's side of its shadows: reports what is, follows what is desired, never desires."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from pydantic import JsonValue

from edge_app.delivery.agent import Publish
from edge_app.delivery.agents.base import QuietAgent
from edge_app.delivery.connection import Outgoing
from edge_app.delivery.store import Store
from telemetry.aws import ShadowName, ShadowTopics, answers
from telemetry.errors import LotsightError
from telemetry.layout import pack_bays
from telemetry.shadow import JsonObject, ShadowUpdate, parse_delta, same_json
from telemetry.topics import Topic, TopicFilter

_log = logging.getLogger(__name__)

UPDATE_PERIOD_S = 1.0
"""At most one update a second, over all shadows of the box."""
ANSWER_TIMEOUT_S = 15.0
REJECTED_PAUSE_S = 60.0
"""A refused report is refused again if it is repeated at once."""

Report = Callable[[], JsonObject]
Follow = Callable[[JsonObject], None]


@dataclass(frozen=True, slots=True)
class ShadowPart:
    """One shadow: what it reports, and what is done when something else is desired.

    Attributes:
        report: gives the whole reported section; called about twice a second.
        follow: gets the desired fields that differ, acts on them, and the next report shows what
            became of it. It must return soon. None: nothing can be desired here.
        accepted: called when the shadow service took a report, so it is there.
    """

    report: Report
    follow: Follow | None = None
    accepted: Callable[[], None] = lambda: None


@dataclass(slots=True)
class _Progress:
    """Where one shadow stands on this connection."""

    accepted: JsonObject | None = None
    sent: JsonObject | None = None
    sent_s: float = 0.0
    not_before_s: float = 0.0
    version: int = -1
    token: str = ""


class ShadowAgent(QuietAgent):
    """Keeps the box's shadows current.

    Args:
        thing: the box.
        root: `$aws`, or what stands for it.
        parts: each shadow that the box keeps.
    """

    def __init__(self, thing: str, root: str, parts: Mapping[ShadowName, ShadowPart]) -> None:
        super().__init__()
        self._parts = dict(parts)
        self._topics = {name: ShadowTopics(thing, name, root) for name in parts}
        self._filters = tuple(
            TopicFilter(str(topic)) for each in self._topics.values() for topic in _heard(each)
        )
        self._names = {
            str(topic): name for name, each in self._topics.items() for topic in _heard(each)
        }
        self._progress = {name: _Progress() for name in parts}
        self._updated_s = 0.0
        self._tokens = 0

    def filters(self) -> Sequence[TopicFilter]:
        """Deltas, documents and answers of each shadow."""
        return self._filters

    def connected(self, publish: Publish) -> None:
        """Ask for each document: a delta may have come while the box was away."""
        super().connected(publish)
        self._progress = {name: _Progress() for name in self._parts}
        for topics in self._topics.values():
            publish(Outgoing(topics.get, b"{}"))

    def message(self, topic: str, payload: bytes) -> None:
        """A delta, a document or an answer came.

        Raises:
            ShadowRejection: it is invalid.
        """
        name = self._names[topic]
        topics, progress = self._topics[name], self._progress[name]
        if topic == str(topics.delta):
            self._follow(name, payload)
        elif topic == str(answers(topics.get)[0]):
            progress.version = -1  # a service that lost its documents starts at 1 again
            self._follow(name, payload)
        elif topic == str(answers(topics.update)[0]):
            self._accepted(name, progress, payload)
        elif topic == str(answers(topics.update)[1]):
            self._rejected(name, progress, payload)

    def tick(self, now_s: float) -> None:
        """Report one shadow that changed; the others wait for the next second."""
        if self._publish is None or now_s - self._updated_s < UPDATE_PERIOD_S:
            return
        # The longest waiting comes first, so that `bays` cannot starve the others.
        for name in sorted(self._parts, key=lambda each: self._progress[each].sent_s):
            if self._report(name, now_s):
                self._updated_s = now_s
                return

    def _report(self, name: ShadowName, now_s: float) -> bool:
        progress = self._progress[name]
        waiting = progress.sent is not None and now_s - progress.sent_s < ANSWER_TIMEOUT_S
        if waiting or now_s < progress.not_before_s or self._publish is None:
            return False
        reported = self._parts[name].report()
        if progress.accepted is not None and same_json(reported, progress.accepted):
            return False
        patch: JsonObject = (
            dict(reported) if progress.accepted is None else changes(progress.accepted, reported)
        )
        self._tokens += 1
        progress.token = f"{name.value or 'classic'}-{self._tokens}"
        progress.sent, progress.sent_s = reported, now_s
        update = ShadowUpdate(
            reported=patch, sections=frozenset({"reported"}), client_token=progress.token
        )
        self._publish(Outgoing(self._topics[name].update, update.encode()))
        return True

    def _accepted(self, name: ShadowName, progress: _Progress, payload: bytes) -> None:
        if progress.token and progress.token.encode() in payload:
            progress.accepted, progress.sent = progress.sent, None
            self._parts[name].accepted()

    def _rejected(self, name: ShadowName, progress: _Progress, payload: bytes) -> None:
        if progress.token and progress.token.encode() in payload:
            _log.error("shadow %s: report rejected: %.200s", name.value or "classic", payload)
            progress.sent, progress.accepted = None, None
            progress.not_before_s = progress.sent_s + REJECTED_PAUSE_S

    def _follow(self, name: ShadowName, payload: bytes) -> None:
        progress = self._progress[name]
        delta = parse_delta(payload)
        if delta.version <= progress.version:
            _log.info("shadow %s: stale delta %d ignored", name.value or "classic", delta.version)
            return
        progress.version = delta.version
        follow = self._parts[name].follow
        if not delta.state:
            return
        if follow is None:
            _log.warning("shadow %s: it has no desired state", name.value or "classic")
            return
        try:
            follow(delta.state)
        except LotsightError as exc:
            # The report keeps stating what is: the difference stays visible in the cloud.
            _log.error("shadow %s: cannot apply: %s", name.value or "classic", exc)


def bays_report(store: Store) -> Report:
    """The shadow `bays`: every bay as one letter against the layout's hash."""

    def report() -> JsonObject:
        layout = store.layout
        if layout is None:
            return {}
        occ = {state.bay: state.occ for state in store.states()}
        return {
            "layout": layout.hash,
            "bays": pack_bays(layout.bay_ids, occ, store.closed_bays()),
            "epoch": store.epoch,
        }

    return report


def changes(before: Mapping[str, JsonValue], after: Mapping[str, JsonValue]) -> JsonObject:
    """The patch that merges `before` into `after`: changed fields, and null for those that went."""
    patch: JsonObject = {key: None for key in before if key not in after}
    for key, value in after.items():
        old = before.get(key)
        if isinstance(value, dict) and isinstance(old, dict):
            if below := changes(old, value):
                patch[key] = below
        elif key not in before or not same_json(old, value):
            patch[key] = value
    return patch


def _heard(topics: ShadowTopics) -> tuple[Topic, ...]:
    return (topics.delta, answers(topics.get)[0], *answers(topics.update))
