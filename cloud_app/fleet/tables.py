"""Tables of what is asked of boxes."""

from __future__ import annotations

from sqlalchemy import BigInteger, Column, Index, Integer, SmallInteger, Table, Text

from cloud_app.storage.tables import key, metadata, partial_index

# `due_ms` is when it is sent next; NULL once it is over. `sent_conn` is the life of the box that it
# was last sent to, as `epoch-conn`: another one may not have heard of it.
command = Table(
    "command",
    metadata,
    key("command"),
    Column("edge", Text, nullable=False),
    Column("site", Text, nullable=False),
    Column("name", Text, nullable=False),
    Column("args", Text, nullable=False),
    Column("actor", Text, nullable=False),
    Column("issued_ms", BigInteger, nullable=False),
    Column("expires_ms", BigInteger, nullable=False),
    Column("state", Text, nullable=False),
    Column("due_ms", BigInteger),
    Column("sends", Integer, nullable=False),
    Column("sent_conn", Text),
    Column("sent_ms", BigInteger),
    Column("received_ms", BigInteger),
    Column("running_ms", BigInteger),
    Column("ended_ms", BigInteger),
    Column("detail", Text),
    Column("result", Text),
    Index("command_by_edge", "edge", "issued_ms"),
)
partial_index("command_due", command.c.due_ms, where=command.c.due_ms.is_not(None))

# A file that answers a command, for minutes only: base64, as it came. `until_ms` is its end.
command_part = Table(
    "command_part",
    metadata,
    key("command"),
    key("number", Integer),
    Column("parts", Integer, nullable=False),
    Column("name", Text, nullable=False),
    Column("media_type", Text, nullable=False),
    Column("sha256", Text, nullable=False),
    Column("data", Text, nullable=False),
    Column("until_ms", BigInteger, nullable=False),
    Index("command_part_by_end", "until_ms"),
)

# One job of one box, with AWS's states. `told` is 1 once the box was told that it waits.
job = Table(
    "job",
    metadata,
    key("edge"),
    key("job"),
    Column("document", Text, nullable=False),
    Column("actor", Text, nullable=False),
    Column("status", Text, nullable=False),
    Column("version", Integer, nullable=False),
    Column("details", Text, nullable=False),
    Column("told", SmallInteger, nullable=False),
    Column("queued_ms", BigInteger, nullable=False),
    Column("started_ms", BigInteger),
    Column("ended_ms", BigInteger),
    Index("job_by_job", "job"),
)
