"""Shadow documents in the tables."""

from __future__ import annotations

import json
from dataclasses import asdict

from cloud_app.storage.database import Session
from telemetry.shadow import ShadowDocument


def load_shadow(session: Session, thing: str, name: str) -> tuple[ShadowDocument, bool]:
    """A shadow and whether it exists. A deleted one keeps its version, as AWS has it."""
    rows = session.rows(
        "SELECT version, body FROM shadow WHERE thing = ? AND name = ?", (thing, name)
    )
    if not rows or rows[0][1] is None:
        return ShadowDocument(version=int(rows[0][0]) if rows else 0), False
    return ShadowDocument(**json.loads(rows[0][1])), True


def lock_shadow(session: Session, thing: str, name: str) -> None:
    """Let nobody else change this shadow, there or not, until the transaction ends."""
    session.run(
        "INSERT INTO shadow (thing, name, version, body, changed_ms) VALUES (?, ?, 0, NULL, 0)"
        " ON CONFLICT (thing, name) DO UPDATE SET version = shadow.version",
        (thing, name),
    )


def save_shadow(session: Session, thing: str, name: str, document: ShadowDocument | None) -> None:
    """Write a locked shadow; None deletes it."""
    if document is None:
        session.run("UPDATE shadow SET body = NULL WHERE thing = ? AND name = ?", (thing, name))
        return
    session.run(
        "UPDATE shadow SET version = ?, body = ?, changed_ms = ? WHERE thing = ? AND name = ?",
        (
            document.version,
            json.dumps(asdict(document), ensure_ascii=True, separators=(",", ":")),
            document.timestamp_s * 1000,
            thing,
            name,
        ),
    )
