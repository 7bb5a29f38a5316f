"""Tables of campaigns."""

from __future__ import annotations

from sqlalchemy import BigInteger, Column, Double, Index, Integer, SmallInteger, Table, Text

from cloud_app.storage.tables import key, metadata

campaign = Table(
    "campaign",
    metadata,
    key("campaign"),
    Column("name", Text, nullable=False),
    Column("document", Text, nullable=False),
    Column("former", Text),
    Column("plan", Text, nullable=False),
    Column("state", Text, nullable=False),
    Column("reason", Text, nullable=False),
    Column("actor", Text, nullable=False),
    Column("version", Integer, nullable=False),
    Column("goes_back", SmallInteger, nullable=False),
    Column("created_ms", BigInteger, nullable=False),
    Column("started_ms", BigInteger),
    Column("ended_ms", BigInteger),
    Index("campaign_by_state", "state"),
    Index("campaign_by_time", "created_ms"),
)

# One box of a campaign. `audits` is the accuracy of each camera when the box was given the job.
campaign_box = Table(
    "campaign_box",
    metadata,
    key("campaign"),
    key("edge"),
    Column("site", Text, nullable=False),
    Column("batch", Integer, nullable=False),
    Column("state", Text, nullable=False),
    Column("attempts", Integer, nullable=False),
    Column("job", Text),
    Column("detail", Text, nullable=False),
    Column("audits", Text),
    Column("accuracy_drop", Double),
    Column("given_ms", BigInteger),
    Column("started_ms", BigInteger),
    Column("ended_ms", BigInteger),
    Index("campaign_box_by_site", "site"),
)
