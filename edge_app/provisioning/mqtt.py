"""Fleet provisioning by claim over MQTT, for clouds that speak as AWS IoT does.

The box makes its key itself and sends a signing request under the claim certificate, which all new
boxes share and which may do nothing else. The private key is written with mode 0600 and never
leaves the box. Source: AWS IoT Core developer guide, "Device provisioning MQTT API".
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from pydantic import BaseModel, JsonValue

from edge_app.delivery.config import MqttConfig
from edge_app.delivery.connection import Connection, Incoming, Outgoing, Suback
from edge_app.delivery.errors import REFUSED, reason_text
from edge_app.delivery.tls import tls_context
from edge_app.provisioning.errors import ProvisioningRefused
from edge_app.provisioning.keys import check_certificate, own_key, signing_request, write_file
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
from telemetry.messages import decode
from telemetry.topics import Topic, TopicFilter
from telemetry.vocabulary import is_identifier

ANSWER_TIMEOUT_S = 30.0
KEY_FILE = "edge.key"
CERTIFICATE_FILE = "edge.crt"
T = TypeVar("T", bound=BaseModel)


@dataclass(frozen=True, slots=True)
class Identity:
    """Who the box is from now on.

    Attributes:
        edge: its name; CN of the certificate.
        cert_file: PEM.
        key_file: PEM, mode 0600.
        settings: first configuration that the service gave along.
    """

    edge: str
    cert_file: Path
    key_file: Path
    settings: Mapping[str, JsonValue]


def provision(
    claim: MqttConfig,
    template: str,
    serial: str,
    folder: Path,
    extra: Mapping[str, str] | None = None,
) -> Identity:
    """Get the box's own certificate.

    Interrupted, it may simply be run again: the key is kept, the certificate comes last.

    Args:
        claim: link under the claim certificate; `edge` is only the client id of this talk.
        template: of the service.
        serial: the box's serial number; the service decides on the name.
        folder: where key and certificate go.
        extra: more parameters that the template wants.

    Raises:
        LinkError: the broker cannot be reached, or the service refused.
        CertificateError: the certificate that came is not for the box's key or name.
    """
    if not is_identifier(serial):
        msg = f"expected an identifier as serial number, but got {serial!r}"
        raise ProvisioningRefused(msg)
    folder.mkdir(parents=True, exist_ok=True)
    key = own_key(folder / KEY_FILE)
    topics = ProvisioningTopics(template, claim.aws_root)
    talk = _Talk(claim, topics)
    try:
        request = CreateFromCsr(certificate_signing_request=signing_request(key, serial))
        issued = talk.ask(topics.create, request, CertificateIssued)
        thing = ProvisionThing(
            certificate_ownership_token=issued.certificate_ownership_token,
            parameters={"SerialNumber": serial, **(extra or {})},
        )
        named = talk.ask(topics.provision, thing, ThingProvisioned)
    finally:
        talk.close()
    check_certificate(issued.certificate_pem, key, named.thing_name)
    cert_file = folder / CERTIFICATE_FILE
    write_file(cert_file, issued.certificate_pem.encode(), mode=0o644)
    return Identity(named.thing_name, cert_file, folder / KEY_FILE, named.device_configuration)


class _Talk:
    """Question and answer over one connection."""

    def __init__(self, config: MqttConfig, topics: ProvisioningTopics) -> None:
        context = tls_context(config.tls) if config.tls else None
        # A box that is not provisioned must not be announced: no will.
        self._connection = Connection(config, config.protocol, None, context)
        self._where = f"{config.host}:{config.port}"
        try:
            self._connection.open()
            heard = [
                TopicFilter(str(each))
                for topic in (topics.create, topics.provision)
                for each in answers(topic)
            ]
            self._subscribe(heard)
        except BaseException:
            self._connection.close(gracefully=False)
            raise

    def ask(self, topic: Topic, request: BaseModel, kind: type[T]) -> T:
        """Publish a request and wait for its answer."""
        accepted, rejected = answers(topic)
        self._connection.publish(Outgoing(topic, request.model_dump_json(by_alias=True).encode()))
        deadline_s = time.monotonic() + ANSWER_TIMEOUT_S
        while (left_s := deadline_s - time.monotonic()) > 0:
            for happening in self._connection.step(left_s):
                if not isinstance(happening, Incoming):
                    continue
                if happening.topic == str(accepted):
                    return decode(kind, happening.payload, happening.topic)
                if happening.topic == str(rejected):
                    answer = decode(ErrorResponse, happening.payload, happening.topic)
                    msg = f"{self._where}: {topic} refused: {answer.text}"
                    raise ProvisioningRefused(msg)
        msg = f"{self._where}: no response to {topic} within {ANSWER_TIMEOUT_S:g} s"
        raise ProvisioningRefused(msg)

    def close(self) -> None:
        """End the talk."""
        self._connection.close(gracefully=True)

    def _subscribe(self, heard: list[TopicFilter]) -> None:
        mid = self._connection.subscribe(heard)
        deadline_s = time.monotonic() + ANSWER_TIMEOUT_S
        while (left_s := deadline_s - time.monotonic()) > 0:
            for happening in self._connection.step(left_s):
                if isinstance(happening, Suback) and happening.mid == mid:
                    refused = [code for code in happening.codes if code >= REFUSED]
                    if refused:
                        msg = f"{self._where}: subscription refused: {reason_text(refused[0])}"
                        raise ProvisioningRefused(msg)
                    return
        msg = f"{self._where}: no SUBACK within {ANSWER_TIMEOUT_S:g} s"
        raise ProvisioningRefused(msg)
