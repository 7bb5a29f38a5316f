"""The registry's tables: things as they are, and how each came to be so.

All kinds have one life (who said what, versions, history, files), so they share a table; what is
asked for by query has a column. What a thing belongs to is its `parent`: the council of an
operator, the operator of a site, the site of a lot or device, the lot of a zone or bay.
"""

from __future__ import annotations

from sqlalchemy import BigInteger, Column, Double, Index, Table, Text, text

from cloud_app.storage.tables import metadata

BINARY_TEXT = Text().with_variant(Text(collation="C"), "postgresql")

# `said_layout` and `said_person` are JSON objects of facts; a person's word stands before a
# layout's. `source` is the edge that said `said_layout`. `cell` is where on earth it lies
# (cloud_app.registry.geometry), with its exact box beside it. Lists are sorted by `sort_name` and
# `sort_type` (`words.sort_form`; '' where nobody said it), in binary order.
thing = Table(
    "registry_thing",
    metadata,
    Column("kind", Text, primary_key=True),
    Column("key", Text, primary_key=True),
    Column("parent", Text),
    Column("site", Text),
    Column("version", BigInteger, nullable=False),
    Column("changed_ms", BigInteger, nullable=False),
    Column("source", Text),
    Column("said_layout", Text, nullable=False),
    Column("said_person", Text, nullable=False),
    Column("cell", Text),
    Column("west", Double),
    Column("south", Double),
    Column("east", Double),
    Column("north", Double),
    Column("sort_name", BINARY_TEXT, nullable=False, server_default=text("''")),
    Column("sort_type", BINARY_TEXT, nullable=False, server_default=text("''")),
    Index("registry_thing_by_parent", "kind", "parent", "key"),
    Index("registry_thing_by_site", "kind", "site", "key"),
    Index("registry_thing_by_cell", "kind", "cell"),
    Index("registry_thing_by_name", "kind", "sort_name", "key"),
    Index("registry_thing_by_type", "kind", "sort_type", "key"),
    Index("registry_thing_by_time", "kind", "changed_ms", "key"),
)

# The words by which a thing is found: of its name and of its own id. Binary order, so that a prefix
# is a range of the index.
word = Table(
    "registry_word",
    metadata,
    Column("kind", Text, primary_key=True),
    Column("key", Text, primary_key=True),
    Column("word", BINARY_TEXT, primary_key=True),
    Column("site", Text),
    Index("registry_word_by_word", "kind", "word"),
    Index("registry_word_by_site", "site", "kind", "word"),
)

# One row for each change, never touched again. `before` and `after` are JSON objects of the facts
# that changed.
change = Table(
    "registry_change",
    metadata,
    Column("kind", Text, primary_key=True),
    Column("key", Text, primary_key=True),
    Column("version", BigInteger, primary_key=True, autoincrement=False),
    Column("site", Text),
    Column("at_ms", BigInteger, nullable=False),
    Column("actor", Text, nullable=False),
    Column("action", Text, nullable=False),
    Column("before", Text, nullable=False),
    Column("after", Text, nullable=False),
    Index("registry_change_by_time", "at_ms"),
)
