"""The pages in real Chromium: what they show, that they can be used without mouse and colours."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest
from fastapi import FastAPI
from playwright.sync_api import Browser, Page, expect
from pydantic import SecretStr

from edge_app.alarms import Alarm, AlarmKind
from edge_app.http import Access, PageSettings
from edge_app.live_state import CameraCondition, CameraStatus, LiveView
from telemetry import Blocked, BlockKind, BlockSource
from tests.edge_app.http.test_http_bays import Words
from tests.kit.axe import serious_findings

if TYPE_CHECKING:
    from tests.edge_app.http.conftest import Serve, Served

pytestmark = pytest.mark.chromium
MakeView = Callable[..., LiveView]


def wait_for_picture(page: Page, name: str) -> None:
    """Until a picture has come. Not by `wait_for_function`: the pages' policy forbids its eval."""
    for _ in range(600):
        if page.evaluate("(id) => document.getElementById(id).naturalWidth > 30", name):
            return
        page.wait_for_timeout(100)
    pytest.fail(f"no picture in #{name}")


Open = Callable[..., Page]


@pytest.fixture
def open_page(browser: Browser) -> Iterator[Open]:
    """A function that opens a path of a server; a fault on the console fails the test."""
    faults: list[str] = []
    contexts = []

    def open_(served: Served, path: str = "/", **options: Any) -> Page:
        options.setdefault("viewport", {"width": 1280, "height": 800})
        context = browser.new_context(**options)
        context.set_default_timeout(60_000)
        contexts.append(context)
        page = context.new_page()
        page.on("console", lambda m: faults.append(m.text) if m.type == "error" else None)
        page.on("pageerror", lambda error: faults.append(str(error)))
        page.goto(f"{served.client.base_url}{path}", wait_until="domcontentloaded")
        return page

    yield open_
    for context in contexts:
        context.close()
    assert faults == []


@pytest.fixture(autouse=True)
def _patience() -> None:
    expect.set_options(timeout=60_000)


def test_the_live_page_shows_counts_map_and_picture(serve: Serve, open_page: Open) -> None:
    served = serve()
    page = open_page(served)
    counts = served.client.get("/api/v1/bays").json()["counts"]
    for state in ("free", "occupied", "unknown"):
        expect(page.locator(f"#{state}")).to_have_text(str(counts[state]))
        expect(page.locator(f".bay.{state}")).to_have_count(counts[state])
    expect(page.locator("#link-text")).to_have_text("live")
    wait_for_picture(page, "picture")
    shot = page.screenshot()
    assert len(shot) > 30_000


def test_news_arrive_without_loading_anew(
    serve: Serve, open_page: Open, make_view: MakeView
) -> None:
    served = serve()
    page = open_page(served)
    expect(page.locator("#link-text")).to_have_text("live")
    served.happen("A02", None)
    first = page.locator("#ticker li").first
    expect(first).to_contain_text("A02")
    expect(first).to_contain_text("unknown: occluded")
    before = page.locator("#occupied").inner_text()
    view = make_view(40)
    served.live_state.publish(view)
    after = str(sum(state.occ is True for state in view.states))
    assert after != before
    expect(page.locator("#occupied")).to_have_text(after)


def test_a_camera_without_a_picture_does_not_show_that_of_another(
    serve: Serve, open_page: Open, make_view: MakeView
) -> None:
    served = serve()
    lost = CameraStatus(CameraCondition.LOST, "no answer")
    gate = replace(make_view(), camera="gate", frame=None, calibration=None, states=(), status=lost)
    served.live_state.publish(gate)
    page = open_page(served)
    wait_for_picture(page, "picture")
    expect(page.locator("#no-picture")).to_be_hidden()
    page.get_by_label("Camera").select_option(label="gate (lost)")
    expect(page.locator("#no-picture")).to_be_visible()
    expect(page.locator("#meta")).to_have_text("lost: no answer")
    expect(page.locator("#no-bays")).to_be_visible()
    page.get_by_label("Camera").select_option("north")
    expect(page.locator("#no-picture")).to_be_hidden()


def test_a_bay_tells_why_by_keyboard_alone(serve: Serve, open_page: Open) -> None:
    page = open_page(serve())
    page.locator(".bay").first.focus()
    page.keyboard.press("Enter")
    dialog = page.locator("dialog#why")
    expect(dialog).to_be_visible()
    expect(page.locator("#why-text")).to_contain_text("Bay A01 is")
    wait_for_picture(page, "why-picture")
    assert serious_findings(page) == []
    page.keyboard.press("Escape")
    expect(dialog).to_be_hidden()


@pytest.mark.parametrize("scheme", ["dark", "light"])
@pytest.mark.parametrize("path", ["/", "/status"])
def test_pages_are_accessible_in_both_schemes(
    serve: Serve, open_page: Open, path: str, scheme: str
) -> None:
    served = serve()
    served.happen("A01", True)
    page = open_page(served, path, color_scheme=scheme)
    expect(page.locator("#link-text")).to_have_text("live")
    assert serious_findings(page) == []


@pytest.mark.parametrize("path", ["/", "/status"])
def test_pages_fit_a_phone(serve: Serve, open_page: Open, path: str) -> None:
    page = open_page(serve(), path, viewport={"width": 390, "height": 844})
    expect(page.locator("#link-text")).to_have_text("live")
    width = page.evaluate("document.documentElement.scrollWidth")
    assert width <= 390


def test_the_status_page_names_what_is_wrong(serve: Serve, open_page: Open) -> None:
    served = serve(editor=FastAPI())
    missing = Alarm(
        AlarmKind.CALIBRATION,
        "camera north: no bays",
        "/n.json is missing",
        "Run `draw`.",
        "north",
        in_editor=True,
    )
    served.box.change(alarms=(missing, Alarm(AlarmKind.DISK, "the disk is full")))
    page = open_page(served, "/status", viewport={"width": 390, "height": 844})
    expect(page.locator("#verdict-head")).to_have_text("2 things need attention")
    first, second = page.locator("#faults li").all()
    expect(first).to_have_text("The disk is full")
    expect(second.locator(".found")).to_have_text("/n.json is missing")
    expect(second.locator("code")).to_have_text("draw")
    expect(second.get_by_role("link", name="Open the editor")).to_have_attribute(
        "href", "/calibrate/?camera=north"
    )
    expect(page.locator("#camera-north.bad")).to_have_count(1)
    second.get_by_role("link", name="camera north").click()
    expect(page.locator("#camera-north")).to_be_in_viewport()
    assert serious_findings(page) == []
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    page.goto(f"{served.client.base_url}/")
    banner = page.get_by_role("link", name="2 things need attention")
    expect(banner).to_be_visible()
    served.box.change(alarms=())
    expect(banner).to_be_hidden()
    page.goto(f"{served.client.base_url}/status")
    expect(page.locator("#verdict-head")).to_have_text("All OK")


def test_what_to_do_is_told_once_for_cameras_with_the_same_fault(
    serve: Serve, open_page: Open, make_view: MakeView
) -> None:
    served = serve()
    for camera, condition in (("a", "lost"), ("b", "dark"), ("c", "lost")):
        status = CameraStatus(CameraCondition(condition), f"seen at {camera}")
        served.live_state.publish(replace(make_view(), camera=camera, frame=None, status=status))
    page = open_page(served, "/status")
    expect(page.locator("#faults .what")).to_have_text(
        ["Camera b: dark", "Camera a: lost", "Camera c: lost"]
    )
    expect(page.locator("#faults .found")).to_contain_text(["seen at b", "seen at a", "seen at c"])
    expect(page.locator("#faults .remedy")).to_contain_text(["lighting", "network cable"])
    assert page.locator("#faults li.again .what").inner_text() == "Camera c: lost"
    pictures = page.locator("#camera-a img[src], #camera-b img[src], #camera-c img[src]")
    assert pictures.count() == 0, "a picture is asked for that there is not"


def test_logging_in_and_out(serve: Serve, open_page: Open) -> None:
    served = serve(Access.of(SecretStr("a password")))
    page = open_page(served)
    assert page.url.endswith("/login?next=/")
    assert serious_findings(page) == []
    page.get_by_label("Password of this box").fill("a password")
    page.get_by_role("button", name="Log in").click()
    expect(page.locator("#link-text")).to_have_text("live")
    page.get_by_role("button", name="Log out").click()
    page.wait_for_url("**/login")


def test_a_person_answers_and_says_what_blocks_a_bay(serve: Serve, open_page: Open) -> None:
    words = Words()
    served = serve(settings=PageSettings(bays=words))
    bay = served.live_state.views()[0].states[0].bay
    words.bay = bay
    over = Blocked(kind=BlockKind.NEIGHBOUR, conf=0.93, by=BlockSource.CAMERA, share=0.27)
    served.box.change(by_eye={"north": (bay,)}, blocked_bays={bay: over})
    page = open_page(served, "/status")
    card = page.get_by_role("region", name="Judge by eye")
    card.get_by_role("button", name="Vehicle in it").click()
    expect(card.get_by_role("status")).to_have_text("Thank you, used from now on.")
    expect(page.get_by_text(f"{bay} (neighbour)")).to_be_visible()
    assert serious_findings(page) == []
    live = open_page(served)
    live.get_by_role("button", name=f"Bay {bay}:").click()
    dialog = live.get_by_role("dialog")
    expect(dialog).to_contain_text("covers 27% of its width")
    dialog.get_by_label("Blocked by").select_option("an obstacle")
    expect(dialog.get_by_text("Saved.")).to_be_visible()
    dialog.get_by_role("button", name="Empty").click()
    expect(dialog.get_by_text("Thank you")).to_be_visible()
    assert serious_findings(live) == []
    assert words.said == [(bay, True), (bay, BlockKind.OBSTACLE), (bay, False)]
