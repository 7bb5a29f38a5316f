"""Bays that the running box asks about: shown in the editor, answered with a click."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from playwright.sync_api import expect

from calibration.editor import EditorSession
from telemetry.errors import ConfigError
from tests.calibration.editor.pages import ClientOf, save
from tests.kit.axe import serious_findings


class Asking:
    """A box that asks about bays until they are answered; it watches no bay A03."""

    def __init__(self) -> None:
        self.open = ["A01", "A02"]
        self.said: list[tuple[str, bool]] = []

    def wanted(self, camera: str) -> tuple[str, ...]:
        """Asked of one camera alone."""
        return tuple(self.open) if camera == "north" else ()

    def confirm(self, bay: str, occ: bool) -> None:
        """Ask no more."""
        if bay == "A03":
            msg = "expected a bay that a camera sees, but got 'A03'"
            raise ConfigError(msg)
        self.said.append((bay, occ))
        self.open.remove(bay)


@pytest.fixture
def asking() -> Asking:
    return Asking()


@pytest.fixture
def editor_url(session: EditorSession, serving: Any, asking: Asking) -> Iterator[str]:
    with serving(session, by_eye=asking, applies=True) as url:
        yield url


def test_an_answer_reaches_the_box(
    session: EditorSession, client_of: ClientOf, asking: Asking, lot: Any
) -> None:
    client = client_of(session, by_eye=asking)
    early = client.send("POST", "by-eye", {"bay": "A01", "occupied": True})
    assert early.status_code == 404, "nothing is saved yet, so nothing can be in use"
    save(client, lot)
    assert client.send("GET", "by-eye").json() == {"bays": ["A01", "A02"]}
    assert client.send("POST", "by-eye", {"bay": "A02", "occupied": False}).status_code == 204
    assert asking.said == [("A02", False)]
    assert client.send("GET", "by-eye").json() == {"bays": ["A01"]}
    unknown = client.send("POST", "by-eye", {"bay": "Z9", "occupied": True})
    assert unknown.status_code == 404
    assert "'Z9'" in unknown.json()["detail"]
    assert client.send("POST", "by-eye", {"bay": "A01"}).status_code == 422
    unwatched = client.send("POST", "by-eye", {"bay": "A03", "occupied": True})
    assert unwatched.status_code >= 400
    assert "A03" in str(unwatched.json()["detail"])
    no_token = client.http.post(f"{client.base}/by-eye", json={"bay": "A01", "occupied": True})
    assert no_token.status_code == 403
    assert asking.said == [("A02", False)]


def test_an_editor_that_stands_alone_asks_nothing(
    session: EditorSession, client_of: ClientOf, lot: Any
) -> None:
    client = client_of(session)
    save(client, lot)
    assert client.send("GET", "by-eye").json() == {"bays": []}
    assert client.send("POST", "by-eye", {"bay": "A01", "occupied": True}).status_code == 404


@pytest.mark.chromium
@pytest.mark.slow
def test_bays_are_judged_by_eye_in_the_editor(
    session: EditorSession,
    client_of: ClientOf,
    open_page: Any,
    hands_of: Any,
    asking: Asking,
    lot: Any,
) -> None:
    save(client_of(session), lot)
    page = open_page()
    hands = hands_of(page)
    page.get_by_role("tab", name="By eye").click()
    panel = page.get_by_role("tabpanel", name="By eye")
    first = panel.get_by_role("listitem", name="Bay A01")
    first.get_by_title("Show it").click()
    assert hands.selected() == ["A01"]
    assert serious_findings(page) == []
    first.get_by_role("button", name="Vehicle in it").click()
    expect(first).to_have_count(0)
    expect(page.get_by_text("Bay A01: a vehicle is in it.")).to_be_visible()
    panel.get_by_role("listitem", name="Bay A02").get_by_role("button", name="Empty").click()
    expect(page.get_by_role("tab", name="By eye")).to_be_hidden()
    assert asking.said == [("A01", True), ("A02", False)]
