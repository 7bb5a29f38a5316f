"""The table of scheduled reports."""

from __future__ import annotations

from sqlalchemy import BigInteger, Column, Index, SmallInteger, Table, Text, text

from cloud_app.storage.tables import metadata

# Lists are JSON; no sites means all of the tenant's. `next_day` is the first day of the period that
# is told next: it moves in the transaction that puts the mail into the outbox, so each period is
# told once. `version` counts changes by people.
report_schedule = Table(
    "report_schedule",
    metadata,
    Column("report_schedule", Text, primary_key=True),
    Column("tenant", Text, nullable=False),
    Column("name", Text, nullable=False),
    Column("enabled", SmallInteger, nullable=False),
    Column("every", Text, nullable=False),
    Column("recipients", Text, nullable=False),
    Column("sites", Text, nullable=False),
    Column("formats", Text, nullable=False),
    Column("language", Text, nullable=False),
    Column("next_day", Text, nullable=False),
    Column("sent_ms", BigInteger),
    Column("fault", Text),
    Column("version", BigInteger, nullable=False, server_default=text("1")),
    Index("report_schedule_by_tenant", "tenant"),
)
