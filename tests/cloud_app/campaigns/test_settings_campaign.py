"""Campaigns of settings: jobs and shadows say the same, and what failed is not desired for ever."""

from __future__ import annotations

from typing import Any

import pytest

from cloud_app.fleet.campaigns import acts
from cloud_app.fleet.campaigns.desired import same_places
from cloud_app.fleet.campaigns.planning import BoxState, CampaignState, Plan
from cloud_app.fleet.campaigns.store import NewCampaign, create
from cloud_app.fleet.commands import CommandError
from cloud_app.shadow_service import change_shadow
from cloud_app.storage.database import Database
from cloud_app.storage.shadows import load_shadow
from telemetry.aws import JobDocument, JobKind, ShadowName, ShadowTopics
from telemetry.shadow import ShadowUpdate
from tests.cloud_app.campaigns.test_rounds import Fleet

SCHEMA: dict[str, Any] = {
    "type": "object",
    "additionalProperties": False,
    "properties": {
        "evidence": {
            "type": "object",
            "additionalProperties": False,
            "properties": {"enter_hold_s": {"type": "number", "minimum": 0}},
        }
    },
}
VALUES: dict[str, Any] = {"evidence": {"enter_hold_s": 3.0}}
WANTED: dict[str, Any] = {"evidence": {"enter_hold_s": 5.0}}


def settings_job(values: dict[str, Any], version: str = "calm") -> JobDocument:
    return JobDocument(kind=JobKind.CONFIG, target="settings", version=version, settings=values)


class SettingsFleet(Fleet):
    """Boxes that say which settings may be changed."""

    def __post_init__(self) -> None:
        super().__post_init__()
        for name in self.edges:
            self.say(name, ShadowName.CLASSIC, {"settings_schema": SCHEMA})
            self.say(name, ShadowName.CONFIG, {"settings": VALUES})

    def say(self, edge: str, name: ShadowName, reported: dict[str, Any]) -> None:
        update = ShadowUpdate(reported=reported, sections=frozenset({"reported"}))
        with self.database.write() as session:
            change_shadow(session, ShadowTopics(edge, name), update, self.now_ms // 1000)

    def desired(self, edge: str) -> Any:
        with self.database.read() as session:
            return load_shadow(session, edge, ShadowName.CONFIG)[0].desired

    def roll_out(self, plan: Plan, values: dict[str, Any] | None = None) -> str:
        document = settings_job(WANTED if values is None else values)
        wanted = NewCampaign(
            "calm", document, list(self.edges), plan, settings_job(VALUES, "before")
        )
        with self.database.write() as session:
            name = create(session, wanted, "ada", self.now_ms)
            acts.turn(session, acts.known(session, name), CampaignState.RUNNING, self.now_ms)
        return name


def test_a_job_and_the_shadow_of_each_box_ask_for_the_same(database: Database) -> None:
    fleet = SettingsFleet(database, 3)
    name = fleet.roll_out(Plan(soak_s=0))
    fleet.rounds.tick()
    assert fleet.desired("box-0") == {"settings": WANTED, "attempt": f"{name}-1"}
    assert fleet.desired("box-1") == {}, "its batch has not begun"
    fleet.go_on(rounds=4)
    assert fleet.seen(name).state is CampaignState.FINISHED
    assert fleet.seen(name).settings == WANTED
    assert fleet.desired("box-2") == {"settings": WANTED, "attempt": f"{name}-1"}


def test_where_it_failed_or_was_withdrawn_the_shadow_desires_what_the_box_has(
    database: Database,
) -> None:
    fleet = SettingsFleet(database, 4)
    name = fleet.roll_out(Plan(batch=3, attempts=2, stop_after_failures=1, soak_s=0))
    fleet.rounds.tick()
    fleet.work("box-0")
    fleet.rounds.tick()
    fleet.work("box-1", fails=True)
    fleet.rounds.tick()
    assert fleet.desired("box-1")["attempt"] == f"{name}-2", "settings are tried again"
    fleet.work("box-1", fails=True)
    fleet.rounds.tick()
    fleet.work("box-0")
    fleet.rounds.tick()
    assert fleet.states(name) == {
        "box-0": BoxState.RETURNED, "box-1": BoxState.FAILED,
        "box-2": BoxState.CANCELLED, "box-3": BoxState.CANCELLED,
    }  # fmt: skip
    assert [fleet.desired(f"box-{n}")["settings"] for n in range(4)] == [VALUES] * 4
    assert fleet.desired("box-0")["attempt"] == f"{name}-back"


@pytest.mark.parametrize(
    ("values", "told"),
    [
        ({"evidence": {"enter_hold_s": -1}}, "box-0: evidence.enter_hold_s: -1 is less than"),
        ({"privacy": {"faces": False}}, "box-0: settings: Additional properties"),
        ({"evidence": {"enter_hold_s": None}}, "box-0: evidence.enter_hold_s: None is not"),
    ],
)
def test_settings_that_a_box_does_not_take_are_refused(
    database: Database, values: dict[str, Any], told: str
) -> None:
    fleet = SettingsFleet(database, 5)
    with pytest.raises(CommandError) as refused:
        fleet.roll_out(Plan(), values)
    assert told in str(refused.value)
    assert str(refused.value).endswith(", and 2 more")


def test_a_box_that_takes_no_settings_is_named(database: Database) -> None:
    fleet = SettingsFleet(database, 2)
    fleet.say("box-1", ShadowName.CLASSIC, {"settings_schema": None})
    with pytest.raises(CommandError, match="box-1: this box takes no settings"):
        fleet.roll_out(Plan())


def test_the_values_at_the_same_places() -> None:
    values = {"a": {"b": 1, "c": 2}, "d": 3}
    assert same_places({"a": {"b": 9}}, values) == {"a": {"b": 1}}
    assert same_places({"a": {"x": 9}, "e": {"f": 1}}, values) == {"a": {"x": None}, "e": None}
    assert same_places({}, values) == {}
