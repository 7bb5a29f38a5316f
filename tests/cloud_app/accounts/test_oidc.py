"""Sign-in through a real OpenID provider: discovery, PKCE, state, nonce, keys that change."""

from __future__ import annotations

import re
from collections.abc import Iterator
from copy import deepcopy
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest
from joserfc import jwt
from joserfc.jwk import OctKey
from pydantic import ValidationError

from cloud_app.accounts.assembly import ANSWER_PATH
from cloud_app.accounts.oidc import Answer
from cloud_app.accounts.oidc_client import Provider
from cloud_app.accounts.roles import Role
from cloud_app.config import OidcConfig
from cloud_app.errors import ProviderError
from cloud_app.storage.database import Database
from cloud_app.storage.times import to_ms
from tests.cloud_app.accounts.kit import NORTH, PEOPLE, add, audit_actions
from tests.cloud_app.accounts.provider import ADA, CLIENT, KID, KNOWN, SECRET, RealProvider, a_key
from tests.cloud_app.hub import Hub
from tests.cloud_app.scripted_edge import START


@pytest.fixture(scope="module")
def running(node_modules: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[RealProvider]:
    running = RealProvider(tmp_path_factory.mktemp("provider"), node_modules.parent)
    yield running
    running.stop()


@pytest.fixture
def provider(running: RealProvider) -> RealProvider:
    """The provider as it is at first, whatever the test before did with it."""
    running.people, running.conform = deepcopy(KNOWN), True
    running.start()
    return running


@pytest.fixture
def hub(database: Database, provider: RealProvider) -> Hub:
    hub = Hub(database, people=PEOPLE.model_copy(update={"oidc": provider.config}))
    # The provider's clock is the real one.
    hub.clock.now_s = (datetime.now(UTC) - START).total_seconds()
    add(hub, ADA, (NORTH, Role.VIEWER), password=None)
    return hub


def began(client: httpx.Client, target: str = "/lots?of=north") -> str:
    """Where the provider's page is."""
    answer = client.get("/api/v1/login/provider", params={"target": target})
    assert answer.status_code == 303, answer.text
    return answer.headers["location"]


def sign_in_there(url: str, name: str) -> str:
    """Fill the provider's forms in; the path and query that it sends the browser back to."""
    with httpx.Client(follow_redirects=False, timeout=60) as browser:
        answer = browser.get(url)
        while True:
            if answer.is_redirect:
                target = str(answer.next_request.url) if answer.next_request else ""
                if ANSWER_PATH in target:
                    return target.partition("127.0.0.1:8090")[2]
                answer = browser.get(target)
                continue
            form = re.search(r'action="([^"]+)"', answer.text)
            prompt = re.search(r'name="prompt" value="(\w+)"', answer.text)
            assert form is not None, answer.text
            assert prompt is not None, answer.text
            body = {"prompt": prompt[1], "login": name, "password": "any"}
            answer = browser.post(form[1], data=body)


def test_somebody_invited_signs_in_through_the_provider(hub: Hub, provider: RealProvider) -> None:
    with hub.client() as client:
        assert client.get("/api/v1/login").json() == {
            "provider": {"label": "Single sign-on"}, "mail": False,
        }  # fmt: skip
        url = began(client)
        asked = parse_qs(urlsplit(url).query)
        assert asked["code_challenge_method"] == ["S256"]
        assert asked["scope"] == ["openid email profile"]
        assert len(asked["state"][0]) > 40
        assert len(asked["nonce"][0]) > 40
        back = client.get(sign_in_there(url, "ada-1"))
        assert back.status_code == 303, back.text
        assert back.headers["location"] == "/lots?of=north"
        told = client.get("/api/v1/session").json()
        assert (told["email"], told["method"]) == (ADA, "oidc")
        # The second time it is the subject that counts, whatever the address is now.
        provider.people["ada-1"]["email"] = "ada.new@example.org"
        provider.start()
        assert client.get(sign_in_there(began(client), "ada-1")).status_code == 303
        assert client.get("/api/v1/session").json()["email"] == ADA
    assert "oidc.link" in audit_actions(hub, ADA)


@pytest.mark.parametrize("conform", [True, False])
def test_the_address_may_be_in_the_token_or_at_userinfo(
    hub: Hub, provider: RealProvider, conform: bool
) -> None:
    provider.conform = conform
    provider.start()
    with hub.client() as client:
        assert client.get(sign_in_there(began(client), "ada-1")).status_code == 303


@pytest.mark.parametrize(
    "name",
    [pytest.param("bob-4", id="not-invited"), pytest.param("mal-3", id="address-not-verified")],
)
def test_the_provider_alone_lets_nobody_in(hub: Hub, name: str) -> None:
    with hub.client() as client:
        answer = client.get(sign_in_there(began(client), name))
        assert answer.status_code == 401
        assert "nobody has invited you here" in answer.json()["detail"]
        assert client.get("/api/v1/session").status_code == 401


def test_an_address_that_changed_hands_does_not_open_the_account(hub: Hub) -> None:
    with hub.client() as client:
        client.get(sign_in_there(began(client), "ada-1"))
    with hub.client() as client:
        assert client.get(sign_in_there(began(client), "eve-2")).status_code == 401


def test_an_answer_works_once_and_in_the_browser_that_asked(hub: Hub) -> None:
    with hub.client() as client:
        back = sign_in_there(began(client), "ada-1")
        with httpx.Client(base_url=client.base_url) as stranger:
            assert stranger.get(back).status_code == 401
        assert client.get(back).status_code == 303
        client.cookies.delete("lotsight_session")
        assert client.get(back).status_code == 401


@pytest.mark.parametrize("change", ["state", "none", "error", "iss"])
def test_an_answer_that_was_changed_is_refused(hub: Hub, change: str) -> None:
    with hub.client() as client:
        back = sign_in_there(began(client), "ada-1")
        state = parse_qs(urlsplit(back).query)["state"][0]
        changed = {
            "state": back.replace(state, "x" * len(state)),
            "none": ANSWER_PATH,
            "error": f"{ANSWER_PATH}?state={state}&error=access_denied",
            "iss": re.sub(r"iss=[^&]*", "iss=https%3A%2F%2Fevil.example", back),
        }[change]
        assert client.get(changed).status_code in {401, 502}
        assert client.get("/api/v1/session").status_code == 401


def test_a_sign_in_that_takes_too_long_begins_anew(hub: Hub) -> None:
    with hub.client() as client:
        back = sign_in_there(began(client), "ada-1")
        hub.clock.now_s += 601
        assert client.get(back).status_code == 401


def test_a_key_that_changed_is_fetched(hub: Hub, provider: RealProvider) -> None:
    with hub.client() as client:
        assert client.get(sign_in_there(began(client), "ada-1")).status_code == 303
        provider.key = a_key("second")
        provider.start()
        hub.clock.now_s += 60
        assert client.get(sign_in_there(began(client), "ada-1")).status_code == 303


@pytest.mark.parametrize("target", ["https://evil.example/", "//evil.example", "/\\evil", "/a\nb"])
def test_nobody_is_sent_to_a_strangers_page(hub: Hub, target: str) -> None:
    with hub.client() as client:
        back = client.get(sign_in_there(began(client, target), "ada-1"))
    assert back.headers["location"] == "/"


def _token(key: Any, alg: str, **changes: Any) -> str:
    claims = {
        "iss": changes.pop("issuer"), "sub": "ada-1", "aud": CLIENT, "nonce": "n",
        "iat": 1_000_000, "exp": 1_000_600, **changes,
    }  # fmt: skip
    claims = {name: value for name, value in claims.items() if value is not None}
    return jwt.encode({"alg": alg, "kid": KID}, claims, key, algorithms=[alg])


def test_only_a_token_that_is_right_in_everything_is_believed(provider: RealProvider) -> None:
    provider.key = a_key(KID)
    provider.start()
    ours = Provider(provider.config, "http://127.0.0.1:8090/x")
    now_ms = 1_000_100_000
    issuer = provider.issuer
    right = _token(provider.key, "RS256", issuer=issuer)
    assert ours._checked(right, "n", now_ms)["sub"] == "ada-1"
    shared = OctKey.import_key(SECRET)
    wrong = {
        "another key under the same name": _token(a_key(KID), "RS256", issuer=issuer),
        "HS256 with the client secret": _token(shared, "HS256", issuer=issuer),
        "no signature": right.rpartition(".")[0] + ".",
        "another issuer": _token(provider.key, "RS256", issuer="https://evil.example"),
        "another audience": _token(provider.key, "RS256", issuer=issuer, aud="other"),
        "of another client": _token(
            provider.key, "RS256", issuer=issuer, aud=[CLIENT, "b"], azp="b"
        ),
        "too old": _token(provider.key, "RS256", issuer=issuer, exp=1_000_000),
        "without an end": _token(provider.key, "RS256", issuer=issuer, exp=None),
        "another nonce": _token(provider.key, "RS256", issuer=issuer, nonce="m"),
        "no nonce": _token(provider.key, "RS256", issuer=issuer, nonce=None),
        "nobody": _token(provider.key, "RS256", issuer=issuer, sub=None),
        "no token": "",
    }
    for what, token in wrong.items():
        with pytest.raises(ProviderError):
            pytest.fail(f"{what}: {ours._checked(token, 'n', now_ms)}")


def test_a_provider_that_is_away_or_another_one(hub: Hub, provider: RealProvider) -> None:
    other = Provider(provider.config.model_copy(update={"issuer": f"{provider.issuer}/"}), "x")
    with pytest.raises(ProviderError, match="expected a provider that calls itself"):
        other.url("s", "n", "v" * 43, to_ms(hub.clock.utc()))
    provider.stop()
    with hub.client() as client:
        answer = client.get("/api/v1/login/provider")
        page = client.get("/api/v1/login/provider", headers={"Sec-Fetch-Mode": "navigate"})
    assert page.headers["location"] == "/login?refused=provider"
    assert answer.status_code == 502
    assert "127.0.0.1" not in answer.text
    with pytest.raises(ProviderError):
        Provider(provider.config, "x").claims(Answer("s", "c"), "n", "v", 0)


def test_without_a_provider_there_is_none(database: Database) -> None:
    with Hub(database, people=PEOPLE).client() as client:
        assert client.get("/api/v1/login/provider").status_code == 404
        assert client.get(ANSWER_PATH).status_code == 404


def test_an_issuer_must_be_encrypted() -> None:
    with pytest.raises(ValidationError, match="expected https"):
        OidcConfig(issuer="http://login.example.org", client_id="x")
