"""An alert's life: what people do, what the rules do, and what of it is kept."""

from __future__ import annotations

import threading
from collections.abc import Callable
from datetime import timedelta

import pytest

from cloud_app.accounts.audit import AuditFilter, lines
from cloud_app.alert_words import AlertState, Severity
from cloud_app.alerts import acts
from cloud_app.alerts.acts import Act
from cloud_app.errors import AlertClosedError, AlertError, StaleAlertError, UnknownError
from cloud_app.rules import judge
from cloud_app.storage.alerts import (
    EVERY_ALERT,
    AlertFilter,
    alerts,
    every_alert,
    last_alert_entry,
    open_by_severity,
)
from cloud_app.storage.database import Session
from tests.cloud_app.accounts.kit import acting
from tests.cloud_app.alerts.kit import FULL, Desk
from tests.cloud_app.scripted_edge import ScriptedEdge
from tests.cloud_app.test_intake import now_of, take

DAY_S = 86_400


def do(desk: Desk, what: Callable[[Session], None]) -> None:
    with desk.hub.database.write() as session:
        what(session)


def test_each_act_is_seen_logged_and_audited(desk: Desk) -> None:
    [number] = desk.open(FULL)
    act = desk.act(number)
    until_ms = desk.now_ms + 3_600_000
    states = [desk.seen(number).state]
    for what in (
        lambda s: acts.assign(s, act, "bob@example.org"),
        lambda s: acts.comment(s, act, "  I look at it.\nToday. "),
        lambda s: acts.acknowledge(s, act),
        lambda s: acts.silence(s, act, until_ms),
        lambda s: acts.unsilence(s, act),
        lambda s: acts.close(s, act),
    ):
        do(desk, what)
        states.append(desk.seen(number).state)
    seen = desk.seen(number)
    assert states == ["open", "open", "open", "acknowledged", "silenced", "acknowledged", "closed"]
    assert (seen.assignee, seen.acknowledged_by, seen.closed_by) == (
        "bob@example.org", "system ada", "system ada",
    )  # fmt: skip
    assert (seen.comments, seen.version, seen.lasts) == (1, 7, True)
    assert [(e.action, e.text, e.assignee, e.until is not None) for e in seen.log] == [
        ("opened", "p1 of north.", None, False),
        ("assigned", None, "bob@example.org", False),
        ("commented", "I look at it.\nToday.", None, False),
        ("acknowledged", None, None, False),
        ("silenced", None, None, True),
        ("unsilenced", None, None, False),
        ("closed", None, None, False),
    ]
    assert [e.actor for e in seen.log] == [None, *["system ada"] * 6]
    with desk.hub.database.read() as session:
        audited = lines(session, AuditFilter(action="alert"), 100)
    assert [row.action for row in audited][::-1] == [
        "alert.assign", "alert.comment", "alert.acknowledge", "alert.silence", "alert.unsilence",
        "alert.close",
    ]  # fmt: skip
    assert {(row.subject_kind, row.subject) for row in audited} == {("alert", str(number))}
    assert '"comments": 0' in audited[-2].before
    assert '"text": "I look at it' in audited[-2].after


def test_what_is_so_already_changes_nothing(desk: Desk) -> None:
    [number] = desk.open(FULL)
    do(desk, lambda s: acts.acknowledge(s, desk.act(number, "ada")))
    before = desk.seen(number)
    desk.hub.clock.advance(60)
    do(desk, lambda s: acts.acknowledge(s, desk.act(number, "bob")))
    do(desk, lambda s: acts.unsilence(s, desk.act(number, "bob")))
    do(desk, lambda s: acts.assign(s, desk.act(number, "bob"), None))
    assert desk.seen(number) == before


def test_an_acknowledged_alert_closes_when_its_condition_ceases_and_a_new_one_is_nobodys(
    desk: Desk,
) -> None:
    [first] = desk.open(FULL)
    do(desk, lambda s: acts.acknowledge(s, desk.act(first)))
    desk.cease(first)
    seen = desk.seen(first)
    assert (seen.state, seen.closed_by, seen.acknowledged_by, seen.lasts) == (
        AlertState.CLOSED, None, "system ada", False,
    )  # fmt: skip
    [second] = desk.open(FULL)
    assert second != first
    assert desk.seen(second).state is AlertState.OPEN


def test_closed_by_hand_it_stays_closed_for_this_spell_of_its_condition(desk: Desk) -> None:
    """With the real rules: an edge is away, its alert is closed, it comes back, goes again."""
    database, edge = desk.hub.database, ScriptedEdge()
    take(database, [*edge.hello(), edge.health()])

    def judged(later_s: float) -> list[tuple[int, str, str | None, bool]]:
        with database.write() as session:
            judge(session, now_of(edge, later_s), desk.hub.rules)
            found = alerts(session, 0, AlertFilter(rule="edge_offline"), 10)
        return [(each.id, each.state.value, each.closed_by, each.lasts) for each in found]

    [(number, *_)] = judged(601)
    do(desk, lambda s: acts.close(s, desk.act(number)))
    assert judged(700) == judged(7_000) == [(number, "closed", "system ada", True)]
    edge.now += timedelta(seconds=8_000)
    take(database, [edge.health()])
    assert judged(1) == [(number, "closed", "system ada", False)]
    assert desk.log(number)[-2:] == ["closed", "ceased"]
    again = judged(601)
    assert [each[1:] for each in again] == [
        ("open", None, True), ("closed", "system ada", False),
    ]  # fmt: skip


def test_a_silence_ends_by_itself(desk: Desk) -> None:
    [number] = desk.open(FULL)
    do(desk, lambda s: acts.silence(s, desk.act(number), desk.now_ms + 60_000))
    assert desk.seen(number).state is AlertState.SILENCED
    desk.hub.clock.advance(60)
    assert desk.seen(number).state is AlertState.OPEN


@pytest.mark.parametrize("later_s", [0, -1, 30 * DAY_S + 1, 400 * DAY_S])
def test_a_silence_has_an_end_to_come_within_thirty_days(desk: Desk, later_s: int) -> None:
    [number] = desk.open(FULL)
    until_ms = desk.now_ms + later_s * 1000
    with pytest.raises(AlertError, match="within the next 30 days, but got 20"):
        do(desk, lambda s: acts.silence(s, desk.act(number), until_ms))
    assert desk.seen(number).version == 1


@pytest.mark.parametrize(
    "text", ["", " \n ", "x" * 4_001, "a\0b", "\x1b[2J", "a\x7f"],
    ids=["empty", "blank", "long", "nul", "escape", "delete"],
)  # fmt: skip
def test_a_comment_is_plain_text(desk: Desk, text: str) -> None:
    [number] = desk.open(FULL)
    with pytest.raises(AlertError, match="text must be 1 to 4000 characters without control"):
        do(desk, lambda s: acts.comment(s, desk.act(number), text))


def test_of_a_closed_alert_only_comments_are_left(desk: Desk) -> None:
    [number] = desk.open(FULL)
    desk.cease(number)
    for what in (
        lambda s: acts.acknowledge(s, desk.act(number)),
        lambda s: acts.assign(s, desk.act(number), None),
        lambda s: acts.silence(s, desk.act(number), desk.now_ms + 1000),
        lambda s: acts.unsilence(s, desk.act(number)),
        lambda s: acts.close(s, desk.act(number)),
    ):
        with pytest.raises(AlertClosedError, match="closed as its condition ceased at 20"):
            do(desk, what)
    do(desk, lambda s: acts.comment(s, desk.act(number), "It was the lamp."))
    assert desk.log(number)[-1] == "commented: It was the lamp."


def test_an_act_on_something_older_is_refused_with_both_versions(desk: Desk) -> None:
    [number] = desk.open(FULL)
    old = Act(acting(desk.hub, "bob"), number, 1)
    do(desk, lambda s: acts.acknowledge(s, desk.act(number)))
    with pytest.raises(StaleAlertError, match="expected version 1, but it is at 2"):
        do(desk, lambda s: acts.close(s, old))
    with pytest.raises(UnknownError, match="no alert 99"):
        do(desk, lambda s: acts.close(s, desk.act(99)))


def test_two_who_act_at_once_on_one_version_do_not_both_win(desk: Desk) -> None:
    [number] = desk.open(FULL)
    results: list[str] = []
    barrier = threading.Barrier(4)

    def act(name: str) -> None:
        mine = Act(acting(desk.hub, name), number, 1)
        barrier.wait()
        try:
            do(desk, lambda s: acts.acknowledge(s, mine))
            results.append("done")
        except StaleAlertError:
            results.append("stale")

    threads = [threading.Thread(target=act, args=(f"p{n}",)) for n in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(results) == ["done", "stale", "stale", "stale"]


def test_one_subject_has_one_lasting_alert_whoever_opens_it(desk: Desk) -> None:
    """Two that believe to lead open the same: there is one alert, with one line in its log."""
    [first] = desk.open(FULL)
    desk.hub.clock.advance(1)
    assert desk.open(FULL) == [first]
    assert desk.log(first) == ["opened: p1 of north."]
    assert len(list(every_alert(desk.hub.database, desk.now_ms, EVERY_ALERT))) == 1


def test_filters_pages_and_counts(desk: Desk) -> None:
    from cloud_app.storage.alert_life import Subject

    subjects = [Subject("incident", "north", f"box-1/i-{n}") for n in range(5)]
    numbers = desk.open(*subjects)
    desk.hub.clock.advance(3600)
    away = desk.open(Subject("edge_offline", "south", "BOX_9%"))[0]
    do(desk, lambda s: acts.acknowledge(s, desk.act(numbers[0])))
    do(desk, lambda s: acts.silence(s, desk.act(numbers[1]), desk.now_ms + 1000))
    do(desk, lambda s: acts.assign(s, desk.act(numbers[2]), "bob@example.org"))
    desk.cease(numbers[3])

    def found(limit: int = 100, **wanted: object) -> list[int]:
        with desk.hub.database.read() as session:
            query = AlertFilter(**wanted)  # type: ignore[arg-type]
            return [each.id for each in alerts(session, desk.now_ms, query, limit)]

    n = numbers
    assert found() == [away, n[4], n[2], n[1], n[0], n[3]], "the open ones first"
    assert found(before=2**53) == [away, n[4], n[3], n[2], n[1], n[0]]
    assert found(2, before=n[3]) == [n[2], n[1]]
    assert found(states=frozenset({AlertState.OPEN})) == [away, n[4], n[2]]
    assert found(states=frozenset({AlertState.ACKNOWLEDGED, AlertState.CLOSED})) == [n[3], n[0]]
    assert found(states=frozenset({AlertState.SILENCED})) == [n[1]]
    assert found(rule="edge_offline") == [away]
    assert found(severity="critical") == [away]
    assert found(assignee="bob@example.org") == [n[2]]
    assert found(sites=["south"]) == [away]
    assert found(sites=[]) == []
    assert found(start_ms=desk.now_ms) == [away]
    assert found(end_ms=desk.now_ms) == [n[4], n[2], n[1], n[0], n[3]]
    assert found(q="box_9%") == found(q="box_9 SOUTH") == [away]
    assert found(q="i-1 north") == [n[1]]
    assert found(q="box-1_i") == []
    assert found(q="  ") == found()
    everyone = every_alert(desk.hub.database, desk.now_ms, AlertFilter(rule="incident"))
    assert [each.id for each in everyone] == numbers[::-1]
    with desk.hub.database.read() as session:
        counted = open_by_severity(session)
        assert {k.value: v for k, v in counted.items()} == {"info": 0, "warning": 4, "critical": 1}
        assert open_by_severity(session, ["south"])[Severity.CRITICAL] == 1
        mark = last_alert_entry(session)
    desk.cease(away)
    with desk.hub.database.read() as session:
        assert last_alert_entry(session) > mark
