"""A lake that is there before its database knows of it: after the database was lost or made anew.

Its files are taken in as they are, and for each stream it is noted how far they go: what edges send
again is held against them, so that nothing is in the lake twice.
"""

from __future__ import annotations

import io
import logging
from collections.abc import Mapping
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from sqlalchemy import select

from cloud_app.lake.catalogue import Catalogue, Kind, read_manifest
from cloud_app.lake.takeover import note_known
from cloud_app.storage.lake_tables import lake_file
from cloud_app.storage.times import to_ms
from cloud_app.stream import StreamKey

_log = logging.getLogger(__name__)

_ANY = select(lake_file.c.path).limit(1)
_LOOKED_AT = ("edge", "epoch", "seq", "vehicle_hash")


def adopt(catalogue: Catalogue) -> int:
    """Take in the files of a lake that the database knows nothing of; return how many.

    Raises:
        LakeError, StorageError: nothing was taken in.
    """
    with catalogue.database.read() as session:
        if session.rows(_ANY):
            return 0
    files = read_manifest(catalogue.store).to_pylist()
    tops: dict[StreamKey, int] = {}
    now_ms = to_ms(catalogue.clock.utc())
    rows = []
    for file in files:
        hashes = _look_at(catalogue, file, tops) if file["kind"] == Kind.EVENTS else 0
        rows.append(
            (
                *(file["path"], "live", file["kind"], file["date"], file["site"], file["rows"]),
                *(file["bytes"], file["sha256"], to_ms(file["first"]), to_ms(file["last"])),
                *(hashes, file["version"], now_ms, 1),
            )
        )
    if rows:
        _log.warning("%s: %d files that were there are taken in", catalogue.store.name, len(rows))
        with catalogue.database.write() as session:
            session.load(lake_file, rows)
            note_known(session, tops)
    return len(rows)


def _look_at(catalogue: Catalogue, file: Mapping[str, Any], tops: dict[StreamKey, int]) -> int:
    """Note how far streams go in a file; return how many hashes of plates it has."""
    content = io.BytesIO(catalogue.store.read(file["path"]))
    table = pq.read_table(content, columns=list(_LOOKED_AT))
    highest = (
        table.set_column(0, "edge", table["edge"].cast(pa.string()))
        .group_by(["edge", "epoch"])
        .aggregate([("seq", "max")])
    )
    for row in highest.to_pylist():
        key = (row["edge"], row["epoch"])
        tops[key] = max(row["seq_max"], tops.get(key, 0))
    return int(pc.count(table["vehicle_hash"]).as_py())
