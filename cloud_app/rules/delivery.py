"""Emptying the outbox: each action by itself, at least once each, until a day has passed."""

from __future__ import annotations

import logging
import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from cloud_app.errors import NotSentError, UnknownError
from cloud_app.one_at_a_time import OneAtATime
from cloud_app.rules import outbox, store
from cloud_app.rules.actions import Action
from cloud_app.rules.outlets import Message, Outlets
from cloud_app.storage.database import Database, Row
from cloud_app.storage.times import to_ms
from telemetry import Clock

_log = logging.getLogger(__name__)

Line = tuple[str, int]
"""(rule, place of the action)"""


@dataclass(slots=True)
class Deliverer:
    """Works a round at a time, while this process leads.

    Attributes:
        database: with the outbox.
        outlets: the ways out.
        leads: whether this process is the one that works.
        clock: wall time.
        chance: spreads retries.
    """

    database: Database
    outlets: Outlets
    leads: Callable[[], bool]
    clock: Clock
    chance: random.Random = field(default_factory=random.Random)
    _sending: OneAtATime[Line] = field(init=False)

    def __post_init__(self) -> None:
        """Make the threads."""
        self._sending = OneAtATime("rules", self.send, lambda line: f"rule {line[0]}: sending")

    def tick(self) -> None:
        """One round: start sending what is due. What is under way is not waited for."""
        with self.database.read() as session:
            lines = outbox.due_lines(session, self._now_ms())
        self._sending.start(lines)

    def close(self) -> None:
        """Wait for what is being sent now; the rest is sent by whoever leads next."""
        self._sending.close()

    def send(self, line: Line) -> None:
        """Send what an action has to send now, until its receiver takes no more.

        Raises:
            StorageError: the database did not do it; what was sent may be sent again.
        """
        which, place = line
        with self.database.read() as session:
            rows = outbox.due(session, line, self._now_ms())
            try:
                rule = store.by_id(session, which)
            except UnknownError:
                return  # deleted meanwhile, with what it had to send
        actions = rule.spec.actions
        fitting = [row for row in rows if place < len(actions) and row.kind == actions[place].kind]
        if len(fitting) < len(rows):
            others = [row for row in rows if row not in fitting]
            with self.database.write() as session:
                fault = "the rule has no such action any more"
                outbox.give_up(session, others, fault, self._now_ms())
        if not fitting:
            return
        action = actions[place]
        size = 1 if self.outlets.one_by_one(action) else len(fitting)
        for first in range(0, len(fitting), size):
            if not self.leads() or not self._hand_over(rule, action, fitting, first, size):
                return

    def _hand_over(
        self, rule: store.Rule, action: Action, rows: Sequence[Row], first: int, size: int
    ) -> bool:
        """Send some messages together; False: the receiver takes nothing now."""
        some, now_ms = rows[first : first + size], self._now_ms()
        try:
            self.outlets.send(rule, action, [Message(row.id, row.body, now_ms) for row in some])
        except NotSentError as exc:
            fault = exc
        except Exception as exc:
            # Whatever it is, it lies with these messages: others need not wait for them.
            _log.exception("rule %s", rule.id)
            fault = NotSentError(type(exc).__name__, is_away=False)
        else:
            with self.database.write() as session:
                outbox.sent(session, [row.id for row in some])
            return True
        _log.warning("rule %s: %s: %s", rule.id, action.kind, fault)
        with self.database.write() as session:
            now_ms = self._now_ms()
            next_ms = now_ms + outbox.wait_ms(max(row.tries for row in some), self.chance)
            outbox.put_off(session, some, str(fault), now_ms, next_ms, tried=1)
            if fault.is_away:
                # The others would fare no better: they wait as long, without having been tried.
                later = rows[first + size :]
                outbox.put_off(session, later, str(fault), now_ms, next_ms, tried=0)
        return not fault.is_away

    def _now_ms(self) -> int:
        return to_ms(self.clock.utc())
