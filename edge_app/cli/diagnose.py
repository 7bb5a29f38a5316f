"""`lotsight diagnose`: one file for a technician far away, without secrets."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from calibration import Calibration, load_calibration
from edge_app.config import CameraConfig, LotsightConfig, load_config
from edge_app.diagnostics.bundle import LIVE_PARTS, About, Diagnosis, private_jpeg, write_diagnosis
from edge_app.diagnostics.checks import Check, check_cameras, check_machine, check_parts
from edge_app.diagnostics.offline import gather
from edge_app.sources import make_source
from telemetry import CalibrationError, Clock, ConfigError, LotsightError, SystemClock
from vision.types import ImageBgr

app = typer.Typer(add_completion=False)


@app.command()
def diagnose(
    config_file: Annotated[
        Path, typer.Option("--config", "-c", help="Configuration file of the box.")
    ],
    out: Annotated[Path, typer.Option("--out", "-o", help="Output file, .tar.gz.")],
    with_pictures: Annotated[
        bool,
        typer.Option("--with-pictures", help="Include one anonymised image from each camera."),
    ] = False,
    log_file: Annotated[
        Path | None,
        typer.Option("--log", help="Log file, if the log is not in the systemd journal."),
    ] = None,
) -> None:
    """Write the state of the box into one support bundle, and list what could not be collected.

    Settings, checks, versions, store, bay states, calibrations; of a running service, which is
    asked over loopback, also its status, metrics and last log lines. Passwords and tokens are
    masked. It works after a failed start and with a wrong configuration too.
    """
    console = Console(stderr=True, highlight=False, soft_wrap=True)
    clock = SystemClock()
    with console.status("Checking the box and its cameras ..."):
        config = _config(config_file)
        if isinstance(config, LotsightConfig):
            diagnosis = _of_box(config, clock, log_file, with_pictures)
        else:
            diagnosis = _without_config(config)
        write_diagnosis(out, diagnosis, clock)
    for part, why in diagnosis.about.missing.items():
        console.print(f"cannot collect {part}: {why}", markup=False)
    Console(highlight=False, soft_wrap=True).print(f"{out}: {out.stat().st_size} bytes")


def _config(path: Path) -> LotsightConfig | Check:
    try:
        return load_config(path)
    except ConfigError as exc:
        return Check.bad("configuration", str(exc))


def _of_box(
    config: LotsightConfig, clock: Clock, log_file: Path | None, with_pictures: bool
) -> Diagnosis:
    found = gather(config, clock, log_file)
    pictures = _pictures(config) if with_pictures else {}
    missing = {
        f"pictures/{camera.id}.jpg": "no image from the camera, see checks.json"
        for camera in config.camera
        if with_pictures and camera.id not in pictures
    }
    return Diagnosis(
        config,
        replace(found.about, missing={**found.about.missing, **missing}),
        check_machine(config) + check_parts(config) + check_cameras(config),
        found.stored,
        found.live,
        found.log,
        pictures,
    )


def _without_config(fault: Check) -> Diagnosis:
    """All that is available without a configuration; no log, since its secrets are unknown then."""
    why = "the configuration is invalid, see checks.json"
    parts = ("config.json", "store.json", "states.json", *LIVE_PARTS, "calibrations", "log.txt")
    about = About("unknown", missing=dict.fromkeys(parts, why))
    return Diagnosis(None, about, [fault])


def _pictures(config: LotsightConfig) -> dict[str, bytes]:
    privacy = config.privacy.settings()
    found = {}
    for camera in config.camera:
        image = _grab(camera)
        if image is not None:
            found[camera.id] = private_jpeg(image, _calibration(camera), privacy)
    return found


def _grab(camera: CameraConfig) -> ImageBgr | None:
    """One image; None where there is none, which the checks say already."""
    try:
        source = make_source(camera.source, camera.stream_settings(), SystemClock(), camera.login)
        source.open()
        try:
            grab = source.read()
        finally:
            source.close()
    except LotsightError:
        return None
    return None if grab is None else grab.image_bgr


def _calibration(camera: CameraConfig) -> Calibration | None:
    try:
        return load_calibration(camera.calibration_file)
    except CalibrationError:
        return None
