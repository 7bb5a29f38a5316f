"""Tables of the past that reports are made of, beside the quarters of an hour of whole lots."""

from __future__ import annotations

from sqlalchemy import BigInteger, Column, Index, Integer, Table, Text

from cloud_app.storage.tables import key, metadata

# As `quarter`, for each zone (no zone is '') and kind of bay.
quarter_part = Table(
    "quarter_part",
    metadata,
    key("site"),
    key("lot"),
    key("start_ms", BigInteger),
    key("edge"),
    key("zone"),
    key("kind"),
    Column("occupied_ms", BigInteger, nullable=False),
    Column("free_ms", BigInteger, nullable=False),
    Column("unknown_ms", BigInteger, nullable=False),
    Index("quarter_part_by_time", "start_ms"),
)

# Why bays were unknown in a quarter, summed over the bays; only reasons that there were.
quarter_cause = Table(
    "quarter_cause",
    metadata,
    key("site"),
    key("lot"),
    key("start_ms", BigInteger),
    key("edge"),
    key("cause"),
    Column("unknown_ms", BigInteger, nullable=False),
    Index("quarter_cause_by_edge", "edge", "start_ms"),
    Index("quarter_cause_by_time", "start_ms"),
)

# The quarters of a whole day (UTC), packed (cloud_app.storage.quarter_sums): of a lot (zone, kind
# and cause ''), of its parts (kind) and of reasons why bays were unknown (cause).
quarter_day = Table(
    "quarter_day",
    metadata,
    key("site"),
    key("lot"),
    key("day_ms", BigInteger),
    key("zone"),
    key("kind"),
    key("cause"),
    Column("body", Text, nullable=False),
    Index("quarter_day_by_time", "day_ms"),
)
# Up to when a lot's quarters are packed.
quarter_pack = Table(
    "quarter_pack",
    metadata,
    key("site"),
    key("lot"),
    Column("upto_ms", BigInteger, nullable=False),
)

# Stays that ended on a day of the site's time zone, 'YYYY-MM-DD'. `lengths` is JSON: how many were
# of each length by `LENGTHS_MIN` of `cloud_app.analytics.reports.stays`. A day on which none ended
# has rows too.
stay_day = Table(
    "stay_day",
    metadata,
    key("site"),
    key("lot"),
    key("day"),
    key("edge"),
    key("zone"),
    key("kind"),
    Column("stays", Integer, nullable=False),
    Column("unsure", Integer, nullable=False),
    Column("total_ms", BigInteger, nullable=False),
    Column("lengths", Text, nullable=False),
    Index("stay_day_by_edge", "edge", "day"),
    Index("stay_day_by_day", "day"),
)
