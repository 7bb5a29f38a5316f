"""Rows from before the contract had bounds, put right once, when the schema reaches version 3.

A number, time or document outside today's bounds can only come from a message that the door now
refuses. Such events go to the quarantine to the byte; what was derived from them (gaps, watermarks,
projections, births) is deleted or worked out anew from what is left.
"""

from __future__ import annotations

import base64
import hashlib
import json
import logging

from cloud_app.storage.database import Row, Session
from cloud_app.storage.times import to_ms
from cloud_app.storage.watermark import advance
from telemetry.bounds import EARLIEST, LATEST, MAX_DEPTH, MAX_NUMBER
from telemetry.door import check_json
from telemetry.errors import TelemetryError

_log = logging.getLogger(__name__)

_REASON = "stored before the contract had bounds, and outside of them"
_FIRST_MS, _LAST_MS = to_ms(EARLIEST), to_ms(LATEST)
_TOO_LARGE = (MAX_NUMBER, MAX_NUMBER)
_DERIVED: tuple[tuple[str, tuple[int, int] | tuple[int]], ...] = (
    ("DELETE FROM gap WHERE epoch > ? OR last_seq > ?", _TOO_LARGE),
    ("DELETE FROM bay_state WHERE epoch > ? OR seq > ?", _TOO_LARGE),
    ("DELETE FROM incident WHERE epoch > ? OR seq > ?", _TOO_LARGE),
    ("DELETE FROM incident_list WHERE epoch > ? OR seq > ?", _TOO_LARGE),
    ("DELETE FROM stream WHERE epoch > ?", (MAX_NUMBER,)),
    (
        "UPDATE edge SET epoch = 0, conn = 0, dead = 1, at_ms = NULL, birth = NULL"
        " WHERE epoch > ? OR conn > ?",
        _TOO_LARGE,
    ),
    (
        "UPDATE edge SET health = NULL, health_ms = NULL WHERE health_ms < ? OR health_ms > ?",
        (_FIRST_MS, _LAST_MS),
    ),
)


def heal(session: Session) -> None:
    """Put every row right that lies outside of the contract's bounds."""
    _quarantine_events(session)
    for statement, values in _DERIVED:
        changed = session.run(statement, values)
        if changed:
            _log.warning("%d rows outside the contract's bounds: %s", changed, statement)
    _renew_watermarks(session)
    _drop_shadows(session)


def _quarantine_events(session: Session) -> None:
    rows = session.rows(
        "SELECT edge, epoch, seq, time_ms, body FROM event"
        " WHERE epoch > ? OR seq > ? OR time_ms < ? OR time_ms > ?",
        (*_TOO_LARGE, _FIRST_MS, _LAST_MS),
    )
    for edge, epoch, seq, _, body in rows:
        _quarantine(session, body)
        session.run(
            "DELETE FROM event WHERE edge = ? AND epoch = ? AND seq = ?", (edge, epoch, seq)
        )
    session.run_many(
        "INSERT INTO gap (edge, epoch, first_seq, last_seq, reason)"
        " VALUES (?, ?, ?, ?, 'quarantined') ON CONFLICT DO NOTHING",
        [(edge, epoch, seq, seq) for edge, epoch, seq, _, _ in rows if _numbered(epoch, seq)],
    )
    if rows:
        _log.warning("%d events outside the contract's bounds go to the quarantine", len(rows))


def _numbered(epoch: int, seq: int) -> bool:
    return max(epoch, seq) <= MAX_NUMBER


def _quarantine(session: Session, body: str) -> None:
    topic = f"{json.loads(body)['source']}/event"
    digest = hashlib.sha256(topic.encode() + b"\0" + body.encode()).hexdigest()
    session.run(
        "INSERT INTO quarantine (digest, topic, payload, reason, first_ms, times)"
        " VALUES (?, ?, ?, ?, 0, 1) ON CONFLICT (digest) DO NOTHING",
        (digest, topic, base64.b64encode(body.encode()).decode(), _REASON),
    )


def _renew_watermarks(session: Session) -> None:
    """Below the lowest event that is left everything was complete once, and was pruned."""
    for edge, epoch in session.rows(
        "SELECT edge, epoch FROM stream WHERE upto > ? OR top > ?", _TOO_LARGE
    ):
        [(lowest, highest, gap)] = session.rows(
            "SELECT (SELECT MIN(seq) FROM event WHERE edge = ? AND epoch = ?),"
            " (SELECT MAX(seq) FROM event WHERE edge = ? AND epoch = ?),"
            " (SELECT MAX(last_seq) FROM gap WHERE edge = ? AND epoch = ?)",
            (edge, epoch) * 3,
        )
        upto = advance(session, edge, epoch, (lowest or 1) - 1)
        session.run(
            "UPDATE stream SET upto = ?, top = ? WHERE edge = ? AND epoch = ?",
            (upto, max(upto, highest or 0, gap or 0), edge, epoch),
        )
        _log.warning("edge %s: epoch %d is complete up to %d now", edge, epoch, upto)


def _drop_shadows(session: Session) -> None:
    """A shadow that no reader can be given is deleted; its version stays, as AWS has it."""
    suspects: list[Row] = session.rows(
        "SELECT thing, name, body FROM shadow"
        " WHERE body LIKE ? OR body LIKE ? OR body LIKE ? OR body LIKE ?",
        # PostgreSQL reads the backslash as an escape and finds more, which does no harm.
        ("%NaN%", "%Infinity%", "%\\ud%", "%\\u0000%"),
    )
    for thing, name, body in suspects:
        try:
            # Two levels above a section, and the times below its leaves.
            check_json(body.encode(), f"shadow {name} of {thing}", max_depth=MAX_DEPTH + 3)
        except TelemetryError as exc:
            _log.warning("deleted, as no reader can be given it: %s", exc)
            session.run("UPDATE shadow SET body = NULL WHERE thing = ? AND name = ?", (thing, name))
