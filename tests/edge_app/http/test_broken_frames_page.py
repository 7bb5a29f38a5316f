"""Pictures that are not whole are counted from the camera to metrics and page."""

from __future__ import annotations

import shutil
import time
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from playwright.sync_api import Browser, expect
from prometheus_client.parser import text_string_to_metric_families

from edge_app.sources import CameraFeed, FeedSettings, FolderSource
from telemetry import SystemClock
from tests.edge_app.pipeline_kit import Rig

if TYPE_CHECKING:
    from tests.edge_app.http.conftest import Serve

LOT = Path(__file__).parents[2] / "pictures" / "lot.jpg"


def test_broken_pictures_are_counted_from_feed_to_metric_and_page(
    serve: Serve, browser: Browser, tmp_path: Path
) -> None:
    (tmp_path / "a.jpg").write_bytes(LOT.read_bytes()[:85606])
    shutil.copy(LOT, tmp_path / "b.jpg")
    feed = CameraFeed(
        "cam",
        lambda: FolderSource(tmp_path, loop=False),
        FeedSettings(interval_s=0.01),
        SystemClock(),
    )
    feed.start()
    end_s = time.monotonic() + 60
    while not feed.status().ended:
        assert time.monotonic() < end_s
        time.sleep(0.01)
    feed.stop()
    rig = Rig()
    rig.pipeline.check(feed.status())
    rig.run(1)
    served = serve(view=replace(rig.view(), camera="north"))

    families = text_string_to_metric_families(
        served.client.get("/metrics").text.replace("# EOF\n", "")
    )
    counted = {sample.name: sample.value for family in families for sample in family.samples}
    assert counted["lotsight_camera_broken_total"] == 1
    assert counted["lotsight_camera_frames_total"] == 1
    camera = served.client.get("/api/v1/status").json()["cameras"][0]
    assert (camera["condition"], camera["broken"]) == ("live", 1)
    assert camera["detail"].startswith("1 frame was incomplete in the last minute and discarded")

    page = browser.new_page()
    page.set_default_timeout(60_000)
    page.goto(f"{served.client.base_url}/status")
    expect(page.locator("#camera-north")).to_contain_text("1 incomplete", timeout=60_000)
    expect(page.locator("#camera-north")).to_contain_text("packets are lost in transit")
    page.close()
