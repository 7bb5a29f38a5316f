"""A new box gets its certificate over a real broker from a real, small provisioning service."""

from __future__ import annotations

import stat
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from paho.mqtt import client as paho
from paho.mqtt.enums import CallbackAPIVersion, MQTTProtocolVersion

from edge_app.delivery.errors import CertificateError
from edge_app.provisioning.errors import ProvisioningRefused
from edge_app.provisioning.keys import own_key
from edge_app.provisioning.mqtt import provision
from telemetry import decode
from telemetry.aws import (
    ErrorResponse,
    answers,
)
from telemetry.aws_provisioning import (
    CertificateIssued,
    CreateFromCsr,
    ProvisioningTopics,
    ProvisionThing,
    ThingProvisioned,
)
from tests.kit.mosquitto import Mosquitto
from tests.kit.waiting import eventually
from tests.system.delivery.edge import link_config

pytestmark = pytest.mark.mosquitto
TOPICS = ProvisioningTopics("fleet")
Sign = Callable[[x509.CertificateSigningRequest], str]


class ProvisioningService:
    """Signs what it is asked to, and names boxes by their serial number."""

    def __init__(self, port: int) -> None:
        self.key = ec.generate_private_key(ec.SECP256R1())
        self.name_of: dict[str, str] = {"sn-1": "edge-7"}
        self.sign: Sign = self.certificate
        self.seen: list[bytes] = []
        self._subscribed = False
        self._client = paho.Client(
            CallbackAPIVersion.VERSION2, "fleet", protocol=MQTTProtocolVersion.MQTTv5
        )
        self._client.on_message = self._on_message
        self._client.on_subscribe = lambda *_: setattr(self, "_subscribed", True)
        self._client.connect("127.0.0.1", port)
        self._client.subscribe([(str(TOPICS.create), 1), (str(TOPICS.provision), 1)])
        self._client.loop_start()
        eventually(lambda: self._subscribed, "the service")

    def stop(self) -> None:
        self._client.disconnect()
        self._client.loop_stop()

    def certificate(self, request: x509.CertificateSigningRequest, name: str = "edge-7") -> str:
        now = datetime.now(UTC)
        builder = x509.CertificateBuilder().public_key(request.public_key())
        builder = builder.subject_name(named(name)).issuer_name(named("fleet"))
        builder = builder.serial_number(x509.random_serial_number())
        builder = builder.not_valid_before(now).not_valid_after(now + timedelta(days=1))
        made = builder.sign(self.key, hashes.SHA256())
        return made.public_bytes(serialization.Encoding.PEM).decode()

    def _on_message(self, client: paho.Client, _: object, message: paho.MQTTMessage) -> None:
        payload = bytes(message.payload)
        self.seen.append(payload)
        accepted, rejected = answers(
            TOPICS.create if message.topic == str(TOPICS.create) else TOPICS.provision
        )
        if message.topic == str(TOPICS.create):
            csr = decode(CreateFromCsr, payload, message.topic).certificate_signing_request
            request = x509.load_pem_x509_csr(csr.encode())
            assert request.is_signature_valid
            issued = CertificateIssued(
                certificate_id="c", certificate_pem=self.sign(request),
                certificate_ownership_token="token",
            )  # fmt: skip
            client.publish(str(accepted), issued.encode(), qos=1)
            return
        asked = decode(ProvisionThing, payload, message.topic)
        assert asked.certificate_ownership_token == "token"
        name = self.name_of.get(asked.parameters["SerialNumber"])
        if name is None:
            refusal = ErrorResponse(error_code="AccessDenied", error_message="unknown serial")
            client.publish(str(rejected), refusal.encode(), qos=1)
        else:
            thing = ThingProvisioned(thing_name=name, device_configuration={"site": "north"})
            client.publish(str(accepted), thing.encode(), qos=1)


def named(name: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])


@pytest.fixture
def service(broker: Mosquitto) -> Iterator[ProvisioningService]:
    running = ProvisioningService(broker.port)
    yield running
    running.stop()


def test_a_new_box_gets_its_name_and_certificate(
    broker: Mosquitto, service: ProvisioningService, tmp_path: Path
) -> None:
    folder = tmp_path / "identity"
    identity = provision(link_config(broker.port, edge="claim-1"), "fleet", "sn-1", folder)
    assert (identity.edge, identity.settings) == ("edge-7", {"site": "north"})
    assert stat.S_IMODE(identity.key_file.stat().st_mode) == 0o600
    certificate = x509.load_pem_x509_certificate(identity.cert_file.read_bytes())
    assert certificate.public_key() == own_key(identity.key_file).public_key()
    secret = identity.key_file.read_bytes()
    lines = [line for line in secret.splitlines() if not line.startswith(b"-----")]
    assert not any(line in seen for line in lines for seen in service.seen), "the key stays here"
    again = provision(link_config(broker.port, edge="claim-1"), "fleet", "sn-1", folder)
    assert again.key_file.read_bytes() == secret


def test_a_serial_number_that_nobody_knows_is_refused(
    broker: Mosquitto, service: ProvisioningService, tmp_path: Path
) -> None:
    with pytest.raises(ProvisioningRefused, match="AccessDenied: unknown serial"):
        provision(link_config(broker.port, edge="claim-1"), "fleet", "sn-2", tmp_path / "i")
    assert not (tmp_path / "i" / "edge.crt").exists()
    with pytest.raises(ProvisioningRefused, match="identifier"):
        provision(link_config(broker.port, edge="claim-1"), "fleet", "s n", tmp_path / "i")


def test_a_certificate_for_another_key_or_name_is_not_kept(
    broker: Mosquitto, service: ProvisioningService, tmp_path: Path
) -> None:
    other = ec.generate_private_key(ec.SECP256R1())
    request = x509.CertificateSigningRequestBuilder().subject_name(named("edge-7"))
    foreign = request.sign(other, hashes.SHA256())
    service.sign = lambda _: service.certificate(foreign)
    with pytest.raises(CertificateError, match="does not match this box's key"):
        provision(link_config(broker.port, edge="claim-1"), "fleet", "sn-1", tmp_path / "i")
    service.sign = lambda asked: service.certificate(asked, "edge-8")
    with pytest.raises(CertificateError, match="CN edge-7"):
        provision(link_config(broker.port, edge="claim-1"), "fleet", "sn-1", tmp_path / "i")
    service.sign = lambda _: "no certificate"
    with pytest.raises(CertificateError, match="PEM"):
        provision(link_config(broker.port, edge="claim-1"), "fleet", "sn-1", tmp_path / "i")
    assert not (tmp_path / "i" / "edge.crt").exists()


def test_a_key_that_is_none_is_named(tmp_path: Path) -> None:
    path = tmp_path / "edge.key"
    path.write_text("nonsense")
    with pytest.raises(CertificateError, match=r"edge\.key"):
        own_key(path)
