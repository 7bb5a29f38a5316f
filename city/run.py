"""Puts the city together: broker, cloud, boxes, history, watcher; and takes it down again."""

from __future__ import annotations

import secrets
import socket
import tempfile
import threading
import time
import webbrowser
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console

from city import report
from city.accounts import add_accounts, new_logins
from city.cameras import CameraLots
from city.cloud import Api, CloudFiles, CloudProcess, write_config
from city.district import ScriptedDistrict
from city.filling import Filler, Filling
from city.part import Part, Published
from city.plan import PlannedLot, make_city
from city.registry import import_registry
from city.score import CityScore, Delivery, LotScore, score_lot
from city.watcher import Watcher
from cloud_app.storage.open import open_database
from edge_app.demo.broker import EmbeddedBroker, free_port
from edge_app.demo.run import has_display
from telemetry import Clock, ConfigError, LotsightError, SystemClock

WEEKS = 12
_HOST = "127.0.0.1"
_DEFAULT_PORT = 8090
_STANDING_EVERY_S = 15.0
_DRAIN_S = 20.0
_STEP_S = 0.2


@dataclass(frozen=True, slots=True)
class CitySettings:
    """How the city runs.

    Attributes:
        duration_s: how long, once all of it is up; None until it is stopped.
        seed: of history and of what happens now.
        port: of the pages; None takes 8090, or any other that is free.
        browser: whether to open the pages.
        keep: folder for all that it makes; None makes one that goes with it.
    """

    duration_s: float | None = None
    seed: int = 7
    port: int | None = None
    browser: bool = True
    keep: Path | None = None


@dataclass(slots=True)
class _Stage:
    """What runs, and what everybody needs to know."""

    settings: CitySettings
    clock: Clock
    console: Console
    steps: report.Steps
    stop: threading.Event
    stack: ExitStack
    folder: Path
    url: str
    token: str

    @property
    def boxes(self) -> Path:
        """The folder of the boxes."""
        return self.folder / "boxes"

    def done(self, what: str) -> None:
        """Print a step."""
        self.steps.done(self.clock.mono_s(), what)


def run_city(settings: CitySettings, console: Console, stop: threading.Event) -> CityScore | None:
    """Run the city until its time is over or `stop` is set, print as it goes, and score it.

    Args:
        settings: how it runs.
        console: what is printed to.
        stop: ends it early.

    Returns:
        The score; None if it was stopped before anything could be seen.

    Raises:
        ConfigError: the port is taken, or the folder is not empty.
        LotsightError: a part of it does not start, or fails.
    """
    clock = SystemClock()
    port = _page_port(settings.port)
    with ExitStack() as stack:
        stage = _Stage(
            settings,
            clock,
            console,
            report.Steps(console, clock.mono_s()),
            stop,
            stack,
            _folder(settings.keep, stack),
            f"http://{_HOST}:{port}/",
            secrets.token_urlsafe(32),
        )
        score = _run(stage, port)
    if score is None:
        console.print("stopped before there was anything to score")
    else:
        report.show_score(console, score)
    if settings.keep is not None:
        console.print(
            f"kept in {settings.keep}; look at it again: "
            f"lotsight-cloud serve -c {settings.keep / 'cloud.toml'}",
            highlight=False,
            soft_wrap=True,
        )
    return score


def _run(stage: _Stage, port: int) -> CityScore | None:
    stack, clock = stage.stack, stage.clock
    broker = stack.enter_context(EmbeddedBroker())
    cloud, cameras, filler = _founded(stage, broker.port, port)
    api = Api(cloud.url, stage.token)
    stack.callback(api.close)
    watcher = Watcher(api, filler.filling.city.lots, clock)
    watcher.start()
    stack.callback(watcher.stop)
    begin_s = clock.mono_s()
    district = _district(stage, filler, broker.port)
    if district is None:
        return None
    stack.callback(cameras.stop)
    cameras.start()
    stage.done(f"{len(cameras.lots)} edge services judge the cameras' pictures")
    _live(stage, cloud, filler, api)
    parts: tuple[Part, ...] = (cameras, district)
    published = drained(parts, clock)
    scores = [
        _lot_score(part, lot, published[lot.edge], watcher, api)
        for part in parts
        for lot in part.lots
    ]
    return CityScore(tuple(scores), clock.mono_s() - begin_s)


def _founded(stage: _Stage, broker_port: int, port: int) -> tuple[CloudProcess, CameraLots, Filler]:
    """The cloud with its registry and accounts, the lots, and the history on its way."""
    settings, clock, stack = stage.settings, stage.clock, stage.stack
    files = CloudFiles(stage.folder)
    config = write_config(files, broker_port, port, stage.token)
    database = open_database(config.database)
    stack.callback(database.close)
    # It lets nobody in yet, and starts on the other core while the lots are drawn.
    cloud = CloudProcess(files, stage.url.rstrip("/"))
    cloud.start()
    stack.callback(cloud.stop)
    cameras = CameraLots(stage.boxes, broker_port, clock, settings.seed)
    stage.done(f"drew {len(cameras.lots)} simulated lots for the cameras")
    city = make_city(cameras.lots)
    things = import_registry(database, city, stage.folder / "city.geojson", clock.utc())
    stage.done(f"imported {things} things into the registry")
    filler = Filler(Filling(files.database, city, clock.utc(), settings.seed, WEEKS))
    filler.start()
    stack.callback(filler.stop)
    logins = new_logins()
    add_accounts(config, database, logins, clock.utc())
    cloud.wait(stage.stop.is_set)
    if not stage.stop.is_set():
        stage.done(f"made {len(logins)} accounts; the pages are up")
        report.show_start(stage.console, city, stage.url, logins, cameras.urls())
        if settings.browser and has_display():
            webbrowser.open(stage.url)
    return cloud, cameras, filler


def _district(stage: _Stage, filler: Filler, broker_port: int) -> ScriptedDistrict | None:
    while (taken := filler.taken) is None:
        if stage.stop.wait(_STEP_S):
            return None
    scripted = [lot for lot in filler.filling.city.lots if not lot.is_watched]
    district = ScriptedDistrict(
        scripted, taken, stage.boxes, broker_port, stage.clock, stage.settings.seed
    )
    stage.stack.callback(district.stop)
    district.start()
    stage.done(f"{len(scripted)} scripted lots are on the air")
    return district


def _live(stage: _Stage, cloud: CloudProcess, filler: Filler, api: Api) -> None:
    """Say how it stands, until the time is over."""
    clock, duration_s = stage.clock, stage.settings.duration_s
    ends_s = None if duration_s is None else clock.mono_s() + duration_s
    next_s = clock.mono_s() + _STANDING_EVERY_S / 3
    while not stage.stop.wait(_STEP_S) and (ends_s is None or clock.mono_s() < ends_s):
        cloud.check()
        for week in filler.look():
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
        How far each box was when all of it was acknowledged; of one that never was, in the end.
    """
    for part in parts:
        part.quiesce()
    found: dict[str, Published] = {}
    ends_s = clock.mono_s() + _DRAIN_S
    while True:
        is_over = clock.mono_s() > ends_s
        for part in parts:
            for edge, told in part.published().items():
                done = edge in found and found[edge].is_acked
                if not done and (is_over or not part.waits):
                    found[edge] = told
        known = len(found) == sum(len(part.lots) for part in parts)
        if is_over or (known and all(told.is_acked for told in found.values())):
            return found
        time.sleep(_STEP_S)


def _lot_score(
    part: Part, lot: PlannedLot, published: Published, watcher: Watcher, api: Api
) -> LotScore:
    delivery = Delivery.of(published, api.get(f"edges/{lot.edge}"))
    now_s = watcher.look(lot)
    score = score_lot(part, lot, watcher.claims(lot), now_s)
    return LotScore(lot, score, delivery, part.least_right)


def _page_port(wanted: int | None) -> int:
    """The port for the pages.

    Raises:
        ConfigError: the one that is wanted is taken.
    """
    port = wanted or _DEFAULT_PORT
    try:
        with socket.create_server((_HOST, port)):
            return port
    except OSError as exc:
        if wanted is None:
            return free_port()
        msg = (
            f"--port {port}: expected a port of {_HOST} that is free, but it cannot be taken: "
            f"{exc.strerror}"
        )
        raise ConfigError(msg) from exc


def _folder(keep: Path | None, stack: ExitStack) -> Path:
    """Where everything goes.

    Raises:
        ConfigError: the folder to keep cannot be made, or holds something.
    """
    if keep is None:
        return Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="lotsight-city-")))
    try:
        keep.mkdir(parents=True, exist_ok=True)
        is_empty = not any(keep.iterdir())
    except OSError as exc:
        msg = f"--keep {keep}: expected a folder that can be made, but got: {exc.strerror}"
        raise ConfigError(msg) from exc
    if not is_empty:
        msg = f"--keep {keep}: expected a folder that is empty or not there, but it holds something"
        raise ConfigError(msg)
    return keep.resolve()
