"""The table of what was learned for forecasts."""

from __future__ import annotations

from sqlalchemy import BigInteger, Column, Integer, Table, Text

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
