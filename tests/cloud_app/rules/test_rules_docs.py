"""What docs/rules.md says is so."""

from __future__ import annotations

import re
from pathlib import Path

from cloud_app.api import route_permissions
from cloud_app.rules.files import read_rules
from cloud_app.rules.spec import RuleSpec
from cloud_app.rules.variables import VARIABLES
from cloud_app.rules.words import Trigger

PAGE = (Path(__file__).resolve().parents[3] / "docs" / "rules.md").read_text()


def rows(heading: str) -> list[list[str]]:
    lines = PAGE.split(heading)[1].split("\n\n")[0].splitlines()
    cells = [re.split(r"(?<!\\)\|", line)[1:-1] for line in lines if "---" not in line]
    return [[cell.strip().replace("\\|", "|") for cell in row] for row in cells if len(row) > 1]


def test_the_sample_is_a_rule() -> None:
    [rule] = read_rules(PAGE.split("```toml\n")[1].split("```")[0], "docs")
    assert rule.tenant == "operator:main"


def test_every_path_and_every_key_is_there() -> None:
    told = {re.findall(r"`([^`?]+)", row[0])[0] for row in rows("| path | what |")}
    assert {f"/api/v1/{each}" for each in told} == set(route_permissions.OF_RULES)
    keys = {re.findall(r"`([^`]+)`", row[0])[0] for row in rows("| key | meaning |")}
    assert keys == set(RuleSpec.model_fields)


def test_every_name_is_there() -> None:
    told = {row[0].strip("`"): set(re.findall(r"`(\w+\.\w+)`", row[1])) for row in
            rows("| trigger | names |")}  # fmt: skip
    shared = {"now", "lot"}
    for trigger in Trigger:
        names = {each.name for each in VARIABLES[trigger]}
        skipped = shared if trigger is Trigger.EVENT else {"now"}
        assert told[trigger] == {each for each in names if each.partition(".")[0] not in skipped}


def test_the_conditions_of_the_examples_can_be_used() -> None:
    found = rows("| for | rule |")
    assert len(found) == 8
    for _, text in found:
        trigger = text.split("`")[1]
        [when] = re.findall(r"(?:`event`|`lot`|`edge`|`alert`|`gate`|`incident`): `([^`]+)`", text)
        given = {"name": "n", "trigger": trigger, "when": when, "actions": [{"kind": "table"}]}
        RuleSpec.model_validate(given)
