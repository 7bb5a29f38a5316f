"""Bay sensors and counters: how each device is, and the frames that it sent."""

from __future__ import annotations

from alembic import op

from cloud_app.storage.migrations import refuse_downgrade

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None

_STATEMENTS = (
    """CREATE TABLE sensor (
        site TEXT NOT NULL, device TEXT NOT NULL, first_ms BIGINT, joined_ms BIGINT,
        heard_ms BIGINT, known SMALLINT, lot TEXT, bay TEXT, profile TEXT, network TEXT,
        period_s DOUBLE PRECISION, until_ms BIGINT, read_ms BIGINT, fault TEXT, said_ms BIGINT,
        occ SMALLINT, reason TEXT, since_ms BIGINT, battery_ms BIGINT, battery_low SMALLINT,
        battery_pct DOUBLE PRECISION, battery_v DOUBLE PRECISION, link_ms BIGINT,
        rssi_dbm DOUBLE PRECISION, snr_db DOUBLE PRECISION, gateways INTEGER,
        temperature_ms BIGINT, temperature_c DOUBLE PRECISION, firmware_ms BIGINT, firmware TEXT,
        error_ms BIGINT, error TEXT, told_ms BIGINT, told TEXT, edge TEXT,
        PRIMARY KEY (site, device))""",
    "CREATE INDEX sensor_by_device ON sensor (device)",
    "CREATE INDEX sensor_by_until ON sensor (until_ms)",
    """CREATE TABLE sensor_frame (
        site TEXT NOT NULL, device TEXT NOT NULL, frame TEXT NOT NULL, time_ms BIGINT NOT NULL,
        kind TEXT NOT NULL, network TEXT NOT NULL, f_cnt BIGINT, f_port INTEGER, payload TEXT,
        profile TEXT, said SMALLINT NOT NULL, occ SMALLINT, reason TEXT,
        battery_v DOUBLE PRECISION, battery_pct DOUBLE PRECISION, temperature_c DOUBLE PRECISION,
        rssi_dbm DOUBLE PRECISION, snr_db DOUBLE PRECISION, gateways INTEGER,
        fields TEXT NOT NULL, error TEXT, raw TEXT NOT NULL,
        PRIMARY KEY (site, device, frame))""",
    "CREATE INDEX sensor_frame_by_device ON sensor_frame (site, device, time_ms)",
    "CREATE INDEX sensor_frame_by_time ON sensor_frame (time_ms)",
)


def upgrade() -> None:
    """Make the tables."""
    for statement in _STATEMENTS:
        op.execute(statement)


def downgrade() -> None:
    """There is no way down."""
    refuse_downgrade(revision)
