"""`lotsight-cloud user ...` and `audit`, as a person types them."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from cloud_app.cli import app
from cloud_app.errors import AccountError, LastAdminError, UnknownError
from telemetry import LotsightError
from tests.cloud_app.accounts.kit import PASSWORD

CONFIG = """
[database]
url = "sqlite:cloud.db"
[[accounts.operators]]
name = "parkco"
council = "city"
sites = ["north"]
[[accounts.operators]]
name = "other"
council = "city"
"""


@pytest.fixture
def config(tmp_path: Path) -> Path:
    path = tmp_path / "cloud.toml"
    path.write_text(CONFIG)
    return path


def run(config: Path, *words: str, typed: str | None = None) -> Result:
    result = CliRunner().invoke(app, [*words, "--config", str(config)], input=typed)
    if isinstance(result.exception, LotsightError):
        raise result.exception
    assert result.exit_code == 0, result.output
    return result


def test_from_the_first_account_to_its_end(config: Path) -> None:
    told = run(config, "user", "add", "Ada@Example.org", "--role", "council", "--name", "Ada")
    assert "ada@example.org: council of council:city" in told.output
    assert "there is no mail server ([mail]); hand this link over: http://" in told.output
    run(
        config, "user", "add", "bob@example.org", "--role", "operator-admin",
        "--tenant", "operator:parkco", "--password", typed=f"{PASSWORD}\n",
    )  # fmt: skip
    listed = run(config, "user", "list").output
    assert "council of city" in listed
    assert "invited" in listed
    assert "active" in listed
    told = run(
        config, "user", "role", "bob@example.org", "--role", "viewer", "--tenant", "operator:other"
    )
    assert "viewer of operator:other" in told.output
    told = run(config, "user", "reset-password", "bob@example.org")
    assert "#reset=" in told.output
    with pytest.raises(LastAdminError, match="the last one who can give roles"):
        run(config, "user", "disable", "bob@example.org")
    run(config, "user", "reset-password", "ada@example.org", "--password", typed=f"{PASSWORD}\n")
    assert "disabled, 0 sessions ended" in run(config, "user", "disable", "bob@example.org").output
    assert "disabled" in run(config, "user", "list").output
    assert "enabled" in run(config, "user", "disable", "bob@example.org", "--undo").output

    rows = list(csv.DictReader(io.StringIO(run(config, "audit").output)))
    assert {row["actor_kind"] for row in rows} == {"command line"}
    assert rows[0]["action"] == "person.enable"
    lines = run(config, "audit", "--action", "role", "--ndjson").output.splitlines()
    assert [json.loads(line)["tenant"] for line in lines] == [
        "operator:other", "operator:parkco", "council:city",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("words", "error", "text"),
    [
        pytest.param(
            ("add", "a@b.org", "--role", "viewer"), AccountError,
            "expected one tenant, of operator:other, operator:parkco", id="which-tenant",
        ),
        pytest.param(
            ("add", "a@b.org", "--role", "viewer", "--tenant", "operator:x"), AccountError,
            "expected one of council:city, operator:other", id="unknown-tenant",
        ),
        pytest.param(
            ("add", "a@b.org", "--role", "council", "--tenant", "operator:other"), AccountError,
            "exists at a council only", id="role-elsewhere",
        ),
        pytest.param(
            ("add", "ab.org", "--role", "council"), AccountError, "an e-mail address", id="address"
        ),
        pytest.param(("disable", "x@b.org"), UnknownError, "no account 'x@b.org'", id="unknown"),
    ],
)  # fmt: skip
def test_a_mistake_is_told(
    config: Path, words: tuple[str, ...], error: type[LotsightError], text: str
) -> None:
    with pytest.raises(error, match=text):
        run(config, "user", *words)
    assert run(config, "audit").output.count("\n") == 1, "nothing was done"


def test_an_account_exists_once(config: Path) -> None:
    run(config, "user", "add", "a@b.org", "--role", "council")
    with pytest.raises(AccountError, match="has an account already"):
        run(config, "user", "add", "A@b.org", "--role", "council")


def test_a_weak_password_is_refused(config: Path) -> None:
    with pytest.raises(AccountError, match="guessed easily"):
        run(config, "user", "add", "a@b.org", "--role", "council", "--password",
            typed="password1234\n")  # fmt: skip
