"""A lake of a test: its service's tables, its worker, and what is in it."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path

from cloud_app.config import LakeConfig
from cloud_app.ingest.batch import Batch, take_batch
from cloud_app.ingest.decode import Inbound
from cloud_app.lake.query import LakeReader
from cloud_app.lake.store import LakeStore
from cloud_app.lake.worker import LakeWorker
from cloud_app.storage.database import Database
from telemetry import ManualClock
from telemetry.cloudevents import GatePassedEvent, event_id
from telemetry.gates import GatePassed, PassageDirection, PassageMethod
from telemetry.messages import ClockStamp
from telemetry.topics import TopicKind
from tests.cloud_app.scripted_edge import START, ScriptedEdge


@dataclass
class Lake:
    """The tables of a service, and its lake."""

    database: Database
    config: LakeConfig
    clock: ManualClock = field(default_factory=lambda: ManualClock(epoch_utc=START))
    hash_hours: int = 24

    def __post_init__(self) -> None:
        self.worker = self.new_worker()

    def new_worker(self) -> LakeWorker:
        return LakeWorker(self.config, self.database, self.clock, "pk", self.hash_hours)

    @property
    def store(self) -> LakeStore:
        return LakeStore.of(self.config)

    def take(self, *messages: Inbound) -> None:
        with self.database.write() as session:
            take_batch(session, Batch.of(messages, "pk"))

    def ask(self, sql: str) -> list[tuple[object, ...]]:
        reader = LakeReader(self.store)
        try:
            return list(reader.run(sql).rows)
        finally:
            reader.close()

    def event_keys(self) -> list[tuple[object, ...]]:
        """(edge, seq) of every event that a reader gets, with repetitions."""
        return self.ask("SELECT edge, seq FROM events ORDER BY ALL")

    def files(self) -> list[str]:
        """Every object of events, live or not."""
        return sorted(self.store.paths("events/"))


def lake_at(database: Database, folder: Path) -> Lake:
    return Lake(database, LakeConfig(folder=folder / "lake"))


def passage(edge: ScriptedEdge, plate_hash: str | None, after_s: float = 1.0) -> Inbound:
    """A vehicle passes a gate."""
    edge.now += timedelta(seconds=after_s)
    edge.seq += 1
    event = GatePassedEvent(
        id=event_id(edge.epoch, edge.seq),
        source=edge.topics.base,
        time=edge.now,
        subject="g1",
        data=GatePassed(
            lot="p1",
            direction=PassageDirection.IN,
            method=PassageMethod.PLATE_READER,
            hash=plate_hash,
            clock=ClockStamp(synced=True, mono_ms=edge.seq, boot_id="boot"),
        ),
    )
    return edge.inbound(TopicKind.EVENT, event)


def rewritten(message: Inbound, text: str) -> Inbound:
    """A message whose payload is another text of the same topic."""
    return Inbound(message.topic, text.encode(), message.retained, message.received_ms)


def spaced(message: Inbound) -> Inbound:
    """The same event over many lines, with a number written as a float and a further field."""
    told = json.loads(message.payload)
    told["data"]["x-note"] = {"hash": ["a\nb"], "é": 1}
    return rewritten(message, json.dumps(told, indent=2))


def old_part(folder: Path, name: str, messages: Sequence[Inbound], tail: bytes = b"") -> Path:
    """A part of the former lake."""
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(b"".join(each.payload + b"\n" for each in messages) + tail)
    return path
