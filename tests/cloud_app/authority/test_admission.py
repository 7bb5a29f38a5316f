"""Who comes in, who does not, and what each is told; by values of time, without a clock."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path

import pytest
from cryptography import x509
from sqlalchemy import select, update

from cloud_app.accounts.assembly import Accounts
from cloud_app.accounts.audit import Actor, ActorKind
from cloud_app.config import CloudConfig, ProvisioningConfig, RegionConfig
from cloud_app.errors import AuthorityError, RequestRefusedError
from cloud_app.fleet.authority import tables
from cloud_app.fleet.authority.admission import Admissions
from cloud_app.fleet.authority.claims import ClaimPlan, make_claim
from cloud_app.fleet.authority.issuing import put_out
from cloud_app.fleet.authority.own_issuer import OwnIssuer, initialise, renew_issuing
from cloud_app.fleet.authority.waiting import known_box
from cloud_app.fleet.authority.x509 import (
    Key,
    Leaf,
    Profile,
    Signer,
    make_leaf,
    make_root,
    moment,
    new_key,
    pem,
    revoked_in,
)
from cloud_app.storage.placing import registered
from cloud_app.storage.sqlite import SqliteDatabase
from cloud_app.storage.vault import is_sealed
from telemetry.provisioning import (
    Admission,
    Announcement,
    Claim,
    Home,
    Refusal,
    Renewal,
    Waiting,
)
from tests.cloud_app.authority.box_key import BoxKey

DAY_MS = 86_400_000
NOW_MS = 1_790_000_000_000
CONFIG = CloudConfig(
    provisioning=ProvisioningConfig(
        broker_host="broker.example.org",
        region=(
            RegionConfig(
                name="sea", sites=frozenset({"harbour"}), broker_host="broker.sea.example.org",
                broker_port=8884, cloud_url="https://sea.example.org/",
            ),
        ),
    )
)  # fmt: skip


@dataclass
class Gatehouse:
    """An authority over an empty database, and boxes that ask it."""

    database: SqliteDatabase
    root: Key
    now_ms: int = NOW_MS
    config: CloudConfig = CONFIG
    admissions: Admissions = field(init=False)

    def __post_init__(self) -> None:
        self.admissions = Admissions.of(self.config, Accounts.of(self.config, self.database))

    @property
    def ann(self) -> Actor:
        return Actor(ActorKind.PERSON, "ann@example.org", "192.0.2.1", self.now_ms)

    def code(self, site: str = "north", edge: str | None = None) -> str:
        with self.database.write() as session:
            return make_claim(session, self.ann, ClaimPlan(site, edge, None, DAY_MS))[1]

    def claim(self, code: str, box: BoxKey, name: str | None = None) -> Admission:
        with self.database.write() as session:
            asked = Claim(code=code, csr=box.request(name))
            return self.admissions.claim(session, asked, "192.0.2.9", self.now_ms)

    def renew(
        self, present: Admission, box: BoxKey, following: BoxKey, name: str | None = None
    ) -> Admission:
        asked = Renewal(**box.renewal(present.certificate, following, name))
        with self.database.write() as session:
            return self.admissions.renew(session, asked, "192.0.2.9", self.now_ms)

    def announce(self, box: BoxKey, address: str = "192.0.2.9") -> Admission | Waiting:
        with self.database.write() as session:
            asked = Announcement(csr=box.request("box-9"), site="north")
            return self.admissions.announce(session, asked, address, self.now_ms)

    def refusal(self, why: Refusal, *words: str) -> Refused:
        return Refused(why, words)


class Refused:
    """`with` it: a refusal for this reason, whose sentence has these words."""

    def __init__(self, why: Refusal, words: tuple[str, ...]) -> None:
        self._why, self._words = why, words

    def __enter__(self) -> None:
        return None

    def __exit__(self, kind: object, error: BaseException | None, _trace: object) -> bool:
        assert isinstance(error, RequestRefusedError), f"let in, or {error!r}"
        assert error.why is self._why, error
        assert all(word in str(error) for word in self._words), error
        return True


@pytest.fixture
def gate(tmp_path: Path) -> Iterator[Gatehouse]:
    database = SqliteDatabase(tmp_path / "cloud.db")
    root = new_key()
    with database.write() as session:
        assert initialise(session, root, "test root", NOW_MS)
        assert not initialise(session, root, "test root", NOW_MS)
    yield Gatehouse(database, root)
    database.close()


def names_of(pem: str) -> list[str]:
    found = x509.load_pem_x509_certificates(pem.encode())
    return [each.subject.rfc4514_string().removeprefix("CN=") for each in found]


def test_a_code_brings_a_box_to_the_broker_of_its_region(gate: Gatehouse) -> None:
    made = gate.claim(gate.code("harbour"), BoxKey(), "pier-1")
    assert made.home == Home(
        edge="pier-1", site="harbour", host="broker.sea.example.org", port=8884,
        cloud="https://sea.example.org",
    )  # fmt: skip
    assert names_of(made.certificate) == ["pier-1", "lotsight issuing 1"]
    leaf, issuing = x509.load_pem_x509_certificates(made.certificate.encode())
    [root] = x509.load_pem_x509_certificates(made.authority.encode())
    leaf.verify_directly_issued_by(issuing)
    issuing.verify_directly_issued_by(root)
    with gate.database.read() as session:
        assert registered(session) == [("pier-1", "harbour")]


def test_a_box_without_a_name_gets_one_and_the_same_key_the_same_certificate(
    gate: Gatehouse,
) -> None:
    code, box = gate.code(), BoxKey()
    first = gate.claim(code, box)
    assert first.home.edge.startswith("box-")
    assert first.home.host == "broker.example.org"
    again = gate.claim(code.lower().replace("-", " ").replace("0", "o"), box)
    assert again.certificate == first.certificate
    assert again.home == first.home


@pytest.mark.parametrize("typed", ["", "AAAAA-AAAAA-AAAAA-AAAAA", "' OR 1=1", "\ud800"])
def test_a_wrong_code_is_refused(gate: Gatehouse, typed: str) -> None:
    gate.code()
    asked = Claim.model_construct(code=typed, csr=BoxKey().request(), note="")
    with gate.refusal(Refusal.CODE_UNKNOWN, "no such code"), gate.database.write() as session:
        gate.admissions.claim(session, asked, "192.0.2.9", NOW_MS)


def test_a_code_works_for_one_key_and_not_for_ever(gate: Gatehouse) -> None:
    code, other = gate.code(), gate.code()
    gate.claim(code, BoxKey(), "box-1")
    with gate.refusal(Refusal.CODE_USED, "box-1", "another key", "revoke it"):
        gate.claim(code, BoxKey(), "box-2")
    gate.now_ms += DAY_MS
    with gate.refusal(Refusal.CODE_EXPIRED, "ran out"):
        gate.claim(other, BoxKey(), "box-3")


def test_no_box_gets_the_name_of_another_one_or_of_the_cloud(gate: Gatehouse) -> None:
    gate.claim(gate.code(), BoxKey(), "box-1")
    with gate.refusal(Refusal.NAME_TAKEN, "another box's name"):
        gate.claim(gate.code("south"), BoxKey(), "box-1")
    with gate.refusal(Refusal.NAME_TAKEN, "client or server of the cloud"):
        gate.claim(gate.code(), BoxKey(), "consumer")
    with gate.refusal(Refusal.OTHER_NAME, "box-7", "box-8"):
        gate.claim(gate.code(edge="box-7"), BoxKey(), "box-8")
    for name in ("a/b", "+", "#", "a b", "é"):
        with gate.refusal(Refusal.BAD_REQUEST, "the box's name"):
            gate.claim(gate.code(), BoxKey(), name)


def test_a_code_for_a_name_puts_another_box_in_its_place(gate: Gatehouse) -> None:
    old = BoxKey()
    present = gate.claim(gate.code(), old, "box-1")
    made = gate.claim(gate.code(edge="box-1"), BoxKey())
    assert made.home.edge == "box-1"
    with gate.refusal(Refusal.REVOKED, "box-1", "revoked on"):
        gate.renew(present, old, BoxKey())


def test_a_renewal_is_for_the_holder_of_the_present_certificate(gate: Gatehouse) -> None:
    box, following = BoxKey(), BoxKey()
    present = gate.claim(gate.code(), box, "box-1")
    other = gate.claim(gate.code(), BoxKey(), "box-2")
    gate.now_ms += 120 * DAY_MS
    made = gate.renew(present, box, following)
    assert made.home == present.home
    assert gate.renew(present, box, following).certificate == made.certificate
    with gate.refusal(Refusal.BAD_REQUEST, "not signed"):
        gate.renew(other, box, BoxKey())
    with gate.refusal(Refusal.BAD_REQUEST, "new key"):
        gate.renew(present, box, box)
    with gate.refusal(Refusal.OTHER_NAME, "box-1", "box-2"):
        gate.renew(present, box, BoxKey(), "box-2")
    stranger = replace_root(gate, box)
    with gate.refusal(Refusal.NOT_OURS, "not one that this cloud issued"):
        gate.renew(stranger, box, BoxKey())
    # The first still holds: nothing ends it before the box is on with the second.
    with gate.database.read() as session:
        assert put_out(session, gate.now_ms) == {}


def replace_root(gate: Gatehouse, box: BoxKey) -> Admission:
    """What another authority would have issued for that box."""
    key = new_key()
    at = moment(gate.now_ms)
    leaf = Leaf(Profile.BOX, "box-1", box.key.public_key(), timedelta(days=9))
    made = make_leaf(Signer(make_root(key, "evil", at), key), leaf, at)
    home = gate.admissions.homes.of("box-1", "north")
    return Admission(certificate=pem(made), authority=pem(made), home=home, at=at)


def test_a_box_that_was_off_for_long_may_be_late_but_not_for_ever(gate: Gatehouse) -> None:
    box = BoxKey()
    present = gate.claim(gate.code(), box, "box-1")
    gate.now_ms += 200 * DAY_MS
    assert gate.renew(present, box, BoxKey()).home.edge == "box-1"
    gate.now_ms += 100 * DAY_MS
    with gate.refusal(Refusal.EXPIRED, "more than 90 days ago", "a code for box-1"):
        gate.renew(present, box, BoxKey())


def test_a_person_approves_what_shows_the_same_fingerprint(gate: Gatehouse) -> None:
    box, other = BoxKey(), BoxKey()
    first = gate.announce(box)
    assert isinstance(first, Waiting)
    assert first.fingerprint == box.fingerprint
    gate.announce(other)
    with gate.database.write() as session:
        typed = box.fingerprint.lower().replace("-", ":")
        gate.admissions.approve(session, gate.ann, known_box(session, typed), ("box-9", "north"))
        gate.admissions.refuse(session, gate.ann, known_box(session, other.fingerprint))
    made = gate.announce(box)
    assert isinstance(made, Admission)
    assert made.home.edge == "box-9"
    with gate.refusal(Refusal.REFUSED, "a person refused"):
        gate.announce(other)


def test_strangers_do_not_fill_the_list(gate: Gatehouse) -> None:
    for _ in range(20):
        gate.announce(BoxKey())
    with gate.refusal(Refusal.FULL, "too many boxes wait"):
        gate.announce(BoxKey())
    assert isinstance(gate.announce(BoxKey(), "198.51.100.1"), Waiting)
    gate.now_ms += 8 * DAY_MS
    assert isinstance(gate.announce(BoxKey()), Waiting)


def test_an_issuing_certificate_that_ran_out_is_told_and_healed(gate: Gatehouse) -> None:
    box = BoxKey()
    gate.now_ms += 5 * 365 * DAY_MS - 30 * DAY_MS
    present = gate.claim(gate.code(), box, "box-1")
    gate.now_ms += 31 * DAY_MS
    with gate.refusal(Refusal.CANNOT_ISSUE, "ran out", "renew-intermediate"):
        gate.renew(present, box, BoxKey())
    with gate.database.write() as session:
        with pytest.raises(AuthorityError, match="second root would cut off"):
            renew_issuing(session, new_key(), gate.now_ms)
        renew_issuing(session, gate.root, gate.now_ms)
    assert names_of(gate.renew(present, box, BoxKey()).certificate)[1] == "lotsight issuing 2"


def test_the_list_of_revoked_ones_grows_and_stays_fresh(gate: Gatehouse) -> None:
    for name in ("box-1", "box-2"):
        gate.claim(gate.code(), BoxKey(), name)

    def crl() -> str:
        with gate.database.write() as session:
            return OwnIssuer().crls(session, gate.now_ms)

    empty = crl()
    assert revoked_in(empty) == set()
    with gate.database.write() as session:
        [ended] = gate.admissions.put_out(session, gate.ann, "box-1")
        assert gate.admissions.put_out(session, gate.ann, "box-1") == []
        assert put_out(session, gate.now_ms) == {"box-1": gate.now_ms}
        # As if another process had decided a little earlier, and committed later.
        session.run(
            update(tables.certificate)
            .where(tables.certificate.c.name == "box-1")
            .values(revoked_ms=gate.now_ms - 5000)
        )
    assert crl() == empty, "a second list of the same second would be passed over"
    gate.now_ms += 1000
    grown = crl()
    assert revoked_in(grown) == {ended.serial}
    assert crl() == grown
    gate.now_ms += DAY_MS
    assert crl() != grown


def test_the_issuing_key_is_sealed_and_the_root_key_is_not_there(gate: Gatehouse) -> None:
    with gate.database.read() as session:
        rows = {row.kind: row for row in session.rows(select(tables.authority))}
    assert rows["root"].key is None
    assert is_sealed(rows["issuing"].key)
