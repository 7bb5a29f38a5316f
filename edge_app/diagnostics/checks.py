"""Looking at the parts of a box one by one: for `check-config` and `doctor`."""

from __future__ import annotations

import os
import shutil
import socket
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from calibration import Calibration, Severity, check_calibration, load_calibration
from calibration.references import check_reference, missing_reference, view_guard
from edge_app.config import CameraConfig, LotsightConfig
from edge_app.delivery.timesync import clock_synced
from edge_app.layouts import build_layout
from edge_app.network import ModelFiles
from edge_app.redaction import mask_secrets
from edge_app.retention import state_usage
from edge_app.sources import make_source, shown
from edge_app.tuning import tuning_of, with_tuning
from telemetry import (
    CalibrationError,
    ConfigError,
    LotsightError,
    ModelError,
    SystemClock,
    UnknownReason,
)
from vision.input_size import plan_input
from vision.types import Frame, NetworkSpec
from vision.view_guard import for_one_picture

_MIB = 1024 * 1024
_DISK_WANTED_BYTES = 500 * _MIB
_CONNECT_TIMEOUT_S = 5.0


class Level(StrEnum):
    """How a check ended."""

    OK = "ok"
    WARNING = "warning"
    BAD = "bad"


@dataclass(frozen=True, slots=True)
class Check:
    """What was looked at, and how it is.

    Attributes:
        what: the part.
        level: how it is.
        text: what was found, and what to do about it.
    """

    what: str
    level: Level
    text: str

    @property
    def is_bad(self) -> bool:
        """Whether the box cannot do its work like this."""
        return self.level is Level.BAD

    @classmethod
    def good(cls, what: str, text: str) -> Check:
        """All is well."""
        return cls(what, Level.OK, mask_secrets(text))

    @classmethod
    def warn(cls, what: str, text: str) -> Check:
        """It works, but not as well as it could."""
        return cls(what, Level.WARNING, mask_secrets(text))

    @classmethod
    def bad(cls, what: str, text: str) -> Check:
        """It does not work."""
        return cls(what, Level.BAD, mask_secrets(text))


def worst(checks: Sequence[Check]) -> Check:
    """The check that matters most; of equals the first."""
    order = list(Level)
    return max(checks, key=lambda check: order.index(check.level))


def check_parts(config: LotsightConfig) -> list[Check]:
    """Whether model and calibrations load and agree."""
    checks: list[Check] = []
    spec: NetworkSpec | None = None
    if config.camera:  # a box of sensors alone needs none
        try:
            tuning = tuning_of(config)
            spec = ModelFiles(with_tuning(config, tuning).model).load().spec
            kind = f"judges by {spec.method.replace('_', ' ')}"
            checks.append(Check.good("model", f"{spec.name} {spec.version}, {kind}"))
            checks += [] if tuning is None else [Check.good("tuning", tuning.describe())]
        except ModelError as exc:
            checks.append(Check.bad("model", str(exc)))
    calibrations: list[Calibration] = []
    for camera in config.camera:
        what = f"calibration {camera.id}"
        if camera.source.startswith("sim:") and not camera.calibration_file.exists():
            checks.append(Check.good(what, "is written when the simulated camera first runs"))
            continue
        try:
            calibration = load_calibration(camera.calibration_file)
        except CalibrationError as exc:
            checks.append(Check.bad(what, str(exc)))
            continue
        checks += _check_calibration(what, camera, calibration, spec)
        calibrations.append(calibration)
    try:
        layout = build_layout(calibrations, config.sensor)
        checks.append(Check.good("layout", f"{len(layout.bays)} bays"))
    except ConfigError as exc:
        checks.append(Check.bad("layout", str(exc)))
    return checks


def _check_calibration(
    what: str, camera: CameraConfig, calibration: Calibration, spec: NetworkSpec | None
) -> list[Check]:
    if calibration.camera != camera.id:
        text = f"{camera.calibration_file}: belongs to camera {calibration.camera!r}"
        return [Check.bad(what, text)]
    text = f"revision {calibration.revision}, {len(calibration.bays)} bays"
    if spec is not None:
        plan = plan_input(calibration.polygons_norm(), calibration.image_wh, spec)
        text += f", {plan.describe()}"
    findings = [
        *check_calibration(calibration),
        *check_reference(camera.calibration_file, calibration),
    ]
    # A simulated camera cannot be turned.
    if not camera.source.startswith("sim:"):
        missing = missing_reference(camera.calibration_file, calibration)
        findings += [] if missing is None else [missing]
    warnings = [each for each in findings if each.severity is Severity.WARNING]
    return [Check.good(what, text), *(Check.warn(what, str(each)) for each in warnings)]


def check_cameras(config: LotsightConfig) -> list[Check]:
    """Whether each camera gives a picture, and one of the view that was calibrated."""
    return [_check_camera(config, camera) for camera in config.camera]


def unverified_cameras(config: LotsightConfig) -> list[Check]:
    """Cameras whose certificate is not verified."""
    return [
        Check.warn(
            f"camera {camera.id}",
            "tls_verify = false: any host at its address is trusted and receives its password; "
            "pin its certificate with tls_fingerprint instead",
        )
        for camera in config.camera
        if not camera.tls_verify
    ]


def _check_camera(config: LotsightConfig, camera: CameraConfig) -> Check:
    what = f"camera {camera.id}"
    clock = SystemClock()
    try:
        source = make_source(camera.source, camera.stream_settings(), clock, camera.login)
        begin_s = clock.mono_s()
        source.open()
        try:
            grab = source.read()
        finally:
            source.close()
    except LotsightError as exc:
        return Check.bad(what, str(exc))
    if grab is None:
        return Check.bad(what, f"{shown(camera.source)}: it ended before the first image")
    height, width = grab.image_bgr.shape[:2]
    text = f"{width}x{height} px, first image after {clock.mono_s() - begin_s:.1f} s"
    try:
        calibration = load_calibration(camera.calibration_file)
    except CalibrationError:
        return Check.good(what, text)
    if not config.guard.enabled:
        return Check.good(what, text)
    settings = for_one_picture(config.guard.settings(is_still=True))
    guard = view_guard(camera.calibration_file, calibration, settings)
    report = guard.look(Frame(camera.id, grab.image_bgr, begin_s, clock.utc(), 1))
    if report.reason is None:
        return Check.good(what, f"{text}{'; ' if report.detail else ''}{report.detail}")
    text = f"{text}, but {report.detail}"
    # Night passes; a camera that shows something else does not.
    is_passing = report.reason is UnknownReason.DARK
    return Check.warn(what, text) if is_passing else Check.bad(what, text)


def check_machine(config: LotsightConfig) -> list[Check]:
    """State folder and its size, disk, clock, HTTP port, broker."""
    return [
        _check_folder(config.edge.state_dir),
        *_check_usage(config),
        _check_clock(),
        _check_port(config),
        _check_broker(config),
    ]


def _check_folder(folder: Path) -> Check:
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.NamedTemporaryFile(dir=folder) as probe:
            probe.write(b"lotsight")
            probe.flush()
            os.fsync(probe.fileno())
        free = shutil.disk_usage(folder).free
    except OSError as exc:
        return Check.bad("state folder", f"{folder}: cannot write: {exc.strerror or exc}")
    text = f"{folder}: {free // 2**20} MiB free"
    if free < _DISK_WANTED_BYTES:
        return Check.warn(
            "state folder", f"{text}; {_DISK_WANTED_BYTES // 2**20} MiB or more recommended"
        )
    return Check.good("state folder", text)


def _check_usage(config: LotsightConfig) -> list[Check]:
    what = "state size"
    parts = state_usage(config)
    too_much = [
        Check.warn(
            what,
            f"{part.part}: {part.size_bytes / _MIB:.1f} MiB, expected at most "
            f"{part.expected_bytes // _MIB}: {part.remedy}",
        )
        for part in parts
        if part.is_too_much
    ]
    total = sum(part.size_bytes for part in parts)
    return too_much or [Check.good(what, f"{total / _MIB:.1f} MiB")]


def _check_clock() -> Check:
    synced = clock_synced()
    if synced is None:
        return Check.warn("clock", "the kernel does not report whether the clock is synchronised")
    if not synced:
        return Check.warn("clock", "not synchronised: event times may be wrong (check NTP)")
    return Check.good("clock", "synchronised")


def _check_port(config: LotsightConfig) -> Check:
    if not config.http.enabled:
        return Check.good("HTTP port", "HTTP is disabled")
    place = f"{config.http.host}:{config.http.port}"
    try:
        with socket.create_server((config.http.host, config.http.port)):
            return Check.good("HTTP port", f"{place} is free")
    except OSError as exc:
        return Check.warn(
            "HTTP port",
            f"{place}: {exc.strerror}: is the service or another program already running on it?",
        )


def _check_broker(config: LotsightConfig) -> Check:
    if config.mqtt is None:
        return Check.warn("broker", "no [mqtt]: nothing is published")
    place = f"{config.mqtt.host}:{config.mqtt.port}"
    try:
        with socket.create_connection((config.mqtt.host, config.mqtt.port), _CONNECT_TIMEOUT_S):
            return Check.good("broker", f"{place} answers")
    except OSError as exc:
        return Check.bad("broker", f"{place}: {exc.strerror or exc}")
