"""JSON Schemas and an AsyncAPI 3 document, generated from the message types.

`python -m telemetry.schemas docs/schemas` writes them; a test fails when they are not current.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

from pydantic import BaseModel

from telemetry import aws, aws_provisioning, cloudevents, commands, health, layout, messages
from telemetry.rules import DELIVERY_RULES, Direction
from telemetry.topics import TopicKind

Json = dict[str, Any]

MESSAGES: dict[TopicKind, tuple[type[BaseModel], ...]] = {
    TopicKind.STATUS: (messages.Status,),
    TopicKind.EVENT: (
        cloudevents.BayChangedEvent,
        cloudevents.IncidentChangedEvent,
        cloudevents.StreamGapEvent,
        cloudevents.GatePassedEvent,
        cloudevents.LotCountEvent,
        cloudevents.SensorHealthEvent,
        cloudevents.OutputChangedEvent,
    ),
    TopicKind.SNAPSHOT: (messages.Snapshot,),
    TopicKind.LAYOUT: (layout.Layout,),
    TopicKind.AGGREGATE: (messages.Aggregate,),
    TopicKind.HEALTH: (health.Health,),
    TopicKind.ACK: (messages.Ack,),
    TopicKind.COMMAND: (commands.Command,),
    TopicKind.COMMAND_RESULT: (commands.CommandResult,),
    TopicKind.BAY: (messages.BayTopicState,),
}
AWS_MESSAGES: tuple[type[BaseModel], ...] = (
    aws.NextJob,
    aws.StartNextJob,
    aws.JobUpdate,
    aws.JobDocument,
    aws_provisioning.CreateFromCsr,
    aws_provisioning.CertificateIssued,
    aws_provisioning.ProvisionThing,
    aws_provisioning.ThingProvisioned,
    aws.ErrorResponse,
)
_ADDRESS_TAILS = {
    TopicKind.COMMAND: "cmd/{id}",
    TopicKind.COMMAND_RESULT: "cmd/{id}/res",
    TopicKind.BAY: "bay/{bay}",
}
_DIALECT = "https://json-schema.org/draft/2020-12/schema"


def message_types() -> tuple[type[BaseModel], ...]:
    """Every type that travels."""
    return (*(each for group in MESSAGES.values() for each in group), *AWS_MESSAGES)


def json_schema(kind: type[BaseModel]) -> Json:
    """The JSON Schema (draft 2020-12) of one message."""
    schema = kind.model_json_schema(by_alias=True, mode="serialization")
    return {"$schema": _DIALECT, "$id": f"urn:lotsight:{kind.__name__}", **schema}


def asyncapi() -> Json:
    """The contract as an AsyncAPI 3.0 document, seen from the box: it sends what goes up."""
    channels, operations, components = {}, {}, {}
    for kind, types in MESSAGES.items():
        rule = DELIVERY_RULES[kind]
        for each in types:
            components[each.__name__] = {
                "name": each.__name__,
                "contentType": (
                    "application/cloudevents+json"
                    if kind is TopicKind.EVENT
                    else "application/json"
                ),
                "payload": {"$ref": f"./{each.__name__}.schema.json"},
            }
        references = [
            {"$ref": f"#/channels/{kind.name.lower()}/messages/{each.__name__}"} for each in types
        ]
        channels[kind.name.lower()] = _channel(kind, types)
        binding: Json = {"qos": rule.qos, "retain": rule.retain, "bindingVersion": "0.2.0"}
        if rule.expiry_s is not None:
            binding["messageExpiryInterval"] = rule.expiry_s
        operations[f"{kind.name.lower()}_{rule.direction.value}"] = {
            "action": "send" if rule.direction is Direction.UP else "receive",
            "channel": {"$ref": f"#/channels/{kind.name.lower()}"},
            "messages": references,
            "bindings": {"mqtt": binding},
        }
    return {
        "asyncapi": "3.0.0",
        "info": {
            "title": "lotsight telemetry",
            "version": "1.0.0",
            "description": (
                "Messages between an edge box and the cloud over MQTT. Shadows, jobs and "
                "provisioning use AWS IoT's topics and are described in docs/telemetry.md."
            ),
            "license": {"name": "AGPL-3.0-or-later"},
        },
        "defaultContentType": "application/json",
        "channels": channels,
        "operations": operations,
        "components": {"messages": components},
    }


def _channel(kind: TopicKind, types: tuple[type[BaseModel], ...]) -> Json:
    tail = _ADDRESS_TAILS.get(kind, kind.value)
    parameters: Json = {
        "prefix": {"description": "Configurable; default: pk.", "default": "pk"},
        "site": {"description": "Site id."},
        "edge": {"description": "Edge box id; CN of its certificate and MQTT client id."},
    }
    if "{id}" in tail:
        parameters["id"] = {"description": "The command's id."}
    if "{bay}" in tail:
        parameters["bay"] = {"description": "The bay's id."}
    return {
        "address": f"{{prefix}}/v1/{{site}}/{{edge}}/{tail}",
        "parameters": parameters,
        "messages": {
            each.__name__: {"$ref": f"#/components/messages/{each.__name__}"} for each in types
        },
    }


def files() -> dict[str, str]:
    """File name to text, for all that is generated."""
    documents = {f"{kind.__name__}.schema.json": json_schema(kind) for kind in message_types()}
    documents["asyncapi.json"] = asyncapi()
    return {name: json.dumps(body, indent=2) + "\n" for name, body in documents.items()}


def main(folder: Path) -> None:
    """Write everything into `folder`, and remove schemas of types that are gone."""
    folder.mkdir(parents=True, exist_ok=True)
    wanted = files()
    for old in folder.glob("*.json"):
        if old.name not in wanted:
            old.unlink()
    for name, text in wanted.items():
        (folder / name).write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
