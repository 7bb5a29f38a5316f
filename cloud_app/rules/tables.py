"""Tables of rules: what they say, where they are, what waits to be sent."""

from __future__ import annotations

from sqlalchemy import BigInteger, Column, Index, Integer, SmallInteger, Table, Text, text

from cloud_app.storage.tables import key, metadata, partial_index

# `body` is the spec as sealed JSON: addresses and secrets of webhooks are in it. `version` counts
# changes by people; `quarantined_ms` and `fault` say since when and why the service left it alone.
rule = Table(
    "rule",
    metadata,
    key("rule"),
    Column("tenant", Text, nullable=False),
    Column("name", Text, nullable=False),
    Column("enabled", SmallInteger, nullable=False),
    Column("body", Text, nullable=False),
    Column("version", BigInteger, nullable=False, server_default=text("1")),
    Column("quarantined_ms", BigInteger),
    Column("fault", Text),
    Column("fired", BigInteger, nullable=False, server_default=text("0")),
    Column("fired_ms", BigInteger),
    # The rule of the service that it is in the stead of.
    Column("replaces", Text),
    Index("rule_by_tenant", "tenant", "name", unique=True),
)
partial_index(
    "rule_replacing",
    rule.c.replaces,
    rule.c.tenant,
    where=rule.c.replaces.is_not(None),
    unique=True,
)

# Where each rule is at each key (`windows.Spell` as JSON), and when time alone changes that; `told`
# has the values that were seen last, for texts.
rule_spell = Table(
    "rule_spell",
    metadata,
    key("rule"),
    key("site"),
    key("key"),
    Column("spell", Text, nullable=False),
    Column("told", Text, nullable=False),
    Column("due_ms", BigInteger),
)
partial_index("rule_spell_due", rule_spell.c.due_ms, where=rule_spell.c.due_ms.is_not(None))

# Up to where each stream was judged.
rule_position = Table(
    "rule_position",
    metadata,
    key("edge"),
    key("epoch", BigInteger),
    Column("seq", BigInteger, nullable=False),
)

# What a rule still has to send, by `place` of the action among the rule's, in the order of
# `made_ms` and `nth`: a row goes when it was taken, and is dead (`dead_ms`) when it was given up, a
# day after `asked_ms`.
rule_outbox = Table(
    "rule_outbox",
    metadata,
    key("id"),
    Column("rule", Text, nullable=False),
    Column("place", Integer, nullable=False),
    Column("kind", Text, nullable=False),
    Column("body", Text, nullable=False),
    Column("made_ms", BigInteger, nullable=False),
    Column("nth", Integer, nullable=False),
    Column("asked_ms", BigInteger, nullable=False),
    Column("due_ms", BigInteger, nullable=False),
    Column("tries", Integer, nullable=False, server_default=text("0")),
    Column("fault", Text),
    Column("dead_ms", BigInteger),
    Index("rule_outbox_by_rule", "rule"),
)
partial_index("rule_outbox_due", rule_outbox.c.due_ms, where=rule_outbox.c.dead_ms.is_(None))
partial_index(
    "rule_outbox_dead",
    rule_outbox.c.rule,
    rule_outbox.c.dead_ms,
    where=rule_outbox.c.dead_ms.is_not(None),
)

# What rules with the action `table` did.
rule_outcome = Table(
    "rule_outcome",
    metadata,
    key("id"),
    Column("rule", Text, nullable=False),
    Column("site", Text, nullable=False),
    Column("key", Text, nullable=False),
    Column("change", Text, nullable=False),
    Column("at_ms", BigInteger, nullable=False),
    Column("body", Text, nullable=False),
    Index("rule_outcome_by_rule", "rule", "at_ms"),
    Index("rule_outcome_by_time", "at_ms"),
)
