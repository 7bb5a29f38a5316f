"""Topics and messages of AWS IoT's fleet provisioning.

Source: AWS IoT Core developer guide, "Device provisioning MQTT API".
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from pydantic import Field, JsonValue

from telemetry.aws import DEFAULT_ROOT, AwsMessage, Details, check_thing
from telemetry.topics import Topic
from telemetry.vocabulary import Identifier


@dataclass(frozen=True, slots=True)
class ProvisioningTopics:
    """The topics of fleet provisioning by claim."""

    template: str
    root: str = DEFAULT_ROOT

    def __post_init__(self) -> None:
        """Reject a template that is no single level."""
        check_thing(self.template)

    @property
    def create(self) -> Topic:
        """Where the signing request goes."""
        return Topic(f"{self.root}/certificates/create-from-csr/json")

    @property
    def provision(self) -> Topic:
        """Where the box registers."""
        return Topic(f"{self.root}/provisioning-templates/{self.template}/provision/json")


class CreateFromCsr(AwsMessage):
    """The box sends a signing request; its private key stays where it was made."""

    certificate_signing_request: Annotated[str, Field(max_length=16_384)]


class CertificateIssued(AwsMessage):
    """The answer: a certificate, valid once the box has provisioned with the token."""

    certificate_id: Annotated[str, Field(min_length=1, max_length=128)]
    certificate_pem: Annotated[str, Field(max_length=32_768)]
    certificate_ownership_token: Annotated[str, Field(min_length=1, max_length=2_048)]


class ProvisionThing(AwsMessage):
    """The box registers itself with its serial number and what else the template wants."""

    certificate_ownership_token: Annotated[str, Field(min_length=1, max_length=2_048)]
    parameters: Details = Field(default_factory=dict)


class ThingProvisioned(AwsMessage):
    """The answer: who the box is, and its first configuration."""

    thing_name: Identifier
    device_configuration: dict[str, JsonValue] = Field(default_factory=dict)
