"""`lotsight-cloud rules`: files in and out, by the command itself."""

from __future__ import annotations

from pathlib import Path

import pytest
from typer.testing import CliRunner

from cloud_app.cli import app
from cloud_app.rules import outbox
from cloud_app.rules.errors import RuleError
from cloud_app.rules.files import read_rules
from tests.cloud_app.rules.kit import RuleDesk

FILE = """
[[rule]]
name = "Disabled bay taken for long"
when = 'event.state == "occupied" && event.bay_kind == "disabled"'
kinds = ["changed"]
window = { kind = "for", span_s = 14400 }
pause_s = 60

[[rule.actions]]
kind = "alert"
severity = "critical"
text = "Bay {event.bay} \\u00fc \\"long\\"."

[[rule.actions]]
kind = "webhook"
url = "https://hooks.example.org/a"
secret = "a secret of some length"

[[rule]]
name = "Garage quiet"
tenant = "operator:main"
trigger = "event"
when = "true"
key = "lot"
window = { kind = "absence", span_s = 3600 }
actions = [{ kind = "table" }]
"""


def run(*words: str) -> str:
    result = CliRunner().invoke(app, ["rules", *words], catch_exceptions=False)
    assert result.exit_code == 0, result.output
    return result.output


def test_a_file_goes_in_and_comes_out(tmp_path: Path) -> None:
    config, file, out = (tmp_path / name for name in ("cloud.toml", "rules.toml", "out.toml"))
    config.write_text(f"[database]\nurl = 'sqlite:{tmp_path / 'cloud.db'}'\n")
    file.write_text(FILE)
    assert run("check", str(file)).endswith("2 rules, ok\n")
    assert "2 made, 0 changed, 0 unchanged" in run("import", str(file), "-c", str(config))
    assert "0 made, 0 changed, 2 unchanged" in run("import", str(file), "-c", str(config))
    run("export", str(out), "-c", str(config))
    assert "secret" not in out.read_text()
    given, written = read_rules(FILE, "a"), read_rules(out.read_text(), "b")
    by_name = {each.spec.name: each.spec for each in given}
    for each in written:
        assert each.tenant == "operator:main"
        wanted = by_name[each.spec.name].model_dump()
        for action in wanted["actions"]:
            action.pop("secret", None)
        found = each.spec.model_dump()
        for action in found["actions"]:
            action.pop("secret", None)
        assert found == wanted
    # What was exported changes nothing: the secret is kept.
    assert "0 made, 0 changed, 2 unchanged" in run("import", str(out), "-c", str(config))
    assert "Garage quiet" in run("list", "-c", str(config))


def test_the_services_own_rules_are_a_file_to_change_and_import(tmp_path: Path) -> None:
    config, file = tmp_path / "cloud.toml", tmp_path / "own.toml"
    config.write_text(
        f"[database]\nurl = 'sqlite:{tmp_path / 'cloud.db'}'\n[rules]\nedge_offline_s = 90\n"
    )
    file.write_text(run("built-in", "-c", str(config)))
    assert "limits = { after_s = 90.0 }" in file.read_text()
    count = file.read_text().count("[[rule]]")
    assert f"{count} rules, ok" in run("check", str(file))
    into = ("import", str(file), "--tenant", "operator:main", "-c", str(config))
    assert f"{count} made, 0 changed, 0 unchanged" in run(*into)
    assert f"0 made, 0 changed, {count} unchanged" in run(*into)


def test_messages_given_up_are_listed_and_sent_again(desk: RuleDesk, tmp_path: Path) -> None:
    config, file = tmp_path / "cloud.toml", tmp_path / "cloud.db"
    config.write_text(f"[database]\nurl = 'sqlite:{file}'\nkey_file = '{file}.key'\n")
    made = desk.make("true", {"kind": "mqtt", "topic": "t"})
    assert "no message was given up" in run("letters", made.id, "-c", str(config))
    desk.happen(desk.edge.change("a1", True))
    with desk.hub.database.write() as session:
        outbox.give_up(session, desk.queued(), "nobody there", desk.now_ms)
    assert "nobody there" in run("letters", made.id, "-c", str(config))
    assert "1 message will be sent again" in run("replay", made.id, "-c", str(config))
    with desk.hub.database.read() as session:
        assert outbox.dead_letters(session, made.id, 10) == []
        assert outbox.counts(session, [made.id])[made.id][:2] == (1, 0)


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("rule = 3", r"x.toml: expected \[\[rule\]\] tables alone"),
        ("[[rule]]\nname = 'a'\n[other]", "but got other"),
        ("[[rule", "expected TOML"),
        ("[[rule]]\nname = 'a'\nwhen = 'event.bey == 1'\nactions = [{kind='alert'}]",
         r"rule 1 \('a'\): line 1, column 6: .*did you mean event.bay"),
        ("[[rule]]\nname = 'a'\nwhen = 'true'\nactions = [{kind='mqtt', topic='#'}]",
         r"actions.0.mqtt.topic: .*but got '#'"),
        ("[[rule]]\nname = 'a'\nwhen = 'true'\nactions = [{kind='table'}]\n" * 2,
         r"rule 2 \('a'\): another rule of this file"),
        ("[[rule]]\nname='a'\nwhen='x'\nactions=[{kind='table'}]\n[[rule]]\nname='b'\nactions=[]",
         r"(?s)rule 1 .*rule 2 \('b'\): when: Field required"),
    ],
)  # fmt: skip
def test_faults_of_a_file_name_the_rule_and_the_place(text: str, told: str) -> None:
    with pytest.raises(RuleError, match=told):
        read_rules(text, "x.toml")
