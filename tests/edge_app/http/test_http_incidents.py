"""Incidents on the box's pages: API, metrics, the live picture, the status page."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

import cv2
import numpy as np
import pytest
from playwright.sync_api import Browser, expect

from telemetry import IncidentKind
from tests.edge_app.http.conftest import NOW
from vision.incidents import Incident

if TYPE_CHECKING:
    from tests.edge_app.http.conftest import Serve, Served

LATER = NOW + timedelta(minutes=12)
DOUBLE = Incident(
    "i-1", IncidentKind.DOUBLE_PARKING, "north", ("B05",), NOW, LATER, 720.0,
    area="lane", vehicle="car", conf=0.876, box_norm=(0.4, 0.5, 0.6, 0.7),
)  # fmt: skip
OVERSTAY = Incident(
    "i-2", IncidentKind.OVERSTAY, "north", ("A01",), NOW, LATER, 7500.0, conf=0.9, limit_s=7200.0
)


def happen(served: Served) -> None:
    served.live_state.set_incidents("north", [DOUBLE, OVERSTAY], [DOUBLE, OVERSTAY])


def test_the_api_lists_them(serve: Serve) -> None:
    served = serve()
    assert served.client.get("/api/v1/incidents").json() == {"incidents": []}
    happen(served)
    first, second = served.client.get("/api/v1/incidents").json()["incidents"]
    assert (first["id"], first["kind"], first["bays"], first["area"], first["vehicle"]) == (
        "i-1", "double_parking", ["B05"], "lane", "car",
    )  # fmt: skip
    assert (second["limit_s"], second["box"]) == (7200.0, None)
    assert served.client.get("/api/v1/incidents?camera=south").json() == {"incidents": []}
    assert len(served.client.get("/api/v1/status").json()["incidents"]) == 2


def test_metrics_count_what_lasts_and_what_began(serve: Serve) -> None:
    served = serve()
    happen(served)
    served.live_state.set_incidents("north", [OVERSTAY])
    text = served.client.get("/metrics").text
    assert 'lotsight_incidents_open{camera="north",kind="double_parking"} 0.0' in text
    assert 'lotsight_incidents_open{camera="north",kind="overstay"} 1.0' in text
    assert 'lotsight_incidents_total{camera="north",kind="double_parking"} 1.0' in text


def test_the_live_picture_shows_them_unless_it_is_plain(serve: Serve) -> None:
    served = serve()

    def yellow(overlay: bool) -> int:
        data = served.client.get(f"/cameras/north/still.jpg?overlay={overlay}").content
        image = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR)
        assert image is not None
        blue, green, red = (image[..., i].astype(int) for i in range(3))
        return int(((red > 190) & (green > 180) & (blue < 130)).sum())

    happen(served)
    assert yellow(overlay=True) > yellow(overlay=False) + 300


@pytest.mark.chromium
def test_the_status_page_lists_them(serve: Serve, browser: Browser) -> None:
    served = serve()
    page = browser.new_page(viewport={"width": 390, "height": 800})
    page.goto(f"{served.client.base_url}/status")
    expect(page.locator("#verdict-head")).to_have_text("All OK")
    expect(page.locator("#incidents-card")).to_be_hidden()
    happen(served)
    page.reload()
    lines = page.locator("#incidents li")
    expect(lines).to_have_count(2)
    expect(lines.first).to_contain_text("double parked")
    expect(lines.first).to_contain_text("B05 · lane · car")
    expect(lines.first).to_contain_text("12 min")
    assert page.evaluate("document.documentElement.scrollWidth - innerWidth") <= 0
    page.close()
