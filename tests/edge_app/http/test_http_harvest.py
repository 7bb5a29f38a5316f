"""Figures of the harvest: metrics, API, status page."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pytest
from playwright.sync_api import Browser, expect
from prometheus_client.parser import text_string_to_metric_families

from edge_app.harvest.counters import (
    EVICTING,
    REFUSING,
    Fault,
    HarvestCounters,
    HarvestStats,
    Limit,
)

if TYPE_CHECKING:
    from tests.edge_app.http.conftest import Serve, Served

NOW = datetime(2026, 5, 4, 12, 0, tzinfo=UTC)
FIGURES = HarvestStats(
    frames={"north": 30, "south": 12},
    size_bytes=5_000_000,
    max_bytes=200_000_000,
    kept=50,
    refused=dict.fromkeys(REFUSING, 0) | {Limit.BUSY: 4},
    evicted=dict.fromkeys(EVICTING, 0) | {Limit.ROOM: 7, Limit.AGE: 1},
    sent=2,
    failed=1,
    sent_frames=40,
    sent_bytes=4_000_000,
    faults=3,
    last_fault=Fault("store.example.com: HTTP status 403", NOW),
)


def samples_of(served: Served) -> dict[tuple[str, ...], float]:
    text = served.client.get("/metrics").text
    return {
        (sample.name.removeprefix("lotsight_harvest_"), *sample.labels.values()): sample.value
        for family in text_string_to_metric_families(text.replace("# EOF\n", ""))
        for sample in family.samples
        if sample.name.startswith("lotsight_harvest_")
    }


def test_metrics_tell_what_is_kept_refused_and_sent(serve: Serve) -> None:
    served = serve()
    served.box.change(harvest=FIGURES)
    samples = samples_of(served)
    assert samples["frames", "north"] == 30
    assert samples["frames", "south"] == 12
    assert samples["bytes",] == 5_000_000
    assert samples["max_bytes",] == 200_000_000
    assert samples["kept_total",] == 50
    refused = {key[1]: v for key, v in samples.items() if key[0] == "refused_total"}
    evicted = {key[1]: v for key, v in samples.items() if key[0] == "evicted_total"}
    assert refused == {"day": 0, "room": 0, "disk": 0, "busy": 4}, "each limit, from the start"
    assert evicted == {"day": 0, "room": 7, "age": 1, "purge": 0}
    assert (samples["shipments_total", "sent"], samples["shipments_total", "failed"]) == (2, 1)
    assert samples["shipped_frames_total",] == 40
    assert samples["faults_total",] == 3
    assert samples["last_fault_timestamp_seconds",] == NOW.timestamp()


def test_a_box_without_harvest_tells_nothing_of_it(serve: Serve) -> None:
    served = serve()
    assert samples_of(served) == {}
    assert served.client.get("/api/v1/status").json()["harvest"] is None


def test_no_fault_has_no_time() -> None:
    counters = HarvestCounters()
    assert counters.stats({}, 0, 1).last_fault is None
    counters.fail("no space left", NOW)
    assert counters.stats({}, 0, 1).last_fault == Fault("no space left", NOW)


@pytest.mark.chromium
def test_the_status_page_shows_them(serve: Serve, browser: Browser) -> None:
    served = serve()
    page = browser.new_page(viewport={"width": 390, "height": 800})
    page.goto(f"{served.client.base_url}/status")
    expect(page.locator("#verdict-head")).to_have_text("All OK")
    expect(page.locator("#harvest-card")).to_be_hidden()
    served.box.change(harvest=FIGURES)
    page.reload()
    card = page.locator("#harvest-card")
    expect(card).to_contain_text("42 frames, 4.8 MiB of 191 MiB")
    expect(card).to_contain_text("4 (too busy)")
    expect(card).to_contain_text("7 (store full), 1 (too old)")
    expect(card).to_contain_text("store.example.com: HTTP status 403")
    served.box.change(harvest=replace(FIGURES, last_fault=None))
    page.reload()
    expect(card).not_to_contain_text("last fault")
    assert page.evaluate("document.documentElement.scrollWidth - innerWidth") <= 0
    page.close()
