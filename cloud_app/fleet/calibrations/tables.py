"""Tables of calibrations that were edited here or read from boxes. No picture is in them."""

from __future__ import annotations

from sqlalchemy import BigInteger, Column, Index, Integer, SmallInteger, Table, Text

from cloud_app.storage.tables import key, metadata

# One revision of one camera. `job` rolls it out; NULL: the box had it. `dismissed` is 1 once nobody
# wants the work of an edit that the box refused.
calibration_revision = Table(
    "calibration_revision",
    metadata,
    key("calibration"),
    Column("edge", Text, nullable=False),
    Column("camera", Text, nullable=False),
    Column("revision", Integer, nullable=False),
    Column("base", Integer, nullable=False),
    Column("author", Text, nullable=False),
    Column("note", Text, nullable=False),
    Column("changes", Text, nullable=False),
    Column("document", Text, nullable=False),
    Column("job", Text),
    Column("dismissed", SmallInteger, nullable=False),
    Column("at_ms", BigInteger, nullable=False),
    Index("calibration_revision_by_camera", "edge", "camera", "at_ms"),
)

# What a tab of the editor has drawn and not saved, as the page sent it.
calibration_draft = Table(
    "calibration_draft",
    metadata,
    key("edge"),
    key("camera"),
    key("tab"),
    Column("document", Text, nullable=False),
    Column("saved_ms", BigInteger, nullable=False),
)
