"""Puts the demo together: simulated camera, real service, real broker, subscriber, live page."""

from __future__ import annotations

import contextlib
import os
import queue
import sys
import tempfile
import threading
import webbrowser
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from rich.console import Console

from edge_app.alarms import AlarmKind
from edge_app.assembly import EdgeBox, assemble, service_of
from edge_app.config import LotsightConfig
from edge_app.demo import report
from edge_app.demo.broker import EmbeddedBroker, free_port
from edge_app.demo.camera import SimulatedCamera
from edge_app.demo.score import Claim, Score, score_claims
from edge_app.demo.subscriber import Heard, Subscriber
from simulator import Weather, demo_scene
from telemetry import ConfigError, SystemClock
from telemetry.topics import EdgeTopics, TopicKind

CAMERA = "north"
_RATE_HZ = 5.0
_HOLD_S = 2.5
"""Shorter than the service's default: in a demo people want to see a change soon."""
_LIMIT_S = 8.0
"""A driver straightens the car, the belief turns, then the hold time."""
_FIRST_S = 2.0
"""Events of the first seconds are the bays' first states, and are shown as one line."""
_DEFAULT_PORT = 8008


@dataclass(frozen=True, slots=True)
class DemoSettings:
    """How the demo runs.

    Attributes:
        duration_s: how long; None until Ctrl-C.
        seed: of the traffic.
        speed: seconds of the lot for each real one.
        weather: what the sky does.
        port: of the live page; None takes 8008, or any other that is free.
        browser: whether to open the live page.
    """

    duration_s: float | None = 60.0
    seed: int = 7
    speed: float = 1.0
    weather: Weather = Weather.SUN
    port: int | None = None
    browser: bool = True


@dataclass(slots=True)
class _Story:
    """What was heard so far."""

    claims: list[Claim] = field(default_factory=list)
    first: dict[str, bool | None] = field(default_factory=dict)
    first_shown: bool = False


def run_demo(settings: DemoSettings, console: Console, stop: threading.Event) -> Score:
    """Run the demo until its time is over or `stop` is set, print as it goes, and score it.

    Args:
        settings: how it runs.
        console: what is printed to.
        stop: ends it early.

    Raises:
        ConfigError: the port is taken.
        TelemetryError: the broker does not start.
    """
    clock = SystemClock()
    with console.status("rendering the lot"):
        camera = SimulatedCamera(demo_scene(settings.weather), settings.seed, settings.speed, clock)
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="lotsight-demo-")))
        broker = stack.enter_context(EmbeddedBroker())
        config = _config(folder, broker, settings)
        camera.write_calibration(config.camera[0].calibration_file, CAMERA)
        topics = EdgeTopics(config.edge.site, config.edge.edge)
        subscriber = Subscriber(broker.host, broker.port, topics, clock)
        subscriber.start()
        stack.callback(subscriber.stop)
        box = assemble(config, clock, lambda _camera, _clock: camera.source())
        stack.enter_context(_running(box))
        url = f"http://{config.http.host}:{config.http.port}/"
        report.show_start(
            console,
            bays=len(camera.bay_ids),
            model=_model_name(box),
            broker=f"{broker.host}:{broker.port}",
            url=url,
            topic=str(topics.of(TopicKind.EVENT)),
        )
        if settings.browser and has_display():
            webbrowser.open(url)
        story = _Story()
        _listen(settings, console, stop, (camera, subscriber, clock), story)
        end_s = camera.lot_time_s(clock.mono_s())
        view = box.live_state.latest(CAMERA)
        judged_hz = view.status.fps if view is not None else 0.0
        _drain(subscriber, camera, story, end_s)
        limit_s = _limit_s(settings, judged_hz)
        score = score_claims(story.claims, camera.truth, camera.changes(0.0, end_s), end_s, limit_s)
    report.show_score(console, score, limit_s, subscriber.counts, judged_hz)
    report.show_next(console)
    return score


def _limit_s(settings: DemoSettings, judged_hz: float) -> float:
    """Three pictures more than the hold times need: a slow machine takes few of them."""
    pictures_s = min(3 / max(judged_hz, 0.1), 12.0)
    return _LIMIT_S + pictures_s * settings.speed


def _config(folder: Path, broker: EmbeddedBroker, settings: DemoSettings) -> LotsightConfig:
    speed = max(settings.speed, 1.0)
    return LotsightConfig.model_validate(
        {
            "edge": {"site": "demo-site", "edge": "demo-box", "state_dir": folder},
            "http": {"host": "127.0.0.1", "port": settings.port or _page_port()},
            # Rendered cars and people need no anonymising.
            "privacy": {"outside": False, "bay_px": 0, "moving": False},
            "evidence": {
                "memory_s": 0.8 / speed,
                "enter_hold_s": _HOLD_S / speed,
                "leave_hold_s": _HOLD_S / speed,
                "start_hold_s": 0.3 / speed,
            },
            "mqtt": {
                "host": broker.host,
                "port": broker.port,
                "protocol": "3.1.1",
                # amqtt drops a client that publishes below `$`, where only brokers may.
                "aws_root": "aws",
                "ack_grace_s": 0.0,
                "health_period_s": 10.0,
            },
            "camera": [
                {
                    "id": CAMERA,
                    "source": "sim:",
                    "calibration_file": folder / f"{CAMERA}.json",
                    "rate_hz": _RATE_HZ,
                }
            ],
        }
    )


def _page_port() -> int:
    import socket

    with contextlib.suppress(OSError), socket.create_server(("127.0.0.1", _DEFAULT_PORT)):
        return _DEFAULT_PORT
    return free_port()


@contextmanager
def _running(box: EdgeBox) -> Iterator[None]:
    service = service_of(box)
    try:
        standing = box.alarms.standing()
        if any(each.kind is AlarmKind.HTTP for each in standing):
            raise ConfigError("; ".join(each.line for each in standing))
        service.start()
        yield
    finally:
        service.stop()


def _listen(
    settings: DemoSettings,
    console: Console,
    stop: threading.Event,
    parts: tuple[SimulatedCamera, Subscriber, SystemClock],
    story: _Story,
) -> None:
    """Print events as they come, until the time is over."""
    camera, subscriber, clock = parts
    ends_s = None if settings.duration_s is None else clock.mono_s() + settings.duration_s
    while not stop.is_set() and (ends_s is None or clock.mono_s() < ends_s):
        with contextlib.suppress(queue.Empty):
            _take(subscriber.heard.get(timeout=0.2), camera, story, console)
        if story.first and not story.first_shown:
            first_s = story.claims[0].time_s
            if camera.lot_time_s(clock.mono_s()) - first_s > _FIRST_S * settings.speed:
                report.show_initial(console, first_s, dict(sorted(story.first.items())))
                story.first_shown = True


def _take(heard: Heard, camera: SimulatedCamera, story: _Story, console: Console | None) -> None:
    data, bay = heard.event.data, heard.event.subject
    lot_s = camera.lot_time_s(heard.mono_s)
    if data.occ is None and bay not in story.first:
        return  # "starting", before the first picture
    story.claims.append(Claim(bay, data.occ, lot_s))
    if bay not in story.first and not story.first_shown:
        story.first[bay] = data.occ
        return
    behind = [
        lot_s - change.time_s
        for change in camera.changes(max(lot_s - 30.0, 0.0), lot_s)
        if change.bay == bay and change.occupied is data.occ
    ]
    if console is not None:
        report.show_event(console, lot_s, bay, data, min(behind, default=None))


def _drain(subscriber: Subscriber, camera: SimulatedCamera, story: _Story, end_s: float) -> None:
    """Take what has come before the end and was not shown yet."""
    while True:
        try:
            heard = subscriber.heard.get_nowait()
        except queue.Empty:
            return
        if camera.lot_time_s(heard.mono_s) <= end_s:
            _take(heard, camera, story, None)


def _model_name(box: EdgeBox) -> str:
    if box.network.detector is None:
        return "none: " + "; ".join(each.line for each in box.alarms.standing())
    spec = box.network.detector.spec
    return f"{spec.name} {spec.version}, {'bay head' if spec.has_bay_head else 'boxes by overlap'}"


def has_display() -> bool:
    """Whether a browser has where to show something."""
    if sys.platform in {"darwin", "win32"}:
        return True
    return bool(os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY"))
