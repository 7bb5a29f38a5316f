"""Counts as a read model, events by month, indexes for what is asked; edges belong to sites.

Rows outside of the contract's bounds are put right first, so that nothing is derived from them.

`meta` goes, Alembic's own table holds the revision now. On PostgreSQL `event` becomes a partitioned
table; each month of the last three years that holds events gets its partition, as do this month and
the two to come, and whatever is older or of a wrong clock lies in `event_other`.
"""

from __future__ import annotations

from alembic import op

from cloud_app.storage.migrations import refuse_downgrade
from cloud_app.storage.migrations.heal import heal

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

_EVENT = """CREATE TABLE event (
    edge TEXT NOT NULL, epoch BIGINT NOT NULL, seq BIGINT NOT NULL, site TEXT NOT NULL,
    kind TEXT NOT NULL, bay TEXT, time_ms BIGINT NOT NULL,
    occ SMALLINT, closed SMALLINT, reason TEXT, since_ms BIGINT, conf DOUBLE PRECISION,
    cause TEXT, layout TEXT, body TEXT NOT NULL,
    PRIMARY KEY (edge, epoch, seq, time_ms))"""
_EVENT_COLUMNS = (
    "edge, epoch, seq, site, kind, bay, time_ms, occ, closed, reason, since_ms, conf, cause,"
    " layout, body"
)
_EVENT_INDEXES = (
    "CREATE INDEX event_by_bay ON event (edge, bay, since_ms)",
    "CREATE INDEX event_by_time ON event (time_ms)",
    "CREATE INDEX event_by_site ON event (site, time_ms)",
)
_MONTHS = """DO $$
DECLARE
    this_month TIMESTAMP := date_trunc('month', now() AT TIME ZONE 'UTC');
    month TIMESTAMP;
BEGIN
    FOR month IN
        SELECT DISTINCT date_trunc('month', to_timestamp(time_ms / 1000) AT TIME ZONE 'UTC')
            FROM event_2
            WHERE time_ms >= extract(epoch FROM this_month - INTERVAL '36 months') * 1000
            AND time_ms < extract(epoch FROM this_month + INTERVAL '3 months') * 1000
        UNION SELECT this_month
        UNION SELECT this_month + INTERVAL '1 month'
        UNION SELECT this_month + INTERVAL '2 months'
    LOOP
        EXECUTE format('CREATE TABLE %I PARTITION OF event FOR VALUES FROM (%s) TO (%s)',
            'event_' || to_char(month, 'YYYY_MM'),
            (extract(epoch FROM month) * 1000)::BIGINT,
            (extract(epoch FROM month + INTERVAL '1 month') * 1000)::BIGINT);
    END LOOP;
END $$"""

_TABLES = (
    """CREATE TABLE bay_count (
        edge TEXT NOT NULL, camera TEXT NOT NULL, lot TEXT NOT NULL, zone TEXT NOT NULL,
        level TEXT NOT NULL, kind TEXT NOT NULL, site TEXT NOT NULL, bays INTEGER NOT NULL,
        occupied INTEGER NOT NULL, free INTEGER NOT NULL, unknown INTEGER NOT NULL,
        closed INTEGER NOT NULL,
        PRIMARY KEY (edge, camera, lot, zone, level, kind))""",
    "CREATE INDEX bay_count_by_lot ON bay_count (site, lot)",
    "INSERT INTO bay_count SELECT b.edge, b.camera, b.lot, COALESCE(b.zone, ''),"
    " COALESCE(b.level, ''), b.kind, MIN(b.site), COUNT(*),"
    " SUM(CASE WHEN COALESCE(s.closed, 0) = 0 AND s.occ = 1 THEN 1 ELSE 0 END),"
    " SUM(CASE WHEN COALESCE(s.closed, 0) = 0 AND s.occ = 0 THEN 1 ELSE 0 END),"
    " SUM(CASE WHEN COALESCE(s.closed, 0) = 0 AND s.occ IS NULL THEN 1 ELSE 0 END),"
    " SUM(CASE WHEN s.closed = 1 THEN 1 ELSE 0 END)"
    " FROM edge e JOIN bay b ON b.edge = e.edge AND b.layout = e.layout"
    " LEFT JOIN bay_state s ON s.edge = b.edge AND s.layout = b.layout AND s.bay = b.bay"
    " GROUP BY b.edge, b.camera, b.lot, COALESCE(b.zone, ''), COALESCE(b.level, ''), b.kind",
    "CREATE INDEX edge_by_site ON edge (site)",
    "ALTER TABLE edge ADD COLUMN told_layout TEXT",
    "ALTER TABLE edge ADD COLUMN told_epoch BIGINT NOT NULL DEFAULT 0",
    "ALTER TABLE edge ADD COLUMN told_seq BIGINT NOT NULL DEFAULT 0",
    "ALTER TABLE edge ADD COLUMN told_rank SMALLINT NOT NULL DEFAULT 0",
    "ALTER TABLE edge ADD COLUMN told_ms BIGINT NOT NULL DEFAULT 0",
    "UPDATE edge SET told_layout = n.layout, told_epoch = n.epoch, told_seq = n.seq,"
    " told_rank = n.rank, told_ms = n.at_ms FROM ("
    "  SELECT edge, layout, epoch, seq, rank, at_ms, ROW_NUMBER() OVER ("
    "   PARTITION BY edge ORDER BY epoch DESC, seq DESC, rank DESC, at_ms DESC) AS n"
    "  FROM bay_state) AS n WHERE n.n = 1 AND n.edge = edge.edge",
    "ALTER TABLE gap ADD COLUMN told SMALLINT NOT NULL DEFAULT 0",
    # Older versions knew by the alert's subject alone what they had told.
    "UPDATE gap SET told = 1 WHERE EXISTS (SELECT 1 FROM alert a WHERE a.rule = 'events_lost'"
    " AND a.subject = gap.edge || ' ' || gap.epoch || '-' || gap.first_seq)",
    "CREATE INDEX gap_untold ON gap (edge) WHERE told = 0",
    "CREATE INDEX stream_with_hole ON stream (edge, epoch) WHERE upto < top",
    "CREATE INDEX alert_by_time ON alert (opened_ms)",
    "CREATE INDEX alert_open ON alert (opened_ms) WHERE closed_ms IS NULL",
    "CREATE INDEX alert_due ON alert (opened_ms)"
    " WHERE open_sent = 0 OR (closed_ms IS NOT NULL AND close_sent = 0)",
    "CREATE INDEX incident_by_site ON incident (site, began_ms)",
    "CREATE INDEX incident_open ON incident (began_ms) WHERE ended_ms IS NULL",
    # What is wrong with an edge: it publishes under another site, floods, disputes a lot.
    """CREATE TABLE edge_fault (
        edge TEXT NOT NULL, kind TEXT NOT NULL, site TEXT NOT NULL, detail TEXT NOT NULL,
        first_ms BIGINT NOT NULL, last_ms BIGINT NOT NULL, times BIGINT NOT NULL,
        PRIMARY KEY (edge, kind))""",
    # Whose description of the lot stands, as long as that edge serves it.
    "ALTER TABLE lot ADD COLUMN edge TEXT",
    "DROP TABLE IF EXISTS meta",
)


def upgrade() -> None:
    """Rebuild `event`, add what is kept for reading."""
    is_postgres = op.get_context().dialect.name == "postgresql"
    if not op.get_context().as_sql:
        heal(op.get_bind())
    op.execute("DROP INDEX event_by_bay")
    op.execute("DROP INDEX event_by_time")
    op.execute("ALTER TABLE event RENAME TO event_2")
    if is_postgres:
        op.execute("ALTER INDEX event_pkey RENAME TO event_2_pkey")
        op.execute(f"{_EVENT} PARTITION BY RANGE (time_ms)")
        op.execute("CREATE TABLE event_other PARTITION OF event DEFAULT")
        op.execute(_MONTHS)
        op.execute("ALTER TABLE bay_state SET (fillfactor = 70)")
    else:
        op.execute(_EVENT)
    op.execute(
        f"INSERT INTO event ({_EVENT_COLUMNS}) SELECT {_EVENT_COLUMNS} FROM event_2"  # noqa: S608
    )
    op.execute("DROP TABLE event_2")
    for statement in (*_EVENT_INDEXES, *_TABLES):
        op.execute(statement)
    if is_postgres:
        op.execute("ALTER TABLE bay_count SET (fillfactor = 70)")


def downgrade() -> None:
    """There is no way down."""
    refuse_downgrade(revision)
