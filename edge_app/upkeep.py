"""What has to be looked at now and then: replaced files, disk, the mark that the box is alive."""

from __future__ import annotations

import logging
import os
import threading
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from edge_app.alarms import Alarm, AlarmKind
from edge_app.figures import disk_free_bytes
from edge_app.live import camera_alarm
from edge_app.memory import give_back
from edge_app.service_manager import ServiceManager, Watchdog
from telemetry import Clock, LotsightError

if TYPE_CHECKING:
    from edge_app.service import EdgeService

_log = logging.getLogger(__name__)

PERIOD_S = 1.0
ALIVE_FILE = "alive"
_ALIVE_EVERY_S = 10.0
# Enough for a day of events of a large box, and little enough to tell of it in time.
_DISK_LOW_BYTES = 100 * 1024 * 1024
# The holes are touched again within seconds: given back once a minute they still crept up by some
# 50 MiB an hour (benchmarks/soak.py). A hundred megabytes cost milliseconds.
_GIVE_BACK_EVERY_S = 10.0


class AliveMark:
    """A file whose time tells after a restart how long the box was down.

    Only its time changes, so it wears no flash; and it is wall time, since no other clock outlives
    a reboot.
    """

    def __init__(self, path: Path, clock: Clock) -> None:
        self._path = path
        self._clock = clock
        self._touched_s: float | None = None

    def age_s(self) -> float | None:
        """Seconds since the last mark; None when there is none. Negative if the clock went back."""
        try:
            return self._clock.utc().timestamp() - self._path.stat().st_mtime
        except OSError:
            return None

    def touch(self) -> None:
        """Mark."""
        now = self._clock.utc().timestamp()
        try:
            self._path.touch()
            os.utime(self._path, (now, now))
        except OSError as exc:  # a full disk: bays start anew after the next restart, no more
            _log.debug("no mark of life: %s", exc)
        self._touched_s = self._clock.mono_s()

    def touch_if_due(self) -> None:
        """Mark, if the last one is some time ago."""
        if self._touched_s is None or self._clock.mono_s() - self._touched_s >= _ALIVE_EVERY_S:
            self.touch()


class Upkeep:
    """The thread that looks after a running service.

    Args:
        service: what runs.
        period_s: between two looks.
        manager: who is told that it is alive and what is wrong; by default systemd, if it asks.
    """

    def __init__(
        self,
        service: EdgeService,
        period_s: float = PERIOD_S,
        manager: ServiceManager | None = None,
    ) -> None:
        self._service = service
        self._period_s = period_s
        self._manager = manager or ServiceManager()
        self._watchdog = Watchdog(self._manager, service.scheduler.post, service.clock)
        self._given_back_s = service.clock.mono_s()
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="upkeep", daemon=True)

    def start(self) -> None:
        """Start the thread."""
        self._thread.start()

    def stop(self, timeout_s: float = 5.0) -> None:
        """End the thread."""
        self._stop.set()
        if self._thread.is_alive():
            self._thread.join(timeout_s)

    def look(self) -> None:
        """Look once."""
        service = self._service
        self._watchdog.look()  # first: a fault below is no hang, and no restart would mend it
        service.alive.touch_if_due()
        service.catch_up()
        for name, camera in service.cameras.items():
            if camera.keeper.changed():
                self._try(service.reload_calibration, name)
        if service.network.changed():
            self._try(service.reload_model)
        self._look_at_cameras()
        self._look_at_disk()
        self._delete_what_is_old()
        service.store.give_room_back()
        self._give_memory_back()
        self._manager.status("; ".join(each.text for each in service.all_alarms()) or "all is well")

    def _run(self) -> None:
        while not self._stop.wait(self._period_s):
            try:
                self.look()
            except Exception:  # upkeep must outlive its own faults
                _log.exception("upkeep: unexpected fault")

    def _try(self, reload: Callable[..., object], *args: str) -> None:
        try:
            reload(*args)
        except LotsightError as exc:
            _log.warning("a replaced file is not used: %s", exc)

    def _look_at_cameras(self) -> None:
        for name in self._service.cameras:
            view = self._service.board.latest(name)
            has_model = self._service.detector is not None
            alarm = None if view is None else camera_alarm(view, has_model=has_model)
            if alarm is None:
                self._service.alarms.clear(AlarmKind.CAMERA, name)
            else:
                self._service.alarms.set(alarm)

    def _delete_what_is_old(self) -> None:
        """Pictures and revisions are kept no longer than the configuration says."""
        self._service.retention.tidy_if_due()
        if self._service.harvest is not None:
            self._service.harvest.store.expire(self._service.clock.utc())

    def _give_memory_back(self) -> None:
        now_s = self._service.clock.mono_s()
        if now_s - self._given_back_s >= _GIVE_BACK_EVERY_S:
            self._given_back_s = now_s
            give_back()

    def _look_at_disk(self) -> None:
        folder = self._service.config.edge.state_dir
        free = disk_free_bytes(folder)
        if self._service.store.degraded:
            self._service.alarms.set(
                Alarm(
                    AlarmKind.DISK,
                    "the disk cannot be written: states are kept in memory",
                    f"{folder}: {_free_text(free)}",
                    "Free space on this disk. If there is enough, it is broken or read-only: "
                    "replace it. Do not restart the service before: what is in memory is lost.",
                )
            )
        elif free is not None and free < _DISK_LOW_BYTES:
            self._service.alarms.set(
                Alarm(
                    AlarmKind.DISK,
                    "the disk is almost full",
                    f"{folder}: {_free_text(free)}, expected {_DISK_LOW_BYTES // 2**20} or more",
                    "Free space on this disk; `lotsight doctor` says which part takes too much.",
                )
            )
        else:
            self._service.alarms.clear(AlarmKind.DISK)


def _free_text(free_bytes: int | None) -> str:
    return "free space unknown" if free_bytes is None else f"{free_bytes // 2**20} MiB free"
