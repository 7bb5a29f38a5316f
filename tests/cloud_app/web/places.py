"""Where the city of the tests lies."""

from __future__ import annotations

from typing import Any

import httpx

from tests.cloud_app.web.conftest import City

LON, LAT = 13.4, 52.52


def _rectangle(west: float, south: float, wide: float, high: float) -> dict[str, Any]:
    east, north = west + wide, south + high
    ring = [[west, south], [east, south], [east, north], [west, north], [west, south]]
    return {"type": "Polygon", "coordinates": [ring]}


def place_on_map(city: City) -> None:
    """Say where the lot and its bays lie, and which time zone the site has."""
    wide = 0.00004
    facts: dict[str, dict[str, Any]] = {
        "sites/north": {"name": "North", "time_zone": "Europe/Berlin"},
        "lots/north/p1": {
            "location": {"lat": LAT, "lon": LON},
            "outline": _rectangle(LON - 0.0003, LAT - 0.0002, 0.0006, 0.0004),
        },
    }
    for number, bay in enumerate(city.edge.bay_ids):
        west = LON - 0.00015 + number * wide * 1.2
        facts[f"bays/north/p1/{bay}"] = {"outline": _rectangle(west, LAT, wide, 0.000045)}
    with httpx.Client(base_url=f"{city.url}/api/v1/registry/", timeout=30) as client:
        for path, known in facts.items():
            version = client.get(path).headers["ETag"]
            answer = client.patch(path, json=known, headers={"If-Match": version})
            assert answer.status_code == 200, f"{path}: {answer.text}"
