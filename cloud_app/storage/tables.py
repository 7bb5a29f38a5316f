"""The tables of the store, defined once for SQLite and PostgreSQL.

Times are milliseconds since 1970 UTC in `*_ms` columns, booleans are 0 and 1, documents are JSON
text: one form in both databases. Nothing in them tells when or in which order a message arrived,
except `edge.seen_ms`, the quarantine, faults, and which site or edge came first with an edge's or a
lot's name: so duplicated and shuffled input ends in identical tables.

Migrations make the tables (`cloud_app.storage.migrations`); what stands here must agree with them,
and a test compares both.
"""

from __future__ import annotations

from typing import Any

from sqlalchemy import (
    BigInteger,
    Column,
    ColumnElement,
    Double,
    Index,
    Integer,
    MetaData,
    SmallInteger,
    Table,
    Text,
    text,
)
from sqlalchemy.types import TypeEngine

metadata = MetaData(
    naming_convention={
        "pk": "%(table_name)s_pkey",
        "fk": "%(table_name)s_%(column_0_N_name)s_fkey",
        "uq": "%(table_name)s_%(column_0_N_name)s_key",
        "ck": "%(table_name)s_%(constraint_name)s_check",
    }
)


def key(name: str, kind: type[TypeEngine[Any]] = Text) -> Column[Any]:
    """A column of the primary key."""
    return Column(name, kind, primary_key=True, autoincrement=False)


def numbered(name: str) -> Column[Any]:
    """A key that the database counts up."""
    kind = BigInteger().with_variant(Integer, "sqlite")
    return Column(name, kind, primary_key=True, autoincrement=True)


def partial_index(
    name: str, *columns: Column[Any], where: ColumnElement[bool], unique: bool = False
) -> None:
    """An index of the rows that meet a condition."""
    Index(name, *columns, unique=unique, sqlite_where=where, postgresql_where=where)


# One row per edge box, and the lock of all that belongs to it: an intake first touches the rows of
# its edges in order of their names, so that two consumers never wait for each other.
# (epoch, conn, dead) is the life that is known; only a later one replaces it. `told_*` is the
# position of the newest bay state and the layout it was reported against: another one than
# `layout` means that a layout message was missed. A cloud edge is seen at the end of time: it is
# never away.
edge = Table(
    "edge",
    metadata,
    key("edge"),
    # `box`, or `cloud`: the bays of a lot whose states are made here (`cloud_edge`).
    Column("kind", Text, nullable=False, server_default=text("'box'")),
    Column("site", Text, nullable=False),
    Column("seen_ms", BigInteger),
    Column("epoch", BigInteger, nullable=False, server_default=text("0")),
    Column("conn", BigInteger, nullable=False, server_default=text("0")),
    Column("dead", SmallInteger, nullable=False, server_default=text("1")),
    Column("reason", Text),
    Column("at_ms", BigInteger),
    Column("birth", Text),
    Column("health", Text),
    Column("health_ms", BigInteger),
    Column("layout", Text),
    Column("told_layout", Text),
    Column("told_epoch", BigInteger, nullable=False, server_default=text("0")),
    Column("told_seq", BigInteger, nullable=False, server_default=text("0")),
    Column("told_rank", SmallInteger, nullable=False, server_default=text("0")),
    Column("told_ms", BigInteger, nullable=False, server_default=text("0")),
    Index("edge_by_site", "site"),
)

# What each layout hash stands for. Positions never change under one hash; kinds and zones may.
bay = Table(
    "bay",
    metadata,
    key("edge"),
    key("layout"),
    Column("place", Integer, nullable=False),
    key("bay"),
    Column("site", Text, nullable=False),
    Column("lot", Text, nullable=False),
    Column("zone", Text),
    Column("level", Text),
    Column("camera", Text, nullable=False),
    Column("kind", Text, nullable=False),
    Column("angle", Text, nullable=False),
    # Its outline in the camera's picture, JSON; NULL where the box does not tell it.
    Column("picture", Text),
    # 1: a cloud edge has this bay too, so that here it is a source of it and counts nowhere.
    Column("carried", SmallInteger, nullable=False, server_default=text("0")),
    Index("bay_by_lot", "site", "lot"),
)
partial_index("bay_carried", bay.c.edge, bay.c.layout, where=bay.c.carried == text("1"))

lot = Table(
    "lot",
    metadata,
    key("site"),
    key("lot"),
    Column("name", Text),
    Column("levels", Text, nullable=False),
    Column("lat", Double),
    Column("lon", Double),
    # Whose description it is; it stands as long as that edge serves the lot.
    Column("edge", Text),
)

# What is wrong with an edge: it publishes under another site, floods, disputes a lot.
edge_fault = Table(
    "edge_fault",
    metadata,
    key("edge"),
    key("kind"),
    Column("site", Text, nullable=False),
    Column("detail", Text, nullable=False),
    Column("first_ms", BigInteger, nullable=False),
    Column("last_ms", BigInteger, nullable=False),
    Column("times", BigInteger, nullable=False),
)

# Projection. Keyed by the layout too: a state reported against one layout never shows in another.
# `rank` breaks the tie at one seq: an event (1) knows more than a snapshot (0).
# Rows are rewritten all the time, so PostgreSQL leaves room on each page for the next version.
bay_state = Table(
    "bay_state",
    metadata,
    key("edge"),
    key("layout"),
    key("bay"),
    Column("epoch", BigInteger, nullable=False),
    Column("seq", BigInteger, nullable=False),
    Column("rank", SmallInteger, nullable=False),
    Column("at_ms", BigInteger, nullable=False),
    Column("occ", SmallInteger),
    Column("closed", SmallInteger, nullable=False),
    Column("reason", Text),
    Column("since_ms", BigInteger),
    Column("conf", Double),
    # Why no vehicle can use it: a kind of the contract; null: nothing blocks it.
    Column("blocked", Text),
    postgresql_with={"fillfactor": 70},
)

# The read model of every count: bays of the layouts in force, each in exactly one of the four
# states; those that are free but blocked are counted again in `blocked`. The intake keeps it in
# the transaction that moves `bay_state`. No zone or level is ''.
# Whether an edge is stale depends on the moment, so it is added when the rows are read.
bay_count = Table(
    "bay_count",
    metadata,
    key("edge"),
    key("camera"),
    key("lot"),
    key("zone"),
    key("level"),
    key("kind"),
    Column("site", Text, nullable=False),
    Column("bays", Integer, nullable=False),
    Column("occupied", Integer, nullable=False),
    Column("free", Integer, nullable=False),
    Column("unknown", Integer, nullable=False),
    Column("closed", Integer, nullable=False),
    # 1: a lot that is only counted; the row is not made of bays, and nothing recounts it.
    Column("counted", SmallInteger, nullable=False, server_default=text("0")),
    Column("blocked", Integer, nullable=False, server_default=text("0")),
    Index("bay_count_by_lot", "site", "lot"),
    postgresql_with={"fillfactor": 70},
)

# The stream as the edge numbered it: changes, incidents, gaps. On PostgreSQL one partition per
# month (cloud_app.storage.partitions), hence the time in the key; that (edge, epoch, seq) alone is
# unique is seen to by the intake (cloud_app.storage.events).
event = Table(
    "event",
    metadata,
    key("edge"),
    key("epoch", BigInteger),
    key("seq", BigInteger),
    Column("site", Text, nullable=False),
    Column("kind", Text, nullable=False),
    Column("bay", Text),
    key("time_ms", BigInteger),
    Column("occ", SmallInteger),
    Column("closed", SmallInteger),
    Column("reason", Text),
    Column("since_ms", BigInteger),
    Column("conf", Double),
    Column("cause", Text),
    Column("layout", Text),
    Column("body", Text, nullable=False),
    # A bay's past, by time: dwell, series and history read the span they are asked for.
    Index("event_by_bay", "edge", "bay", "since_ms"),
    # The newest events, of all sites or of one.
    Index("event_by_time", "time_ms"),
    Index("event_by_site", "site", "time_ms"),
    postgresql_partition_by="RANGE (time_ms)",
)

# Ranges of seq that will never come, as a gap event or the quarantine says; `told`: as an alert.
gap = Table(
    "gap",
    metadata,
    key("edge"),
    key("epoch", BigInteger),
    key("first_seq", BigInteger),
    key("last_seq", BigInteger),
    Column("reason", Text, nullable=False),
    Column("told", SmallInteger, nullable=False, server_default=text("0")),
)
partial_index("gap_untold", gap.c.edge, where=gap.c.told == text("0"))

# Contiguous watermark: every seq up to `upto` is in `event` or inside a `gap`. `top` is the highest
# seq that is known to exist: no event beyond it is in `event`. A hole is where upto < top.
stream = Table(
    "stream",
    metadata,
    key("edge"),
    key("epoch", BigInteger),
    Column("upto", BigInteger, nullable=False),
    Column("top", BigInteger, nullable=False),
)
partial_index("stream_with_hole", stream.c.edge, stream.c.epoch, where=stream.c.upto < stream.c.top)

# A lot's past by quarters of an hour: how long the bays of an edge were occupied, free and unknown,
# summed over the bays. The leader makes them of events that are complete (`quarter_mark.upto_ms`).
quarter = Table(
    "quarter",
    metadata,
    key("site"),
    key("lot"),
    key("start_ms", BigInteger),
    key("edge"),
    Column("occupied_ms", BigInteger, nullable=False),
    Column("free_ms", BigInteger, nullable=False),
    Column("unknown_ms", BigInteger, nullable=False),
    Index("quarter_by_time", "start_ms"),
)
quarter_mark = Table(
    "quarter_mark", metadata, key("edge"), Column("upto_ms", BigInteger, nullable=False)
)

# The places of a counted lot that no single bay stands for, as they were from a moment on. Its past
# is made of these rows as that of bays is of events.
count_point = Table(
    "count_point",
    metadata,
    key("site"),
    key("lot"),
    key("at_ms", BigInteger),
    Column("occupied", Integer, nullable=False),
    Column("free", Integer, nullable=False),
    Column("unknown", Integer, nullable=False),
    Index("count_point_by_time", "at_ms"),
)

# The health of each edge every ten minutes, as figures.
edge_health = Table(
    "edge_health",
    metadata,
    key("edge"),
    key("at_ms", BigInteger),
    Column("uptime_s", Double, nullable=False),
    Column("outbox_rows", BigInteger, nullable=False),
    Column("outbox_age_s", Double, nullable=False),
    Column("cameras", Integer, nullable=False),
    Column("cameras_up", Integer, nullable=False),
    Column("fps", Double),
    Column("latency_p95_ms", Double),
    Column("disk_free_bytes", BigInteger),
    Column("memory_bytes", BigInteger),
    Column("temperature_c", Double),
    Column("alarms", Integer, nullable=False),
    Index("edge_health_by_time", "at_ms"),
)

aggregate = Table(
    "aggregate",
    metadata,
    key("edge"),
    key("period_s", Integer),
    key("start_ms", BigInteger),
    Column("observed_s", Double, nullable=False),
    Column("body", Text, nullable=False),
)

# Messages that nobody could read: kept to the byte (base64), counted, alarmed.
quarantine = Table(
    "quarantine",
    metadata,
    key("digest"),
    Column("topic", Text, nullable=False),
    Column("payload", Text, nullable=False),
    Column("reason", Text, nullable=False),
    Column("first_ms", BigInteger, nullable=False),
    Column("times", Integer, nullable=False),
)

shadow = Table(
    "shadow",
    metadata,
    key("thing"),
    key("name"),
    Column("version", BigInteger, nullable=False),
    Column("body", Text),
    Column("changed_ms", BigInteger, nullable=False),
)
