"""The registry as the API shows it."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Generic, Literal, TypeVar

from pydantic import BaseModel, Field, JsonValue

from cloud_app.registry.facts import Facts
from cloud_app.registry.files import feature_of
from cloud_app.registry.queries import Entry
from cloud_app.registry.things import Action, Speaker, Thing
from cloud_app.storage.times import from_ms
from telemetry import Identifier

F = TypeVar("F", bound=Facts)


class Record(BaseModel, Generic[F]):
    """A thing, what is known of it, and who said it."""

    kind: str
    key: str = Field(description="its ids, joined by /")
    ids: dict[str, Identifier]
    version: int = Field(description="also the ETag; increases with every change")
    changed: datetime
    facts: F
    said_by: dict[str, Speaker] = Field(description="source of each value")
    layout: dict[str, JsonValue] = Field(
        description="values from layouts, including overridden ones"
    )
    time_zone: str | None = Field(description="of its site; null if unknown")


class Page(BaseModel, Generic[F]):
    """A page of things."""

    items: list[Record[F]]
    after: str | None = Field(
        description="send as `after` for the next page; null on the last page"
    )


class HistoryEntry(BaseModel):
    """One change of an entry."""

    version: int
    at: datetime
    actor: str = Field(description="a token, `cli:` and a user, or `edge:` and whose layout it was")
    action: Action
    before: dict[str, JsonValue] = Field(description="the changed values before the change")
    after: dict[str, JsonValue]


class Feature(BaseModel):
    """A thing on the map."""

    type: Literal["Feature"] = "Feature"
    properties: dict[str, JsonValue]
    geometry: dict[str, JsonValue] | None


class Features(BaseModel):
    """GeoJSON."""

    type: Literal["FeatureCollection"] = "FeatureCollection"
    features: list[Feature]
    truncated: bool = Field(description="there are more; request a smaller window")


class Reverted(BaseModel):
    """The properties to revert to the layout's values."""

    facts: list[str] = Field(min_length=1, max_length=50)


def record(thing: Thing, zones: Mapping[str, str | None]) -> dict[str, Any]:
    """A thing as a `Record`.

    Args:
        thing: which.
        zones: the time zone of its site, by site.
    """
    return {
        "kind": thing.ref.kind,
        "key": thing.ref.key,
        "ids": thing.ids,
        "version": thing.version,
        "changed": from_ms(thing.changed_ms),
        "facts": thing.facts,
        "said_by": thing.said_by,
        "layout": thing.layout,
        "time_zone": None if thing.site is None else zones.get(thing.site),
    }


def entry(change: Entry) -> HistoryEntry:
    """A change as the API shows it."""
    return HistoryEntry(
        version=change.version,
        at=from_ms(change.at_ms),
        actor=change.actor,
        action=change.action,
        before=dict(change.before),
        after=dict(change.after),
    )


def feature(thing: Thing) -> Feature:
    """A thing as a GeoJSON feature, with its version."""
    found = feature_of(thing)
    properties = {name: value for name, value in found["properties"].items() if value is not None}
    return Feature(
        properties={**properties, "key": thing.ref.key, "version": thing.version},
        geometry=found["geometry"],
    )
