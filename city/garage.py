"""The part on gates: of a garage it is counted who drives in and out, and some are missed."""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import httpx

from city.live_lot import LiveLot
from city.living import LivingLots, News
from city.part import Ask, CountTruth, Delivery, Published
from city.plan import PlannedLot
from city.stays import Taken
from simulator import TruthChange
from simulator.gates import (
    IN,
    OUT,
    GateFaults,
    Passage,
    Pulse,
    SimulatedGate,
    alive_message,
    pulse_message,
)
from telemetry import Clock, LotsightError, PassageDirection

GATES = ("north", "south")
_FAULTS = {"north": GateFaults(), "south": GateFaults(misses_in=0.02, misses_out=0.4)}
"""The exit loop at the south gate is loose, so the count drifts upwards."""
PERIOD_S = 20.0
"""A gate is heard of at least so often."""
_ALIVE_EVERY_S = 10.0
# In earnest a bay changes every few hours.
_LASTS_S = 260.0
# Somebody walks through the garage and counts.
_WALK_FIRST_S, _WALK_EVERY_S = 45.0, 150.0
_TIMEOUT_S = 10.0
# No gate of the lot was heard of yet; somebody else set the count.
_LATER = {404, 412}


def gate_id(lot: PlannedLot, name: str) -> str:
    """The registry's id of a gate."""
    return f"{lot.id}-{name}".lower()


@dataclass(slots=True)
class _Counted:
    """A counted lot as it goes on.

    Attributes:
        lot: which.
        gates: by name.
        first: vehicles in the beginning.
        true: vehicles now.
        known: vehicles as the gates and the corrections have them.
        alone: as the gates alone have them.
        counts: (own time, vehicles) of the truth.
        queue: pulses that were not taken yet.
        heard: how many pulses there were.
        taken: how many of them the cloud took.
        walks: how often somebody counted.
        walk_s: when somebody does next; before the first time nothing is known of the lot.
        true_ms: when somebody did last.
    """

    lot: PlannedLot
    gates: Mapping[str, SimulatedGate]
    first: int
    true: int
    known: int
    alone: int
    counts: list[tuple[float, int]]
    queue: list[tuple[str, Pulse]] = field(default_factory=list)
    heard: int = 0
    taken: int = 0
    walks: int = 0
    walk_s: float = 0.0
    true_ms: int = 0


class GateApi:
    """The cloud as a gate's controller and an attendant see it, with an API key.

    Args:
        url: of the cloud.
        key: with the scopes for it.
    """

    def __init__(self, url: str, key: str) -> None:
        self._client = httpx.Client(
            base_url=f"{url.rstrip('/')}/api/v1",
            headers={"Authorization": f"Bearer {key}"},
            timeout=_TIMEOUT_S,
            trust_env=False,
        )

    def tell(self, messages: Sequence[bytes]) -> bool:
        """Post what gates say; whether it was taken, and need not be sent again."""
        body = b"[" + b",".join(messages) + b"]"
        return self._ask("POST", "intake/gates", content=body) is not None

    def set_count(self, lot: PlannedLot, count: int) -> datetime | None:
        """Set the count of a lot to what somebody found.

        Returns:
            When that was so; None if it was not taken: the lot is not known yet, or somebody else
            set it meanwhile.
        """
        path = f"lots/{lot.spec.site}/{lot.id}/count"
        found = self._ask("GET", path)
        if found is None:
            return None
        answer = self._ask(
            "POST",
            path,
            json={"count": count, "note": "counted on foot"},
            headers={"If-Match": found.headers["ETag"]},
        )
        last = None if answer is None else answer.json()["last_true"]
        return None if last is None else datetime.fromisoformat(last["at"])

    def close(self) -> None:
        """Close the connections."""
        self._client.close()

    def _ask(self, method: str, path: str, **given: Any) -> httpx.Response | None:
        """The answer; None for now, if it may come later.

        Raises:
            LotsightError: it never will.
        """
        try:
            answer = self._client.request(method, path, **given)
        except httpx.TransportError:
            return None
        if answer.is_server_error or answer.status_code in _LATER:
            return None
        if answer.is_error:
            msg = f"expected the cloud to take {method} {path}, but got {answer.text[:200]}"
            raise LotsightError(msg)
        return answer


class CountedGarages:
    """Garages whose gates go on from where the history ends.

    Args:
        lots: counted ones.
        taken: who stands where at the beginning.
        api: of the cloud.
        clock: time.
        seed: of what happens.
    """

    # The gate's pulse, the cloud's second in which it counts, the page's pause between two looks.
    limit_s = 8.0

    def __init__(
        self, lots: Sequence[PlannedLot], taken: Taken, api: GateApi, clock: Clock, seed: int
    ) -> None:
        self.lots = tuple(lots)
        self._api, self._clock = api, clock
        live = {lot.key: LiveLot(lot, taken[lot.key], seed, _LASTS_S) for lot in lots}
        self._living = LivingLots(live, clock, self.tick, "city-garages")
        self._counted = {lot.key: _counted(lot, len(taken[lot.key]), seed) for lot in lots}
        self._rng = random.Random(f"garages {seed}")  # noqa: S311 - a simulation
        self._begin_s = clock.utc().timestamp()
        self._alive_s = self._begin_s

    def start(self) -> None:
        """Open the gates."""
        self._begin_s = self._clock.utc().timestamp()
        self._living.start()

    def check(self) -> None:
        """Raise what ended it, if something did."""
        self._living.check()

    def quiesce(self) -> None:
        """Nobody comes or goes any more, when this returns."""
        self._living.quiesce()

    def stop(self) -> None:
        """Close the gates."""
        self._living.stop()
        self._api.close()
        self._living.check()

    @property
    def waits(self) -> bool:
        """Whether a pulse was not taken yet."""
        return any(each.queue for each in self._counted.values())

    def time_s(self, lot: PlannedLot, mono_s: float) -> float:
        """Seconds since the start, for all lots alike."""
        return self._living.time_s(mono_s)

    def published(self) -> Mapping[str, Published]:
        """Pulses of each lot's gates."""
        return {
            each.lot.edge: Published(0, each.heard, each.taken) for each in self._counted.values()
        }

    def delivery(self, lot: PlannedLot, published: Published, ask: Ask) -> Delivery:
        """Of the pulses: each is in the cloud's tables when its post was answered."""
        return Delivery(published.seq, published.acked, published.seq - published.acked)

    def count_truth(self, lot: PlannedLot, to_s: float) -> CountTruth:
        """The truth from the beginning to a time."""
        each = self._counted[lot.key]
        counts = [(at_s, count) for at_s, count in list(each.counts) if at_s <= to_s]
        expected = max(0, min(each.known, len(lot.bays)))
        return CountTruth(counts, each.alone, expected, each.walks)

    def tick(self, news: News, is_quiet: bool) -> None:
        """Let vehicles pass the gates, tell the cloud, and count on foot now and then."""
        now_s = self._clock.utc().timestamp()
        for key, changes in news.items():
            self._pass_gates(self._counted[key], changes)
        for each in self._counted.values():
            self._post(each)
            if now_s >= self._alive_s:
                self._show_life(each, now_s)
                self._alive_s = now_s + _ALIVE_EVERY_S
            if now_s >= each.walk_s and not is_quiet and not each.queue and self._walk(each):
                each.walk_s = now_s + (_WALK_FIRST_S if each.walks == 1 else _WALK_EVERY_S)

    def _pass_gates(self, counted: _Counted, changes: Sequence[TruthChange]) -> None:
        for change in changes:
            name = self._rng.choice(GATES)
            way = IN if change.occupied else OUT
            counted.true += _step(way)
            counted.counts.append((change.time_s, counted.true))
            passage = Passage(self._begin_s + change.time_s, way)
            pulses = counted.gates[name].pass_through([passage])
            counted.heard += len(pulses)
            counted.alone += sum(_step(pulse.direction) for pulse in pulses)
            counted.queue += [(gate_id(counted.lot, name), pulse) for pulse in pulses]

    def _post(self, counted: _Counted) -> None:
        """Post what is in the queue; what is not taken stays in it and is posted again."""
        if not counted.queue:
            return
        if not self._api.tell([pulse_message(gate, pulse) for gate, pulse in counted.queue]):
            return
        counted.taken += len(counted.queue)
        for _, pulse in counted.queue:
            # Who passed while somebody counted is in that count already.
            if _ms(pulse.at_s) > counted.true_ms:
                counted.known += _step(pulse.direction)
        counted.queue.clear()

    def _show_life(self, counted: _Counted, now_s: float) -> None:
        self._api.tell([alive_message(gate_id(counted.lot, name), now_s) for name in GATES])

    def _walk(self, counted: _Counted) -> bool:
        """Somebody counts, and sets the count; whether it was taken."""
        at = self._api.set_count(counted.lot, counted.true)
        if at is None:
            return False
        counted.known, counted.true_ms = counted.true, _ms(at.timestamp())
        counted.walks += 1
        return True


def _counted(lot: PlannedLot, first: int, seed: int) -> _Counted:
    gates = {name: SimulatedGate(gate_id(lot, name), _FAULTS[name], seed) for name in GATES}
    return _Counted(lot, gates, first, first, first, first, [(0.0, first)])


def _step(way: PassageDirection) -> int:
    return 1 if way is IN else -1


def _ms(at_s: float) -> int:
    return round(at_s * 1000)
