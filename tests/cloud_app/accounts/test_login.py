"""Logging in with a password: sessions, the brake, the second factor, foreign pages."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import Literal

import httpx
import pyotp
import pytest
from argon2 import PasswordHasher

from cloud_app.accounts import brake, keys, people, sessions
from cloud_app.accounts.brake import Brake, Try
from cloud_app.accounts.login import Credentials, PasswordLogin
from cloud_app.accounts.passwords import Passwords
from cloud_app.accounts.roles import Role
from cloud_app.accounts.secret import digest_of
from cloud_app.accounts.sessions import Device
from cloud_app.errors import CodeNeededError, LoginError, TooManyTriesError
from cloud_app.storage.database import Database
from cloud_app.storage.times import to_ms
from tests.cloud_app.accounts.kit import (
    NORTH,
    PASSWORD,
    acting,
    add,
    audit_actions,
    log_in,
    signed_in,
)
from tests.cloud_app.hub import FAST_PASSWORDS, Hub

ADA = "ada@example.org"


@pytest.fixture
def ada(hub: Hub) -> people.Person:
    return add(hub, ADA, (NORTH, Role.TECHNICIAN))


def test_a_login_sets_a_cookie_that_scripts_cannot_read(hub: Hub, ada: people.Person) -> None:
    with hub.client() as client:
        assert client.get("/api/v1/session").status_code == 401
        answer = log_in(client, "  Ada@Example.org ")
        cookie = answer.headers["set-cookie"]
        assert cookie.startswith("lotsight_session=")
        assert "HttpOnly" in cookie
        assert "SameSite=lax" in cookie
        assert answer.headers["cache-control"] == "no-store"
        told = client.get("/api/v1/session").json()
    assert told["email"] == ADA
    assert told["roles"] == [{"tenant": "operator:north-op", "role": "technician"}]
    assert {"read", "registry", "write"} < set(told["may"])
    assert not {"people", "keys", "rules"} & set(told["may"])
    secret = cookie.partition("=")[2].partition(";")[0]
    with hub.database.read() as session:
        rows = session.rows(sessions._FIND, {"of": digest_of(secret)})
    assert secret not in str(rows)


@pytest.mark.parametrize(
    ("email", "password"),
    [
        pytest.param(ADA, "wrong", id="password"),
        pytest.param("nobody@example.org", PASSWORD, id="unknown"),
        pytest.param("gone@example.org", PASSWORD, id="disabled"),
        pytest.param("invited@example.org", PASSWORD, id="no-password-yet"),
        pytest.param(ADA, "x" * 256, id="long"),
    ],
)
def test_whatever_is_wrong_the_answer_is_the_same(
    hub: Hub, ada: people.Person, email: str, password: str
) -> None:
    gone = add(hub, "gone@example.org", (NORTH, Role.VIEWER))
    add(hub, "invited@example.org", (NORTH, Role.VIEWER), password=None)
    with hub.database.write() as session:
        tenants = hub.accounts.tenants
        people.set_disabled(session, acting(hub), gone, tenants, disabled=True)
    with hub.client() as client:
        answer = log_in(client, email, password)
    assert answer.status_code == 401
    assert answer.json()["detail"].startswith("expected an account's e-mail address")
    assert "set-cookie" not in answer.headers


class CountingHasher(PasswordHasher):
    """The real one, which notes what it was asked to verify."""

    def __init__(self) -> None:
        super().__init__(time_cost=1, memory_cost=8, parallelism=1)
        self.verified: list[str] = []

    def verify(self, hash: str | bytes, password: str | bytes) -> Literal[True]:  # noqa: A002
        self.verified.append(str(hash).rpartition("$")[0].rpartition("$")[0])
        return super().verify(hash, password)


@pytest.mark.parametrize("email", [ADA, "nobody@example.org", "invited@example.org"])
def test_an_unknown_account_costs_the_same_hash_as_a_known_one(
    hub: Hub, ada: people.Person, email: str
) -> None:
    add(hub, "invited@example.org", (NORTH, Role.VIEWER), password=None)
    hasher = CountingHasher()
    login = PasswordLogin(hub.database, Passwords(hasher), Brake())
    with pytest.raises(LoginError):
        login.log_in(Credentials(email, "wrong"), Device("10.0.0.9", ""), to_ms(hub.clock.utc()))
    # One hash of the same parameters, which cost all the time that there is to measure.
    assert hasher.verified == ["$argon2id$v=19$m=8,t=1,p=1"]


def test_a_thousand_tries_are_told_and_paced_and_the_owner_comes_in_from_elsewhere(
    hub: Hub, ada: people.Person
) -> None:
    """One try a second from one address for 1,000 s, each with another wrong password."""
    login = hub.accounts.password_login
    attacker, owner = Device("203.0.113.9", "bot"), Device("198.51.100.7", "browser")
    looked_at = refused = 0
    longest_s = 0.0
    for n in range(1000):
        now_ms = to_ms(hub.clock.utc())
        try:
            login.log_in(Credentials(ADA, f"guess {n}"), attacker, now_ms)
        except TooManyTriesError as exc:
            longest_s = max(longest_s, exc.wait_s)
            refused += 1
        except LoginError:
            looked_at += 1
        hub.clock.now_s += 1
    assert looked_at + refused == 1000
    assert 10 <= looked_at <= 20
    assert 100 < longest_s <= 900
    # The owner, at another address, has seen none of it.
    assert login.log_in(Credentials(ADA, PASSWORD), owner, to_ms(hub.clock.utc()))
    told = audit_actions(hub, ADA)
    assert told.count("login.fail") == looked_at
    assert "login.guessing" in told
    # Where the tries came from, even the right password must wait.
    with pytest.raises(TooManyTriesError):
        login.log_in(Credentials(ADA, PASSWORD), attacker, to_ms(hub.clock.utc()))


def test_too_many_tries_over_http_are_429_with_the_time_to_wait(
    hub: Hub, ada: people.Person
) -> None:
    with hub.client() as client:
        codes = [log_in(client, ADA, "wrong").status_code for _ in range(6)]
        answer = log_in(client, ADA, PASSWORD)
    assert codes == [401] * 5 + [429]
    assert answer.status_code == 429
    assert answer.headers["retry-after"] == "1"
    assert "too many failed logins" in answer.json()["detail"]


def test_tries_at_once_are_counted_one_by_one(hub: Hub, ada: people.Person) -> None:
    login = hub.accounts.password_login
    now_ms = to_ms(hub.clock.utc())

    def guess(n: int) -> str:
        try:
            login.log_in(Credentials(ADA, f"guess {n}"), Device("203.0.113.9", ""), now_ms)
        except LoginError as exc:
            return type(exc).__name__
        return "in"

    with ThreadPoolExecutor(12) as pool:
        found = list(pool.map(guess, range(60)))
    assert found.count("LoginError") == 5
    assert found.count("TooManyTriesError") == 55


def test_one_address_at_many_accounts_is_paced_too(hub: Hub) -> None:
    login = hub.accounts.password_login
    found = []
    for n in range(60):
        try:
            login.log_in(
                Credentials(f"user{n}@example.org", "Spring2026!"), Device("203.0.113.9", ""),
                to_ms(hub.clock.utc()),
            )  # fmt: skip
        except TooManyTriesError:
            found.append("paced")
        except LoginError:
            found.append("looked at")
    assert found == ["looked at"] * 30 + ["paced"] * 30


def test_many_addresses_at_one_account_leave_its_usual_places_open(
    hub: Hub, ada: people.Person
) -> None:
    login = hub.accounts.password_login
    home = Device("198.51.100.7", "browser")
    now_ms = to_ms(hub.clock.utc())
    login.log_in(Credentials(ADA, PASSWORD), home, now_ms)
    looked_at = 0
    for n in range(300):
        try:
            device = Device(f"203.0.{n // 250}.{n % 250}", "bot")
            login.log_in(Credentials(ADA, f"guess {n}"), device, now_ms)
        except TooManyTriesError:
            continue
        except LoginError:
            looked_at += 1
    assert looked_at == 100
    assert login.log_in(Credentials(ADA, PASSWORD), home, now_ms)
    hub.clock.now_s += 3600
    assert login.log_in(
        Credentials(ADA, PASSWORD), Device("192.0.2.1", "new"), to_ms(hub.clock.utc())
    )


@pytest.mark.parametrize(
    ("address", "network"),
    [
        ("203.0.113.9", "203.0.113.9"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("::ffff:203.0.113.9", "203.0.113.9"),
        ("unknown", "unknown"),
    ],
)
def test_an_address_is_counted_by_what_costs_something_to_change(
    address: str, network: str
) -> None:
    assert brake.network_of(address) == network


def test_counts_are_forgotten_after_a_day(hub: Hub) -> None:
    tried = Try(ADA, "203.0.113.9", to_ms(hub.clock.utc()))
    for _ in range(5):
        with hub.database.write() as session:
            brake.begin(session, Brake(), tried)
    with pytest.raises(TooManyTriesError), hub.database.write() as session:
        brake.begin(session, Brake(), tried)
    later = Try(ADA, "203.0.113.9", tried.at_ms + 86_400_000)
    with hub.database.write() as session:
        brake.begin(session, Brake(), later)
        brake.prune(session, later.at_ms + 86_400_001)
        assert not session.rows(brake._LOOK, {"which": later.pair})


def _begin_totp(client: httpx.Client) -> pyotp.TOTP:
    begun = client.post("/api/v1/me/totp", json={"password": PASSWORD}).json()
    assert begun["uri"].startswith("otpauth://totp/lotsight:")
    return pyotp.TOTP(begun["secret"])


def test_a_second_factor(hub: Hub, ada: people.Person) -> None:
    def code(app: pyotp.TOTP) -> str:
        return app.at(hub.clock.utc())

    with signed_in(hub, ADA) as client, signed_in(hub, ADA) as other:
        assert client.post("/api/v1/me/totp", json={"password": "wrong"}).status_code == 401
        app = _begin_totp(client)
        assert client.put("/api/v1/me/totp", json={"code": "000000"}).status_code == 401
        # Until a code was sent back, nothing is asked for.
        assert log_in(client, ADA).status_code == 200
        confirmed = client.put("/api/v1/me/totp", json={"code": code(app)})
        recovery = confirmed.json()["codes"]
        assert len(set(recovery)) == 10
        assert other.get("/api/v1/session").status_code == 401
        again = log_in(other, ADA)
        assert (again.status_code, again.json()["code_needed"]) == (401, True)
        # The code that switched it on was used.
        assert log_in(other, ADA, code=code(app)).status_code == 401
        hub.clock.now_s += 30
        assert log_in(other, ADA, code=code(app)).status_code == 200
        assert log_in(other, ADA, code=code(app)).status_code == 401, "used a moment ago"
        assert log_in(other, ADA, code=recovery[0].lower()).status_code == 200
        assert log_in(other, ADA, code=recovery[0]).status_code == 401, "used"
        log_in(other, ADA, code=recovery[1])
        off = other.post("/api/v1/me/totp/removal", json={"password": PASSWORD})
        assert off.status_code == 204
        assert log_in(other, ADA).status_code == 200
    told = audit_actions(hub, ADA)
    assert [each for each in told if each.startswith("totp")] == [
        "totp.begin", "totp.on", "totp.recovery", "totp.recovery", "totp.off",
    ]  # fmt: skip


def test_codes_cannot_be_guessed_by_one_who_has_the_password(hub: Hub, ada: people.Person) -> None:
    with signed_in(hub, ADA) as client:
        app = _begin_totp(client)
        client.put("/api/v1/me/totp", json={"code": app.at(hub.clock.utc())})
    login, attacker = hub.accounts.password_login, Device("203.0.113.9", "bot")
    looked_at = 0
    for n in range(200):
        now_ms = to_ms(hub.clock.utc())
        # Asking without a code between the guesses must not wipe the count.
        with pytest.raises((CodeNeededError, TooManyTriesError)):
            login.log_in(Credentials(ADA, PASSWORD), attacker, now_ms)
        try:
            login.log_in(Credentials(ADA, PASSWORD, f"{n:06d}"), attacker, now_ms)
        except TooManyTriesError:
            continue
        except LoginError:
            looked_at += 1
    assert looked_at == 5


def test_a_changed_password_ends_every_session_but_gives_this_browser_a_new_one(
    hub: Hub, ada: people.Person
) -> None:
    new = "nine orange bollards in rain"
    with signed_in(hub, ADA) as client, signed_in(hub, ADA) as other:
        for old, wanted, code in (
            ("wrong", new, 401),
            (PASSWORD, "short", 422),
            (PASSWORD, "password1234", 422),
            (PASSWORD, "ada@example.org1", 422),
        ):
            answer = client.put("/api/v1/me/password", json={"old": old, "new": wanted})
            assert answer.status_code == code, answer.text
        before = client.cookies["lotsight_session"]
        answer = client.put("/api/v1/me/password", json={"old": PASSWORD, "new": new})
        assert answer.status_code == 200
        assert client.cookies["lotsight_session"] != before
        assert client.get("/api/v1/session").status_code == 200
        assert other.get("/api/v1/session").status_code == 401
        assert log_in(other, ADA).status_code == 401
        assert log_in(other, ADA, new).status_code == 200


def test_a_hash_with_older_parameters_is_renewed_at_a_login(
    hub: Hub, ada: people.Person, database: Database
) -> None:
    login = PasswordLogin(database, Passwords(), Brake())
    with database.read() as session:
        [old] = session.rows(people._BY_EMAIL, {"which": ADA})
    login.log_in(Credentials(ADA, PASSWORD), Device("127.0.0.1", ""), to_ms(hub.clock.utc()))
    with database.read() as session:
        [new] = session.rows(people._BY_EMAIL, {"which": ADA})
    assert FAST_PASSWORDS.is_outdated(new.password)
    assert old.password != new.password
    assert new.password.startswith("$argon2id$v=19$m=65536")


def test_the_first_account_ends_anonymous_access(hub: Hub) -> None:
    with hub.client() as client:
        assert client.get("/api/v1/lots").status_code == 200
        add(hub, ADA, (NORTH, Role.VIEWER))
        assert client.get("/api/v1/lots").status_code == 401
        log_in(client, ADA)
        assert client.get("/api/v1/lots").status_code == 200


def test_over_tls_the_cookie_is_bound_to_it_and_to_this_host(database: Database) -> None:
    from cloud_app.config import AccountsConfig

    hub = Hub(database, people=AccountsConfig(public_url="https://parking.example.org/"))
    assert hub.accounts.url == "https://parking.example.org"
    from cloud_app.accounts.roles import Tenant

    add(hub, ADA, (Tenant.parse("operator:main"), Role.VIEWER))
    with hub.client() as client:
        cookie = log_in(client, ADA).headers["set-cookie"]
    assert cookie.startswith("__Host-lotsight=")
    assert "Secure" in cookie
    assert "Path=/" in cookie
    assert "Domain" not in cookie


def test_a_key_is_no_session(hub: Hub, ada: people.Person) -> None:
    with hub.client(f"{keys.PREFIX}abc_def") as client:
        assert client.get("/api/v1/session").status_code == 401
