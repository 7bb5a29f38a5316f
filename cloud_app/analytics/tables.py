"""The tables of what was learned for forecasts, and of how good they were."""

from __future__ import annotations

from sqlalchemy import BigInteger, Column, Double, Index, Integer, Table, Text

from cloud_app.storage.tables import metadata

# One row for each horizon of a site, `ahead` quarters of an hour; `body` is a `Fit` as JSON. Made
# anew each night, and each night the row of the night before goes.
forecast_fit = Table(
    "forecast_fit",
    metadata,
    Column("site", Text, primary_key=True),
    Column("ahead", Integer, primary_key=True, autoincrement=False),
    Column("fitted_ms", BigInteger, nullable=False),
    Column("body", Text, nullable=False),
)

# The same of the zones and kinds of bay of each lot that has several.
forecast_part_fit = Table(
    "forecast_part_fit",
    metadata,
    Column("site", Text, primary_key=True),
    Column("lot", Text, primary_key=True),
    Column("ahead", Integer, primary_key=True, autoincrement=False),
    Column("fitted_ms", BigInteger, nullable=False),
    Column("body", Text, nullable=False),
)

# By how much intervals are wider than learned, below and above: logarithms, of what a lot or zone
# adds to its site's, which stands at lot ''. Each forecast that comes due moves them.
forecast_width = Table(
    "forecast_width",
    metadata,
    Column("site", Text, primary_key=True),
    Column("lot", Text, primary_key=True),
    Column("zone", Text, primary_key=True),
    Column("ahead_min", Integer, primary_key=True, autoincrement=False),
    Column("below", Double, nullable=False),
    Column("above", Double, nullable=False),
    Column("told_ms", BigInteger, nullable=False),
)

# What was forecast of a lot and has not come due yet: occupied shares of the known bays. A zone's
# forecasts have its name; those of the whole lot ''.
forecast_due = Table(
    "forecast_due",
    metadata,
    Column("due_ms", BigInteger, primary_key=True, autoincrement=False),
    Column("site", Text, primary_key=True),
    Column("lot", Text, primary_key=True),
    Column("zone", Text, primary_key=True),
    Column("ahead_min", Integer, primary_key=True, autoincrement=False),
    Column("share", Double, nullable=False),
    Column("low", Double, nullable=False),
    Column("high", Double, nullable=False),
)

# Forecasts that came due, against what came, summed over a day (UTC) of a lot or zone.
forecast_score = Table(
    "forecast_score",
    metadata,
    Column("site", Text, primary_key=True),
    Column("lot", Text, primary_key=True),
    Column("zone", Text, primary_key=True),
    Column("ahead_min", Integer, primary_key=True, autoincrement=False),
    Column("day_ms", BigInteger, primary_key=True, autoincrement=False),
    Column("forecasts", Integer, nullable=False),
    Column("error", Double, nullable=False),
    Column("held", Integer, nullable=False),
    Index("forecast_score_by_day", "day_ms"),
)

# What people say of days on which demand is unlike the usual: `begin_ms` to `end_ms`. `lot` is ''
# for the whole site; `effect` how much more (or, negative, less) of the capacity is expected.
local_event = Table(
    "local_event",
    metadata,
    Column("local_event", Text, primary_key=True),
    Column("site", Text, nullable=False),
    Column("lot", Text, nullable=False),
    Column("name", Text, nullable=False),
    Column("begin_ms", BigInteger, nullable=False),
    Column("end_ms", BigInteger, nullable=False),
    Column("effect", Double),
    Index("local_event_by_site", "site", "begin_ms"),
)
