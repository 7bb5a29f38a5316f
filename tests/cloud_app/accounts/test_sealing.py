"""Secrets at rest: sealed in the tables, opened with the file of keys, moved to a new key."""

from __future__ import annotations

import stat
from pathlib import Path

import pyotp
import pytest
from sqlalchemy import select, update
from typer.testing import CliRunner, Result

from cloud_app.accounts import people, totp
from cloud_app.accounts.roles import Role
from cloud_app.accounts.tables import account
from cloud_app.alerts import notifications
from cloud_app.alerts.notifications import Destination, Plan
from cloud_app.alerts.sealing import seal_anew, seal_plain
from cloud_app.alerts.tables import notification
from cloud_app.cli import app
from cloud_app.errors import VaultError
from cloud_app.storage.database import Database
from cloud_app.storage.sqlite import SqliteDatabase
from cloud_app.storage.vault import Vault, is_sealed
from tests.cloud_app.accounts.kit import NORTH, PEOPLE, acting, add
from tests.cloud_app.hub import Hub

ADA = "ada@example.org"
HOOK = Destination.webhook(
    "https://hook.example/T0/secret-part", "a secret of length", allow_private=False
)


def kept(database: Database) -> list[str]:
    """All that the tables hold where secrets are."""
    with database.read() as session:
        places = (account.c.totp, notification.c.secret, notification.c.target)
        rows = [row for place in places for row in session.rows(select(place))]
    return [row[0] for row in rows if row[0] is not None]


def begin(hub: Hub) -> str:
    add(hub, ADA, (NORTH, Role.OPERATOR_ADMIN))
    with hub.database.write() as session:
        secret, _ = totp.begin(session, acting(hub), people.by_email(session, ADA))
        plan = Plan(name="hook", enabled=True, to=HOOK)
        notifications.create(session, acting(hub), NORTH, plan)
    return secret


def works(hub: Hub, secret: str) -> bool:
    with hub.database.write() as session:
        code = pyotp.TOTP(secret).at(hub.clock.utc())
        totp.confirm(session, acting(hub), people.by_email(session, ADA), code)
        [rule] = notifications.every_one(session)
    return rule.plan.to == HOOK


def test_nothing_in_the_tables_can_be_read(hub: Hub) -> None:
    secret = begin(hub)
    found = kept(hub.database)
    assert len(found) == 3
    assert all(map(is_sealed, found))
    assert not any(secret in each or "hook.example" in each for each in found)
    assert works(hub, secret)


def test_what_an_earlier_version_left_readable_is_sealed(hub: Hub) -> None:
    secret = begin(hub)
    with hub.database.write() as session:
        session.run(update(account).values(totp=secret))
        session.run(update(notification).values(target=HOOK.address, secret=HOOK.secret))
        assert seal_plain(session) == 3
        assert seal_plain(session) == 0
    assert all(map(is_sealed, kept(hub.database)))
    assert works(hub, secret)


def test_a_new_key_seals_all_and_the_old_one_can_go(hub: Hub) -> None:
    secret = begin(hub)
    before = kept(hub.database)
    with hub.database.write() as session:
        vault = session.vault
        vault.add_key()
        assert [vault.open(each) for each in before], "what the old key sealed still opens"
        assert seal_anew(session) == 3
    assert vault.drop_old_keys() == 1
    assert not set(before) & set(kept(hub.database))
    assert works(hub, secret)
    with pytest.raises(VaultError, match="none of its keys opens"):
        vault.open(before[0])


def test_another_file_of_keys_is_refused_at_the_start(tmp_path: Path) -> None:
    path = tmp_path / "cloud.db"
    first = SqliteDatabase(path)
    begin(Hub(first, people=PEOPLE))
    first.close()
    for name in ("other.key", "absent.key"):
        vault = Vault(tmp_path / name)
        if name == "other.key":
            vault.add_key()
        other = SqliteDatabase(path, vault)
        with other.write() as session, pytest.raises(VaultError, match=name):
            seal_plain(session)
        other.close()
    assert not (tmp_path / "absent.key").exists(), "nobody made a key that opens nothing"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "at least one key"),
        ("# nothing\n", "at least one key"),
        ("abc\n", ":1: expected a key"),
    ],
)
def test_a_bad_file_of_keys_says_what_is_wrong(tmp_path: Path, text: str, said: str) -> None:
    file = tmp_path / "cloud.key"
    file.write_text(text)
    with pytest.raises(VaultError, match=said):
        Vault(file).seal("a")
    with pytest.raises(VaultError, match=said):
        Vault(file).add_key()
    assert file.read_text() == text, "nothing was lost"


def test_the_file_is_for_its_owner_alone_and_made_once(tmp_path: Path) -> None:
    file = tmp_path / "keys" / "cloud.key"
    sealed = Vault(file).seal("kerb")
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert Vault(file).open(sealed) == "kerb"
    Vault(file).add_key()
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert Vault(file).open(sealed) == "kerb"


def test_keys_are_rotated_from_the_command_line(tmp_path: Path) -> None:
    config = tmp_path / "cloud.toml"
    config.write_text('[database]\nurl = "sqlite:cloud.db"\nkey_file = "keys/of.cloud"\n')
    keys = tmp_path / "keys" / "of.cloud"
    database = SqliteDatabase(tmp_path / "cloud.db", Vault(keys))
    begin(Hub(database, people=PEOPLE))
    before = kept(database)
    done = CliRunner().invoke(app, ["secrets", "rotate", "--drop-old", "--config", str(config)])
    assert done.exit_code == 0, done.output
    assert "3 secrets" in done.output
    assert "1 earlier keys" in done.output
    assert not set(before) & set(kept(database))
    database.close()


def test_secrets_whose_key_is_lost_are_dropped_and_the_service_starts(tmp_path: Path) -> None:
    config = tmp_path / "cloud.toml"
    config.write_text('[database]\nurl = "sqlite:cloud.db"\nkey_file = "cloud.key"\n')
    keys = tmp_path / "cloud.key"

    def run(*options: str, typed: str | None = None) -> Result:
        command = ["secrets", "forget", *options, "--config", str(config)]
        return CliRunner().invoke(app, command, input=typed)

    database = SqliteDatabase(tmp_path / "cloud.db", Vault(keys))
    hub = Hub(database, people=PEOPLE)
    assert works(hub, begin(hub))
    assert "nothing to drop" in run().output
    keys.rename(tmp_path / "lost.key")
    with database.write() as session, pytest.raises(VaultError, match="secrets forget"):
        seal_plain(session)
    keys.write_text("no key\n")
    assert run("--yes").exit_code == 1, "a file that cannot be read is not a lost one"
    keys.unlink()
    assert run(typed="n\n").exit_code == 1
    assert len(kept(database)) == 3
    done = run(typed="y\n")
    assert done.exit_code == 0, done.output
    assert f"second factor removed: {ADA}" in done.output
    assert "webhook deleted: hook" in done.output
    assert kept(database) == []
    with database.write() as session:
        assert seal_plain(session) == 0
        ada = people.by_email(session, ADA)
        assert not ada.has_totp
        totp.begin(session, acting(hub), ada)
    assert keys.exists()
    database.close()
