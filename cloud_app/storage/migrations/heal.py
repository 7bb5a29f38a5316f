"""Rows from before the contract had bounds, put right once, by revision 0003.

A number, time or document outside today's bounds can only come from a message that the checks now
refuses. Such events go to the quarantine to the byte; what was derived from them (gaps, watermarks,
projections, births) is deleted or worked out anew from what is left.
"""

from __future__ import annotations

import base64
import hashlib
import json
import logging

from sqlalchemy import Connection, text

from cloud_app.storage.times import to_ms
from cloud_app.storage.watermark import contiguous
from telemetry.bounds import EARLIEST, LATEST, MAX_DEPTH, MAX_NUMBER
from telemetry.errors import TelemetryError
from telemetry.payload_checks import check_json

_log = logging.getLogger(__name__)

_BOUNDS = {"most": MAX_NUMBER, "first_ms": to_ms(EARLIEST), "last_ms": to_ms(LATEST)}
_DERIVED = (
    "DELETE FROM gap WHERE epoch > :most OR last_seq > :most",
    "DELETE FROM bay_state WHERE epoch > :most OR seq > :most",
    "DELETE FROM incident WHERE epoch > :most OR seq > :most",
    "DELETE FROM incident_list WHERE epoch > :most OR seq > :most",
    "DELETE FROM stream WHERE epoch > :most",
    "UPDATE edge SET epoch = 0, conn = 0, dead = 1, at_ms = NULL, birth = NULL"
    " WHERE epoch > :most OR conn > :most",
    "UPDATE edge SET health = NULL, health_ms = NULL"
    " WHERE health_ms < :first_ms OR health_ms > :last_ms",
)


def heal(connection: Connection) -> None:
    """Put every row right that lies outside of the contract's bounds."""
    _quarantine_events(connection)
    for statement in _DERIVED:
        bounds = {name: value for name, value in _BOUNDS.items() if f":{name}" in statement}
        changed = connection.execute(text(statement), bounds).rowcount
        if changed:
            _log.warning("%d rows outside the contract's bounds: %s", changed, statement)
    _renew_watermarks(connection)
    _drop_shadows(connection)


def _quarantine_events(connection: Connection) -> None:
    rows = connection.execute(
        text(
            "SELECT edge, epoch, seq, body FROM event WHERE epoch > :most OR seq > :most"
            " OR time_ms < :first_ms OR time_ms > :last_ms"
        ),
        _BOUNDS,
    ).all()
    for row in rows:
        where = {"edge": row.edge, "epoch": row.epoch, "seq": row.seq}
        _quarantine(connection, row.body)
        connection.execute(
            text("DELETE FROM event WHERE edge = :edge AND epoch = :epoch AND seq = :seq"), where
        )
        if max(row.epoch, row.seq) <= MAX_NUMBER:
            connection.execute(
                text(
                    "INSERT INTO gap (edge, epoch, first_seq, last_seq, reason)"
                    " VALUES (:edge, :epoch, :seq, :seq, 'quarantined') ON CONFLICT DO NOTHING"
                ),
                where,
            )
    if rows:
        _log.warning("%d events outside the contract's bounds go to the quarantine", len(rows))


def _quarantine(connection: Connection, body: str) -> None:
    topic = f"{json.loads(body)['source']}/event"
    connection.execute(
        text(
            "INSERT INTO quarantine (digest, topic, payload, reason, first_ms, times)"
            " VALUES (:digest, :topic, :payload, :reason, 0, 1) ON CONFLICT (digest) DO NOTHING"
        ),
        {
            "digest": hashlib.sha256(topic.encode() + b"\0" + body.encode()).hexdigest(),
            "topic": topic,
            "payload": base64.b64encode(body.encode()).decode(),
            "reason": "stored before the contract had bounds, and outside of them",
        },
    )


def _renew_watermarks(connection: Connection) -> None:
    """Below the lowest event that is left everything was complete once, and was pruned."""
    streams = connection.execute(
        text("SELECT edge, epoch FROM stream WHERE upto > :most OR top > :most"),
        {"most": MAX_NUMBER},
    ).all()
    for edge, epoch in streams:
        where = {"edge": edge, "epoch": epoch}
        seqs = connection.execute(
            text("SELECT seq FROM event WHERE edge = :edge AND epoch = :epoch ORDER BY seq"), where
        ).scalars().all()  # fmt: skip
        gaps = [
            (first, last)
            for first, last in connection.execute(
                text(
                    "SELECT first_seq, last_seq FROM gap"
                    " WHERE edge = :edge AND epoch = :epoch ORDER BY first_seq"
                ),
                where,
            )
        ]
        upto = contiguous((seqs[0] if seqs else 1) - 1, seqs, gaps)
        top = max(upto, *seqs[-1:], *(last for _, last in gaps), 0)
        connection.execute(
            text(
                "UPDATE stream SET upto = :upto, top = :top WHERE edge = :edge AND epoch = :epoch"
            ),
            {**where, "upto": upto, "top": top},
        )
        _log.warning("edge %s: epoch %d is complete up to %d now", edge, epoch, upto)


def _drop_shadows(connection: Connection) -> None:
    """A shadow that no reader can be given is deleted; its version stays, as AWS has it."""
    # PostgreSQL reads the backslash as an escape and finds more, which does no harm.
    marks = ("%NaN%", "%Infinity%", "%\\ud%", "%\\u0000%")
    suspects = connection.execute(
        text(
            "SELECT thing, name, body FROM shadow"
            " WHERE body LIKE :m0 OR body LIKE :m1 OR body LIKE :m2 OR body LIKE :m3"
        ),
        {f"m{n}": mark for n, mark in enumerate(marks)},
    ).all()
    for thing, name, body in suspects:
        try:
            # Two levels above a section, and the times below its leaves.
            check_json(body.encode(), f"shadow {name} of {thing}", max_depth=MAX_DEPTH + 3)
        except TelemetryError as exc:
            _log.warning("deleted, as no reader can be given it: %s", exc)
            connection.execute(
                text("UPDATE shadow SET body = NULL WHERE thing = :thing AND name = :name"),
                {"thing": thing, "name": name},
            )
