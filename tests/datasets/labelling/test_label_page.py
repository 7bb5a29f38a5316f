"""The review page in real Chromium: keys, grid, undo, crashes, themes, small screens."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from datasets.labelling.journal import Entry, read_journals
from datasets.labelling.queue import read_queue
from datasets.labelling.results import votes_of
from tests.kit.axe import serious_findings

pytestmark = [pytest.mark.chromium]

# Presses Enter in the very moment in which the next screen stands there: a finger too many.
ENTER_AT_ONCE = """() => {
  window.pressed = 0;
  new MutationObserver((_, observer) => {
    observer.disconnect();
    window.pressed += 1;
    const enter = { key: 'Enter', code: 'Enter', bubbles: true };
    document.body.dispatchEvent(new KeyboardEvent('keydown', enter));
  }).observe(document.getElementById('main'), { attributeFilter: ['data-items'] });
}"""


@pytest.fixture
def url(queue_folder: Path, serving: Any) -> Iterator[str]:
    with serving(queue_folder) as address:
        yield address


def states(folder: Path) -> dict[str, str]:
    """The newest answer to each question."""
    return {item: votes[-1].state for item, votes in votes_of(read_journals(folder)).items()}


def entries(folder: Path) -> list[Entry]:
    return [entry for journal in read_journals(folder).values() for entry in journal]


def test_one_by_one_by_keys(url: str, queue_folder: Path, open_page: Any) -> None:
    person = open_page(url + "?mode=single")
    queue = read_queue(queue_folder)
    keys = ["o", "f", "u", "ArrowRight", "ArrowLeft", "ArrowDown", " "]
    seen = [person.answer(key)[0] for key in keys]
    person.wait_saved()
    suggestion = queue.bay_of(queue.items[6]).suggestion
    wanted = ["occupied", "free", "unknown", "occupied", "free", "unknown"]
    wanted.append("occupied" if suggestion else "free")
    assert seen == [queue.id_of(item) for item in queue.items[:7]]
    assert states(queue_folder) == dict(zip(seen, wanted, strict=True))
    assert all(entry.spent_s > 0 and entry.mode == "single" for entry in entries(queue_folder))
    assert "7 of 60" in person.page.inner_text("#figures")


def test_many_at_once_touching_the_wrong_ones_only(
    url: str, queue_folder: Path, open_page: Any
) -> None:
    person = open_page(url)
    page = person.page
    assert page.locator(".tile").count() == 20
    suggestion = "occupied" if "occupied" in page.inner_text(".asking h2") else "free"
    other = "free" if suggestion == "occupied" else "occupied"
    items = person.items()
    person.press("w")  # row 2, column 2
    person.press("d", "d")  # row 3, column 3: twice
    person.press("1", "1", "1")  # and back
    page.locator(".tile").nth(19).click()
    assert "Confirm 20, 3 marked" in page.inner_text(".confirm")
    assert person.answer("Enter") == items
    person.wait_saved()
    found = states(queue_folder)
    assert set(found) == set(items)
    expected = dict.fromkeys(items, suggestion)
    expected |= {items[6]: other, items[12]: "unknown", items[19]: other}
    assert found == expected
    assert len(entries(queue_folder)) == 1, "a screen is one action"


def test_arrows_and_space_mark_without_a_mouse(url: str, open_page: Any) -> None:
    person = open_page(url)
    person.press("ArrowRight", "ArrowDown", " ")
    marked = person.page.locator(".tile").evaluate_all(
        "(tiles) => tiles.map((t) => t.classList.contains('turned'))"
    )
    assert [number for number, turned in enumerate(marked) if turned] == [6]
    tile = person.page.locator(".tile").nth(6)
    assert re.fullmatch(r"W\s+Bay B\d\d:\s+[●○] \w+", tile.text_content())


def test_a_held_or_doubled_enter_confirms_one_screen(
    url: str, queue_folder: Path, open_page: Any
) -> None:
    person = open_page(url)
    page = person.page
    items = person.items()
    page.evaluate(ENTER_AT_ONCE)
    page.wait_for_timeout(260)
    page.keyboard.down("Enter")
    for _ in range(10):
        page.keyboard.down("Enter")  # the system repeats a held key
    page.keyboard.up("Enter")
    person.wait_other(items)
    person.wait_saved()
    page.wait_for_timeout(300)
    assert page.evaluate("() => window.pressed") == 1
    assert len(states(queue_folder)) == 20


def test_undo_shows_the_screen_again_as_it_was_answered(
    url: str, queue_folder: Path, open_page: Any
) -> None:
    person = open_page(url)
    person.press("q")
    items = person.answer("Enter")
    after = person.items()
    person.press("z")
    person.wait_other(after)
    assert person.items() == items
    assert person.page.locator(".tile.turned").count() == 1
    assert states(queue_folder) == {}
    person.press("q", "q")  # over unknown to the suggestion
    person.answer("Enter")
    person.wait_saved()
    assert len(set(states(queue_folder).values())) == 1
    # Single answers are undone one by one, across the change of mode.
    person.press("m")
    person.page.wait_for_selector(".single")
    person.answer("u")
    shown = person.items()
    person.press("Backspace")
    person.wait_other(shown)
    assert person.page.locator(".choice.unknown.was").count() == 1


def test_answers_survive_reload_and_a_server_that_dies(
    queue_folder: Path, serving: Any, open_page: Any, free_port: Callable[[], int]
) -> None:
    port = free_port()
    with serving(queue_folder, port) as address:
        person = open_page(address + "?mode=single")
        first = [person.answer("o")[0] for _ in range(3)]
        person.wait_saved()
    # The server is gone; what was fetched ahead can still be answered.
    lost = [person.answer("f")[0] for _ in range(2)]
    person.page.wait_for_selector("#kept[data-state=waiting]")
    assert "2 not saved yet" in person.page.inner_text("#kept")
    assert set(states(queue_folder)) == set(first)
    with serving(queue_folder, port):
        person.page.wait_for_selector("#kept[data-state=kept]", state="attached")
        assert states(queue_folder) == dict.fromkeys(first, "occupied") | dict.fromkeys(
            lost, "free"
        )
        person.page.reload()
        person.page.wait_for_selector("html[data-ready=true]")
        assert not set(person.items()) & {*first, *lost}
        assert "5 of 60" in person.page.inner_text("#figures")


def test_answers_outlive_the_tab_when_the_server_is_away(
    queue_folder: Path, serving: Any, open_page: Any, free_port: Callable[[], int]
) -> None:
    port = free_port()
    with serving(queue_folder, port) as address:
        person = open_page(address + "?mode=single")
    item = person.answer("f")[0]
    person.page.wait_for_selector("#kept[data-state=waiting]")
    context = person.page.context
    person.page.close()
    with serving(queue_folder, port) as address:
        page = context.new_page()
        page.goto(address)
        page.wait_for_selector("html[data-ready=true]")
        assert states(queue_folder) == {item: "free"}


def test_people_have_names(url: str, queue_folder: Path, open_page: Any) -> None:
    person = open_page(url + "?mode=single")
    person.answer("f")
    person.wait_saved()
    person.page.locator("#reviewer").click()
    person.page.get_by_label("Name").fill("René O'Brien")
    before = person.items()
    person.press("Enter")
    person.wait_other(before)  # what ina has on her screen is not given to another at once
    assert "René" in person.page.inner_text("#reviewer")
    person.answer("o")
    person.wait_saved()
    assert sorted(read_journals(queue_folder)) == ["René O'Brien", "ina"]
    person.page.reload()
    person.page.wait_for_selector("html[data-ready=true]")
    assert "René" in person.page.inner_text("#reviewer")


def test_disputes_are_shown_with_who_said_what_and_settled(
    lots: Any, make: Any, tmp_path: Path, serving: Any, open_page: Any
) -> None:
    folder = tmp_path / "twice"
    make(lots.pool, folder, count=2, random_share=0.0, twice_share=1.0)
    with serving(folder) as address:
        for name, key in (("ina", "o"), ("otto", "f")):
            person = open_page(address + "?mode=single")
            person.page.evaluate("(name) => localStorage.setItem('lotsight-reviewer', name)", name)
            person.page.reload()
            person.page.wait_for_selector("html[data-ready=true]")
            person.answer(key)
            person.answer(key)
            person.wait_saved()
        person.page.get_by_text("Disputes (2)").wait_for()
        person.page.locator("#mode-settle").click()
        person.page.wait_for_selector(".single")
        facts = person.page.inner_text(".facts")
        assert "ina" in facts
        assert "otto" in facts
        person.press(" ")  # accepting blindly is no settling
        assert person.page.locator(".single").count() == 1
        person.answer("o")
        person.answer("o")
        person.page.wait_for_selector("text=No disputes left")
        person.wait_saved()
    assert all(votes[-1].settles for votes in votes_of(read_journals(folder)).values())


def test_finished_says_what_comes_next(
    lots: Any, make: Any, tmp_path: Path, serving: Any, open_page: Any
) -> None:
    make(lots.pool, tmp_path / "small", count=3)
    with serving(tmp_path / "small") as address:
        person = open_page(address)
        while person.items():
            person.answer("Enter")
        assert "lotsight label export" in person.page.inner_text("#main")


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_no_serious_finding_of_axe(scheme: str, url: str, open_page: Any) -> None:
    person = open_page(url, color_scheme=scheme, bypass_csp=True, reduced_motion="reduce")
    page = person.page
    person.press("q", "w", "w")
    found = {"grid": serious_findings(page)}
    person.press("?")
    found["help"] = serious_findings(page)
    person.press("Escape")
    page.locator("#reviewer").click()
    found["name"] = serious_findings(page)
    person.press("Escape", "m")
    page.wait_for_selector(".single")
    found["single"] = serious_findings(page)
    assert {name: faults for name, faults in found.items() if faults} == {}


@pytest.mark.parametrize(
    ("width", "height", "tiles"), [(390, 844, 12), (844, 390, 10), (1024, 768, 20)]
)
def test_phones_and_tablets_by_touch(
    width: int, height: int, tiles: int, url: str, queue_folder: Path, open_page: Any
) -> None:
    person = open_page(
        url, viewport={"width": width, "height": height}, has_touch=True, is_mobile=True
    )
    page = person.page
    assert page.locator(".tile").count() == tiles
    fits = """() => {
      const boxes = [...document.querySelectorAll('button, .crop')]
        .filter((e) => e.checkVisibility()).map((e) => e.getBoundingClientRect());
      const inside = (b) => b.left >= 0 && b.right <= innerWidth + 1 && b.bottom <= innerHeight + 1;
      return boxes.every(inside) && document.documentElement.scrollWidth <= innerWidth;
    }"""
    assert page.evaluate(fits), "all of it is on the screen"
    page.locator(".tile").nth(1).tap()
    page.wait_for_timeout(260)
    items = person.items()
    page.locator(".confirm").tap()
    person.wait_other(items)
    page.locator("#mode-single").tap()
    page.wait_for_selector(".single")
    if height > width:
        assert page.evaluate(fits)
    items = person.items()
    page.locator(".choice.occupied").tap()
    person.wait_other(items)
    person.wait_saved()
    assert len(states(queue_folder)) == tiles + 1


def test_pictures_are_fetched_once(url: str, open_page: Any) -> None:
    person = open_page(url)
    fetched: list[str] = []
    person.page.on("request", lambda r: fetched.append(r.url) if ".jpg" in r.url else None)
    for _ in range(2):
        person.answer("Enter")
    person.wait_saved()
    assert len(fetched) == len(set(fetched))
    assert not [one for one in fetched if "/frame/" in one], "no whole picture for a grid"
