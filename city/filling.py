"""A separate process that takes the past into the cloud's tables, the newest week first.

The messages are the contract's, and the cloud's own intake reads, checks and writes them, as if
they had come over the broker; only the broker is left out, at whose speed twelve weeks would take
hours.
"""

from __future__ import annotations

import multiprocessing
import os
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from itertools import islice
from multiprocessing.context import SpawnProcess
from multiprocessing.queues import Queue
from multiprocessing.synchronize import Event
from pathlib import Path
from queue import Empty

from pydantic import SecretStr

from city import counted_past, history, past_alerts
from city.history import Past, Said
from city.past_alerts import alerts_of
from city.plan import City, PlannedLot, Watch
from city.stays import Taken, first_monday, stays_of
from city.troubles import incidents_of, outages_of
from cloud_app.config import DatabaseConfig, RulesConfig
from cloud_app.ingest.batch import Batch, take_batch
from cloud_app.ingest.decode import Inbound, decode_inbound
from cloud_app.storage.cloud_edges import ensure_cloud_edge
from cloud_app.storage.database import Database
from cloud_app.storage.events import take_events
from cloud_app.storage.intake import lock_edges
from cloud_app.storage.open import open_database
from cloud_app.storage.quarters import forget_quarters
from cloud_app.storage.times import to_ms
from cloud_app.stream import TakenEvent
from telemetry import LotsightError
from telemetry.cloudevents import BayChangedEvent, IncidentChangedEvent
from telemetry.topics import EdgeTopics, TopicKind

# The service has the write lock in between, and half a core is left to it, so that what happens now
# is not held up. A low priority would do the contrary on a busy machine: whoever waits for the lock
# would wait for a process that gets no time.
_BATCH = 200
_ALERTS = 50
_STOP_S = 20.0


@dataclass(frozen=True, slots=True)
class Filling:
    """What is to be filled in.

    Attributes:
        database: the cloud's SQLite file.
        city: whose past.
        now: the end of the past.
        seed: of it.
        weeks: how many, at least; it begins on a Monday.
    """

    database: Path
    city: City
    now: datetime
    seed: int
    weeks: int


AnyEvent = BayChangedEvent | IncidentChangedEvent
Stopped = Callable[[], bool]


@dataclass(frozen=True, slots=True)
class WeekDone:
    """A week is in the tables.

    Attributes:
        begin: of the week.
        weeks: how many are done.
        of: how many there are.
        events: taken so far.
    """

    begin: datetime
    weeks: int
    of: int
    events: int


@dataclass(slots=True)
class Filler:
    """The process, seen from the one that started it.

    Attributes:
        done: how far it is; None before the first week.
    """

    filling: Filling
    done: WeekDone | None = None
    fault: str | None = None
    _taken: Taken | None = None
    _process: SpawnProcess | None = None
    _news: Queue[Taken | WeekDone | str] | None = None
    _stop: Event | None = field(default=None)

    def start(self) -> None:
        """Begin."""
        context = multiprocessing.get_context("spawn")
        self._news, self._stop = context.Queue(), context.Event()
        self._process = context.Process(
            target=_run,
            args=(self.filling, self._news, self._stop),
            name="city-history",
            daemon=True,
        )
        self._process.start()

    def stop(self) -> None:
        """End it, at the latest after the batch that it is at."""
        if self._process is None or self._stop is None:
            return
        self._stop.set()
        self.look()
        self._process.join(_STOP_S)
        if self._process.is_alive():
            self._process.terminate()
            self._process.join()
        self._process.close()
        self._process = None

    @property
    def taken(self) -> Taken | None:
        """Who stands where now; None until it is known."""
        self.look()
        return self._taken

    def look(self) -> list[WeekDone]:
        """Weeks that were done since the last look.

        Raises:
            LotsightError: it failed.
        """
        found = []
        while self._news is not None:
            try:
                news = self._news.get_nowait()
            except Empty:
                break
            if isinstance(news, WeekDone):
                self.done = news
                found.append(news)
            elif isinstance(news, str):
                self.fault = news
            else:
                self._taken = news
        if self.fault is None and self._died():
            self.fault = "the process ended unasked"
        if self.fault is not None:
            msg = f"the city's history could not be written: {self.fault}"
            raise LotsightError(msg)
        return found

    def _died(self) -> bool:
        return self._process is not None and self._process.exitcode not in {None, 0}


def _run(filling: Filling, news: Queue[Taken | WeekDone | str], stop: Event) -> None:
    parent = os.getppid()
    try:
        for each in fill(filling, lambda: stop.is_set() or os.getppid() != parent):
            news.put(each)
    except LotsightError as exc:
        news.put(str(exc))
    except KeyboardInterrupt:  # the terminal tells all of a group; the parent says when
        pass


def fill(filling: Filling, is_over: Stopped) -> Iterator[Taken | WeekDone]:
    """Fill it in.

    Args:
        filling: what.
        is_over: whether to end early.

    Yields:
        Who stands where in the end, then each week when it is in the tables.
    """
    begin = first_monday(filling.now, filling.weeks)
    pasts: list[Past] = []
    for lot in filling.city.lots:
        pasts.append(past_of(lot, begin, filling.now, filling.seed))
        if is_over():
            return
    yield {past.lot.key: occupied(past, filling.now.timestamp()) for past in pasts}
    lots = [_Told(past, past.states()) for past in pasts if past.lot.watch is not Watch.GATES]
    database = open_database(DatabaseConfig(url=SecretStr(f"sqlite:{filling.database}")))
    try:
        for past in pasts:
            if past.lot.watch is Watch.GATES:
                counted = counted_past.counted_past(past, begin, filling.now, filling.seed)
                counted_past.write(database, past.lot, counted)
        _write_alerts(database, lots)
        events, every = 0, history.weeks(begin, filling.now)
        for number, week in enumerate(every, start=1):
            for told in lots:
                # In the order of time, and of the cloud's own edges below what they say now.
                lot, oldest = told.past.lot, len(every) - number + 1
                epoch = int(week[0].timestamp()) if lot.has_box else oldest
                told_now = history.week_of(told.past, told.states, week, epoch)
                events += _take(database, lot, told_now, is_over)
                if is_over():
                    return
            with database.write() as session:
                # The leader makes them from the first week on that it finds, and older ones come.
                forget_quarters(session, [told.past.lot.edge for told in lots])
            yield WeekDone(week[0], number, len(every), events)
    finally:
        database.close()


def past_of(lot: PlannedLot, begin: datetime, end: datetime, seed: int) -> Past:
    """The past of a lot."""
    stays = stays_of(lot, begin, end, seed)
    span_s = (begin.timestamp(), end.timestamp())
    return Past(lot, stays, outages_of(lot, *span_s, seed), incidents_of(lot, stays, *span_s, seed))


def occupied(past: Past, at_s: float) -> dict[str, float]:
    """The bays that are occupied at a time, and since when."""
    return {
        past.lot.bays[stay.bay].said.bay: stay.begin_s
        for stay in past.stays
        if stay.begin_s <= at_s < stay.end_s
    }


@dataclass(frozen=True, slots=True)
class _Told:
    past: Past
    states: Sequence[Sequence[Said]]


def _write_alerts(database: Database, lots: Sequence[_Told]) -> None:
    """All past alerts in the order of time, which is the order of their numbers."""
    rules = RulesConfig()
    alerts = [each for told in lots for each in alerts_of(told.past, told.states, rules)]
    alerts.sort(key=lambda each: each.begin_s)
    for first in range(0, len(alerts), _ALERTS):
        with database.write() as session:
            past_alerts.write(session, alerts[first : first + _ALERTS], rules)


def _take(database: Database, lot: PlannedLot, told: Iterator[AnyEvent], is_over: Stopped) -> int:
    """Events of a lot, in their order; how many there were."""
    events = 0
    topic = str(EdgeTopics(lot.spec.site, lot.edge).of(TopicKind.EVENT))
    while batch := [_inbound(topic, each) for each in islice(told, _BATCH)]:
        if is_over():
            return events
        began_s = time.monotonic()
        if lot.has_box:
            read = Batch.of(batch, "pk")
            with database.write() as session:
                take_batch(session, read)
        else:
            _take_for_cloud(database, lot, batch)
        events += len(batch)
        time.sleep(time.monotonic() - began_s)
    return events


def _take_for_cloud(database: Database, lot: PlannedLot, batch: Sequence[Inbound]) -> None:
    """What the cloud's own edge of a lot said; no message may speak for it."""
    read = [decode_inbound(each, "pk") for each in batch]
    with database.write() as session:
        ensure_cloud_edge(session, lot.spec.site, lot.id)
        lock_edges(session, [lot.edge])
        take_events(session, [each for each in read if isinstance(each, TakenEvent)])


def _inbound(topic: str, event: AnyEvent) -> Inbound:
    return Inbound(topic, event.encode(), retained=False, received_ms=to_ms(event.time))
