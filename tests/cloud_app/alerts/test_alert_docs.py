"""What docs/alerts.md says is so."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from cloud_app.alert_words import SEVERITIES, AlertState
from cloud_app.api import route_permissions
from cloud_app.api.alert_views import NewNotification
from cloud_app.config import CloudConfig
from tests.cloud_app.alerts.kit import FULL, Desk, Hook, posted_to
from tests.cloud_app.hub import Hub

PAGE = (Path(__file__).resolve().parents[3] / "docs" / "alerts.md").read_text()


def rows(heading: str) -> list[list[str]]:
    lines = PAGE.split(heading)[1].split("\n\n")[0].splitlines()
    return [line.split("|")[1:-1] for line in lines if line.count("|") > 2 and "---" not in line]


def test_every_path_is_in_the_docs_and_no_other() -> None:
    told = {
        f"/api/v1/{name.split('?')[0]}"
        for row in rows("| path | for whom | what |")
        for name in re.findall(r"`([^`]+)`", row[0])
    }
    assert told == set(route_permissions.OF_ALERTS)


def test_every_rule_is_there_with_its_severity() -> None:
    told = {
        rule: row[1].strip()
        for row in rows("| rule | severity | opens | closes |")
        for rule in re.findall(r"`([^`]+)`", row[0])
    }
    assert told == {rule.value: severity.value for rule, severity in SEVERITIES.items()}


def test_every_state_is_there_in_its_order() -> None:
    told = [row[0].strip() for row in rows("| state | what it means |")]
    assert told == [state.value for state in AlertState]


def test_every_field_of_a_rule_is_there() -> None:
    told = {name for row in rows("| field | meaning |") for name in re.findall(r"`(\w+)`", row[0])}
    assert told == set(NewNotification.model_fields) - {"tenant", "name"}
    example = json.loads(PAGE.split("```json\n")[1].split("```")[0])
    NewNotification.model_validate(example)


def test_every_key_of_the_configuration_exists() -> None:
    keys = {
        key
        for section in CloudConfig.model_fields.values()
        for key in getattr(section.annotation, "model_fields", {})
    }
    for name in ("edge_offline_s", "allow_private_urls", "webhook_url", "events_days"):
        assert name in keys
        assert f"`{name}" in PAGE or f"{name}`" in PAGE


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_a_webhooks_body_is_as_told(hub: Hub, hook: Hook) -> None:
    desk = Desk(hub)
    desk.rule(posted_to(hook))
    desk.open(FULL)
    desk.tell()
    text = PAGE.split("A POST with a JSON body:")[1].split("Any answer")[0]
    told = set(re.findall(r"`(\w+)`", text))
    assert told == set(hook.bodies[0])
