"""What the store knows of the lake: how far each stream is in it, and which files it is made of.

The table of events is the lake's journal: an event is acknowledged in the transaction that stores
it, and goes into the lake once its stream's watermark has passed it. So nothing is written twice
before an acknowledgement, and an object store that is away costs the intake nothing.
"""

from __future__ import annotations

from sqlalchemy import BigInteger, Column, Index, Integer, SmallInteger, Table, Text, text

from cloud_app.storage.tables import key, metadata

# Every event of a stream up to `upto` is in live files. Those up to `known_top` may be in files
# that were there before (old parts, a lake found without its database), so they are looked up.
lake_stream = Table(
    "lake_stream",
    metadata,
    key("edge"),
    key("epoch", BigInteger),
    Column("upto", BigInteger, nullable=False, server_default=text("0")),
    Column("known_top", BigInteger, nullable=False, server_default=text("0")),
)

# Events that came after their stream's watermark had passed them, given up as lost before.
lake_late = Table(
    "lake_late", metadata, key("edge"), key("epoch", BigInteger), key("seq", BigInteger)
)

# The objects of the lake. A file is `planned` before anything is written under its name, `live` in
# the transaction that says what it holds, and `gone` in the one that lists what replaces it.
# `listed`: the manifest tells of its state. `hashes`: events with the hash of a plate in it.
lake_file = Table(
    "lake_file",
    metadata,
    key("path"),
    Column("state", Text, nullable=False),
    Column("kind", Text, nullable=False),
    Column("date", Text, nullable=False),
    Column("site", Text, nullable=False),
    Column("rows", BigInteger, nullable=False),
    Column("bytes", BigInteger, nullable=False),
    Column("sha256", Text, nullable=False),
    Column("first_ms", BigInteger, nullable=False),
    Column("last_ms", BigInteger, nullable=False),
    Column("hashes", Integer, nullable=False),
    Column("version", Integer, nullable=False),
    Column("changed_ms", BigInteger, nullable=False),
    Column("listed", SmallInteger, nullable=False, server_default=text("0")),
    Index("lake_file_by_place", "kind", "date", "site"),
    Index("lake_file_by_state", "state", "changed_ms"),
)

# Records that rules have for the lake, until a file holds them.
lake_record = Table(
    "lake_record",
    metadata,
    key("record"),
    Column("stream", Text, nullable=False),
    Column("site", Text, nullable=False),
    Column("time_ms", BigInteger, nullable=False),
    Column("body", Text, nullable=False),
    Index("lake_record_by_time", "time_ms"),
)
