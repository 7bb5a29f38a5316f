"""Login, sessions, tokens, foreign pages, foreign names, headers."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import httpx
import pytest
from argon2 import PasswordHasher
from fastapi import FastAPI
from pydantic import SecretStr

from edge_app.alarms import Alarm, AlarmKind
from edge_app.http import Access, PageSettings
from edge_app.http.access import LoginThrottle, TooManyTriesError
from edge_app.http.login import local_path
from http_server.hosts import HostNames
from telemetry import ConfigError
from tests.http_server.half_sent import hold_up

if TYPE_CHECKING:
    from tests.edge_app.http.conftest import Serve, Served

PASSWORD = "correct horse battery"
FAST = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1).hash(PASSWORD)


def with_password() -> Access:
    return Access.of(SecretStr(FAST))


def log_in(served: Served, password: str = PASSWORD, target: str = "/") -> httpx.Response:
    page = served.client.get("/login")
    token = re.search(r'name="csrf" value="([^"]+)"', page.text)
    assert token is not None
    form = {"password": password, "csrf": token[1], "next": target}
    return served.client.post("/login", data=form)


@pytest.mark.parametrize(
    "path", ["/api/v1/bays", "/api/v1/status", "/metrics", "/cameras/north/still.jpg"]
)
def test_nothing_is_told_without_login(serve: Serve, path: str) -> None:
    answer = serve(with_password()).client.get(path)
    assert answer.status_code == 401
    assert "A01" not in answer.text


def test_pages_lead_to_the_login_and_back(serve: Serve) -> None:
    served = serve(with_password())
    answer = served.client.get("/status")
    assert (answer.status_code, answer.headers["location"]) == (303, "/login?next=/status")
    back = log_in(served, target="/status")
    assert (back.status_code, back.headers["location"]) == (303, "/status")
    assert served.client.get("/status").status_code == 200
    assert served.client.get("/api/v1/bays").status_code == 200


def test_the_cookie_is_out_of_reach_of_scripts_and_other_sites(serve: Serve) -> None:
    cookie = log_in(serve(with_password())).headers["set-cookie"].lower()
    assert "httponly" in cookie
    assert "samesite=strict" in cookie
    secure = Access(FAST, secure=True)
    assert "secure" in log_in(serve(secure)).headers["set-cookie"].lower()


def test_health_is_public_but_keeps_its_reasons(serve: Serve) -> None:
    served = serve(with_password())
    served.box.change(alarms=(Alarm(AlarmKind.DISK, "the disk is full", "/secret"),))
    answer = served.client.get("/health/ready")
    assert (answer.status_code, answer.json()) == (503, {"ready": False})
    log_in(served)
    assert served.client.get("/health/ready").json()["reasons"] == ["the disk is full: /secret"]


def test_a_wrong_password_gives_nothing(serve: Serve) -> None:
    served = serve(with_password())
    answer = log_in(served, "wrong")
    assert answer.status_code == 401
    assert "set-cookie" not in answer.headers
    assert "Incorrect password." in answer.text


def test_guessing_is_slowed_down(serve: Serve) -> None:
    served = serve(with_password())
    answers = [log_in(served, f"guess {i}") for i in range(6)]
    assert [a.status_code for a in answers] == [401] * 5 + [429]
    assert int(answers[-1].headers["retry-after"]) >= 1
    assert log_in(served).status_code == 429  # the right one waits too, or it could be told apart


def test_a_scraper_comes_in_with_the_password_as_its_token(serve: Serve) -> None:
    served = serve(with_password())
    right = {"Authorization": f"Bearer {PASSWORD}"}
    assert served.client.get("/metrics", headers=right).status_code == 200
    wrong = {"Authorization": "Bearer guess"}
    codes = [served.client.get("/metrics", headers=wrong).status_code for _ in range(6)]
    assert codes == [401] * 5 + [429]
    assert served.client.get("/metrics", headers=right).status_code == 200  # known from before


def test_logging_out_ends_the_session(serve: Serve) -> None:
    served = serve(with_password())
    log_in(served)
    csrf = served.client.get("/api/v1/status").json()["csrf"]
    assert served.client.post("/logout").status_code == 403
    left = served.client.post("/logout", headers={"X-Lotsight-Csrf": csrf})
    assert left.headers["location"] == "/login"
    assert served.client.get("/api/v1/bays").status_code == 401


@pytest.mark.parametrize(
    "headers",
    [
        pytest.param({"Origin": "http://evil.example"}, id="origin"),
        pytest.param({"Origin": "null"}, id="sandboxed"),
        pytest.param({"Sec-Fetch-Site": "cross-site"}, id="fetch-metadata"),
    ],
)
def test_pages_of_other_sites_change_nothing(serve: Serve, headers: dict[str, str]) -> None:
    served = serve(with_password())
    log_in(served)
    csrf = served.client.get("/api/v1/status").json()["csrf"]
    answer = served.client.post("/logout", headers={**headers, "X-Lotsight-Csrf": csrf})
    assert answer.status_code == 403
    assert served.client.get("/api/v1/bays").status_code == 200


def test_a_login_form_of_another_page_is_refused(serve: Serve) -> None:
    served = serve(with_password())
    form = {"password": PASSWORD, "csrf": "1.abc"}
    assert served.client.post("/login", data=form).status_code == 403


def test_a_name_rebound_to_loopback_is_refused(serve: Serve) -> None:
    served = serve()
    assert served.client.get("/api/v1/bays", headers={"Host": "evil.example"}).status_code == 403
    assert served.client.get("/api/v1/bays", headers={"Host": "localhost"}).status_code == 200


def test_a_foreign_name_is_refused_with_a_password_too(serve: Serve) -> None:
    served = serve(with_password(), PageSettings(hosts=HostNames.of("0.0.0.0", ["box.example"])))
    inside = {"Authorization": f"Bearer {PASSWORD}"}
    for path in ("/api/v1/bays", "/login", "/health/live", "/static/live.js", "/"):
        for host in ("evil.example", "evil.example:8008", "127.0.0.1.evil.example", ""):
            answer = served.client.get(path, headers={**inside, "Host": host})
            assert answer.status_code in {400, 403}, (path, host)
        for host in ("box.example", "192.0.2.7:8008", "localhost"):
            answer = served.client.get(path, headers={**inside, "Host": host})
            assert answer.status_code == 200, (path, host)


def test_an_address_that_is_only_claimed_evades_no_throttle(serve: Serve) -> None:
    served = serve(with_password())
    codes = []
    for number in range(7):
        headers = {
            "Authorization": f"Bearer guess {number}",
            "X-Forwarded-For": f"192.0.2.{number}",
            "X-Real-IP": f"192.0.2.{number}",
            "Forwarded": f"for=192.0.2.{number}",
        }
        codes.append(served.client.get("/metrics", headers=headers).status_code)
    assert codes == [401] * 5 + [429] * 2


def test_half_sent_requests_hold_nobody_up(serve: Serve) -> None:
    hold_up(serve().client.base_url.port or 0, "/api/v1/bays")


@pytest.mark.parametrize(
    ("body", "code"),
    [
        pytest.param(b"x" * 20_000, 413, id="large"),
        pytest.param(b'{"a": NaN}', 400, id="nan"),
        pytest.param(b'{"a": 1, "a": 2}', 400, id="doubled"),
        pytest.param(b"\xff", 400, id="bytes"),
    ],
)
def test_a_body_has_bounds(serve: Serve, body: bytes, code: int) -> None:
    headers = {"Content-Type": "application/json"}
    answer = serve().client.post("/login", content=body, headers=headers)
    assert answer.status_code == code
    assert answer.json()["detail"]


def test_headers_keep_scripts_frames_and_caches_out(serve: Serve) -> None:
    served = serve()
    for path in ("/", "/status", "/api/v1/bays", "/static/live.js", "/nothing"):
        headers = served.client.get(path).headers
        policy = headers["content-security-policy"]
        assert "script-src 'self'" in policy
        assert "unsafe-inline" not in policy
        assert "frame-ancestors 'none'" in policy
        assert headers["x-content-type-options"] == "nosniff"
        assert headers["cache-control"] == "no-store"
        assert "server" not in headers


def test_the_editor_is_behind_the_same_login(serve: Serve) -> None:
    editor = FastAPI()
    editor.add_api_route("/", lambda: {"page": "editor"})
    editor.add_api_route("/api/save", lambda: {"saved": True}, methods=["POST"])
    served = serve(with_password(), editor=editor)
    assert served.client.get("/calibrate/").status_code == 303
    assert served.client.post("/calibrate/api/save").status_code == 401
    log_in(served)
    assert served.client.get("/calibrate", follow_redirects=True).json() == {"page": "editor"}
    assert served.client.post("/calibrate/api/save").json() == {"saved": True}
    foreign = {"Origin": "http://evil.example"}
    assert served.client.post("/calibrate/api/save", headers=foreign).status_code == 403


@pytest.mark.parametrize(
    ("target", "path"),
    [
        pytest.param("/status", "/status", id="own"),
        pytest.param("//evil.example", "/", id="other-host"),
        pytest.param("/\\evil.example", "/", id="backslash"),
        pytest.param("https://evil.example", "/", id="absolute"),
        pytest.param("/a\r\nSet-Cookie: x=1", "/", id="header"),
    ],
)
def test_the_login_leads_nowhere_else(target: str, path: str) -> None:
    assert local_path(target) == path


def test_a_broken_hash_is_a_configuration_error() -> None:
    with pytest.raises(ConfigError, match="not an Argon2 hash"):
        Access.of(SecretStr("$argon2id$broken"))


def test_a_plain_password_is_kept_as_a_hash_only() -> None:
    access = Access.of(SecretStr(PASSWORD))
    assert PASSWORD not in repr(vars(access))
    assert access.log_in(PASSWORD, "1.2.3.4") is not None


def test_sessions_end_when_idle() -> None:
    now_s = [0.0]
    access = Access(FAST, mono_s=lambda: now_s[0])
    session = access.log_in(PASSWORD, "a")
    assert session is not None
    now_s[0] = 11 * 3600.0
    assert access.has_session(session)
    now_s[0] += 13 * 3600.0
    assert not access.has_session(session)


def test_login_tokens_grow_old() -> None:
    now_s = [100.0]
    access = Access(FAST, mono_s=lambda: now_s[0])
    token = access.login_token()
    assert access.is_login_token(token)
    assert not access.is_login_token(token + "0")
    now_s[0] += 4000.0
    assert not access.is_login_token(token)


def test_the_throttle_waits_longer_each_time_and_for_all_together() -> None:
    throttle = LoginThrottle(all_tries=12)
    for _ in range(6):
        throttle.failed("a", 10.0)
    with pytest.raises(TooManyTriesError) as caught:
        throttle.check("a", 10.5)
    assert caught.value.wait_s == pytest.approx(3.5)
    throttle.check("a", 14.1)
    throttle.check("b", 10.5)
    for i in range(6):
        throttle.failed(f"c{i}", 11.0)
    with pytest.raises(TooManyTriesError):
        throttle.check("b", 12.0)
    throttle.check("b", 400.0)
