"""The tables of sources: what each reports of a bay, the verdict on it, how reliable each is."""

from __future__ import annotations

from sqlalchemy import BigInteger, Column, Double, Index, SmallInteger, Table, Text, text

from cloud_app.storage.tables import key, metadata, partial_index

# The edge that speaks for a lot's bays with sources of the cloud: sensors, words of people, counts.
# It is a row of `edge` of kind `cloud`; no box may use its name.
cloud_edge = Table(
    "cloud_edge",
    metadata,
    key("site"),
    key("lot"),
    Column("edge", Text, nullable=False),
    Index("cloud_edge_by_edge", "edge", unique=True),
)

# What each source of the cloud says of a bay: the word that was heard last. `news` is 1 until the
# reconciler saw it. What a box's cameras say stays in `bay_state`.
source_state = Table(
    "source_state",
    metadata,
    key("site"),
    key("lot"),
    key("bay"),
    key("source"),
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
partial_index(
    "source_state_with_news",
    source_state.c.site,
    source_state.c.lot,
    where=source_state.c.news == text("1"),
)

# How a bay's state came about. While its sources differ `differ_ms` is since when, and `movers`
# which of them changed then, JSON.
bay_truth = Table(
    "bay_truth",
    metadata,
    key("site"),
    key("lot"),
    key("bay"),
    Column("believed", Text),
    Column("why", Text, nullable=False),
    Column("at_ms", BigInteger, nullable=False),
    Column("said", Text, nullable=False),
    Column("differ_ms", BigInteger),
    Column("movers", Text),
)
partial_index(
    "bay_truth_differing", bay_truth.c.differ_ms, where=bay_truth.c.differ_ms.is_not(None)
)

# How far a source is to be believed: bay milliseconds for which another source could check it, for
# how many of them it was found wrong, and in how many spells; over weeks and over about a day.
source_trust = Table(
    "source_trust",
    metadata,
    key("site"),
    key("source"),
    Column("kind", Text, nullable=False),
    Column("checked_ms", Double, nullable=False),
    Column("wrong_ms", Double, nullable=False),
    Column("spells", Double, nullable=False),
    Column("recent_checked_ms", Double, nullable=False),
    Column("recent_wrong_ms", Double, nullable=False),
    Column("recent_spells", Double, nullable=False),
    Column("at_ms", BigInteger, nullable=False),
    Column("suspicion", Double, nullable=False, server_default=text("0")),
)
