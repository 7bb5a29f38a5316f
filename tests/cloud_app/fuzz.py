"""Sends wild messages through the real ingest and counts how each of them ended."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from random import Random
from typing import Any

from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis import strategies as st
from pydantic import BaseModel

from cloud_app.accounts.registry_tenants import RegistryTenants
from cloud_app.config import IngestConfig, RetentionConfig, RulesConfig
from cloud_app.errors import CloudError
from cloud_app.housekeeping import Housekeeper
from cloud_app.ingest.decode import Inbound
from cloud_app.ingest.holes import HoleWatch
from cloud_app.ingest.link import LinkState
from cloud_app.ingest.worker import IngestWorker
from cloud_app.shadow_service import ShadowService
from cloud_app.storage.database import Database
from cloud_app.storage.edge_queries import edges_now
from cloud_app.storage.queries import Now, lots_now
from cloud_app.storage.streams import recent_events
from cloud_app.storage.times import to_ms
from cloud_app.stream import Watermark
from telemetry import ManualClock, TelemetryError, decode
from telemetry.shadow import parse_delta, parse_update
from tests.cloud_app.scripted_edge import START, ScriptedEdge
from tests.cloud_app.wild import (
    DOWN,
    KINDS,
    Sent,
    bodies,
    gone_wild,
    sent,
    shadow_bodies,
    shadow_request,
)

BATCH = 100
# Messages made of each one that hypothesis drew: the drawing is what takes the time.
VARIANTS = 40
Species = tuple[str, type[BaseModel] | None]
_SPECIES: tuple[Species, ...] = (
    *((channel, kind) for channel, kinds in KINDS.items() for kind in kinds),
    *(("down", kind) for kind in DOWN),
    ("shadow", None),
    ("shadow", None),
)


def _of(species: Species) -> st.SearchStrategy[Any]:
    kind = species[1]
    return shadow_bodies() if kind is None else bodies(kind)


@dataclass
class Told:
    """What the ingest tells the broker: confirmations are counted, watermarks kept."""

    confirmed: int = 0
    marks: dict[str, int] = field(default_factory=dict)
    state: LinkState = field(default_factory=lambda: LinkState(True, 0, None))

    def confirm(self, messages: Sequence[Inbound]) -> None:
        self.confirmed += len(messages)

    def acknowledge(self, watermarks: Iterable[Watermark], *, replay: bool = False) -> None:
        for mark in watermarks:
            self.marks[mark.edge] = mark.upto

    def listen_to(self, site: str, edge: str) -> None:
        """Nothing is heard here."""

    def stop_listening_to(self, site: str, edge: str) -> None:
        """Nothing is heard here."""

    def reread(self, site: str, edge: str) -> None:
        """Nothing is kept here."""


@dataclass
class Tally:
    """How messages ended."""

    taken: int = 0
    quarantined: int = 0
    refused: int = 0
    other: list[str] = field(default_factory=list)

    @property
    def messages(self) -> int:
        return self.taken + self.quarantined + self.refused + len(self.other)

    def __str__(self) -> str:
        return (
            f"{self.messages} messages: {self.taken} taken, {self.quarantined} quarantined, "
            f"{self.refused} refused, other = {len(self.other)}"
        )


class Fuzz:
    """An ingest, a shadow service and a good edge on one database."""

    def __init__(self, database: Database, progress: Callable[[Tally], None]) -> None:
        self.tally = Tally()
        self._database = database
        self._progress = progress
        self._clock = ManualClock(epoch_utc=START)
        self._told = Told()
        rules = RulesConfig()
        self._housekeeper = Housekeeper(
            database, self._told, RegistryTenants(), rules, RetentionConfig(), 180.0,
            HoleWatch(self._clock, 5.0), self._clock,
        )  # fmt: skip
        self._worker = IngestWorker(
            database, (), self._told, IngestConfig(), "pk", self._clock, self._housekeeper.saw
        )
        self._shadows = ShadowService(database, self._clock, "$aws")
        self._good = ScriptedEdge(edge="good", site="north", lot="good-lot")
        self._take([*self._good.hello()])
        self._waiting: list[Sent] = []

    def run(self, messages: int, seed_number: int) -> Tally:
        """Send that many; nothing but taken, quarantined or refused is an answer."""

        rng = Random(seed_number)

        @seed(seed_number)
        @settings(
            max_examples=max(1, messages // VARIANTS), deadline=None, database=None,
            phases=[Phase.generate], suppress_health_check=list(HealthCheck),
        )  # fmt: skip
        @given(st.sampled_from(_SPECIES).flatmap(lambda kind: st.tuples(st.just(kind), _of(kind))))
        def send(drawn: tuple[Species, Any]) -> None:
            (channel, _), body = drawn
            for _ in range(VARIANTS):
                self._one(rng, channel, body)

        while self.tally.messages + len(self._waiting) < messages:
            send()
        self._send()
        self._look()
        return self.tally

    def _one(self, rng: Random, channel: str, body: Any) -> None:
        if channel == "down":
            self._read_at_the_edge(gone_wild(rng, body).encode())
        elif channel == "shadow":
            self._ask_the_shadow(shadow_request(rng, body))
        else:
            self._waiting.append(sent(rng, channel, body))
            if len(self._waiting) >= BATCH:
                self._send()

    def _send(self) -> None:
        """A batch, with an event of the good edge amid it, which must be acknowledged at once."""
        waiting, self._waiting = self._waiting, []
        batch = [
            Inbound(each.topic, each.payload, False, to_ms(self._good.now)) for each in waiting
        ]
        change = self._good.change("a1", bool(self._good.seq % 2))
        batch.insert(len(batch) // 2, change)
        before = self._worker.counts.unreadable
        self._take(batch)
        quarantined = self._worker.counts.unreadable - before
        self.tally.quarantined += quarantined
        self.tally.taken += len(waiting) - quarantined
        if self._told.marks.get("good") != self._good.seq:
            self.tally.other.append(f"the good edge is at {self._good.seq}: {self._told.marks}")
        self._clock.advance(1)
        if self._good.seq % 10 == 0:
            self._look()
        self._progress(self.tally)

    def _take(self, batch: Sequence[Inbound]) -> None:
        before = self._told.confirmed
        try:
            self._worker.take(batch)
        except Exception as exc:
            self.tally.other.append(f"take: {type(exc).__name__}: {exc}")
        if self._told.confirmed - before != len(batch):
            self.tally.other.append(f"{self._told.confirmed - before} of {len(batch)} confirmed")

    def _look(self) -> None:
        """What readers and housekeeping ask."""
        now = Now(to_ms(self._good.now), 180_000)
        try:
            with self._database.read() as session:
                for each in (*edges_now(session, now), *lots_now(session, now)):
                    each.model_dump_json()
                for event in recent_events(session, 100):
                    event.model_dump_json()
            self._housekeeper.tick()
        except Exception as exc:
            self.tally.other.append(f"look: {type(exc).__name__}: {exc}")

    def _ask_the_shadow(self, request: Sent) -> None:
        try:
            answers = self._shadows.answer(request.topic, request.payload)
        except (TelemetryError, CloudError):
            self.tally.refused += 1
        except Exception as exc:
            self.tally.other.append(f"shadow: {type(exc).__name__}: {exc}")
        else:
            rejected = any(str(each.topic).endswith("/rejected") for each in answers)
            self.tally.refused += rejected
            self.tally.taken += not rejected

    def _read_at_the_edge(self, payload: bytes) -> None:
        """As a box reads what comes down to it: any of its readers may be given anything."""
        taken = False
        readers = [lambda p, kind=kind: decode(kind, p, "down") for kind in DOWN]
        for read in (*readers, parse_delta, parse_update):
            try:
                read(payload)
                taken = True
            except TelemetryError:
                continue
            except Exception as exc:
                self.tally.other.append(f"edge: {type(exc).__name__}: {exc}")
                return
        self.tally.taken += taken
        self.tally.refused += not taken
