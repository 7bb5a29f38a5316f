"""`lotsight-cloud notification ...`, as a person types it."""

from __future__ import annotations

from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from cloud_app.cli import app
from cloud_app.errors import AlertError, NotSentError, UnknownError
from telemetry import ConfigError, LotsightError
from tests.cloud_app.alerts.kit import Hook, Mailbox

CONFIG = """
[database]
url = "sqlite:cloud.db"
[notifications]
allow_private_urls = true
[[accounts.operators]]
name = "parkco"
council = "city"
sites = ["north"]
[mail]
host = "127.0.0.1"
port = {port}
security = "none"
sender = "lotsight@example.org"
"""
SECRET = "a secret that nobody sees"


@pytest.fixture
def config(tmp_path: Path, mailbox: Mailbox) -> Path:
    path = tmp_path / "cloud.toml"
    path.write_text(CONFIG.format(port=mailbox.config.port))
    return path


def run(config: Path, *words: str, typed: str | None = None) -> Result:
    command = ["notification", *words, "--config", str(config)]
    result = CliRunner(env={"COLUMNS": "200"}).invoke(app, command, input=typed)
    if isinstance(result.exception, LotsightError):
        raise result.exception
    assert result.exit_code == 0, result.output
    return result


def test_a_rule_from_its_making_to_its_end(config: Path, hook: Hook, mailbox: Mailbox) -> None:
    told = run(config, "add", "Desk", "--webhook", hook.url, typed=f"{SECRET}\n").output
    assert "127.0.0.1" in told
    assert "operator:parkco" in told
    run(
        config, "add", "Night", "--mail", "night@x.org", "--severity", "critical",
        "--site", "north", "--after-s", "900",
    )  # fmt: skip
    listed = run(config, "list").output
    lines = [line.split() for line in listed.splitlines()]
    assert " ".join(lines[1][1:]) == "operator:parkco Desk webhook 127.0.0.1 all at once on"
    assert " ".join(lines[2][1:]) == (
        "operator:parkco Night mail night@x.org critical, north after 900 s on"
    )
    assert SECRET not in told + listed
    assert "delivered" in run(config, "test", lines[1][0]).output
    assert "webhook-signature" in hook.headers[0]
    run(config, "test", lines[2][0])
    assert mailbox.subjects == ["Test of a lotsight notification rule"]
    hook.status = 500
    with pytest.raises(NotSentError, match="HTTP 500"):
        run(config, "test", lines[1][0])
    assert "Desk of operator:parkco is deleted" in run(config, "remove", lines[1][0]).output
    with pytest.raises(UnknownError, match="no notification rule"):
        run(config, "remove", lines[1][0])


def test_what_is_no_proper_rule_is_refused(config: Path, hook: Hook) -> None:
    with pytest.raises(ConfigError, match="expected --mail ADDRESS or --webhook URL"):
        run(config, "add", "Desk")
    with pytest.raises(AlertError, match="sites must be those of operator:parkco, but got south"):
        run(config, "add", "Desk", "--mail", "a@x.org", "--site", "south")
    with pytest.raises(AlertError, match="16 to 256"):
        run(config, "add", "Desk", "--webhook", hook.url, typed="short\n")
