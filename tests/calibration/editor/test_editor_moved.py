"""The camera was moved: old and new outlines over the new picture, accepted in one step."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from playwright.sync_api import Browser

from calibration import load_calibration
from calibration.editor import EditorSession, LivePictures
from tests.calibration.editor.pages import file_of

pytestmark = [pytest.mark.chromium, pytest.mark.slow]


def test_moved_camera_is_aligned_accepted_and_saved(
    browser: Browser, lot: Any, tmp_path: Path, serving: Any, hands_of: Any
) -> None:
    pictures = [lot.image_bgr]
    session = EditorSession(
        "north", LivePictures("test", lambda: pictures[-1]), tmp_path / "north.json"
    )
    turn = cv2.getRotationMatrix2D((640, 360), -2.5, 1.0)
    turn[:, 2] += (-18, 9)
    with (
        serving(session) as url,
        browser.new_context(viewport={"width": 1280, "height": 800}) as ctx,
    ):
        page = ctx.new_page()
        page.goto(url)
        page.wait_for_selector("html[data-ready=true]")
        hands = hands_of(page)
        hands.press("r")
        hands.lay_out_row(lot.rows[2], 15)
        hands.press("a")
        hands.drag((200, 345), (900, 390))
        hands.save(1)
        before = load_calibration(file_of(session))
        pictures.append(
            cv2.warpAffine(lot.image_bgr, turn, (1280, 720), borderMode=cv2.BORDER_REFLECT)
        )
        page.locator("#do-align").click()
        page.wait_for_selector("#compare .after", state="attached")
        assert page.locator("#compare .before").count() == 16
        assert "is certain" in page.inner_text("#panel-history")
        page.get_by_role("button", name="Accept").click()
        drawn = hands.bays()["A08"]
        expected = lot.bays_px[37] @ turn[:, :2].T + turn[:, 2]
        for corner in expected:
            assert np.abs(np.asarray(drawn) - corner).max(axis=1).min() < 2.5
        hands.press("Control+z")  # it is one step
        assert np.abs(np.asarray(hands.bays()["A08"]) - lot.bays_px[37]).max() < 2.5
        hands.press("Control+Shift+z")
        hands.save(2)
        saved = load_calibration(file_of(session))
        assert saved.bay_ids == before.bay_ids
        assert saved.reference != before.reference
        lane = np.multiply(saved.areas[0].polygon, saved.image_wh)
        corner = np.array([200, 345]) @ turn[:, :2].T + turn[:, 2]
        assert np.abs(lane - corner).max(axis=1).min() < 3.5, "the area went along"
        # Measured against its new reference, the view stands where it should.
        page.locator("#do-align").click()
        page.wait_for_selector("#compare .after", state="attached")
        shift = page.locator("#panel-history .facts dd").first.inner_text()
        assert float(shift.split()[0]) < 0.5


def test_a_wholly_other_view_is_refused(
    browser: Browser, lot: Any, tmp_path: Path, serving: Any, hands_of: Any
) -> None:
    rng = np.random.default_rng(1)
    other = cv2.resize(rng.integers(0, 255, (72, 128, 3), np.uint8), (1280, 720))
    pictures = [lot.image_bgr]
    session = EditorSession(
        "north", LivePictures("test", lambda: pictures[-1]), tmp_path / "north.json"
    )
    with (
        serving(session) as url,
        browser.new_context(viewport={"width": 1280, "height": 800}) as ctx,
    ):
        page = ctx.new_page()
        page.goto(url)
        page.wait_for_selector("html[data-ready=true]")
        hands = hands_of(page)
        hands.press("r")
        hands.lay_out_row(lot.rows[2], 15)
        hands.save(1)
        pictures.append(other)
        page.locator("#do-align").click()
        page.wait_for_selector(".toast.error, #panel-history .bad")
        said = page.inner_text(".toast.error, #panel-history .bad")
        assert "redraw the bays" in said
