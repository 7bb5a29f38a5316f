"""The one place that knows every part of a box; it puts them together, from the settings.

    cameras     feed -> scheduler -> pipeline -> store, live state
    by-products judged frame -> audit, incidents, harvest
    delivery    store -> link -> broker; status, commands and jobs ride on the link
    devices     sensors, gates -> store; alarm inputs, store -> barriers, signs
    pages       live state, status -> HTTP, editor, downloads
    maintenance what is looked at once a second

Each part is given what it needs and no more. Whatever is missing at the start (model, calibration,
camera, broker, disk) is an alarm and a degraded state, and heals by itself; only a wrong
configuration or a locked store makes startup fail.
"""

from __future__ import annotations

import logging
import os
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

from edge_app.alarm_texts import certificate_alarm, pages_alarm
from edge_app.alarms import AlarmKind, Alarms
from edge_app.audit import Auditor
from edge_app.audit.history import FILE as AUDIT_FILE
from edge_app.audit.history import AuditHistoryFile
from edge_app.bay_words import BayWords
from edge_app.box import EdgeBox
from edge_app.cameras import (
    Camera,
    CameraSet,
    SourceMaker,
    source_of,
    watch_cameras,
    watch_contradictions,
)
from edge_app.config import CameraConfig, LotsightConfig
from edge_app.counting import CameraLanes, LaneOutlets, LaneWatch
from edge_app.delivery import MqttLink, Store
from edge_app.delivery.database import STORE_FILE
from edge_app.disk import DiskWatch
from edge_app.eye_checks import EyeChecks
from edge_app.frame_checks import make_gate, make_guard, make_scene
from edge_app.harvest import Harvester, HarvestStore
from edge_app.harvest.store import open_store
from edge_app.incidents import IncidentOutlets, watch_incidents
from edge_app.job_runners import job_runners
from edge_app.layouts import StoredLayout
from edge_app.live_state import LiveState
from edge_app.liveness import ALIVE_FILE, LivenessFile
from edge_app.lot_devices import build_lot_devices
from edge_app.maintenance import Chore, Maintenance, every
from edge_app.memory import give_back
from edge_app.network import ActiveNetwork, ModelFiles
from edge_app.overload import OverloadWatch
from edge_app.pipeline import CameraPipeline
from edge_app.ports import Outlets
from edge_app.provisioning.identity import IdentityFolder
from edge_app.provisioning.renewal import Renewal
from edge_app.reload import CalibrationKeeper
from edge_app.remote import connect, downloads_of
from edge_app.remote_settings import RemoteSettings
from edge_app.restart import Restart
from edge_app.retention import Retention
from edge_app.rollouts import load_or_roll_back, open_slots
from edge_app.schedule import ScheduleSettings
from edge_app.scheduler import CameraUnit, Scheduler
from edge_app.service import EdgeService, Part
from edge_app.service_manager import ServiceManager, Watchdog
from edge_app.software.rollout import discard_leftovers
from edge_app.software.trial import SoftwareTrial, launcher_folder
from edge_app.sources import CameraFeed, FrameSource
from edge_app.status import BoxStatus
from edge_app.tuning import tuning_of, with_tuning
from telemetry import Clock, ConfigError, SystemClock
from vision.incidents import Moment
from vision.judge import Detector

if TYPE_CHECKING:  # a box that serves no pages needs none of it
    from fastapi import FastAPI

_log = logging.getLogger(__name__)

# The holes are touched again within seconds: given back once a minute they still crept up by some
# 50 MiB an hour (benchmarks/soak.py). A hundred megabytes cost milliseconds.
_GIVE_BACK_EVERY_S = 10.0


def service_of(box: EdgeBox, manager: ServiceManager | None = None) -> EdgeService:
    """All of a box: its pages first, which show how the rest starts and stops; then maintenance.

    Args:
        box: the box.
        manager: notified of liveness and faults; default: systemd, if it asks.
    """
    pages = _pages(box)
    parts = [*box.parts, *_renewal(box), maintenance_of(box, manager or ServiceManager())]
    return EdgeService(parts if pages is None else [pages, *parts])


def assemble(
    config: LotsightConfig,
    clock: Clock | None = None,
    make_camera: SourceMaker = source_of,
    remote: RemoteSettings | None = None,
) -> EdgeBox:
    """Put a box together.

    Args:
        config: all settings.
        clock: time.
        make_camera: gives the source of a camera; the demo and tests put their own here.
        remote: where `config` is from, with what the cloud changed; None: it changes nothing.

    Raises:
        TelemetryError: the state folder cannot be used, or another process uses it.
        ConfigError: two cameras claim the same bay, or a source is none.
    """
    clock = clock or SystemClock()
    store = Store.open(config.edge.state_dir / STORE_FILE, clock, config.outbox)
    try:
        return _assemble(config, clock, store, make_camera, remote)
    except BaseException:
        store.close()
        raise


def _assemble(
    config: LotsightConfig,
    clock: Clock,
    store: Store,
    make_camera: SourceMaker,
    remote: RemoteSettings | None,
) -> EdgeBox:
    started_s, state_dir = clock.mono_s(), config.edge.state_dir
    tuning = tuning_of(config)
    config = with_tuning(config, tuning)
    liveness = LivenessFile(state_dir / ALIVE_FILE, clock)
    stale = not liveness.is_younger_than(config.edge.restore_within_s)
    alarms, live_state = Alarms(), LiveState()
    scheduler = Scheduler(
        [],
        clock,
        config.model.passes_at_once(os.cpu_count() or 1),
        ScheduleSettings(count_share=config.counting.time_share),
    )
    layout = StoredLayout(store, alarms, config.sensor)
    devices = build_lot_devices(config, store, layout.record, live_state, alarms, clock)
    outlets = Outlets(devices.sensing.bays.record_camera, live_state)
    lanes = LaneOutlets(store, live_state, devices.sensing.gates.count_line)
    shared = _Shared(make_camera, outlets, lanes, scheduler.notify, clock)
    single = [_camera(config, camera, shared) for camera in config.camera]
    scheduler.add([camera.unit for camera in single])
    models, slots = ModelFiles(config.model), None
    open_first: Callable[[], Detector] = models.load
    if config.rollout is not None:
        slots = open_slots(state_dir / "rollout" / "model", alarms)
        open_first = partial(load_or_roll_back, models, slots, alarms)
    needed = bool(config.camera)
    network = ActiveNetwork(models, alarms, scheduler.post, open_first, is_needed=needed)
    cameras = CameraSet(single, partial(make_guard, config), layout, alarms, scheduler.post)
    network.subscribe(cameras.use_detector, cameras.model_failed)
    cameras.restore(devices.sensing.bays.camera_states(store.states()), stale=stale)
    devices.sensing.bays.judge_all()
    auditor = _auditor(config, cameras, network, scheduler, clock, alarms)
    now = Moment(clock.mono_s(), clock.utc())
    incidents = IncidentOutlets(store, live_state)
    watchers = watch_incidents(cameras.ids, config.incidents, incidents, now, stale=stale)
    for camera_id, watcher in watchers.items():
        cameras.add_observer(watcher, camera_id)
    kept = _harvest(config, cameras, clock, alarms)
    link = None if config.mqtt is None else MqttLink(config.mqtt, store, clock)
    status = BoxStatus(
        config=config,
        clock=clock,
        started_s=started_s,
        alarms=alarms,
        live_state=live_state,
        store=store,
        cameras=cameras,
        network=network,
        link=link,
        judge_silent_s=scheduler.silent_s,
        audit=(lambda _camera: None) if auditor is None else auditor.report,
        harvest=(lambda: None) if kept is None else kept.stats,
        sensing=devices.sensing.report,
        outputs=devices.outputs.report,
        tuning=tuning,
    )
    restart = Restart()
    box = EdgeBox(
        config=config,
        clock=clock,
        alarms=alarms,
        live_state=live_state,
        store=store,
        liveness=liveness,
        scheduler=scheduler,
        cameras=cameras,
        network=network,
        link=link,
        kept=kept,
        devices=devices,
        status=status,
        restart=restart,
        remote=remote,
        software=_software_trial(config, clock, restart, status),
    )
    if link is not None and config.mqtt is not None:
        connect(box, link, config.mqtt, job_runners(box, models, slots), auditor)
    bays = 0 if store.layout is None else len(store.layout.bays)
    text = "edge box %s at site %s: %d bays, %d cameras"
    _log.info(text, config.edge.edge, config.edge.site, bays, len(cameras))
    return box


@dataclass(frozen=True, slots=True)
class _Shared:
    """What all cameras are given."""

    make_source: SourceMaker
    outlets: Outlets
    lanes: LaneOutlets
    notify: Callable[[], None]
    clock: Clock


def _camera(config: LotsightConfig, camera: CameraConfig, shared: _Shared) -> Camera:
    clock, notify = shared.clock, shared.notify
    lanes = CameraLanes(camera, config.counting, shared.lanes, clock)

    def open_source() -> FrameSource:
        return shared.make_source(lanes.source_config(), clock)

    open_source()  # an invalid address must make startup fail
    feed = CameraFeed(camera.id, open_source, camera.feed_settings(), clock, notify, notify)
    pipeline = CameraPipeline(camera, config.evidence, shared.outlets, clock)
    pipeline.use_gate(make_gate(config))
    pipeline.use_scene(make_scene(config))
    pipeline.use_eye(EyeChecks(camera.id, shared.lanes.store.documents))
    copies = config.edge.state_dir / "calibrations"
    keeper = CalibrationKeeper(camera.id, camera.calibration_file, copies)
    return Camera(camera, keeper, CameraUnit(feed, pipeline, lanes))


# -- what goes on from a judged frame --------------------------------------------------------------


def _auditor(
    config: LotsightConfig,
    cameras: CameraSet,
    network: ActiveNetwork,
    scheduler: Scheduler,
    clock: Clock,
    alarms: Alarms,
) -> Auditor | None:
    if not config.audit.enabled:
        return None
    file = AuditHistoryFile(config.edge.state_dir / AUDIT_FILE)
    when_idle = scheduler.post_idle
    auditor = Auditor(config.audit, clock, when_idle, lambda: network.detector, alarms, file)
    cameras.add_observer(auditor)
    return auditor


def _harvest(
    config: LotsightConfig, cameras: CameraSet, clock: Clock, alarms: Alarms
) -> HarvestStore | None:
    if not config.harvest.enabled:
        return None
    kept = open_store(config, tidy=True)
    cameras.add_observer(Harvester(config.harvest, config.privacy.settings(), kept, clock, alarms))
    return kept


# -- what rides on the link ------------------------------------------------------------------------


def _software_trial(
    config: LotsightConfig, clock: Clock, restart: Restart, status: BoxStatus
) -> SoftwareTrial | None:
    """The trial of the software that runs; None where no launcher started it."""
    folder = launcher_folder(config.edge.state_dir)
    if folder is None:
        return None
    discard_leftovers(folder)
    return SoftwareTrial(folder, clock, restart.ask, status.working_cameras)


# -- pages and maintenance -------------------------------------------------------------------------


def app_of(box: EdgeBox) -> FastAPI:
    """The pages of a box, protected as its `[http]` section says, with the editor."""
    from edge_app.editing import editor_of
    from edge_app.http import Access, PageSettings, PictureSettings, create_app
    from http_server.hosts import HostNames

    config, http = box.config, box.config.http
    pictures = PictureSettings(privacy=config.privacy.settings())
    bays = BayWords(box.cameras, box.store)
    return create_app(
        box.live_state,
        box.status,
        Access.of(
            http.password,
            secure=http.cert_file is not None,
            device_token=config.sensing.token,
        ),
        editor_of(config.camera, box.live_state, lambda: box.network.detector, bays),
        PageSettings(
            hosts=HostNames.of(http.host, http.hosts),
            pictures=pictures,
            devices=box.devices,
            bays=bays,
        ),
        partial(downloads_of, box),
    )


def _pages(box: EdgeBox) -> Part | None:
    """What serves the pages; a port that is taken is an alarm, not the end of monitoring."""
    if not box.config.http.enabled:
        return None
    from edge_app.serving import HttpServer

    try:
        return HttpServer(app_of(box), box.config.http)
    except ConfigError as exc:
        box.alarms.set(pages_alarm(exc))
        return None


def _renewal(box: EdgeBox) -> list[Part]:
    """What renews the certificate of a box that was provisioned; others renew theirs themselves."""
    folder = IdentityFolder.of(box.config.edge.state_dir)
    tls = None if box.config.mqtt is None else box.config.mqtt.tls
    if box.link is None or tls is None or tls.cert_file != folder.pem_file:
        return []
    link = box.link

    def trouble(text: str | None) -> None:
        if text is None:
            box.alarms.clear(AlarmKind.CERTIFICATE)
        else:
            box.alarms.set(certificate_alarm(text))

    return [Renewal(folder, lambda: link.info, box.clock, trouble)]


def maintenance_of(box: EdgeBox, manager: ServiceManager) -> Maintenance:
    """What is checked once a second; `manager` is notified."""
    watchdog = Watchdog(manager, box.scheduler.post, box.clock)
    folder = box.config.edge.state_dir
    disk = DiskWatch(folder, lambda: box.store.degraded, box.alarms)
    retention = Retention(box.config, box.clock)
    chores: list[Chore] = [
        watchdog.look,  # first: what follows may take long, which is no hang of the judge
        box.liveness.touch_if_due,
        box.cameras.catch_up,
        box.cameras.reload_changed,
        box.network.reload_if_changed,
        partial(watch_cameras, box.cameras.ids, box.live_state, box.alarms, box.network),
        partial(watch_contradictions, box.cameras, box.alarms),
        box.devices.look,
        LaneWatch(
            box.cameras.ids,
            box.live_state,
            box.alarms,
            box.clock,
            box.config.counting.slow_after_s,
        ).look,
        disk.look,
        OverloadWatch(box.scheduler.load, box.alarms, box.clock).look,
        retention.tidy_if_due,
        box.store.vacuum,
        every(_GIVE_BACK_EVERY_S, give_back, box.clock),
        lambda: manager.status("; ".join(box.status.alarm_texts()) or "no active alarms"),
    ]
    if box.remote is not None:
        trial = box.software
        box.remote.run_by(
            box.restart.ask,
            box.status.working_cameras,
            lambda: trial is not None and trial.runs,
        )
        chores.append(box.remote.look)
    if box.software is not None:
        chores.append(box.software.look)
    if (kept := box.kept) is not None:
        chores.append(lambda: kept.expire(box.clock.utc()))
    return Maintenance(chores)
