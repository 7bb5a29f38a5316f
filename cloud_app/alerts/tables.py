"""Tables of notification rules; what they still have to send: `storage.alert_tables.alert_notice`.

A webhook's address and secret are kept sealed (`storage.vault`): delivering needs them.
"""

from __future__ import annotations

from sqlalchemy import BigInteger, Column, Index, SmallInteger, Table, Text, text

from cloud_app.storage.tables import metadata

# Lists are JSON, empty for "any". `target` is an address of mail or a sealed URL. `version` counts
# changes by people.
notification = Table(
    "notification",
    metadata,
    Column("notification", Text, primary_key=True),
    Column("tenant", Text, nullable=False),
    Column("name", Text, nullable=False),
    Column("enabled", SmallInteger, nullable=False),
    Column("kind", Text, nullable=False),
    Column("target", Text, nullable=False),
    Column("secret", Text),
    Column("severities", Text, nullable=False),
    Column("rules", Text, nullable=False),
    Column("sites", Text, nullable=False),
    Column("after_s", BigInteger, nullable=False),
    Column("also_closed", SmallInteger, nullable=False),
    Column("version", BigInteger, nullable=False, server_default=text("1")),
    Column("tested_ms", BigInteger),
    Index("notification_by_tenant", "tenant"),
)

# How the last deliveries of each rule went, that of the configuration included: `failures` in a
# row since `failed_ms`; nothing is tried before `retry_ms`.
notification_state = Table(
    "notification_state",
    metadata,
    Column("notification", Text, primary_key=True),
    Column("failures", BigInteger, nullable=False),
    Column("failed_ms", BigInteger),
    Column("retry_ms", BigInteger),
    Column("fault", Text),
    Column("delivered_ms", BigInteger),
)
