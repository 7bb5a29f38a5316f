"""The operator's base map in Chromium: read by ranges, below the lots, in both themes."""

from __future__ import annotations

import io
from pathlib import Path

import pytest
from PIL import Image
from playwright.sync_api import Page, Response, expect

from tests.cloud_app.web.base_map import ATTRIBUTION, write_base_map
from tests.cloud_app.web.conftest import SHOWN_MS, OpenPage, running
from tests.cloud_app.web.places import LAT, LON, place_on_map

pytestmark = [pytest.mark.chromium]
# From the middle of the map, at zoom 13: the lake lies to the north, land to the south.
LAKE, LAND = (0, -200), (0, 200)

Colour = tuple[int, int, int]


def colours(page: Page) -> tuple[Colour, Colour]:
    """Of the lake and of the land."""
    box = page.locator(".map canvas").bounding_box()
    assert box is not None
    shot = Image.open(io.BytesIO(page.screenshot())).convert("RGB")
    middle = (box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    lake, land = (
        shot.getpixel((int(middle[0] + right), int(middle[1] + down)))
        for right, down in (LAKE, LAND)
    )
    assert isinstance(lake, tuple)
    assert isinstance(land, tuple)
    return lake[:3], land[:3]  # type: ignore[return-value]


def heard(page: Page) -> list[Response]:
    """All answers from now on."""
    found: list[Response] = []
    page.on("response", lambda answer: found.append(answer))  # noqa: PLW0108 - Playwright marks it
    return found


def test_the_base_map_is_drawn_below_the_lots(
    built_pages: Path, tmp_path: Path, open_page: OpenPage
) -> None:
    file = tmp_path / "city.pmtiles"
    write_base_map(file, LON, LAT)
    with running(tmp_path, base_map=file) as city:
        place_on_map(city)
        for theme in ("light", "dark"):
            watched = open_page(theme=theme)
            page = watched.page
            answers = heard(page)
            page.goto(f"{city.url}/#13/{LAT}/{LON}")
            expect(page.locator(".maplibregl-ctrl-attrib")).to_contain_text(
                ATTRIBUTION, timeout=4 * SHOWN_MS
            )
            expect(page.locator(".map")).to_have_attribute("data-ready", "true")
            for _ in range(40):
                lake, land = colours(page)
                if lake != land:
                    break
                page.wait_for_timeout(250)
            is_light = sum(land) > 3 * 128
            assert is_light == (theme == "light")
            assert lake[2] > lake[0], f"a lake is blue, but got {lake}"
            read = [each.status for each in answers if each.url.endswith("/map/base.pmtiles")]
            assert set(read) == {206}
            page.close()
            assert watched.complaints == []
