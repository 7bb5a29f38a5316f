"""Live updates: from the database's change notices to any number of browsers.

What changed is looked up once per tick, whoever listens; each listener then gets what it asked for
and may see.
"""

from __future__ import annotations

import asyncio
import logging
import threading
import time
from collections.abc import AsyncIterator, Callable, Iterable
from dataclasses import dataclass, field

from cloud_app.api.look import AlertsNow, Look, Looker, LotKey
from cloud_app.api.policy import SiteSet
from cloud_app.errors import CloudError
from cloud_app.storage.database import Database
from cloud_app.storage.queries import Now
from cloud_app.views import BayNow, LotNow

_log = logging.getLogger(__name__)

# A browser hears of changes at most this often: a busy site changes all the time.
_COALESCE_S = 0.5
# An edge that falls silent is no notice, and alerts are opened and closed by another process.
_LOOK_ANYWAY_S = 2.0
# A comment line that keeps proxies from cutting a quiet connection.
_HEARTBEAT_S = 15.0


@dataclass(frozen=True, slots=True)
class Wanted:
    """What a listener wants beside the names of edges.

    Attributes:
        lots: lots whose counts changed, and how many alerts are open.
        lot: whose bays, those that changed.
    """

    lots: bool = False
    lot: LotKey | None = None


@dataclass(slots=True)
class Heard:
    """What happened since a listener was last told; all of it empty: nothing.

    Attributes:
        edges: that changed, with their sites.
        lots: that changed.
        bays: that changed, of the lot that is wanted.
        alerts: None where none changed.
    """

    edges: dict[str, str] = field(default_factory=dict)
    lots: dict[LotKey, LotNow] = field(default_factory=dict)
    bays: dict[tuple[str, str], BayNow] = field(default_factory=dict)
    alerts: AlertsNow | None = None

    def __bool__(self) -> bool:
        return bool(self.edges or self.lots or self.bays) or self.alerts is not None

    def take(self, look: Look, wanted: Wanted) -> None:
        """Add what is wanted of one look; what is told later stands before what came earlier."""
        self.edges |= look.edges
        if wanted.lots:
            self.lots |= {(lot.site, lot.lot): lot for lot in look.lots}
            if look.alerts is not None:
                before = frozenset() if self.alerts is None else self.alerts.changed
                self.alerts = AlertsNow(look.alerts.open, before | look.alerts.changed)
        if wanted.lot is not None:
            some = look.bays.get(wanted.lot, ())
            self.bays |= {(bay.edge, bay.bay): bay for bay in some}

    def seen_by(self, sites: SiteSet) -> Heard:
        """What of it somebody may see."""
        return Heard(
            {edge: site for edge, site in self.edges.items() if sites.sees(site)},
            {key: lot for key, lot in self.lots.items() if sites.sees(lot.site)},
            {key: bay for key, bay in self.bays.items() if sites.sees(bay.site)},
            None if self.alerts is None else self.alerts.seen_by(sites),
        )


@dataclass(eq=False, slots=True)
class _Listener:
    loop: asyncio.AbstractEventLoop
    wanted: Wanted
    heard: Heard = field(default_factory=Heard)
    ready: asyncio.Event = field(default_factory=asyncio.Event)

    def take(self, look: Look | None) -> None:
        """In the listener's own loop; None ends it."""
        if look is not None:
            self.heard.take(look, self.wanted)
        if look is None or self.heard:
            self.ready.set()


class LiveFeed:
    """Tells listeners what changed.

    A slow reader costs the newest of what it has not read, however much happens meanwhile.

    Args:
        database: whose notices to pass on.
        now: the moment, for staleness.
        max_listeners: at once; see `is_full`.
    """

    def __init__(
        self, database: Database, now: Callable[[], Now], max_listeners: int = 200
    ) -> None:
        self._database = database
        self._looker = Looker(now)
        self._max_listeners = max_listeners
        self._lock = threading.Lock()
        self._listeners: set[_Listener] = set()
        self._stop = threading.Event()
        self._looked_s = time.monotonic()

    @property
    def is_full(self) -> bool:
        """Whether no further listener should be let in."""
        return len(self._listeners) >= self._max_listeners

    def run(self) -> None:
        """Pass notices on until `stop`."""
        while not self._stop.is_set():
            edges = self._changed()
            is_due = time.monotonic() - self._looked_s >= _LOOK_ANYWAY_S
            if (edges or is_due) and self._listeners:
                self._tell(edges)

    def _changed(self) -> set[str]:
        """The edges that changed within one tick; none if nothing did for as long."""
        edges = self._database.changes(timeout_s=_COALESCE_S)
        if edges:
            end_s = time.monotonic() + _COALESCE_S
            while not self._stop.is_set() and (left_s := end_s - time.monotonic()) > 0:
                edges |= self._database.changes(timeout_s=left_s)
        return edges

    def stop(self) -> None:
        """Let `run` and all listeners end."""
        self._stop.set()
        self._hand_out(None)

    def _tell(self, edges: Iterable[str]) -> None:
        """Look up what changed, and tell everybody."""
        self._looked_s = time.monotonic()
        with self._lock:
            wanted = [listener.wanted for listener in self._listeners]
        lots = {each.lot for each in wanted if each.lot is not None}
        try:
            with self._database.read() as session:
                look = self._looker.look(
                    session, frozenset(edges), lots, counts=any(each.lots for each in wanted)
                )
        except CloudError as exc:
            # The next look tells what this one would have, but for the names of the edges.
            _log.warning("live updates wait: %s", exc)
            return
        self._hand_out(look)

    def _hand_out(self, look: Look | None) -> None:
        with self._lock:
            for listener in self._listeners:
                listener.loop.call_soon_threadsafe(listener.take, look)

    async def listen(self, wanted: Wanted | None = None) -> AsyncIterator[Heard]:
        """What happened since the last value; nothing now and then, as a heartbeat."""
        listener = _Listener(asyncio.get_running_loop(), wanted or Wanted())
        with self._lock:
            self._listeners.add(listener)
        try:
            while not self._stop.is_set():
                try:
                    await asyncio.wait_for(listener.ready.wait(), _HEARTBEAT_S)
                except TimeoutError:
                    yield Heard()
                    continue
                heard, listener.heard = listener.heard, Heard()
                listener.ready.clear()
                yield heard
        finally:
            with self._lock:
                self._listeners.discard(listener)
