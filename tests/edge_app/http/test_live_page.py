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
from edge_app.http import Access
from edge_app.live import CameraCondition, CameraStatus, LiveView

if TYPE_CHECKING:
    from tests.edge_app.http.conftest import Serve, Served

pytestmark = pytest.mark.chromium
MakeView = Callable[..., LiveView]

# Basics of what axe checks: names, labels, alternative texts, ids, headings, landmarks, contrast.
CHECKS = """() => {
  const faults = [];
  const shown = (e) => e.getClientRects().length > 0;
  const name = (e) => (e.getAttribute('aria-label') || e.textContent || e.title || '').trim();
  if (!document.documentElement.lang) faults.push('no language');
  if (!document.title) faults.push('no title');
  if (document.querySelectorAll('main').length !== 1) faults.push('not one main');
  if (document.querySelectorAll('h1').length !== 1) faults.push('not one h1');
  const ids = [...document.querySelectorAll('[id]')].map((e) => e.id);
  if (new Set(ids).size !== ids.length) faults.push('an id twice');
  for (const e of document.querySelectorAll('button, a, [role=button]'))
    if (shown(e) && !name(e)) faults.push('no name: ' + e.outerHTML.slice(0, 80));
  for (const e of document.querySelectorAll('img'))
    if (!e.hasAttribute('alt')) faults.push('no alt: ' + e.outerHTML.slice(0, 80));
  for (const e of document.querySelectorAll('input:not([type=hidden]), select'))
    if (shown(e) && !e.labels.length) faults.push('no label: ' + e.outerHTML.slice(0, 80));
  const channel = (v) => v / 255 <= 0.04045 ? v / 3294.6 : ((v / 255 + 0.055) / 1.055) ** 2.4;
  const light = ([r, g, b]) => 0.2126 * channel(r) + 0.7152 * channel(g) + 0.0722 * channel(b);
  const parse = (c) => c.match(/[\\d.]+/g).map(Number);
  const texts = 'h1, h2, h3, p, span, strong, dt, dd, a, button, time, b, label';
  for (const e of document.querySelectorAll(texts)) {
    if (!shown(e) || !e.textContent.trim() || e.children.length) continue;
    let ground = e;
    const clear = (g) => (parse(getComputedStyle(g).backgroundColor)[3] ?? 1) === 0;
    while (ground && clear(ground)) ground = ground.parentElement;
    const back = ground ? parse(getComputedStyle(ground).backgroundColor) : [255, 255, 255];
    const [a, b] = [light(parse(getComputedStyle(e).color)), light(back)].sort((x, y) => y - x);
    const ratio = (a + 0.05) / (b + 0.05);
    if (ratio < 4.5) faults.push(`contrast ${ratio.toFixed(2)}: ${e.outerHTML.slice(0, 90)}`);
  }
  return faults;
}"""


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
    served.board.publish(view)
    after = str(sum(state.occ is True for state in view.states))
    assert after != before
    expect(page.locator("#occupied")).to_have_text(after)


def test_a_camera_without_a_picture_does_not_show_that_of_another(
    serve: Serve, open_page: Open, make_view: MakeView
) -> None:
    served = serve()
    lost = CameraStatus(CameraCondition.LOST, "no answer")
    gate = replace(make_view(), camera="gate", frame=None, calibration=None, states=(), status=lost)
    served.board.publish(gate)
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
    assert page.evaluate(CHECKS) == []
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
    assert page.evaluate(CHECKS) == []


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
    assert page.evaluate(CHECKS) == []
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    page.goto(f"{served.client.base_url}/")
    banner = page.get_by_role("link", name="2 things need attention")
    expect(banner).to_be_visible()
    served.box.change(alarms=())
    expect(banner).to_be_hidden()
    page.goto(f"{served.client.base_url}/status")
    expect(page.locator("#verdict-head")).to_have_text("All is well")


def test_what_to_do_is_told_once_for_cameras_with_the_same_fault(
    serve: Serve, open_page: Open, make_view: MakeView
) -> None:
    served = serve()
    for camera, condition in (("a", "lost"), ("b", "dark"), ("c", "lost")):
        status = CameraStatus(CameraCondition(condition), f"seen at {camera}")
        served.board.publish(replace(make_view(), camera=camera, frame=None, status=status))
    page = open_page(served, "/status")
    expect(page.locator("#faults .what")).to_have_text(
        ["Camera b: dark", "Camera a: lost", "Camera c: lost"]
    )
    expect(page.locator("#faults .found")).to_contain_text(["seen at b", "seen at a", "seen at c"])
    expect(page.locator("#faults .remedy")).to_contain_text(["lamps", "network cable"])
    assert page.locator("#faults li.again .what").inner_text() == "Camera c: lost"
    pictures = page.locator("#camera-a img[src], #camera-b img[src], #camera-c img[src]")
    assert pictures.count() == 0, "a picture is asked for that there is not"


def test_logging_in_and_out(serve: Serve, open_page: Open) -> None:
    served = serve(Access.of(SecretStr("a password")))
    page = open_page(served)
    assert page.url.endswith("/login?next=/")
    assert page.evaluate(CHECKS) == []
    page.get_by_label("Password of this box").fill("a password")
    page.get_by_role("button", name="Log in").click()
    expect(page.locator("#link-text")).to_have_text("live")
    page.get_by_role("button", name="Log out").click()
    page.wait_for_url("**/login")
