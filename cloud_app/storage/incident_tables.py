"""The tables of incidents: vehicles that stand, or stood, as they should not."""

from __future__ import annotations

from sqlalchemy import BigInteger, Column, Double, Index, Table, Text

from cloud_app.storage.tables import key, metadata, partial_index

# The newest position of each incident; `ended_ms` stays empty while it lasts.
incident = Table(
    "incident",
    metadata,
    key("edge"),
    key("incident"),
    Column("epoch", BigInteger, nullable=False),
    Column("seq", BigInteger, nullable=False),
    Column("site", Text, nullable=False),
    Column("layout", Text, nullable=False),
    Column("camera", Text, nullable=False),
    Column("kind", Text, nullable=False),
    Column("bays", Text, nullable=False),
    Column("area", Text),
    Column("vehicle", Text),
    Column("conf", Double, nullable=False),
    Column("box", Text),
    Column("began_ms", BigInteger, nullable=False),
    Column("last_seen_ms", BigInteger, nullable=False),
    Column("stood_s", Double, nullable=False),
    Column("limit_s", Double),
    Column("ended_ms", BigInteger),
    Column("reason", Text),
    Index("incident_by_time", "began_ms"),
    Index("incident_by_site", "site", "began_ms"),
    Index("incident_by_stood", "stood_s"),
)
partial_index("incident_open", incident.c.began_ms, where=incident.c.ended_ms.is_(None))
Index("incident_by_kind", incident.c.kind, incident.c.began_ms.desc())

# Which incidents lasted at each edge's newest snapshot, as JSON.
incident_list = Table(
    "incident_list",
    metadata,
    key("edge"),
    Column("epoch", BigInteger, nullable=False),
    Column("seq", BigInteger, nullable=False),
    Column("at_ms", BigInteger, nullable=False),
    Column("ids", Text, nullable=False),
)
