"""What goes wrong between a box and the cloud's API: healed or refused, and told."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import uvicorn

from cloud_app.accounts.audit import Actor, ActorKind
from cloud_app.fleet.authority.claims import ClaimPlan, make_claim
from cloud_app.fleet.authority.issuing import revoke
from cloud_app.fleet.authority.keeper import RevocationListKeeper
from cloud_app.fleet.authority.own_issuer import OwnIssuer, initialise
from cloud_app.fleet.authority.pinning import root_fingerprint
from cloud_app.fleet.authority.x509 import (
    Leaf,
    Profile,
    Signer,
    fingerprint_of,
    key_pem,
    make_leaf,
    make_root,
    new_key,
    pem,
    revoked_in,
)
from cloud_app.storage.sqlite import SqliteDatabase
from cloud_app.storage.times import to_ms
from edge_app.delivery import LinkInfo
from edge_app.delivery.config import TlsConfig
from edge_app.delivery.errors import CertificateError
from edge_app.delivery.tls import NO_CHECK_TIME, tls_context
from edge_app.provisioning.cloud import Cloud, Trust, fetch_authority
from edge_app.provisioning.enrolment import Wishes, claim, clock_text, renew
from edge_app.provisioning.errors import CloudUnreachable, ProvisioningRefused
from edge_app.provisioning.identity import IdentityFolder, with_identity
from edge_app.provisioning.renewal import CHECK_S, PROVE_S, Renewal
from telemetry import ConfigError, ManualClock
from telemetry.provisioning import CRL_PATH, Home
from tests.cloud_app.hub import Hub, serving
from tests.kit.mosquitto import free_port
from tests.kit.waiting import eventually

YEAR = timedelta(days=365)
NAMED = Wishes("box-1", None, "test")


@pytest.fixture
def hub(tmp_path: Path) -> Iterator[Hub]:
    database = SqliteDatabase(tmp_path / "cloud.db")
    hub = Hub(database, clock=ManualClock(epoch_utc=datetime.now(UTC)))
    with database.write() as session:
        began_ms = to_ms(hub.clock.utc() - 2 * YEAR)
        initialise(session, new_key(), "root", began_ms)
    yield hub
    database.close()


@pytest.fixture
def folder(tmp_path: Path) -> IdentityFolder:
    return IdentityFolder.of(tmp_path / "state")


def code(hub: Hub) -> str:
    actor = Actor(ActorKind.PERSON, "ann@example.org", None, hub.context.now().now_ms)
    with hub.database.write() as session:
        return make_claim(session, actor, ClaimPlan("north", None, None, 86_400_000))[1]


def came_in(url: str, folder: IdentityFolder, typed: str, wishes: Wishes) -> Home:
    with Cloud(url) as cloud:
        return claim(cloud, folder, typed, wishes)


def test_a_cut_at_any_moment_is_repeated_with_the_same_code(
    hub: Hub, folder: IdentityFolder
) -> None:
    typed = code(hub)
    with serving(hub.app) as url:
        key = folder.next_key()  # cut after the key was made
        home = came_in(url, folder, typed, NAMED)
        whole = folder.pem_file.read_text()
        assert fingerprint_of(folder.key().public_key()) == fingerprint_of(key.public_key())
        for missing in ((), ("home.json",), ("home.json", "ca.pem")):
            # The certificate comes last: without it there is no identity, whatever else is there.
            folder.pem_file.unlink()
            for name in missing:
                (folder.path / name).unlink()
            (folder.path / "next.key").write_bytes(key_pem(key))
            (folder.path / "edge.pem.new").write_text("half of a certif")
            assert folder.home() is None
            assert came_in(url, folder, typed, NAMED) == home
            assert folder.pem_file.read_text() == whole
        # Cut just after the certificate: the key left behind is not that of the next request.
        (folder.path / "next.key").write_bytes(key_pem(key))
        with Cloud(url) as cloud:
            renew(cloud, folder)
    assert folder.pem_file.read_text() != whole
    assert folder.old_file.read_text() == whole
    assert {oct(each.stat().st_mode & 0o777) for each in folder.path.glob("edge*")} == {"0o600"}


def test_a_cloud_that_does_not_answer_changes_nothing(folder: IdentityFolder) -> None:
    away = Cloud(f"http://127.0.0.1:{free_port()}")
    with pytest.raises(CloudUnreachable, match="cannot be reached"):
        claim(away, folder, "AAAAA", NAMED)
    assert [each.name for each in folder.path.iterdir()] == ["next.key"]
    with pytest.raises(ProvisioningRefused, match="expected https://"):
        Cloud("http://cloud.example.org")


def test_codes_are_not_guessed(hub: Hub, folder: IdentityFolder) -> None:
    with serving(hub.app) as url:
        told: list[str] = []
        with Cloud(url) as cloud:
            for _ in range(14):
                with pytest.raises((ProvisioningRefused, CloudUnreachable)) as caught:
                    claim(cloud, folder, "AAAAA-BBBBB-CCCCC-DDDDD", NAMED)
                told.append(str(caught.value))
        assert "no such code" in told[0]
        assert "too many" in told[-1]


def test_whoever_types_on_the_box_reads_why_it_is_kept_out(hub: Hub, tmp_path: Path) -> None:
    boxes = [IdentityFolder.of(tmp_path / f"box{number}") for number in range(4)]

    def told(typed: str, box: int, name: str) -> str:
        with pytest.raises((ProvisioningRefused, CloudUnreachable)) as caught, Cloud(url) as cloud:
            claim(cloud, boxes[box], typed, Wishes(name, None, "test"))
        return str(caught.value)

    with serving(hub.app) as url:
        used = code(hub)
        came_in(url, boxes[0], used, NAMED)
        assert "no such code" in told("AAAAA-BBBBB-CCCCC-DDDDD", 1, "box-2")
        assert "box-1" in (twice := told(used, 2, "box-2"))
        assert "another key" in twice
        assert "another box's name" in told(code(hub), 3, "box-1")
        hub.clock.now_s += 4 * YEAR.total_seconds()
        ran_out = told(code(hub), 1, "box-2")
        assert "ran out" in ran_out
        assert "renew-intermediate" in ran_out
    assert [each.home() is not None for each in boxes] == [True, False, False, False]


def test_whoever_fetches_the_revocation_list_changes_nothing(
    hub: Hub, folder: IdentityFolder
) -> None:
    keeper = RevocationListKeeper(OwnIssuer(), hub.database, hub.clock)
    with hub.client() as client:
        came_in(str(client.base_url), folder, code(hub), NAMED)
        assert client.get(CRL_PATH).status_code == 404
        keeper.tick()
        first = client.get(CRL_PATH).text
        assert revoked_in(first) == set()
        hub.clock.now_s += 5
        with hub.database.write() as session:
            [ended] = revoke(session, "box-1", "ann", hub.context.now().now_ms)
        assert client.get(CRL_PATH).text == first, "made by the leader's round alone"
        keeper.tick()
        grown = client.get(CRL_PATH).text
        assert revoked_in(grown) == {ended.serial}
        keeper.tick()
        assert client.get(CRL_PATH).text == grown, "what is current is not made again"


@dataclass
class TlsServer:
    """The cloud's API over TLS, at a time of its own."""

    hub: Hub
    folder: Path
    ahead: timedelta = timedelta()
    life: timedelta = timedelta(days=2)
    said_ahead: timedelta | None = None
    root: Signer = field(init=False)

    def __post_init__(self) -> None:
        key, at = new_key(), datetime.now(UTC) - 3 * YEAR
        self.root = Signer(make_root(key, "tls root", at), key)
        self.hub.clock.epoch_utc += self.ahead

    @contextmanager
    def running(self) -> Iterator[str]:
        key, at = new_key(), datetime.now(UTC) + self.ahead
        leaf = Leaf(Profile.SERVER, "cloud", key.public_key(), self.life, ("127.0.0.1",))
        (self.folder / "s.crt").write_text(pem(make_leaf(self.root, leaf, at)))
        (self.folder / "s.key").write_bytes(key_pem(key))
        config = uvicorn.Config(
            self._app, port=0, log_level="error", date_header=False, interface="asgi3",
            ssl_certfile=self.folder / "s.crt", ssl_keyfile=self.folder / "s.key",
        )  # fmt: skip
        server = uvicorn.Server(config)
        thread = threading.Thread(target=server.run)
        thread.start()
        eventually(lambda: server.started, "uvicorn", 20)
        try:
            yield f"https://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}"
        finally:
            server.should_exit = True
            thread.join(20)

    async def _app(self, scope: Any, receive: Any, send: Any) -> None:
        ahead = self.ahead if self.said_ahead is None else self.said_ahead
        now = f"{datetime.now(UTC) + ahead:%a, %d %b %Y %H:%M:%S GMT}".encode()

        async def dated(message: Any) -> None:
            if message["type"] == "http.response.start":
                message = {**message, "headers": [*message["headers"], (b"date", now)]}
            await send(message)

        await self.hub.app(scope, receive, dated)


@pytest.mark.parametrize("ahead", [YEAR, -YEAR], ids=["box behind", "box ahead"])
def test_a_clock_that_is_off_by_a_year_is_healed_and_told(
    hub: Hub, folder: IdentityFolder, tmp_path: Path, ahead: timedelta
) -> None:
    server = TlsServer(hub, tmp_path, ahead)
    trust = Trust(pem(server.root.certificate), is_only=True)
    with server.running() as url:
        cloud = Cloud(url, trust)
        assert claim(cloud, folder, code(hub), NAMED).edge == "box-1"
        assert cloud.clock_off is not None
        way = "behind" if ahead > timedelta() else "ahead of"
        assert clock_text(cloud.clock_off) == f"this box's clock is 365 days {way} the cloud's"
        cloud.close()
        # A wrong clock is no reason to trust a stranger.
        stranger = pem(make_root(new_key(), "another", datetime.now(UTC)))
        with pytest.raises(CertificateError, match="not trusted"):
            claim(Cloud(url, Trust(stranger, is_only=True)), folder, "A", NAMED)
    # At its broker: a clock that is behind the certificate itself judges no date, any other does.
    tls = TlsConfig(ca_file=folder.ca_file, cert_file=folder.pem_file, key_file=folder.pem_file)
    judges_no_date = bool(int(tls_context(tls).verify_flags) & NO_CHECK_TIME)
    assert judges_no_date == (ahead > timedelta())


def test_a_server_whose_certificate_ran_out_by_its_own_clock_is_refused(
    hub: Hub, folder: IdentityFolder, tmp_path: Path
) -> None:
    server = TlsServer(hub, tmp_path, -YEAR, said_ahead=timedelta())
    with server.running() as url:
        cloud = Cloud(url, Trust(pem(server.root.certificate), is_only=True))
        with pytest.raises(CertificateError, match="by its own clock either"):
            claim(cloud, folder, code(hub), NAMED)


def test_another_authority_than_the_one_that_was_told_is_refused(hub: Hub) -> None:
    with hub.database.read() as session:
        there = root_fingerprint(session)
    assert there is not None
    with serving(hub.app) as url:
        assert "BEGIN CERTIFICATE" in fetch_authority(url, there.lower().replace("-", ":"))
        with pytest.raises(CertificateError, match="somebody may stand in between"):
            fetch_authority(url, fingerprint_of(new_key().public_key()))


def test_a_renewal_comes_in_time_and_goes_back_if_it_does_not_connect(
    hub: Hub, folder: IdentityFolder
) -> None:
    box, told = ManualClock(epoch_utc=hub.clock.utc()), list[str | None]()
    link = LinkInfo(connected=True, connects=1)
    renewal = Renewal(folder, lambda: link, box, told.append)
    with serving(hub.app) as url:
        home = came_in(url, folder, code(hub), NAMED)
        folder.home_file.write_text(home.model_copy(update={"cloud": url}).model_dump_json())
        first = folder.pem_file.read_text()
        renewal.look()
        assert folder.pem_file.read_text() == first, "too early"
        for clock in (box, hub.clock):
            clock.advance(121 * 86_400)
        renewal.look()
        assert folder.old_file.read_text() == first
        renewal.look()
        link = replace(link, connected=False, last_error="refused by the broker")
        box.advance(PROVE_S)
        renewal.look()
        assert folder.pem_file.read_text() == first
        assert "refused by the broker" in str(told[-1])
        assert not folder.old_file.exists()
        folder.home_file.write_text(home.model_copy(update={"cloud": url}).model_dump_json())
        box.advance(6 * CHECK_S)
        link = replace(link, connected=True, connects=2)
        renewal.look()
        link = replace(link, connects=3)
        renewal.look()
        assert folder.pem_file.read_text() != first
        assert not folder.old_file.exists()


def test_the_configuration_takes_name_and_broker_from_the_identity(
    hub: Hub, folder: IdentityFolder, tmp_path: Path
) -> None:
    state, where = tmp_path / "state", tmp_path / "box.toml"
    assert with_identity({"edge": {}}, state, where) == {"edge": {}}
    with serving(hub.app) as url:
        came_in(url, folder, code(hub), NAMED)
    found = with_identity({"edge": {}, "mqtt": {"keep_alive_s": 9}}, state, where)
    assert found["edge"] == {"edge": "box-1", "site": "north"}
    assert found["mqtt"]["keep_alive_s"] == 9
    assert found["mqtt"]["host"] == "127.0.0.1"
    assert found["mqtt"]["tls"]["key_file"] == str(folder.pem_file)
    own = {"mqtt": {"host": "10.0.0.9"}, "edge": {}}
    assert with_identity(own, state, where) is own
    with pytest.raises(ConfigError, match="was provisioned with 'box-1'"):
        with_identity({"edge": {"edge": "box-2"}}, state, where)
    folder.home_file.write_text("{")
    with pytest.raises(ConfigError, match="provision the box again"):
        with_identity({"edge": {}}, state, where)
