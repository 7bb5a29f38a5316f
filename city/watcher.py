"""Watches the API as a page does: what changed is told by the live stream, and then asked for."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterable, Mapping, Sequence

import httpx

from city.cloud import Api
from city.count_score import CountClaim
from city.plan import PlannedLot, Watch
from cloud_app.storage.cloud_edges import cloud_edge_names
from edge_app.demo import Claim
from telemetry import Clock, LotsightError

# All lots are asked for so often whatever the stream says: an edge that falls silent says nothing.
_ALL_EVERY_S = 5.0
_RETRY_S = 0.5
_JOIN_S = 20.0
_DATA = "data:"


class Watcher:
    """Remembers what the API said of each bay and of each counted lot, and when.

    A bay of an absent edge counts as unknown: that is what the API says of it.

    Args:
        api: of the cloud.
        lots: all lots.
        clock: time.
    """

    def __init__(self, api: Api, lots: Sequence[PlannedLot], clock: Clock) -> None:
        self._api, self._clock = api, clock
        self._lots = {lot.key: lot for lot in lots}
        # A lot with a box may have bays for which the cloud's own edge speaks.
        self._lot_of = {edge: lot.key for lot in lots for edge in edges_of(lot)}
        self._last: dict[tuple[str, str], bool | None] = {}
        self._claims: dict[str, list[Claim]] = {lot.key: [] for lot in lots}
        self._counts: dict[str, list[CountClaim]] = {lot.key: [] for lot in lots}
        self._lock = threading.Lock()
        self._stop = threading.Event()
        self._changed: set[str] = set()
        self._ready = threading.Condition()
        self._threads = [
            threading.Thread(target=self._listen, name="city-stream", daemon=True),
            threading.Thread(target=self._ask, name="city-watcher", daemon=True),
        ]

    def start(self) -> None:
        """Begin."""
        for thread in self._threads:
            thread.start()

    def stop(self) -> None:
        """End; the stream's thread ends with the service."""
        self._stop.set()
        with self._ready:
            self._ready.notify_all()
        self._threads[1].join(_JOIN_S)

    def claims(self, lot: PlannedLot) -> list[Claim]:
        """What the API said of a lot's bays, each with the clock's monotonic time."""
        with self._lock:
            return list(self._claims[lot.key])

    def counts(self, lot: PlannedLot) -> list[CountClaim]:
        """What the API said of a counted lot, each with the clock's monotonic time."""
        with self._lock:
            return list(self._counts[lot.key])

    def look(self, lot: PlannedLot) -> float:
        """Ask for all bays of a lot now, or for its count.

        Returns:
            When the answer was there, monotonic.

        Raises:
            LotsightError: the API does not answer.
        """
        is_counted = lot.watch is Watch.GATES
        path = f"lots/{lot.spec.site}/{lot.id}"
        answer = self._api.get(path if is_counted else f"{path}/bays")
        now_s = self._clock.mono_s()
        if is_counted:
            self.take_count(lot, answer["counts"], now_s)
        else:
            self.take(lot, answer, now_s)
        return now_s

    def take_count(self, lot: PlannedLot, counts: Mapping[str, int], now_s: float) -> None:
        """Take in what the API says of a counted lot."""
        is_known = counts["occupied"] + counts["free"] > 0
        claim = CountClaim(counts["occupied"] if is_known else None, now_s)
        with self._lock:
            said = self._counts[lot.key]
            if not said or said[-1].count != claim.count:
                said.append(claim)

    def take(self, lot: PlannedLot, bays: Iterable[Mapping[str, object]], now_s: float) -> None:
        """Take in an answer of the API."""
        with self._lock:
            for bay in bays:
                key, occ = (lot.key, str(bay["bay"])), _occ(bay)
                if key in self._last and self._last[key] == occ:
                    continue
                self._last[key] = occ
                self._claims[lot.key].append(Claim(key[1], occ, now_s))

    def _listen(self) -> None:
        """Read the stream of changes, again and again."""
        while not self._stop.is_set():
            try:
                with self._api.lines("live") as answer:
                    answer.raise_for_status()
                    for line in answer.iter_lines():
                        if self._stop.is_set():
                            return
                        self._heard(edges_in(line))
            except httpx.HTTPError:
                self._stop.wait(_RETRY_S)

    def _heard(self, edges: Iterable[str]) -> None:
        with self._ready:
            self._changed |= {self._lot_of[edge] for edge in edges if edge in self._lot_of}
            if self._changed:
                self._ready.notify_all()

    def _ask(self) -> None:
        next_all_s = self._clock.mono_s()
        while not self._stop.is_set():
            with self._ready:
                wait_s = max(0.0, next_all_s - self._clock.mono_s())
                self._ready.wait_for(lambda: bool(self._changed) or self._stop.is_set(), wait_s)
                lots, self._changed = self._changed, set()
            if self._clock.mono_s() >= next_all_s:
                lots = set(self._lots)
                next_all_s = self._clock.mono_s() + _ALL_EVERY_S
            for lot in sorted(lots):
                try:
                    self.look(self._lots[lot])
                except LotsightError:  # the next look will tell
                    self._stop.wait(_RETRY_S)
                if self._stop.is_set():
                    return


def edges_of(lot: PlannedLot) -> set[str]:
    """All edges that may speak for bays of a lot."""
    return {lot.edge, *cloud_edge_names(lot.spec.site, lot.id)}


def edges_in(line: str) -> list[str]:
    """The edges that a line of the stream names."""
    if not line.startswith(_DATA):
        return []
    try:
        data = json.loads(line.removeprefix(_DATA))
    except ValueError:
        return []
    edges = data.get("edges") if isinstance(data, dict) else None
    return [each for each in edges if isinstance(each, str)] if isinstance(edges, list) else []


def _occ(bay: Mapping[str, object]) -> bool | None:
    if bay["stale"]:
        return None
    return {"occupied": True, "free": False}.get(str(bay["state"]))
