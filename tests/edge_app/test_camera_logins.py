"""Logins of snapshot cameras, over real HTTP: which is answered, where it goes, how often."""

from __future__ import annotations

import hashlib
import secrets
import ssl
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
import trustme

from edge_app.addresses import with_login
from edge_app.sources import LoginRejected, SnapshotSource, TlsTrust
from edge_app.sources import http_login as logins
from telemetry import CameraError
from tests.edge_app.login_camera import LoginCamera

DIGEST = 'Digest realm="a camera, north", nonce="{nonce}", opaque="5,ccc"'
BASIC = 'Basic realm="camera"'
Start = Callable[..., LoginCamera]
Source = Callable[..., SnapshotSource]


@pytest.fixture
def start(jpeg: bytes) -> Iterator[Start]:
    with ExitStack() as stack:
        yield lambda **more: stack.enter_context(LoginCamera(jpeg, **more).running())


@pytest.fixture
def source_of() -> Iterator[Source]:
    """The source of a camera, with its login."""
    with ExitStack() as stack:

        def make(
            camera: LoginCamera, url: str = "", trust: TlsTrust | None = None
        ) -> SnapshotSource:
            address = with_login(url or camera.url(), camera.username, camera.password)
            source = SnapshotSource(address, 5.0, trust)
            stack.callback(source.close)
            return source

        yield make


@pytest.mark.parametrize(
    ("offers", "answered"),
    [
        pytest.param([BASIC], "Basic", id="basic"),
        pytest.param([DIGEST], "no algorithm", id="digest-without-algorithm-or-qop"),
        pytest.param([f'{DIGEST}, qop="auth", algorithm=MD5'], "MD5", id="md5"),
        pytest.param([f'{DIGEST}, qop="auth", algorithm="MD5"'], "MD5", id="md5-quoted"),
        pytest.param([f"{DIGEST}, qop=auth, algorithm=SHA-256"], "SHA-256", id="sha-256-alone"),
        pytest.param([f'{DIGEST}, qop="auth", algorithm=md5-sess'], "md5-sess", id="md5-sess"),
        pytest.param(
            [f'{DIGEST}, qop="auth", algorithm=SHA-256-sess'], "SHA-256-sess", id="sha-256-sess"
        ),
        pytest.param([f"{DIGEST}, algorithm=MD5-sess"], "MD5-sess", id="sess-without-qop"),
        pytest.param([f'{DIGEST}, qop="auth-int"'], "no algorithm", id="auth-int-alone"),
        pytest.param(
            [f'{DIGEST}, qop="auth-int, auth", algorithm=SHA-256'], "SHA-256", id="both-qops"
        ),
        pytest.param(
            [f"{DIGEST}, algorithm=SHA-512-256, qop=auth"], "SHA-512-256", id="sha-512-256"
        ),
        pytest.param(
            [f'{DIGEST}, qop="auth", algorithm={name}' for name in ("MD5", "SHA-256")],
            "SHA-256",
            id="the-stronger-of-two-headers",
        ),
        pytest.param(
            [f"{DIGEST}, algorithm=SHA-256, qop=auth, {DIGEST}, qop=auth, algorithm=MD5, {BASIC}"],
            "SHA-256",
            id="three-in-one-header",
        ),
        pytest.param([BASIC, f"{DIGEST}, algorithm=MD5"], "MD5", id="digest-before-basic"),
        pytest.param(
            [f"{DIGEST}, algorithm=SHA-512, qop=auth", f"{DIGEST}, algorithm=MD5, qop=auth"],
            "MD5",
            id="the-one-that-we-know",
        ),
        pytest.param(["Negotiate", "NTLM TlRM==", BASIC], "Basic", id="after-others"),
    ],
)
def test_the_strongest_login_that_both_know_is_used(
    start: Start, source_of: Source, offers: list[str], answered: str
) -> None:
    camera = start(offers=offers)
    source = source_of(camera, camera.url("/image.jpg?channel=1&x=%20"))
    assert source.read().image_bgr.shape == (192, 320, 3)
    assert source.read().image_bgr.shape == (192, 320, 3)
    source.close()
    assert camera.wrong == 0
    assert len(camera.logins) == 2
    if answered == "Basic":
        assert camera.logins[0].startswith("Basic ")
    elif answered == "no algorithm":
        assert "algorithm" not in camera.logins[0]
    else:
        assert f"algorithm={answered}" in camera.logins[0].replace('"', "")


@pytest.mark.parametrize("password", ['a "quoted" one', "ümläut", "日本語", "a:b\\c", " blank "])
@pytest.mark.parametrize("offer", [BASIC, f'{DIGEST}, qop="auth", charset=UTF-8'])
def test_passwords_of_every_kind(
    start: Start, source_of: Source, password: str, offer: str
) -> None:
    if offer == BASIC and password == "ümläut":
        offer += ', charset="UTF-8"'
    camera = start(offers=[offer], password=password)
    source_of(camera).read()
    assert camera.wrong == 0


def test_the_examples_of_rfc_7616(monkeypatch: pytest.MonkeyPatch) -> None:
    cnonce = "f2/wE4q74E6zIJEtWaHKaf5wv/H5QzzpXusqGemxURZJ"
    monkeypatch.setattr(secrets, "token_hex", lambda _size: cnonce)
    responses = {
        "MD5": "8ca523f5e9506fed4657c9700eebdbec",
        "SHA-256": "753927fa0e85d155564e2e272a28d1802ca10daf4496794697cf8db5856cb6c1",
    }
    header = (
        'Digest realm="http-auth@example.org", qop="auth, auth-int", algorithm={}, '
        'nonce="7ypf/xlj9XXwfDPEoM4URrv/xwf94BcCAzFZH4GiTo0v", '
        'opaque="FQhe/qaU925kfnzjCev0ciny7QMkPqMAFRtzCUYo5tdS"'
    )
    for algorithm, response in responses.items():
        (challenge,) = logins.parse_challenges([header.format(algorithm)])
        login = logins.Login("Mufasa", "Circle of Life")
        answer = logins.answer(challenge, login, logins.Request("GET", "/dir/index.html"))
        assert f'response="{response}"' in answer.decode()


def test_a_login_that_nobody_knows_says_what_is_offered(start: Start, source_of: Source) -> None:
    camera = start(offers=[f"{DIGEST}, algorithm=SHA-512, qop=auth", "Negotiate"])
    with pytest.raises(CameraError, match=r"offers: Digest SHA-512 with qop auth, Negotiate"):
        source_of(camera).read()
    assert camera.logins == []


def test_a_login_that_is_asked_for_and_not_set(start: Start) -> None:
    camera = start(offers=[BASIC])
    with pytest.raises(LoginRejected, match=r"login required \(HTTP 401\): set username"):
        SnapshotSource(camera.url(), 5.0).read()


@pytest.mark.parametrize("offer", [BASIC, f"{DIGEST}, qop=auth", f"{DIGEST}, algorithm=SHA-256"])
@pytest.mark.parametrize("refusal", [401, 403])
def test_a_wrong_login_is_sent_once(
    start: Start, source_of: Source, offer: str, refusal: int
) -> None:
    camera = start(offers=[offer, BASIC], refusal=refusal)
    source = source_of(camera)
    camera.password = "another one"
    with pytest.raises(LoginRejected, match="rejects the username or password") as caught:
        source.open()
    assert camera.wrong == len(camera.logins) == 1
    assert "s3cret" not in str(caught.value)
    camera.password = "s3cret, pass"
    source.read()


def test_a_nonce_that_is_too_old_is_no_wrong_login(start: Start, source_of: Source) -> None:
    camera = start(offers=[f"{DIGEST}, qop=auth"], stale=2)
    source_of(camera).read()
    assert len({header.split("response=")[1] for header in camera.logins}) == 3


# -- redirects -------------------------------------------------------------------------------------


@pytest.mark.parametrize("absolute", [False, True])
def test_a_redirect_to_a_digest_page(start: Start, source_of: Source, absolute: bool) -> None:
    camera = start(offers=[f"{DIGEST}, algorithm=SHA-256, qop=auth"])
    target = "/cgi/still.jpg?size=2"
    camera.redirects["/image.jpg"] = camera.url(target) if absolute else target
    source_of(camera).read()
    assert [path for path, login in camera.requests if login] == [target]


def test_another_host_gets_no_login(start: Start, source_of: Source) -> None:
    other = start(offers=[BASIC])
    camera = start(redirects={"/image.jpg": other.url(host="localhost")})
    with pytest.raises(CameraError, match="sent to the configured host only") as caught:
        source_of(camera).read()
    assert not isinstance(caught.value, LoginRejected)
    assert other.logins == []
    other.offers = None
    source_of(camera).read()
    assert other.logins == []


def test_another_device_behind_the_same_address_gets_no_login(
    start: Start, source_of: Source
) -> None:
    other = start(offers=[BASIC])
    camera = start(redirects={"/image.jpg": other.url()})
    with pytest.raises(CameraError, match="sent to the configured host only"):
        source_of(camera).read()
    assert other.logins == []


def test_a_login_in_a_redirect_is_not_believed(start: Start, source_of: Source) -> None:
    camera = start(offers=[BASIC])
    evil = camera.url("/other.jpg").replace("//", "//evil:twin@")
    camera.redirects["/image.jpg"] = evil
    source_of(camera).read()
    assert camera.wrong == 0


@pytest.mark.parametrize("target", ["ftp://127.0.0.1/x", "file:///etc/passwd"])
def test_a_redirect_to_somewhere_else(start: Start, source_of: Source, target: str) -> None:
    camera = start(redirects={"/image.jpg": target})
    with pytest.raises(CameraError, match="expected a redirect to http or https"):
        source_of(camera).read()


def test_a_circle_of_redirects_ends(start: Start, source_of: Source) -> None:
    camera = start(redirects={"/image.jpg": "/a", "/a": "/image.jpg"})
    with pytest.raises(CameraError, match="redirected more than 5 times"):
        source_of(camera).read()
    assert len(camera.requests) == 6


# -- certificates ----------------------------------------------------------------------------------


class Certificates:
    """A camera's certificate by an authority that nobody knows, for the name `localhost`."""

    def __init__(self, folder: Path) -> None:
        authority = trustme.CA()
        made = authority.issue_cert("localhost", "127.0.0.1")
        self.ca_file = folder / "ca.pem"
        authority.cert_pem.write_to_path(self.ca_file)
        self.context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        made.configure_cert(self.context)
        der = ssl.PEM_cert_to_DER_cert(made.cert_chain_pems[0].bytes().decode())
        self.fingerprint = hashlib.sha256(der).hexdigest()


@pytest.fixture
def certificates(tmp_path: Path) -> Certificates:
    return Certificates(tmp_path)


def test_an_unknown_certificate_shows_its_fingerprint(
    start: Start, source_of: Source, certificates: Certificates
) -> None:
    camera = start(offers=[BASIC], context=certificates.context)
    with pytest.raises(CameraError, match="its certificate is not trusted") as caught:
        source_of(camera).read()
    shown = str(caught.value).replace(":", "").lower()
    assert certificates.fingerprint in shown
    assert "set tls_fingerprint =" in str(caught.value)
    assert camera.requests == []


@pytest.mark.parametrize("how", ["fingerprint", "ca_file", "unverified"])
def test_three_ways_to_trust_a_certificate(
    start: Start, source_of: Source, certificates: Certificates, how: str
) -> None:
    trust = {
        "fingerprint": TlsTrust(certificates.fingerprint),
        "ca_file": TlsTrust(ca_file=certificates.ca_file),
        "unverified": TlsTrust(verify=False),
    }[how]
    camera = start(offers=[f"{DIGEST}, qop=auth"], context=certificates.context)
    source = source_of(camera, trust=trust)
    source.open()
    source.read()
    source.close()
    source.read()


def test_a_pinned_certificate_that_is_another_one(
    start: Start, source_of: Source, certificates: Certificates, tmp_path: Path
) -> None:
    camera = start(offers=[BASIC], context=certificates.context)
    with pytest.raises(CameraError, match="does not match tls_fingerprint"):
        source_of(camera, trust=TlsTrust("ab" * 32)).read()
    assert camera.requests == [], "no login for whom we do not know"


def test_an_authority_file_that_is_none(
    start: Start, source_of: Source, certificates: Certificates, tmp_path: Path
) -> None:
    camera = start(context=certificates.context)
    for name, content in (("none.pem", None), ("bad.pem", "no certificate")):
        if content is not None:
            (tmp_path / name).write_text(content)
        with pytest.raises(CameraError, match=rf"tls_ca_file .*{name}: expected PEM"):
            source_of(camera, trust=TlsTrust(ca_file=tmp_path / name)).read()


def test_a_login_never_goes_from_https_to_http(
    start: Start, source_of: Source, certificates: Certificates
) -> None:
    plain = start(offers=[BASIC])
    camera = start(context=certificates.context, redirects={"/image.jpg": plain.url()})
    with pytest.raises(CameraError, match="never from https to http"):
        source_of(camera, trust=TlsTrust(certificates.fingerprint)).read()
    assert plain.logins == []


def test_a_login_goes_from_http_to_https(
    start: Start, source_of: Source, certificates: Certificates
) -> None:
    secure = start(offers=[BASIC], context=certificates.context)
    camera = start(redirects={"/image.jpg": secure.url()})
    source_of(camera, trust=TlsTrust(certificates.fingerprint)).read()
    assert len(secure.logins) == 1
    with pytest.raises(CameraError, match="not trusted"):
        source_of(camera).read()
