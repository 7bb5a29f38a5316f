"""Shadow documents in the tables."""

from __future__ import annotations

import json
from dataclasses import asdict

from sqlalchemy import bindparam, select, update

from cloud_app.storage.database import Session
from cloud_app.storage.tables import shadow
from cloud_app.storage.upsert import Upsert
from telemetry.shadow import ShadowDocument

_IS_IT = (shadow.c.thing == bindparam("of")) & (shadow.c.name == bindparam("called"))
_LOAD = select(shadow.c.version, shadow.c.body).where(_IS_IT)
# An update that changes nothing locks the row, there or not, in both databases.
_LOCK = Upsert(
    shadow,
    ("thing", "name", "version", "changed_ms"),
    lambda _new: {"version": shadow.c.version},
)
_SAVE = (
    update(shadow)
    .values(version=bindparam("to"), body=bindparam("document"), changed_ms=bindparam("ms"))
    .where(_IS_IT)
)
_DELETE = update(shadow).values(body=None).where(_IS_IT)


def load_shadow(session: Session, thing: str, name: str) -> tuple[ShadowDocument, bool]:
    """A shadow and whether it exists. A deleted one keeps its version, as AWS has it."""
    rows = session.rows(_LOAD, {"of": thing, "called": name})
    if not rows or rows[0].body is None:
        return ShadowDocument(version=rows[0].version if rows else 0), False
    return ShadowDocument(**json.loads(rows[0].body)), True


def lock_shadow(session: Session, thing: str, name: str) -> None:
    """Let nobody else change this shadow, there or not, until the transaction ends."""
    session.upsert(_LOCK, [(thing, name, 0, 0)])


def save_shadow(session: Session, thing: str, name: str, document: ShadowDocument | None) -> None:
    """Write a locked shadow; None deletes it."""
    which = {"of": thing, "called": name}
    if document is None:
        session.run(_DELETE, which)
        return
    session.run(
        _SAVE,
        which
        | {
            "to": document.version,
            "document": json.dumps(asdict(document), ensure_ascii=True, separators=(",", ":")),
            "ms": document.timestamp_s * 1000,
        },
    )
