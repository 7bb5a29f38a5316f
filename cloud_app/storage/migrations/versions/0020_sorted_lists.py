"""Lists that the database sorts: names and kinds of the registry's things, incidents."""

from __future__ import annotations

import json
import re
import unicodedata
from typing import Any

from alembic import op
from sqlalchemy import text

from cloud_app.storage.migrations import refuse_downgrade

revision = "0020"
down_revision = "0019"
branch_labels = None
depends_on = None

_COLUMN = "ALTER TABLE registry_thing ADD COLUMN {name} TEXT{collation} NOT NULL DEFAULT ''"
_INDEXES = (
    "CREATE INDEX registry_thing_by_name ON registry_thing (kind, sort_name, key)",
    "CREATE INDEX registry_thing_by_type ON registry_thing (kind, sort_type, key)",
    "CREATE INDEX registry_thing_by_time ON registry_thing (kind, changed_ms, key)",
    "CREATE INDEX incident_by_kind ON incident (kind, began_ms DESC)",
    "CREATE INDEX incident_by_stood ON incident (stood_s)",
)
_TYPES = {"bay": "kind", "device": "kind", "lot": "placement"}
_PAGE = 5_000


def upgrade() -> None:
    """Add the columns with what the things say, and the indexes."""
    is_postgres = op.get_context().dialect.name == "postgresql"
    collation = ' COLLATE "C"' if is_postgres else ""
    for name in ("sort_name", "sort_type"):
        op.execute(_COLUMN.format(name=name, collation=collation))
    if not op.get_context().as_sql:
        _fill()
    for statement in _INDEXES:
        op.execute(statement)


def _fill() -> None:
    bind = op.get_bind()
    page = text(
        "SELECT kind, key, said_layout, said_person FROM registry_thing"
        " WHERE (kind, key) > (:kind, :key) ORDER BY kind, key LIMIT :rows"
    )
    write = text(
        "UPDATE registry_thing SET sort_name = :n, sort_type = :t WHERE kind = :k AND key = :key"
    )
    after: dict[str, Any] = {"kind": "", "key": "", "rows": _PAGE}
    while rows := bind.execute(page, after).all():
        found = [
            {
                "k": kind,
                "key": key,
                "n": _form(said.get("name")),
                "t": _form(said.get(_TYPES.get(kind, ""))),
            }
            for kind, key, layout, person in rows
            for said in [{**json.loads(layout), **json.loads(person)}]
        ]
        bind.execute(write, [each for each in found if each["n"] or each["t"]] or found[:1])
        after |= {"kind": rows[-1].kind, "key": rows[-1].key}


def _form(value: str | None) -> str:
    # As cloud_app.registry.words had it at this revision.
    plain = unicodedata.normalize("NFKD", (value or "").casefold())
    plain = "".join(each for each in plain if not unicodedata.combining(each))
    return re.sub(r"[0-9]+", lambda found: found[0].zfill(10), plain)


def downgrade() -> None:
    """There is no way down."""
    refuse_downgrade(revision)
