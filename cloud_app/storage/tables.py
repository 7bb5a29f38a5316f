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


def _key(name: str, kind: type[TypeEngine[Any]] = Text) -> Column[Any]:
    return Column(name, kind, primary_key=True, autoincrement=False)


def _number(name: str) -> Column[Any]:
    """A key that the database counts up."""
    kind = BigInteger().with_variant(Integer, "sqlite")
    return Column(name, kind, primary_key=True, autoincrement=True)


# One row per edge box, and the lock of all that belongs to it: an intake first touches the rows of
# its edges in order of their names, so that two consumers never wait for each other.
# (epoch, conn, dead) is the life that is known; only a later one replaces it. `told_*` is the
# position of the newest bay state and the layout it was reported against: another one than
# `layout` means that a layout message was missed. A cloud edge is seen at the end of time: it is
# never away.
edge = Table(
    "edge",
    metadata,
    _key("edge"),
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
    _key("edge"),
    _key("layout"),
    Column("place", Integer, nullable=False),
    _key("bay"),
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
_CARRIED = bay.c.carried == text("1")
Index("bay_carried", bay.c.edge, bay.c.layout, sqlite_where=_CARRIED, postgresql_where=_CARRIED)

lot = Table(
    "lot",
    metadata,
    _key("site"),
    _key("lot"),
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
    _key("edge"),
    _key("kind"),
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
    _key("edge"),
    _key("layout"),
    _key("bay"),
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
# states; those that are free but blocked are counted again in `blocked`. The intake keeps it in the transaction that moves `bay_state`. No zone or level is ''.
# Whether an edge is stale depends on the moment, so it is added when the rows are read.
bay_count = Table(
    "bay_count",
    metadata,
    _key("edge"),
    _key("camera"),
    _key("lot"),
    _key("zone"),
    _key("level"),
    _key("kind"),
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

# The edge that speaks for a lot's bays with sources of the cloud: sensors, words of people, counts.
# It is a row of `edge` of kind `cloud`; no box may use its name.
cloud_edge = Table(
    "cloud_edge",
    metadata,
    _key("site"),
    _key("lot"),
    Column("edge", Text, nullable=False),
    Index("cloud_edge_by_edge", "edge", unique=True),
)

# What each source of the cloud says of a bay: the word that was heard last. `news` is 1 until the
# reconciler saw it. What a box's cameras say stays in `bay_state`.
source_state = Table(
    "source_state",
    metadata,
    _key("site"),
    _key("lot"),
    _key("bay"),
    _key("source"),
    Column("kind", Text, nullable=False),
    Column("occ", SmallInteger),
    Column("reason", Text),
    Column("since_ms", BigInteger, nullable=False),
    Column("heard_ms", BigInteger, nullable=False),
    Column("until_ms", BigInteger),
    Column("conf", Double),
    Column("news", SmallInteger, nullable=False, server_default=text("1")),
    Index("source_state_by_end", "until_ms"),
)
_NEWS = source_state.c.news == text("1")
Index(
    "source_state_with_news",
    source_state.c.site,
    source_state.c.lot,
    sqlite_where=_NEWS,
    postgresql_where=_NEWS,
)

# How a bay's state came about. While its sources differ `differ_ms` is since when, and `movers`
# which of them changed then, JSON.
bay_truth = Table(
    "bay_truth",
    metadata,
    _key("site"),
    _key("lot"),
    _key("bay"),
    Column("believed", Text),
    Column("why", Text, nullable=False),
    Column("at_ms", BigInteger, nullable=False),
    Column("said", Text, nullable=False),
    Column("differ_ms", BigInteger),
    Column("movers", Text),
)
_DIFFERS = bay_truth.c.differ_ms.is_not(None)
Index(
    "bay_truth_differing",
    bay_truth.c.differ_ms,
    sqlite_where=_DIFFERS,
    postgresql_where=_DIFFERS,
)

# How far a source is to be believed: bay milliseconds for which another source could check it, for
# how many of them it was found wrong, and in how many spells; over weeks and over about a day.
source_trust = Table(
    "source_trust",
    metadata,
    _key("site"),
    _key("source"),
    Column("kind", Text, nullable=False),
    Column("checked_ms", Double, nullable=False),
    Column("wrong_ms", Double, nullable=False),
    Column("spells", Double, nullable=False),
    Column("recent_checked_ms", Double, nullable=False),
    Column("recent_wrong_ms", Double, nullable=False),
    Column("recent_spells", Double, nullable=False),
    Column("at_ms", BigInteger, nullable=False),
)

# The stream as the edge numbered it: changes, incidents, gaps. On PostgreSQL one partition per
# month (cloud_app.storage.partitions), hence the time in the key; that (edge, epoch, seq) alone is
# unique is seen to by the intake (cloud_app.storage.events).
event = Table(
    "event",
    metadata,
    _key("edge"),
    _key("epoch", BigInteger),
    _key("seq", BigInteger),
    Column("site", Text, nullable=False),
    Column("kind", Text, nullable=False),
    Column("bay", Text),
    _key("time_ms", BigInteger),
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
    _key("edge"),
    _key("epoch", BigInteger),
    _key("first_seq", BigInteger),
    _key("last_seq", BigInteger),
    Column("reason", Text, nullable=False),
    Column("told", SmallInteger, nullable=False, server_default=text("0")),
)
Index(
    "gap_untold",
    gap.c.edge,
    sqlite_where=gap.c.told == text("0"),
    postgresql_where=gap.c.told == text("0"),
)

# Contiguous watermark: every seq up to `upto` is in `event` or inside a `gap`. `top` is the highest
# seq that is known to exist: no event beyond it is in `event`. A hole is where upto < top.
stream = Table(
    "stream",
    metadata,
    _key("edge"),
    _key("epoch", BigInteger),
    Column("upto", BigInteger, nullable=False),
    Column("top", BigInteger, nullable=False),
)
Index(
    "stream_with_hole",
    stream.c.edge,
    stream.c.epoch,
    sqlite_where=stream.c.upto < stream.c.top,
    postgresql_where=stream.c.upto < stream.c.top,
)

# A lot's past by quarters of an hour: how long the bays of an edge were occupied, free and unknown,
# summed over the bays. The leader makes them of events that are complete (`quarter_mark.upto_ms`).
quarter = Table(
    "quarter",
    metadata,
    _key("site"),
    _key("lot"),
    _key("start_ms", BigInteger),
    _key("edge"),
    Column("occupied_ms", BigInteger, nullable=False),
    Column("free_ms", BigInteger, nullable=False),
    Column("unknown_ms", BigInteger, nullable=False),
)
quarter_mark = Table(
    "quarter_mark", metadata, _key("edge"), Column("upto_ms", BigInteger, nullable=False)
)

# The places of a counted lot that no single bay stands for, as they were from a moment on. Its past
# is made of these rows as that of bays is of events.
count_point = Table(
    "count_point",
    metadata,
    _key("site"),
    _key("lot"),
    _key("at_ms", BigInteger),
    Column("occupied", Integer, nullable=False),
    Column("free", Integer, nullable=False),
    Column("unknown", Integer, nullable=False),
    Index("count_point_by_time", "at_ms"),
)

# The health of each edge every ten minutes, as figures.
edge_health = Table(
    "edge_health",
    metadata,
    _key("edge"),
    _key("at_ms", BigInteger),
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
    _key("edge"),
    _key("period_s", Integer),
    _key("start_ms", BigInteger),
    Column("observed_s", Double, nullable=False),
    Column("body", Text, nullable=False),
)

# Messages that nobody could read: kept to the byte (base64), counted, alarmed.
quarantine = Table(
    "quarantine",
    metadata,
    _key("digest"),
    Column("topic", Text, nullable=False),
    Column("payload", Text, nullable=False),
    Column("reason", Text, nullable=False),
    Column("first_ms", BigInteger, nullable=False),
    Column("times", Integer, nullable=False),
)

shadow = Table(
    "shadow",
    metadata,
    _key("thing"),
    _key("name"),
    Column("version", BigInteger, nullable=False),
    Column("body", Text),
    Column("changed_ms", BigInteger, nullable=False),
)

# One row for each spell of a condition. `closed_ms` is when it was over, for whichever reason, and
# `ceased_ms` when the condition itself was: an alert that a person closed stays unceased as long as
# its condition holds, which keeps the rule from opening it again. `told_ms` is when somebody was
# first notified; `planned` is 1 once it was decided who is to be (`alert_notice`).
alert = Table(
    "alert",
    metadata,
    _number("alert"),
    Column("rule", Text, nullable=False),
    Column("site", Text, nullable=False),
    Column("subject", Text, nullable=False),
    Column("text", Text, nullable=False),
    Column("severity", Text, nullable=False, server_default=text("'warning'")),
    Column("opened_ms", BigInteger, nullable=False),
    Column("closed_ms", BigInteger),
    Column("closed_by", Text),
    Column("ceased_ms", BigInteger),
    Column("acknowledged_ms", BigInteger),
    Column("acknowledged_by", Text),
    Column("assignee", Text),
    Column("silenced_until_ms", BigInteger),
    Column("comments", BigInteger, nullable=False, server_default=text("0")),
    Column("escalated_ms", BigInteger),
    Column("told_ms", BigInteger),
    Column("planned", SmallInteger, nullable=False, server_default=text("0")),
    Column("version", BigInteger, nullable=False, server_default=text("1")),
    Index("alert_by_time", "opened_ms"),
    Index("alert_by_subject", "rule", "site", "subject", "opened_ms"),
    Index("alert_by_site", "site", "alert"),
    Index("alert_by_rule", "rule", "alert"),
    Index("alert_by_severity", "severity", "alert"),
    # Numbers stand in links, so none is given twice.
    sqlite_autoincrement=True,
)


def _partial(
    name: str, *columns: Column[Any], where: ColumnElement[bool], unique: bool = False
) -> None:
    Index(name, *columns, unique=unique, sqlite_where=where, postgresql_where=where)


_partial("alert_open", alert.c.alert, where=alert.c.closed_ms.is_(None))
_partial(
    "alert_lasting",
    alert.c.rule,
    alert.c.site,
    alert.c.subject,
    where=alert.c.ceased_ms.is_(None),
    unique=True,
)
_partial("alert_by_assignee", alert.c.assignee, alert.c.alert, where=alert.c.assignee.is_not(None))
# 0 as text, since an index's condition takes no parameter.
_partial("alert_unplanned", alert.c.alert, where=alert.c.planned == text("0"))

# What happened to each alert, in order; `actor` is empty where the service did it.
alert_log = Table(
    "alert_log",
    metadata,
    _number("entry"),
    Column("alert", BigInteger, nullable=False),
    Column("at_ms", BigInteger, nullable=False),
    Column("action", Text, nullable=False),
    Column("actor", Text),
    Column("text", Text),
    Column("until_ms", BigInteger),
    Column("assignee", Text),
    Index("alert_log_by_alert", "alert", "entry"),
    sqlite_autoincrement=True,
)

# Who is still to be told of an alert, by notification rule: first that it is open (`step` is
# `open`, or `once` if it was over at once), then, if the rule wants that, that it is over
# (`close`). `due_ms` is empty while there is nothing to tell yet. A row goes when its rule has
# nothing more to tell.
alert_notice = Table(
    "alert_notice",
    metadata,
    _key("alert", BigInteger),
    _key("notification"),
    Column("step", Text, nullable=False),
    Column("escalation", SmallInteger, nullable=False, server_default=text("0")),
    Column("due_ms", BigInteger),
    Column("tries", BigInteger, nullable=False, server_default=text("0")),
    Column("failed_ms", BigInteger),
)
_partial(
    "alert_notice_due",
    alert_notice.c.notification,
    alert_notice.c.due_ms,
    where=alert_notice.c.due_ms.is_not(None),
)

# The newest position of each incident; `ended_ms` stays empty while it lasts.
incident = Table(
    "incident",
    metadata,
    _key("edge"),
    _key("incident"),
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
)
_LASTS = incident.c.ended_ms.is_(None)
Index("incident_open", incident.c.began_ms, sqlite_where=_LASTS, postgresql_where=_LASTS)

# Which incidents lasted at each edge's newest snapshot, as JSON.
incident_list = Table(
    "incident_list",
    metadata,
    _key("edge"),
    Column("epoch", BigInteger, nullable=False),
    Column("seq", BigInteger, nullable=False),
    Column("at_ms", BigInteger, nullable=False),
    Column("ids", Text, nullable=False),
)
