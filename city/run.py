"""Puts the city together: broker, cloud, boxes, history, watcher; and takes it down again."""

from __future__ import annotations

import secrets
import threading
import time
import webbrowser
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace

from rich.console import Console

from city import report
from city.accounts import add_accounts, gate_key, new_logins
from city.cameras import CameraLots
from city.cloud import Api, CloudFiles, CloudProcess, write_config
from city.count_score import CountClaim, CountScore, score_count
from city.district import ScriptedDistrict
from city.filling import Filler, Filling
from city.garage import CountedGarages, GateApi
from city.network_server import NetworkServer
from city.part import BayPart, CountPart, Part, Published
from city.plan import SITES, WATCHED, PlannedLot, Watch, make_city
from city.registry import import_registry
from city.score import CityScore, LotScore, score_lot
from city.scripted_box import ScriptedBox
from city.sensor_field import beside_cameras
from city.sensor_lot import SensorLots
from city.settings import CitySettings
from city.stays import Taken
from city.watcher import Watcher
from cloud_app.storage.open import open_database
from edge_app.demo.broker import EmbeddedBroker
from edge_app.demo.run import has_display
from telemetry import Clock, LotsightError, SystemClock

WEEKS = 12
_STANDING_EVERY_S = 15.0
# Usually a second or two; what a machine that does ten other things has not delivered then is lost.
_DRAIN_S = 60.0
_STEP_S = 0.2
_ALL_HEARD_S = 120.0


@dataclass(slots=True)
class _Stage:
    """What runs, and what everybody needs to know."""

    settings: CitySettings
    clock: Clock
    console: Console
    stop: threading.Event
    stack: ExitStack
    token: str

    def done(self, what: str) -> None:
        """Print a step."""
        report.show_step(self.console, self.clock.mono_s() - self.settings.begin_s, what)


def run_city(settings: CitySettings, console: Console, stop: threading.Event) -> CityScore | None:
    """Run the city until its time is over or `stop` is set, print as it goes, and score it.

    Args:
        settings: how it runs.
        console: what is printed to.
        stop: ends it early.

    Returns:
        The score; None if it was stopped before anything could be seen.

    Raises:
        LotsightError: a part of it does not start, or fails.
    """
    with ExitStack() as stack:
        token = secrets.token_urlsafe(32)
        score = _run(_Stage(settings, SystemClock(), console, stop, stack, token))
    if score is None:
        console.print("stopped before there was anything to score")
    else:
        report.show_score(console, score)
    return score


def _run(stage: _Stage) -> CityScore | None:
    stack, clock = stage.stack, stage.clock
    broker = stack.enter_context(EmbeddedBroker())
    founded = _founded(stage, broker.port)
    filler = founded.filler
    api = Api(founded.cloud.url, stage.token)
    stack.callback(api.close)
    lots = filler.filling.city.lots
    watcher = Watcher(api, lots, clock)
    watcher.start()
    stack.callback(watcher.stop)
    begin_s = clock.mono_s()
    taken = _taken(stage, filler)
    if taken is None:
        return None
    bays, counted = _parts(stage, founded, taken, broker.port)
    for part in (*counted, *bays):
        stack.callback(part.stop)
        part.start()
        stage.done(report.part_line(part.lots))
    _wait_for_all(stage, api, len(lots))
    _live(stage, founded, (*bays, *counted), api)
    published = drained((*bays, *counted), clock)
    look = _Look(watcher, api, published)
    return CityScore(
        tuple(look.lot(part, lot) for part in bays for lot in part.lots),
        clock.mono_s() - begin_s,
        tuple(look.counted(part, lot) for part in counted for lot in part.lots),
    )


@dataclass(frozen=True, slots=True)
class _Founded:
    """The cloud with its registry and accounts, the lots, and the history on its way.

    Attributes:
        gate_key: with which gates and attendants come to the cloud.
    """

    cloud: CloudProcess
    cameras: CameraLots
    filler: Filler
    gate_key: str


def _founded(stage: _Stage, broker_port: int) -> _Founded:
    settings, clock, stack = stage.settings, stage.clock, stage.stack
    files = CloudFiles(settings.folder)
    config = write_config(files, broker_port, settings.port, stage.token)
    database = open_database(config.database)
    stack.callback(database.close)
    # It lets nobody in yet, and starts on the other core while the lots are drawn.
    cloud = CloudProcess(files, settings.url.rstrip("/"))
    cloud.start()
    stack.callback(cloud.stop)
    cameras = CameraLots(stage.settings.boxes, broker_port, clock, settings.seed)
    stage.done(f"drew {len(cameras.lots)} simulated lots for the cameras")
    city = make_city(cameras.lots)
    things = import_registry(database, city, settings.folder / "city.geojson", clock.utc())
    stage.done(f"imported {things} things into the registry")
    filler = Filler(Filling(files.database, city, clock.utc(), settings.seed, WEEKS))
    filler.start()
    stack.callback(filler.stop)
    logins = new_logins()
    add_accounts(config, database, logins, clock.utc())
    [counted] = {lot.spec.site for lot in city.watched_by(Watch.GATES)}
    key = gate_key(database, next(site for site in SITES if site.id == counted), clock.utc())
    cloud.wait(stage.stop.is_set)
    if not stage.stop.is_set():
        stage.done(f"made {len(logins)} accounts; the pages are up")
        report.show_start(stage.console, city, settings.url, logins, cameras.urls())
        if settings.browser and has_display():
            webbrowser.open(settings.url)
    return _Founded(cloud, cameras, filler, key)


def _taken(stage: _Stage, filler: Filler) -> Taken | None:
    """Who stands where at the beginning; None if it was stopped before that was known."""
    while (taken := filler.taken) is None:
        if stage.stop.wait(_STEP_S):
            return None
    return taken


def _parts(
    stage: _Stage, founded: _Founded, taken: Taken, port: int
) -> tuple[tuple[BayPart, ...], tuple[CountPart, ...]]:
    """The parts in the order in which they start; what is quick to start comes first."""
    city, clock, seed = founded.filler.filling.city, stage.clock, stage.settings.seed
    server = NetworkServer(port)
    sensors = SensorLots(city.watched_by(Watch.SENSORS), taken, server, clock, seed)
    gate_api = GateApi(founded.cloud.url, founded.gate_key)
    garages = CountedGarages(city.watched_by(Watch.GATES), taken, gate_api, clock, seed)
    scripted = city.watched_by(Watch.SCRIPT)
    beside = beside_cameras(scripted, taken, server.publish, seed)
    folder = stage.settings.boxes
    boxes = {lot.key: ScriptedBox(lot, folder, port, clock, seed) for lot in scripted}
    district = ScriptedDistrict(scripted, taken, boxes, beside, clock, seed)
    return (sensors, district, founded.cameras), (garages,)


def _wait_for_all(stage: _Stage, api: Api, lots: int) -> None:
    """Until the cloud has heard of every lot; the time of the run begins then.

    Raises:
        LotsightError: it has not heard of some.
    """
    ends_s = stage.clock.mono_s() + _ALL_HEARD_S
    while (heard := len(api.get("lots"))) < lots and not stage.stop.wait(_STEP_S):
        if stage.clock.mono_s() > ends_s:
            msg = f"expected the cloud to hear of {lots} lots, but it has heard of {heard}"
            raise LotsightError(msg)
    stage.done(f"all {lots} lots are in the cloud, {len(WATCHED)} of them judged from pictures")


def _live(stage: _Stage, founded: _Founded, parts: Sequence[Part], api: Api) -> None:
    """Say how it stands, until the time is over."""
    clock, duration_s = stage.clock, stage.settings.duration_s
    ends_s = None if duration_s is None else clock.mono_s() + duration_s
    next_s = clock.mono_s() + _STANDING_EVERY_S / 3
    while not stage.stop.wait(_STEP_S) and (ends_s is None or clock.mono_s() < ends_s):
        founded.cloud.check()
        for part in parts:
            part.check()
        for week in founded.filler.look():
            stage.done(report.week_line(week))
        if clock.mono_s() >= next_s:
            next_s = clock.mono_s() + _STANDING_EVERY_S
            stage.done(_standing(api, clock))


def _standing(api: Api, clock: Clock) -> str:
    try:
        alerts = sum(alert["closed"] is None for alert in api.get("alerts", limit=500))
        return report.standing_line(api.get("lots"), alerts, clock.utc())
    except LotsightError as exc:
        return str(exc)


def drained(parts: Sequence[Part], clock: Clock) -> dict[str, Published]:
    """Let everything that happened arrive.

    Returns:
        How far each box was, and how much of that the cloud acknowledged within the time there is.
    """
    for part in parts:
        part.quiesce()
    ends_s = clock.mono_s() + _DRAIN_S
    while any(part.waits for part in parts) and clock.mono_s() < ends_s:
        time.sleep(_STEP_S)
    found = {edge: told for part in parts for edge, told in part.published().items()}
    while not all(told.is_acked for told in found.values()) and clock.mono_s() < ends_s:
        time.sleep(_STEP_S)
        for part in parts:
            for edge, told in part.published().items():
                # What a camera sees from now on is not waited for.
                found[edge] = replace(found[edge], acked=told.acked)
    return found


@dataclass(frozen=True, slots=True)
class _Look:
    """A last look at what the API says, and what it comes to."""

    watcher: Watcher
    api: Api
    published: Mapping[str, Published]

    def lot(self, part: BayPart, lot: PlannedLot) -> LotScore:
        """Of a lot of which the bays are known."""
        delivery = part.delivery(lot, self.published[lot.edge], self.api.get)
        now_s = self.watcher.look(lot)
        return score_lot(part, lot, self.watcher.claims(lot), delivery, now_s)

    def counted(self, part: CountPart, lot: PlannedLot) -> CountScore:
        """Of a lot of which the count is known."""
        delivery = part.delivery(lot, self.published[lot.edge], self.api.get)
        end_s = part.time_s(lot, self.watcher.look(lot))
        claims = [
            CountClaim(each.count, part.time_s(lot, each.time_s))
            for each in self.watcher.counts(lot)
        ]
        return score_count(lot, claims, part.count_truth(lot, end_s), delivery, end_s)
