"""Tables of lots that are counted at their gates.

What passed is kept as rows that can be written again in any order: the count of a lot is worked out
of them and of the last true count, so nothing that comes late, twice or out of order changes it.
No plate is in any of them; `hash` is a keyed one, forgotten after a day.
"""

from __future__ import annotations

from typing import Any

from sqlalchemy import BigInteger, Column, Double, Index, Integer, SmallInteger, Table, Text, text
from sqlalchemy.types import TypeEngine

from cloud_app.storage.tables import metadata


def _key(name: str, kind: type[TypeEngine[Any]] = Text) -> Column[Any]:
    return Column(name, kind, primary_key=True, autoincrement=False)


def _number(name: str) -> Column[Any]:
    kind = BigInteger().with_variant(Integer, "sqlite")
    return Column(name, kind, primary_key=True, autoincrement=True)


# A gate that was heard of, and the lock of all that belongs to it. `edge`: the box that it speaks
# through, which then tells whether it is alive. `lost`: passages that told no direction.
gate = Table(
    "gate",
    metadata,
    _key("gate"),
    Column("site", Text, nullable=False),
    Column("lot", Text, nullable=False),
    Column("level", Text, nullable=False, server_default=text("''")),
    Column("edge", Text),
    Column("heard_ms", BigInteger, nullable=False),
    Column("lost", BigInteger, nullable=False, server_default=text("0")),
    Column("level_from", Text, nullable=False, server_default=text("''")),
    Index("gate_by_lot", "site", "lot"),
)

# Readings of running totals, each one a step further than the one before it.
gate_total = Table(
    "gate_total",
    metadata,
    _key("gate"),
    _key("direction"),
    _key("at_ms", BigInteger),
    Column("total", BigInteger, nullable=False),
    Column("restarted", SmallInteger, nullable=False),
    Index("gate_total_by_time", "at_ms"),
)

# Vehicles that passed. `key` names the passage; of a total it is `total`, with the `step` that led
# to it. A gate of a level counts that level, not the lot; one between two levels takes from the one
# what it brings to the other.
passage = Table(
    "gate_passage",
    metadata,
    _key("gate"),
    _key("direction"),
    _key("at_ms", BigInteger),
    _key("key"),
    Column("site", Text, nullable=False),
    Column("lot", Text, nullable=False),
    Column("level", Text, nullable=False),
    Column("vehicles", Integer, nullable=False),
    Column("method", Text, nullable=False),
    Column("step", Text),
    Column("vehicle", Text),
    Column("conf", Double),
    Column("hash", Text),
    Column("level_from", Text, nullable=False, server_default=text("''")),
    Index("gate_passage_by_lot", "site", "lot", "at_ms"),
    Index("gate_passage_by_time", "at_ms"),
)

# The same by quarters of an hour, for the past and for long sums.
passage_quarter = Table(
    "gate_quarter",
    metadata,
    _key("site"),
    _key("lot"),
    _key("start_ms", BigInteger),
    _key("gate"),
    _key("direction"),
    Column("level", Text, nullable=False),
    Column("vehicles", BigInteger, nullable=False),
    Column("level_from", Text, nullable=False, server_default=text("''")),
    Index("gate_quarter_by_time", "start_ms"),
)

# When a count was set to the truth. The newest by time is what the lot or level is counted from.
zeroing = Table(
    "count_zeroing",
    metadata,
    _number("zeroing"),
    Column("site", Text, nullable=False),
    Column("lot", Text, nullable=False),
    Column("at_ms", BigInteger, nullable=False),
    Column("cause", Text, nullable=False),
    Column("vehicles", Integer, nullable=False),
    # What the count was above the true one; NULL of the first, before which nothing was known.
    Column("drift", BigInteger),
    Column("actor", Text),
    Column("note", Text),
    Column("level", Text, nullable=False, server_default=text("''")),
    Index("count_zeroing_once", "site", "lot", "level", "at_ms", "cause", unique=True),
)

# A counted lot as it was last worked out. `news` is 1 until the counter saw what changed.
lot_count = Table(
    "lot_count",
    metadata,
    _key("site"),
    _key("lot"),
    # The cloud edge that shows it; the counter makes it.
    Column("edge", Text),
    Column("news", SmallInteger, nullable=False, server_default=text("1")),
    Column("raw", BigInteger),
    Column("shown", Integer),
    Column("source", Text),
    Column("why", Text),
    Column("low", Integer, nullable=False, server_default=text("0")),
    Column("high", Integer, nullable=False, server_default=text("0")),
    Column("capacity", Integer),
    Column("closed", Integer, nullable=False, server_default=text("0")),
    Column("held_back", Integer, nullable=False, server_default=text("0")),
    Column("watched", Integer, nullable=False, server_default=text("0")),
    Column("changed_ms", BigInteger),
)

# The levels of a counted lot, each as it was last worked out; `place` is its place among them.
level_count = Table(
    "level_count",
    metadata,
    _key("site"),
    _key("lot"),
    _key("level"),
    Column("place", Integer, nullable=False),
    Column("raw", BigInteger),
    Column("shown", Integer),
    Column("source", Text),
    Column("why", Text),
    Column("low", Integer, nullable=False),
    Column("high", Integer, nullable=False),
    Column("capacity", Integer),
    Column("closed", Integer, nullable=False),
    Column("watched", Integer, nullable=False),
)
