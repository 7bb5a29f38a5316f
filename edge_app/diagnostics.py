"""The diagnostics bundle: what a technician far away needs, in one file, without any secret.

    config.json        settings, secrets masked
    checks.json        what `lotsight doctor` finds
    versions.json      this program, Python, the libraries that matter
    store.json         size of the store and rows of its tables
    calibrations/*     the calibration files
    status.json, metrics.txt, log.txt     of a running service only
    pictures/*.jpg     only when asked for, and private (`vision.privacy`)

Whatever writes a part, every text goes through `Redactor` last: a secret of the configuration, or a
password in an address, never gets into the file.
"""

from __future__ import annotations

import io
import json
import platform
import sqlite3
import tarfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import asdict, dataclass, field
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any
from urllib.parse import quote

import cv2
import numpy as np
from pydantic import BaseModel, SecretStr

from calibration import Calibration
from calibration.atomic import replacing
from calibration.bundles import PRIVATE
from edge_app.checks import Check
from edge_app.config import LotsightConfig
from edge_app.sources import mask_secrets
from edge_app.sources.urls import MASK
from telemetry import Clock, ConfigError
from vision.privacy import PrivacySettings, PrivateScene, obscure
from vision.types import Floats, ImageBgr

_LIBRARIES = (
    "av", "fastapi", "numpy", "onnxruntime", "opencv-python-headless", "paho-mqtt", "pydantic",
    "scipy", "shapely", "uvicorn",
)  # fmt: skip
_JPEG_QUALITY = 82
STORE_FILE = "store.db"


@dataclass(frozen=True, slots=True)
class LiveFacts:
    """What only a running service knows.

    Attributes:
        status: its cameras, alarms, outbox.
        metrics: as Prometheus reads them.
        log: the last lines.
    """

    status: Mapping[str, Any]
    metrics: str
    log: Sequence[str]


@dataclass(frozen=True, slots=True)
class Diagnosis:
    """All that goes into a bundle.

    Attributes:
        config: of the box.
        checks: what the doctor found.
        live: of a running service; None: it does not run, or is another process.
        pictures: JPEG files by camera, private already.
    """

    config: LotsightConfig
    checks: Sequence[Check]
    live: LiveFacts | None = None
    pictures: Mapping[str, bytes] = field(default_factory=dict)


class Redactor:
    """Takes the secrets of a configuration out of texts."""

    def __init__(self, config: LotsightConfig) -> None:
        found = {secret for secret in _secrets_of(config) if secret}
        # As they are, and as they stand in an address or in JSON; the longest first.
        forms = {form for secret in found for form in (secret, quote(secret, safe=""), json.dumps(
            secret)[1:-1])}  # fmt: skip
        self._forms = sorted(forms, key=len, reverse=True)

    def clean(self, text: str) -> str:
        """The text without any of them."""
        for form in self._forms:
            text = text.replace(form, MASK)
        return mask_secrets(text)


def write_diagnosis(path: Path, diagnosis: Diagnosis, clock: Clock) -> None:
    """Write a bundle (`.tar.gz`); a crash leaves what was there before.

    Raises:
        ConfigError: the file cannot be written.
    """
    redactor = Redactor(diagnosis.config)
    stamp = int(clock.utc().timestamp())
    try:
        with replacing(path, PRIVATE) as file, tarfile.open(fileobj=file, mode="w:gz") as archive:
            for name, content in _parts(diagnosis):
                data = redactor.clean(content).encode() if isinstance(content, str) else content
                member = tarfile.TarInfo(f"lotsight-diagnostics/{name}")
                member.size, member.mtime, member.mode = len(data), stamp, PRIVATE
                archive.addfile(member, io.BytesIO(data))
    except OSError as exc:
        msg = f"{path}: expected to be able to write, but got: {exc.strerror or exc}"
        raise ConfigError(msg) from exc


def private_jpeg(
    image: ImageBgr,
    calibration: Calibration | None,
    privacy: PrivacySettings,
    vehicles_px: Floats | None = None,
) -> bytes:
    """A picture for the bundle; without a calibration all of it is a mosaic."""
    polygons = [] if calibration is None else calibration.polygons_norm()
    masks = () if calibration is None else calibration.masks
    none = np.zeros((0, 4), np.float32)
    scene = PrivateScene(
        polygons,
        [np.asarray(mask.polygon, np.float32) for mask in masks],
        none if vehicles_px is None else vehicles_px,
    )
    shown = obscure(image, scene, privacy).image_bgr
    quality = [cv2.IMWRITE_JPEG_QUALITY, _JPEG_QUALITY]
    return cv2.imencode(".jpg", shown, quality)[1].tobytes()


def store_facts(folder: Path) -> dict[str, Any]:
    """Sizes of the store's files; rows of its tables, unless the service that runs holds them."""
    path = folder / STORE_FILE
    files = {each.name: each.stat().st_size for each in sorted(folder.glob(f"{STORE_FILE}*"))}
    facts: dict[str, Any] = {"files_bytes": files}
    if not path.is_file():
        return facts
    try:
        with closing(sqlite3.connect(f"{path.resolve().as_uri()}?mode=ro", uri=True)) as store:
            rows = store.execute("SELECT name FROM sqlite_master WHERE type = 'table'").fetchall()
            facts["rows"] = {
                name: store.execute(f'SELECT count(*) FROM "{name}"').fetchone()[0]  # noqa: S608 - a name that the store itself gave
                for (name,) in sorted(rows)
            }
            facts["check"] = store.execute("PRAGMA quick_check(3)").fetchone()[0]
    except sqlite3.OperationalError as exc:
        # A service locks its store for itself; what it says of it is in status.json.
        facts["in_use" if "locked" in str(exc) else "fault"] = str(exc)
    except sqlite3.Error as exc:
        facts["fault"] = str(exc)
    return facts


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


def _parts(diagnosis: Diagnosis) -> Iterator[tuple[str, str | bytes]]:
    config = diagnosis.config
    yield "config.json", _json(config.model_dump(mode="json"))
    yield "checks.json", _json([asdict(check) for check in diagnosis.checks])
    yield "versions.json", _json(versions())
    yield "store.json", _json(store_facts(config.edge.state_dir))
    for camera in config.camera:
        try:
            text = camera.calibration_file.read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError) as exc:
            text = f"{camera.calibration_file}: cannot be read: {exc}"
        yield f"calibrations/{camera.id}.json", text
    if diagnosis.live is not None:
        yield "status.json", _json(diagnosis.live.status)
        yield "metrics.txt", diagnosis.live.metrics
        yield "log.txt", "\n".join([*diagnosis.live.log, ""])
    for camera_id, picture in diagnosis.pictures.items():
        yield f"pictures/{camera_id}.jpg", picture


def _json(value: object) -> str:
    return json.dumps(value, indent=1, ensure_ascii=False, default=str) + "\n"


def _secrets_of(value: object) -> Iterator[str]:
    """Every secret in a tree of settings."""
    if isinstance(value, SecretStr):
        yield value.get_secret_value()
    elif isinstance(value, BaseModel):
        for name in type(value).model_fields:
            yield from _secrets_of(getattr(value, name))
    elif isinstance(value, Mapping):
        for each in value.values():
            yield from _secrets_of(each)
    elif isinstance(value, (tuple, list)):
        for each in value:
            yield from _secrets_of(each)
