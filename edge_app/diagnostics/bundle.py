"""The diagnostics bundle: what a technician far away needs, in one file, without any secret.

    about.json         whether the service runs, and which parts could not be had, each with why
    config.json        settings, secrets masked
    checks.json        what `lotsight doctor` finds
    versions.json      this program, Python, the libraries that matter
    store.json         size of the store, rows of its tables, the outbox in figures
    states.json        each bay as it is, or was last
    calibrations/*     the calibration files
    status.json, metrics.txt     of a running service only
    log.txt            its last lines
    images/*.jpg     only on request, and anonymised (`vision.privacy`)

Whatever writes a part, every text goes through `edge_app.redaction` last: a secret of the
configuration, or a password in an address, never gets into the file.
"""

from __future__ import annotations

import io
import json
import platform
import tarfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from calibration import Calibration
from calibration.atomic import PRIVATE, replacing
from edge_app.config import LotsightConfig, register_config
from edge_app.diagnostics.checks import Check
from edge_app.diagnostics.store_reader import StoreFacts
from edge_app.redaction import SECRETS, mask_secrets
from edge_app.sources import shown
from telemetry import Clock, ConfigError
from vision.background import Moving
from vision.privacy import PrivacySettings, PrivateScene, obscure
from vision.types import Floats, ImageBgr

_LIBRARIES = (
    "av", "fastapi", "numpy", "onnxruntime", "opencv-python-headless", "paho-mqtt", "pydantic",
    "scipy", "shapely", "uvicorn",
)  # fmt: skip
_JPEG_QUALITY = 82
FOLDER = "lotsight-diagnostics"
LIVE_PARTS = ("status.json", "metrics.txt")
"""What only a running service can report."""


@dataclass(frozen=True, slots=True)
class LiveFacts:
    """What only a running service knows.

    Attributes:
        status: its cameras, alarms, outbox.
        states: each bay, see `edge_app.diagnostics.store_reader.state_rows`.
        metrics: as Prometheus reads them.
        log: the last lines.
    """

    status: Mapping[str, Any]
    states: Sequence[Mapping[str, Any]]
    metrics: str
    log: Sequence[str]


@dataclass(frozen=True, slots=True)
class About:
    """What is in a bundle, and what not.

    Attributes:
        service: `runs`, `does not run`, or `unknown`.
        sign_of_life_s: seconds since the service last said that it is alive; None: it never did.
        missing: parts that could not be had, each with why.
    """

    service: str
    sign_of_life_s: float | None = None
    missing: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Diagnosis:
    """All that goes into a bundle.

    Attributes:
        config: of the box; None: it cannot be used.
        about: what is in it.
        checks: what the doctor found.
        stored: what the store says.
        live: what the service reports; None: it is not running, or not responding.
        log: last lines, where the service did not give its own.
        pictures: JPEG files by camera, private already.
    """

    config: LotsightConfig | None
    about: About
    checks: Sequence[Check] = ()
    stored: StoreFacts = field(default_factory=lambda: StoreFacts({}))
    live: LiveFacts | None = None
    log: Sequence[str] = ()
    pictures: Mapping[str, bytes] = field(default_factory=dict)


def write_diagnosis(path: Path, diagnosis: Diagnosis, clock: Clock) -> None:
    """Write a bundle (`.tar.gz`); a crash leaves what was there before.

    Raises:
        ConfigError: the file cannot be written.
    """
    register_config(diagnosis.config)
    stamp = int(clock.utc().timestamp())
    try:
        with replacing(path, PRIVATE) as file, tarfile.open(fileobj=file, mode="w:gz") as archive:
            for name, content in _parts(diagnosis, clock):
                data = content if isinstance(content, bytes) else mask_secrets(content).encode()
                member = tarfile.TarInfo(f"{FOLDER}/{name}")
                member.size, member.mtime, member.mode = len(data), stamp, PRIVATE
                archive.addfile(member, io.BytesIO(data))
    except OSError as exc:
        msg = f"{path}: cannot write: {exc.strerror or exc}"
        raise ConfigError(msg) from exc


def private_jpeg(
    image: ImageBgr,
    calibration: Calibration | None,
    privacy: PrivacySettings,
    vehicles_px: Floats | None = None,
    moving: Moving | None = None,
) -> bytes:
    """An image for the bundle; without a calibration all of it is a mosaic."""
    polygons = [] if calibration is None else calibration.polygons_norm()
    masks = () if calibration is None else calibration.masks
    none = np.zeros((0, 4), np.float32)
    scene = PrivateScene(
        polygons,
        [np.asarray(mask.polygon, np.float32) for mask in masks],
        none if vehicles_px is None else vehicles_px,
        moving,
    )
    shown = obscure(image, scene, privacy).image_bgr
    quality = [cv2.IMWRITE_JPEG_QUALITY, _JPEG_QUALITY]
    return cv2.imencode(".jpg", shown, quality)[1].tobytes()


def versions() -> dict[str, str]:
    """This program, Python, the system, the libraries that matter."""
    found = {"python": platform.python_version(), "system": platform.platform()}
    for name in ("lotsight", *_LIBRARIES):
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            found[name] = "not installed"
    return found


# -- inside ----------------------------------------------------------------------------------------


def _parts(diagnosis: Diagnosis, clock: Clock) -> Iterator[tuple[str, str | bytes]]:
    yield "about.json", _json({"made": clock.utc().isoformat()} | asdict(diagnosis.about))
    yield "checks.json", _json([asdict(check) for check in diagnosis.checks])
    yield "versions.json", _json(versions())
    if diagnosis.config is not None:
        yield "config.json", _json(_settings(diagnosis.config))
        yield "store.json", _json(diagnosis.stored.facts)
        yield from _calibrations(diagnosis.config)
    live = diagnosis.live
    states = diagnosis.stored.states if live is None else live.states
    log = diagnosis.log if live is None else live.log
    if states is not None:
        yield "states.json", _json(states)
    if live is not None:
        yield "status.json", _json(live.status)
        yield "metrics.txt", live.metrics
    if log:
        yield "log.txt", "\n".join([*log, ""])
    for camera_id, picture in diagnosis.pictures.items():
        yield f"pictures/{camera_id}.jpg", picture


def _calibrations(config: LotsightConfig) -> Iterator[tuple[str, str | bytes]]:
    for camera in config.camera:
        try:
            text = camera.calibration_file.read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError) as exc:
            text = f"{camera.calibration_file}: cannot read: {exc}"
        try:
            yield f"calibrations/{camera.id}.json", _json(json.loads(text))
        except ValueError:
            yield f"calibrations/{camera.id}.json", text


def _json(value: object) -> bytes:
    # Value by value: a password that looks like a part of JSON must not break the file.
    plain = json.loads(json.dumps(value, default=str))
    return (json.dumps(SECRETS.mask_values(plain), indent=1, ensure_ascii=False) + "\n").encode()


def _settings(config: LotsightConfig) -> dict[str, Any]:
    settings = config.model_dump(mode="json")
    for camera in settings["camera"]:
        camera["source"] = shown(camera["source"])
    return settings
