"""What reports are made of, schedules of reports, attachments of mail, how good forecasts were."""

from __future__ import annotations

from alembic import op

from cloud_app.storage.migrations import refuse_downgrade

revision = "0016"
down_revision = "0015"
branch_labels = None
depends_on = None

_PAST = (
    """CREATE TABLE quarter_part (
        site TEXT NOT NULL, lot TEXT NOT NULL, start_ms BIGINT NOT NULL, edge TEXT NOT NULL,
        zone TEXT NOT NULL, kind TEXT NOT NULL, occupied_ms BIGINT NOT NULL,
        free_ms BIGINT NOT NULL, unknown_ms BIGINT NOT NULL,
        PRIMARY KEY (site, lot, start_ms, edge, zone, kind))""",
    """CREATE TABLE quarter_cause (
        site TEXT NOT NULL, lot TEXT NOT NULL, start_ms BIGINT NOT NULL, edge TEXT NOT NULL,
        cause TEXT NOT NULL, unknown_ms BIGINT NOT NULL,
        PRIMARY KEY (site, lot, start_ms, edge, cause))""",
    "CREATE INDEX quarter_cause_by_edge ON quarter_cause (edge, start_ms)",
    """CREATE TABLE stay_day (
        site TEXT NOT NULL, lot TEXT NOT NULL, day TEXT NOT NULL, edge TEXT NOT NULL,
        zone TEXT NOT NULL, kind TEXT NOT NULL, stays INTEGER NOT NULL, unsure INTEGER NOT NULL,
        total_ms BIGINT NOT NULL, lengths TEXT NOT NULL,
        PRIMARY KEY (site, lot, day, edge, zone, kind))""",
    "CREATE INDEX stay_day_by_edge ON stay_day (edge, day)",
)
_SCHEDULES = (
    """CREATE TABLE report_schedule (
        report_schedule TEXT NOT NULL PRIMARY KEY, tenant TEXT NOT NULL, name TEXT NOT NULL,
        enabled SMALLINT NOT NULL, every TEXT NOT NULL, recipients TEXT NOT NULL,
        sites TEXT NOT NULL, formats TEXT NOT NULL, language TEXT NOT NULL,
        next_day TEXT NOT NULL, sent_ms BIGINT, fault TEXT,
        version BIGINT NOT NULL DEFAULT 1)""",
    "CREATE INDEX report_schedule_by_tenant ON report_schedule (tenant)",
    """CREATE TABLE mail_attachment (
        mail TEXT NOT NULL, place INTEGER NOT NULL, name TEXT NOT NULL, kind TEXT NOT NULL,
        content TEXT NOT NULL, PRIMARY KEY (mail, place))""",
)
_FORECASTS = (
    """CREATE TABLE forecast_due (
        due_ms BIGINT NOT NULL, site TEXT NOT NULL, lot TEXT NOT NULL, zone TEXT NOT NULL,
        ahead_min INTEGER NOT NULL, share DOUBLE PRECISION NOT NULL,
        low DOUBLE PRECISION NOT NULL, high DOUBLE PRECISION NOT NULL,
        PRIMARY KEY (due_ms, site, lot, zone, ahead_min))""",
    """CREATE TABLE forecast_score (
        site TEXT NOT NULL, lot TEXT NOT NULL, zone TEXT NOT NULL, ahead_min INTEGER NOT NULL,
        day_ms BIGINT NOT NULL, forecasts INTEGER NOT NULL, error DOUBLE PRECISION NOT NULL,
        held INTEGER NOT NULL, PRIMARY KEY (site, lot, zone, ahead_min, day_ms))""",
    """CREATE TABLE local_event (
        local_event TEXT NOT NULL PRIMARY KEY, site TEXT NOT NULL, lot TEXT NOT NULL,
        name TEXT NOT NULL, begin_ms BIGINT NOT NULL, end_ms BIGINT NOT NULL,
        effect DOUBLE PRECISION)""",
    "CREATE INDEX local_event_by_site ON local_event (site, begin_ms)",
)


def upgrade() -> None:
    """Make the tables; parts of what was kept before are not made up."""
    for statement in (*_PAST, *_SCHEDULES, *_FORECASTS):
        op.execute(statement)


def downgrade() -> None:
    """There is no way down."""
    refuse_downgrade(revision)
