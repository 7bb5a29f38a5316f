"""Sessions: one for each browser, listed and ended, and guarded against foreign pages."""

from __future__ import annotations

import pytest

from cloud_app.accounts import people
from cloud_app.accounts.roles import Role
from tests.cloud_app.accounts.kit import (
    NORTH,
    add,
    log_in,
    signed_in,
)
from tests.cloud_app.hub import Hub

ADA = "ada@example.org"


@pytest.fixture
def ada(hub: Hub) -> people.Person:
    return add(hub, ADA, (NORTH, Role.TECHNICIAN))


def test_a_login_makes_a_new_session_and_ends_the_one_before(hub: Hub, ada: people.Person) -> None:
    with signed_in(hub, ADA) as client:
        first = client.cookies["lotsight_session"]
        log_in(client, ADA)
        second = client.cookies["lotsight_session"]
        assert first != second
        assert len(client.get("/api/v1/sessions").json()) == 1
        client.cookies.set("lotsight_session", "planted-by-a-stranger")
        assert client.get("/api/v1/session").status_code == 401


def test_sessions_end_unused_and_at_the_latest_after_their_time(
    hub: Hub, ada: people.Person
) -> None:
    with signed_in(hub, ADA) as client:
        for _ in range(3):
            hub.clock.now_s += 1700  # less than half an hour apart: in use
            assert client.get("/api/v1/session").status_code == 200
        hub.clock.now_s += 1801
        assert client.get("/api/v1/session").status_code == 401
        log_in(client, ADA)
        for _ in range(25):
            hub.clock.now_s += 1700
            client.get("/api/v1/session")
        hub.clock.now_s += 1700  # 44,200 s since the login, always in use
        assert client.get("/api/v1/session").status_code == 401


def test_sessions_are_listed_and_ended(hub: Hub, ada: people.Person) -> None:
    bob = add(hub, "bob@example.org", (NORTH, Role.VIEWER))
    with signed_in(hub, ADA) as laptop, signed_in(hub, ADA) as phone, signed_in(hub, bob.email):
        listed = laptop.get("/api/v1/sessions").json()
        assert [each["current"] for each in listed].count(True) == 1
        assert len(listed) == 2
        other = next(each["session"] for each in listed if not each["current"])
        assert laptop.delete(f"/api/v1/sessions/{other}").status_code == 204
        assert phone.get("/api/v1/session").status_code == 401
        assert laptop.delete(f"/api/v1/sessions/{other}").status_code == 404
        log_in(phone, ADA)
        assert laptop.delete("/api/v1/sessions").status_code == 204
        assert phone.get("/api/v1/session").status_code == 401
        assert laptop.delete("/api/v1/session").status_code == 204
        assert laptop.get("/api/v1/session").status_code == 401


def test_nobody_ends_a_session_of_somebody_else(hub: Hub, ada: people.Person) -> None:
    add(hub, "bob@example.org", (NORTH, Role.VIEWER))
    with signed_in(hub, ADA) as hers, signed_in(hub, "bob@example.org") as his:
        [mine] = hers.get("/api/v1/sessions").json()
        assert his.delete(f"/api/v1/sessions/{mine['session']}").status_code == 404
        assert hers.get("/api/v1/session").status_code == 200


@pytest.mark.parametrize(
    ("headers", "code"),
    [
        pytest.param({"X-CSRF-Token": ""}, 403, id="without"),
        pytest.param({"X-CSRF-Token": "0" * 64}, 403, id="wrong"),
        pytest.param({"X-CSRF-Token": "é"}, 403, id="not-ascii"),
        pytest.param({"Origin": "https://evil.example"}, 403, id="foreign-page"),
        pytest.param({"Sec-Fetch-Site": "cross-site"}, 403, id="cross-site"),
        pytest.param({}, 204, id="right"),
    ],
)
def test_a_change_with_a_cookie_needs_the_sessions_token(
    hub: Hub, ada: people.Person, headers: dict[str, str], code: int
) -> None:
    with signed_in(hub, ADA) as client:
        raw = {name.encode(): value.encode() for name, value in headers.items()}
        assert client.delete("/api/v1/sessions", headers=raw).status_code == code


def test_a_foreign_page_cannot_log_a_browser_in(hub: Hub, ada: people.Person) -> None:
    with hub.client() as client:
        client.headers["Origin"] = "https://evil.example"
        assert log_in(client, ADA).status_code == 403
