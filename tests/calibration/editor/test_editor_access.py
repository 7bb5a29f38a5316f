"""Accessibility: axe-core finds nothing serious in any state of the page, in either theme."""

from __future__ import annotations

from typing import Any

import pytest

from tests.kit.axe import serious_findings

pytestmark = [pytest.mark.chromium, pytest.mark.slow]


def states(hands: Any, lot: Any) -> Any:
    """Walks through the page; yields the name of each state that it is in."""
    page = hands.page
    yield "empty"
    hands.press("r")
    for corner in lot.rows[3]:
        hands.click(corner)
    page.get_by_text("Angled, double, numbering").click()
    yield "row"
    page.get_by_role("button", name="Create 10 bays").click()
    yield "created"
    hands.press("v", "Escape", "l")
    page.wait_for_selector("#bays .occupied", state="attached")
    page.get_by_role("tab", name="Bays").click()
    yield "live"
    hands.save(1)
    hands.click(lot.bays_px[52].mean(axis=0))
    hands.details.get_by_label("Id", exact=True).fill("A01")
    hands.details.get_by_label("Id", exact=True).blur()
    yield "selected"
    page.get_by_role("tab", name="Problems").click()
    page.wait_for_selector(".finding")
    yield "problems"
    hands.press("b")
    hands.drag((5, 5), (400, 80))
    hands.press("a")
    for corner in [(40, 345), (700, 345), (700, 390), (40, 390)]:
        hands.click(corner)
    yield "area"
    hands.press("Enter")
    yield "areas"
    page.get_by_role("tab", name="Lot").click()
    yield "lot"
    page.get_by_role("tab", name="History").click()
    yield "history"
    page.get_by_role("button", name="Import and export").click()
    yield "files"
    page.keyboard.press("Escape")
    hands.press("?")
    yield "help"
    page.keyboard.press("Escape")


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_no_serious_finding(scheme: str, open_page: Any, hands_of: Any, lot: Any) -> None:
    page = open_page(color_scheme=scheme, bypass_csp=True, reduced_motion="reduce")
    hands = hands_of(page)
    found = {name: serious_findings(page) for name in states(hands, lot)}
    assert {name: faults for name, faults in found.items() if faults} == {}


def test_conflict_dialog_and_tablet(open_page: Any, hands_of: Any, lot: Any) -> None:
    page = open_page(
        viewport={"width": 1024, "height": 768}, has_touch=True, bypass_csp=True,
        reduced_motion="reduce",
    )  # fmt: skip
    hands = hands_of(page)
    page.locator("#do-row").tap()
    for corner in lot.rows[3]:
        page.touchscreen.tap(*hands.screen(corner))
    page.get_by_role("button", name="Create 10 bays").tap()
    assert serious_findings(page) == []
    # Every control can be hit by a finger (WCAG 2.5.8 asks for 24 px).
    small = page.evaluate(
        """() => [...document.querySelectorAll('button, input, select, [role=tab]')]
          .filter((e) => e.offsetParent && !e.closest('[hidden]') && e.type !== 'checkbox')
          .map((e) => [e.outerHTML.slice(0, 80), e.getBoundingClientRect()])
          .filter(([, box]) => box.width < 24 || box.height < 22)
          .map(([html]) => html)"""
    )
    assert small == []
    # Nothing is cut off at the right or bottom.
    assert page.evaluate("() => document.documentElement.scrollWidth <= innerWidth")
    assert page.evaluate(
        """() => [...document.querySelectorAll('.tabs button:not([hidden])')]
          .every((e) => e.getBoundingClientRect().right <= innerWidth)"""
    )


def test_phone(open_page: Any, hands_of: Any, lot: Any) -> None:
    """The picture, every tool, every tab and Save are in sight at the width of a phone."""
    page = open_page(
        viewport={"width": 390, "height": 844}, has_touch=True, bypass_csp=True,
        reduced_motion="reduce",
    )  # fmt: skip
    hands = hands_of(page)
    page.locator("#do-mask").tap()
    hands.drag((100, 100), (600, 200))
    assert serious_findings(page) == []
    canvas = page.locator("#canvas").bounding_box()
    assert canvas["width"] == 390
    assert canvas["height"] > 250
    cut_off = page.evaluate(
        """() => [...document.querySelectorAll(':is(.bar, .rail, .tabs, .zoom) button')]
          .filter((e) => e.offsetParent && !e.closest('[hidden]'))
          .filter((e) => {
            const box = e.getBoundingClientRect();
            return box.left < 0 || box.right > innerWidth || box.bottom > innerHeight;
          })
          .map((e) => e.outerHTML.slice(0, 80))"""
    )
    assert cut_off == []
    assert page.evaluate("() => document.documentElement.scrollWidth <= innerWidth")
    page.locator("#do-row").tap()
    for corner in lot.rows[3]:
        page.touchscreen.tap(*hands.screen(corner))
    page.get_by_role("button", name="Create 10 bays").tap()
    assert hands.count() == 10
    assert serious_findings(page) == []


def test_theme_follows_the_system_until_it_is_chosen(open_page: Any) -> None:
    page = open_page(color_scheme="dark")
    dark = page.evaluate("() => getComputedStyle(document.body).backgroundColor")
    page.locator("#do-theme").click()
    light = page.evaluate("() => getComputedStyle(document.body).backgroundColor")
    assert dark != light
    page.reload()
    page.wait_for_selector("html[data-ready=true]")
    assert page.evaluate("() => getComputedStyle(document.body).backgroundColor") == light
