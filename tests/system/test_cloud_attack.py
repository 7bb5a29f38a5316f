"""The recorded attack on a real service over a real mosquitto; `scripts/attack` shows the table."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.cloud_app.attack import a_target, attack_all, recorded_attacks

pytestmark = [pytest.mark.mosquitto]


def test_the_service_lives_after_every_message(mosquitto: Path, tmp_path: Path) -> None:
    attacks = recorded_attacks()
    assert len({attack.name for attack in attacks}) == len(attacks) >= 29
    with a_target(mosquitto, tmp_path, f"sqlite:{tmp_path}/cloud.db") as target:
        outcomes = attack_all(target, attacks, lambda _: None)
    assert [(each.attack, each.wrong) for each in outcomes if each.wrong] == []
    to_the_tables = [attack.name for attack in attacks if not attack.topic.startswith("$aws/")]
    by_name = {each.attack: each for each in outcomes}
    taken = [name for name in to_the_tables if not by_name[name].unreadable]
    # Both are valid: the box's own numbers, and a lot that it may serve, but not describe anew.
    assert taken == [
        "gap of the largest numbers allowed",
        "another box's name for the good box's lot",
    ]
