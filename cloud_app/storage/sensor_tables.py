"""The tables of sensors: how each device is, the frames that it sent, downlinks to it.

As everywhere, what is in them does not depend on the order in which frames came, nor on how often.
"""

from __future__ import annotations

from sqlalchemy import BigInteger, Column, Double, Index, Integer, SmallInteger, Table, Text

from cloud_app.storage.tables import key, metadata, partial_index

# Of a device that the registry knows `site` is the registry's; of another one the first site of
# whoever brought its frames, '' where they may speak for all. Each group of columns is of its own
# newest frame, whose time stands first: `heard` any, `read` one that could be read, `said` one with
# a word on the bay. `told` is what a box says of a sensor that speaks through it.
sensor = Table(
    "sensor",
    metadata,
    Column("site", Text, primary_key=True),
    Column("device", Text, primary_key=True),
    Column("first_ms", BigInteger),
    Column("joined_ms", BigInteger),
    Column("heard_ms", BigInteger),
    Column("known", SmallInteger),
    Column("lot", Text),
    Column("bay", Text),
    Column("profile", Text),
    Column("network", Text),
    Column("period_s", Double),
    Column("until_ms", BigInteger),
    Column("read_ms", BigInteger),
    Column("fault", Text),
    Column("said_ms", BigInteger),
    Column("occ", SmallInteger),
    Column("reason", Text),
    Column("since_ms", BigInteger),
    Column("battery_ms", BigInteger),
    Column("battery_low", SmallInteger),
    Column("battery_pct", Double),
    Column("battery_v", Double),
    Column("link_ms", BigInteger),
    Column("rssi_dbm", Double),
    Column("snr_db", Double),
    Column("gateways", Integer),
    Column("temperature_ms", BigInteger),
    Column("temperature_c", Double),
    Column("firmware_ms", BigInteger),
    Column("firmware", Text),
    Column("error_ms", BigInteger),
    Column("error", Text),
    Column("told_ms", BigInteger),
    Column("told", Text),
    Column("edge", Text),
    Index("sensor_by_device", "device"),
    Index("sensor_by_until", "until_ms"),
)

# `frame` is the same for every copy of a frame. `said` is 1 where it has a word on the bay. `raw`
# is the message as it came, `fields` what was read of it or `error` why it could not be read.
sensor_frame = Table(
    "sensor_frame",
    metadata,
    Column("site", Text, primary_key=True),
    Column("device", Text, primary_key=True),
    Column("frame", Text, primary_key=True),
    Column("time_ms", BigInteger, nullable=False),
    Column("kind", Text, nullable=False),
    Column("network", Text, nullable=False),
    Column("f_cnt", BigInteger),
    Column("f_port", Integer),
    Column("payload", Text),
    Column("profile", Text),
    Column("said", SmallInteger, nullable=False),
    Column("occ", SmallInteger),
    Column("reason", Text),
    Column("battery_v", Double),
    Column("battery_pct", Double),
    Column("temperature_c", Double),
    Column("rssi_dbm", Double),
    Column("snr_db", Double),
    Column("gateways", Integer),
    Column("fields", Text, nullable=False),
    Column("error", Text),
    Column("raw", Text, nullable=False),
    Index("sensor_frame_by_device", "site", "device", "time_ms"),
    Index("sensor_frame_by_time", "time_ms"),
)

# Something asked of a device over LoRaWAN. `way` says how it is reached, as JSON; `reference` is
# what the network server calls it. `due_ms` is when it is handed over next, NULL afterwards.
sensor_downlink = Table(
    "sensor_downlink",
    metadata,
    key("downlink"),
    Column("site", Text, nullable=False),
    Column("device", Text, nullable=False),
    Column("action", Text, nullable=False),
    Column("interval_s", Integer),
    Column("f_port", Integer, nullable=False),
    Column("payload", Text, nullable=False),
    Column("confirmed", SmallInteger, nullable=False),
    Column("way", Text, nullable=False),
    Column("reference", Text, nullable=False),
    Column("actor", Text, nullable=False),
    Column("state", Text, nullable=False),
    Column("issued_ms", BigInteger, nullable=False),
    Column("expires_ms", BigInteger, nullable=False),
    Column("due_ms", BigInteger),
    Column("tries", Integer, nullable=False),
    Column("queued_ms", BigInteger),
    Column("sent_ms", BigInteger),
    Column("acknowledged_ms", BigInteger),
    Column("ended_ms", BigInteger),
    Column("detail", Text, nullable=False),
    Index("sensor_downlink_by_device", "site", "device", "issued_ms"),
    Index("sensor_downlink_by_reference", "reference"),
)
partial_index(
    "sensor_downlink_open",
    sensor_downlink.c.expires_ms,
    where=sensor_downlink.c.ended_ms.is_(None),
)
partial_index(
    "sensor_downlink_ended",
    sensor_downlink.c.ended_ms,
    where=sensor_downlink.c.ended_ms.is_not(None),
)
