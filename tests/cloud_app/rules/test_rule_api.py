"""The rules' routes: made, checked, tried, changed, released, walled by tenant."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from cloud_app.accounts.roles import Role
from cloud_app.alert_words import AlertRule
from cloud_app.storage.times import to_ms
from tests.cloud_app.accounts.kit import CITY, NORTH, SOUTH, add, audit_actions, signed_in
from tests.cloud_app.rules.kit import RuleDesk

PATH = "/api/v1/rules"
URL = "https://hooks.example.org/abc"


def rule(**facts: Any) -> dict[str, Any]:
    given = {"name": "full", "when": "event.state == 'occupied'", "actions": [{"kind": "alert"}]}
    return {**given, **facts}


@pytest.fixture
def ada(desk: RuleDesk) -> Iterator[httpx.Client]:
    add(desk.hub, "ada@example.org", (NORTH, Role.OPERATOR_ADMIN))
    with signed_in(desk.hub, "ada@example.org") as client:
        yield client


def test_a_rule_is_made_changed_and_deleted(desk: RuleDesk, ada: httpx.Client) -> None:
    hook = {"kind": "webhook", "url": URL, "secret": "x" * 20}
    answer = ada.post(PATH, json={"tenant": str(NORTH), "rule": rule(actions=[hook])})
    assert answer.status_code == 201, answer.text
    made = answer.json()
    assert made["rule"]["actions"] == [{"kind": "webhook", "url": URL, "signed": True}]
    one = f"{PATH}/{made['id']}"
    assert ada.get(one).headers["ETag"] == '"1"'
    # The secret stays for the same address, and for no other.
    shown = {"kind": "webhook", "url": URL}
    changed = ada.put(one, json=rule(actions=[shown]), headers={"If-Match": '"1"'})
    assert changed.json()["rule"]["actions"][0]["signed"] is True
    stale = ada.put(one, json=rule(), headers={"If-Match": '"1"'})
    assert (stale.status_code, stale.json()["rule"]["version"]) == (412, 2)
    moved = rule(actions=[{**shown, "url": "https://other.example.org/"}])
    changed = ada.put(one, json=moved, headers={"If-Match": '"2"'})
    assert changed.json()["rule"]["actions"][0]["signed"] is False
    assert ada.delete(one).status_code == 204
    assert ada.get(PATH).json() == []
    assert audit_actions(desk.hub, made["id"]) == [
        "rule.create", "rule.change", "rule.change", "rule.delete",
    ]  # fmt: skip


def test_what_cannot_work_is_refused(ada: httpx.Client) -> None:
    refused: list[tuple[dict[str, Any], str]] = [
        ({"when": "event.stat == 'x'"}, "line 1, column 6"),
        ({"sites": ["south"]}, "sites must be those of operator:north-op"),
        ({"actions": [{"kind": "lake"}]}, "there is no lake here"),
        (
            {"alerts": ["rule:0123456789abcdef"], "trigger": "alert", "when": "true"},
            "alerts must be of rules of operator:north-op",
        ),
        ({"actions": [{"kind": "webhook", "url": "gopher://a"}]}, "url must be http or https"),
    ]
    for facts, told in refused:
        answer = ada.post(PATH, json={"tenant": str(NORTH), "rule": rule(**facts)})
        assert answer.status_code == 422
        assert told in answer.text


def test_conditions_are_checked_while_they_are_typed(ada: httpx.Client) -> None:
    def faults(when: str, trigger: str = "event") -> list[dict[str, Any]]:
        answer = ada.get(f"{PATH}/check", params={"when": when, "trigger": trigger})
        assert answer.status_code == 200, answer.text
        found: list[dict[str, Any]] = answer.json()["faults"]
        return found

    assert faults("event.bay == 'a1'") == []
    [fault] = faults("true &&\n event.bey == 'a1'")
    assert (fault["line"], fault["column"]) == (2, 7)
    assert faults("event.bay == 'a1'", "lot") != []
    named = {each["trigger"]: each for each in ada.get(f"{PATH}/variables").json()}
    assert "lot.free" in {each["name"] for each in named["lot"]["variables"]}
    assert named["lot"]["windows"] == ["none", "for"]


def test_a_dry_run_tells_how_often_it_would_have_fired(desk: RuleDesk, ada: httpx.Client) -> None:
    for _ in range(7):
        desk.happen(desk.edge.change("a1", True, 100), desk.edge.change("a1", False, 100))
    body = {"tenant": str(NORTH), "days": 7, "rule": rule(enabled=False)}
    answer = ada.post(f"{PATH}/dry-run", json=body)
    assert answer.status_code == 200, answer.text
    told = answer.json()
    assert (told["fired"], told["keys"], told["whole"], told["basis"]) == (7, 1, True, "events")
    assert told["examples"][0]["text"] == "full: p1/a1"
    assert told["looked_at"] == 14
    lasting = rule(window={"kind": "for", "span_s": 150})
    assert ada.post(f"{PATH}/dry-run", json={**body, "rule": lasting}).json()["fired"] == 0
    lasting = rule(window={"kind": "for", "span_s": 60})
    assert ada.post(f"{PATH}/dry-run", json={**body, "rule": lasting}).json()["fired"] == 7
    broken = rule(when="event.data.nose == 1")
    assert "nose" in ada.post(f"{PATH}/dry-run", json={**body, "rule": broken}).json()["fault"]
    # Nothing came of it.
    assert ada.get(PATH).json() == []
    assert desk.alerts(is_open=False) == []


def test_quarantine_letters_and_outcomes(desk: RuleDesk, ada: httpx.Client) -> None:
    actions = [{"kind": "table"}, {"kind": "mqtt", "topic": "t"}]
    made = ada.post(PATH, json={"tenant": str(NORTH), "rule": rule(actions=actions)}).json()
    broken = rule(name="broken", when="event.data.nose == 1")
    bad = ada.post(PATH, json={"tenant": str(NORTH), "rule": broken}).json()
    desk.happen(desk.edge.change("a1", True))
    known = {each["id"]: each for each in ada.get(PATH).json()}
    assert known[bad["id"]]["quarantined"] is not None
    assert "nose" in known[bad["id"]]["fault"]
    told = known[made["id"]]
    assert (told["fired"], told["waiting"], told["dead"], told["keys"]) == (1, 1, 0, 1)
    [outcome] = ada.get(f"{PATH}/{made['id']}/outcomes").json()
    assert (outcome["key"], outcome["change"]) == ("p1/a1", "fired")
    released = ada.post(f"{PATH}/{bad['id']}/release")
    assert released.json()["quarantined"] is None
    with desk.hub.database.write() as session:
        from cloud_app.rules import outbox

        outbox.give_up(session, desk.queued(), "nobody there", to_ms(desk.hub.clock.utc()))
    letters = f"{PATH}/{made['id']}/letters"
    assert [each["fault"] for each in ada.get(letters).json()] == ["nobody there"]
    assert ada.post(f"{letters}/replay").json() == {"letters": 1}
    assert ada.get(letters).json() == []
    assert ada.delete(letters).json() == {"letters": 0}


def test_tenants_are_walled(desk: RuleDesk, ada: httpx.Client) -> None:
    made = ada.post(PATH, json={"tenant": str(NORTH), "rule": rule()}).json()
    for email, at, role, sees in (
        ("cat@example.org", CITY, Role.COUNCIL, True),
        ("sue@example.org", SOUTH, Role.OPERATOR_ADMIN, False),
    ):
        add(desk.hub, email, (at, role))
        with signed_in(desk.hub, email) as client:
            assert (len(client.get(PATH).json()) == 1) is sees
            one = f"{PATH}/{made['id']}"
            assert (client.get(one).status_code == 200) is sees
            for method, path in (
                ("GET", f"{one}/letters"), ("GET", f"{one}/outcomes"),
                ("POST", f"{one}/letters/replay"), ("POST", f"{one}/release"),
            ):  # fmt: skip
                assert (client.request(method, path).status_code == 200) is sees, path
            body = {"tenant": str(NORTH), "rule": rule(name="theirs")}
            assert (client.post(PATH, json=body).status_code == 201) is sees
            assert (client.post(f"{PATH}/dry-run", json=body).status_code == 200) is sees
    add(desk.hub, "tom@example.org", (NORTH, Role.TECHNICIAN))
    with signed_in(desk.hub, "tom@example.org") as client:
        assert client.get(PATH).status_code == 403


def test_the_services_own_rules_are_told(ada: httpx.Client) -> None:
    told = {each["rule"]: each for each in ada.get(f"{PATH}/built-in").json()}
    assert set(told) == set(AlertRule)
    assert told["lot_full"]["limits"] == {"rules.lot_full_at": 0.98, "rules.lot_clear_at": 0.93}
