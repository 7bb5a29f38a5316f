"""The tables of alerts: each with its log, and who is still to be notified."""

from __future__ import annotations

from sqlalchemy import BigInteger, Column, Index, SmallInteger, Table, Text, text

from cloud_app.storage.tables import key, metadata, numbered, partial_index

# One row for each spell of a condition. `closed_ms` is when it was over, for whichever reason, and
# `ceased_ms` when the condition itself was: an alert that a person closed stays unceased as long as
# its condition holds, which keeps the rule from opening it again. `told_ms` is when somebody was
# first notified; `planned` is 1 once it was decided who is to be (`alert_notice`), and `judged`
# once rules about alerts have looked at it. `depth` is 0 of what the service found by itself; the
# alert of a rule is one deeper than what it fired on.
alert = Table(
    "alert",
    metadata,
    numbered("alert"),
    Column("rule", Text, nullable=False),
    Column("site", Text, nullable=False),
    Column("subject", Text, nullable=False),
    Column("text", Text, nullable=False),
    Column("severity", Text, nullable=False, server_default=text("'warning'")),
    Column("opened_ms", BigInteger, nullable=False),
    Column("closed_ms", BigInteger),
    Column("closed_by", Text),
    Column("ceased_ms", BigInteger),
    Column("acknowledged_ms", BigInteger),
    Column("acknowledged_by", Text),
    Column("assignee", Text),
    Column("silenced_until_ms", BigInteger),
    Column("comments", BigInteger, nullable=False, server_default=text("0")),
    Column("escalated_ms", BigInteger),
    Column("told_ms", BigInteger),
    Column("planned", SmallInteger, nullable=False, server_default=text("0")),
    Column("version", BigInteger, nullable=False, server_default=text("1")),
    Column("depth", SmallInteger, nullable=False, server_default=text("0")),
    Column("judged", SmallInteger, nullable=False, server_default=text("0")),
    Index("alert_by_time", "opened_ms"),
    Index("alert_by_subject", "rule", "site", "subject", "opened_ms"),
    Index("alert_by_site", "site", "alert"),
    Index("alert_by_rule", "rule", "alert"),
    Index("alert_by_severity", "severity", "alert"),
    # Numbers stand in links, so none is given twice.
    sqlite_autoincrement=True,
)


partial_index("alert_open", alert.c.alert, where=alert.c.closed_ms.is_(None))
partial_index(
    "alert_lasting",
    alert.c.rule,
    alert.c.site,
    alert.c.subject,
    where=alert.c.ceased_ms.is_(None),
    unique=True,
)
partial_index(
    "alert_by_assignee", alert.c.assignee, alert.c.alert, where=alert.c.assignee.is_not(None)
)
# 0 as text, since an index's condition takes no parameter.
partial_index("alert_unplanned", alert.c.alert, where=alert.c.planned == text("0"))
partial_index("alert_unjudged", alert.c.alert, where=alert.c.judged == text("0"))

# What happened to each alert, in order; `actor` is empty where the service did it.
alert_log = Table(
    "alert_log",
    metadata,
    numbered("entry"),
    Column("alert", BigInteger, nullable=False),
    Column("at_ms", BigInteger, nullable=False),
    Column("action", Text, nullable=False),
    Column("actor", Text),
    Column("text", Text),
    Column("until_ms", BigInteger),
    Column("assignee", Text),
    Index("alert_log_by_alert", "alert", "entry"),
    sqlite_autoincrement=True,
)

# Who is still to be told of an alert, by notification rule: first that it is open (`step` is
# `open`, or `once` if it was over at once), then, if the rule wants that, that it is over
# (`close`). `due_ms` is empty while there is nothing to tell yet. A row goes when its rule has
# nothing more to tell.
alert_notice = Table(
    "alert_notice",
    metadata,
    key("alert", BigInteger),
    key("notification"),
    Column("step", Text, nullable=False),
    Column("escalation", SmallInteger, nullable=False, server_default=text("0")),
    Column("due_ms", BigInteger),
    Column("tries", BigInteger, nullable=False, server_default=text("0")),
    Column("failed_ms", BigInteger),
)
partial_index(
    "alert_notice_due",
    alert_notice.c.notification,
    alert_notice.c.due_ms,
    where=alert_notice.c.due_ms.is_not(None),
)
