"""Sensors, gates and outputs of a box: put together, with what they need of the rest."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial

from edge_app.alarms import Alarm, AlarmKind, Alarms
from edge_app.config import CountedLotConfig, LotsightConfig, SignConfig
from edge_app.delivery import BayChange, Store
from edge_app.field_io import LocalLink
from edge_app.live_state import LiveState, RecentEvent
from edge_app.outputs import (
    BarrierOutlets,
    LotFigures,
    Outputs,
    bay_figures,
    bays_at,
    build_outputs,
)
from edge_app.sensing import (
    CountReport,
    GateOutlets,
    LotBays,
    Sensing,
    SensorOutlets,
    build_sensing,
)
from edge_app.service import Part
from sensors.counting import BayEvidence
from telemetry import BayState, Clock
from telemetry.messages import LayoutBay

_AWAY_ALARM_S = 15.0


@dataclass(frozen=True, slots=True)
class LotDevices:
    """What the box reads and switches at the lot, beside its cameras.

    Attributes:
        sensing: sensors and gates.
        outputs: inputs, barriers and signs.
        links: to the local broker, one for each of the two, so that neither waits for the other.
        alarms: standing alarms.
    """

    sensing: Sensing
    outputs: Outputs
    links: tuple[LocalLink, ...]
    alarms: Alarms

    @property
    def parts(self) -> list[Part]:
        """What is started and stopped: who listens before who speaks."""
        return [self.sensing, self.outputs, *self.links]

    def look(self) -> None:
        """Now and then."""
        self._look_at_links()
        self.outputs.look()
        self.sensing.look()

    # -- over HTTP: see `report.DeviceIntake` -----------------------------------------------------

    def intake(self, kind: str, place: str, body: bytes) -> int:
        """Take a message of sensors or gates."""
        return self.sensing.intake(kind, place, body)

    def told(self, input_id: str, contact: bool) -> None:
        """Take the contact of an alarm input."""
        self.outputs.told(input_id, contact)

    def set_count(self, lot: str, level: str | None, count: int) -> None:
        """Set the count of a lot by hand."""
        self.sensing.gates.set_count(lot, level, count)

    def _look_at_links(self) -> None:
        infos = [link.info for link in self.links]
        away = [each for each in infos if not each.connected and each.away_s >= _AWAY_ALARM_S]
        faults = [text for each in infos for text in each.faults]
        if not away and not faults:
            self.alarms.clear(AlarmKind.LOCAL_BROKER)
            return
        text, detail = "the local broker refuses the box", "; ".join(faults)
        if away:
            text = "no connection to the local broker"
            detail = f"{away[0].broker}: {away[0].last_error or 'no answer'}"
        self.alarms.set(
            Alarm(
                AlarmKind.LOCAL_BROKER,
                text,
                detail,
                "Check whether it runs, and [local_broker] in the configuration: sensors, gates, "
                "signs and relays that speak through it are out of reach until then.",
            )
        )


def build_lot_devices(
    config: LotsightConfig,
    store: Store,
    record: Callable[[Sequence[BayChange]], None],
    live_state: LiveState,
    alarms: Alarms,
    clock: Clock,
) -> LotDevices:
    """Put sensors, gates and outputs together; nothing runs yet.

    Args:
        config: all settings.
        store: states and events.
        record: takes changes of bays over for good, once there is a layout.
        live_state: what the pages show.
        alarms: standing alarms.
        clock: time.

    Raises:
        ConfigError: an output cannot be used as it is configured.
    """
    links = {}
    if config.local_broker is not None:
        where = config.edge.site, config.edge.edge
        for use in ("sensors", "outputs"):
            links[use] = LocalLink(config.local_broker.link(*where, use), clock)
    documents = store.documents
    waking: list[Callable[[], None]] = []
    sensors = SensorOutlets(
        record=record,
        notify=store.record_notices,
        states=store.states,
        layout=lambda: store.layout,
        load=documents.get,
        save=documents.put,
        shown=partial(_show, live_state, clock),
    )
    gates = GateOutlets(
        notify=store.record_notices,
        load=documents.get,
        save=documents.put,
        counted=lambda: _call_all(waking),
        bays=partial(lot_bays, store),
    )
    sensing = build_sensing(config, links.get("sensors"), sensors, gates, alarms, clock)
    outlets = BarrierOutlets(store.record_notices, documents.get, documents.put, alarms)
    figures = partial(sign_figures, store, sensing.gates.counts)
    outputs = build_outputs(config, links.get("outputs"), outlets, figures, clock)
    waking.append(outputs.states_changed)
    store.add_listener(outputs.states_changed)
    return LotDevices(sensing, outputs, tuple(links.values()), alarms)


def sign_figures(
    store: Store, counts: Callable[[], Sequence[CountReport]], sign: SignConfig
) -> LotFigures:
    """How many bays there are for a sign: the counted lots it speaks of, and all other bays."""
    found = counts()
    bays = bays_at(store.layout, sign.lot, sign.level, sign.zone)
    counted = [each for each in found if sign.zone is None and _is_meant(sign, each, found)]
    # The watched bays of a counted lot are in its count.
    rest = [bay for bay in bays if not any(_holds(each, bay) for each in counted)]
    return _sum([_figures(store, rest), *map(_count_figures, counted)])


def lot_bays(store: Store, lot: CountedLotConfig) -> LotBays:
    """The watched bays of a counted lot or level."""
    found = _figures(store, bays_at(store.layout, lot.id, lot.level))
    evidence = BayEvidence(found.occupied, found.free + found.blocked, found.unknown)
    return LotBays(evidence, found.closed, found.blocked)


def _figures(store: Store, bays: Iterable[LayoutBay]) -> LotFigures:
    return bay_figures(bays, store.states(), store.closed_bays(), store.blocked_bays())


def _holds(count: CountReport, bay: LayoutBay) -> bool:
    return bay.lot == count.lot and count.level in {None, bay.level}


def _is_meant(sign: SignConfig, count: CountReport, counts: Iterable[CountReport]) -> bool:
    if sign.lot not in {None, count.lot}:
        return False
    if sign.level is not None or count.level is None:
        return sign.level == count.level
    # All of the lot: its levels, unless the lot is counted as a whole too.
    return not any(each.lot == count.lot and each.level is None for each in counts)


def _count_figures(count: CountReport) -> LotFigures:
    offered = count.capacity - count.closed
    if count.count is None:
        return LotFigures(unknown=offered, closed=count.closed)
    free = offered - count.count
    blocked = min(count.blocked, free)
    return LotFigures(free - blocked, count.count, closed=count.closed, blocked=blocked)


def _sum(figures: Iterable[LotFigures]) -> LotFigures:
    return sum(figures, LotFigures())


def _call_all(listeners: Iterable[Callable[[], None]]) -> None:
    for each in listeners:
        each()


def _show(
    live_state: LiveState,
    clock: Clock,
    states: Mapping[str, BayState],
    alone: frozenset[str],
    changes: Sequence[BayChange],
) -> None:
    utc = clock.utc()
    events = [RecentEvent(each.camera, each.state, each.cause, utc) for each in changes]
    live_state.believe(states, alone, events)
