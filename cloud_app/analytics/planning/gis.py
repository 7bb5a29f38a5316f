"""Lots with unmet demand as files for a GIS: GeoJSON, GeoParquet."""

from __future__ import annotations

import io
import json
import struct
from collections.abc import Sequence
from typing import Any

from cloud_app.analytics.planning.plan import UnmetLot
from cloud_app.analytics.reports.period import ReportError

_COLUMNS = (
    "site", "lot", "name", "bays", "observed", "occupancy", "full_share", "unmet_bay_hours_a_day",
    "at_least",
)  # fmt: skip


def geojson_of(lots: Sequence[UnmetLot]) -> bytes:
    """RFC 7946; a lot without a place has no geometry."""
    features = [
        {
            "type": "Feature",
            "id": f"{lot.site}/{lot.lot}",
            "geometry": None
            if lot.location is None
            else {"type": "Point", "coordinates": list(lot.location)},
            "properties": {name: getattr(lot, name) for name in _COLUMNS},
        }
        for lot in lots
    ]
    found = {"type": "FeatureCollection", "features": features}
    return json.dumps(found, ensure_ascii=False, allow_nan=False).encode()


def geoparquet_of(lots: Sequence[UnmetLot]) -> bytes:
    """GeoParquet 1.1.0, points as WKB in WGS 84.

    Raises:
        ReportError: pyarrow is not installed.
    """
    try:
        import pyarrow as pa
        import pyarrow.parquet as pq
    except ImportError as exc:
        msg = f"GeoParquet needs the extra lotsight[lake]: expected pyarrow, but got: {exc}"
        raise ReportError(msg) from exc
    kinds: dict[str, Any] = {
        "site": pa.string(), "lot": pa.string(), "name": pa.string(), "bays": pa.int32(),
        "at_least": pa.bool_(),
    }  # fmt: skip
    columns = {
        name: pa.array([getattr(lot, name) for lot in lots], kinds.get(name, pa.float64()))
        for name in _COLUMNS
    }
    points = [None if lot.location is None else _wkb(*lot.location) for lot in lots]
    columns["geometry"] = pa.array(points, pa.binary())
    placed = [lot.location for lot in lots if lot.location is not None]
    column: dict[str, Any] = {"encoding": "WKB", "geometry_types": ["Point"]}
    if placed:
        east, north = zip(*placed, strict=True)
        column["bbox"] = [min(east), min(north), max(east), max(north)]
    about = {"version": "1.1.0", "primary_column": "geometry", "columns": {"geometry": column}}
    table = pa.table(columns).replace_schema_metadata({"geo": json.dumps(about)})
    buffer = io.BytesIO()
    pq.write_table(table, buffer)
    return buffer.getvalue()


def _wkb(lon: float, lat: float) -> bytes:
    """A point, little-endian (OGC 06-103r4)."""
    return struct.pack("<BIdd", 1, 1, lon, lat)
