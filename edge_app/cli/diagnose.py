"""`lotsight diagnose`: one file for a technician far away, without secrets."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from calibration import Calibration, load_calibration
from edge_app.checks import check_cameras, check_machine, check_parts
from edge_app.config import CameraConfig, LotsightConfig, load_config
from edge_app.diagnostics import Diagnosis, private_jpeg, write_diagnosis
from edge_app.sources import make_source
from telemetry import CalibrationError, LotsightError, SystemClock
from vision.types import ImageBgr

app = typer.Typer(add_completion=False)


@app.command()
def diagnose(
    config_file: Annotated[
        Path, typer.Option("--config", "-c", help="Configuration file of the box.")
    ],
    out: Annotated[Path, typer.Option("--out", "-o", help="File to write, .tar.gz.")],
    with_pictures: Annotated[
        bool,
        typer.Option("--with-pictures", help="With one picture of each camera, made private."),
    ] = False,
) -> None:
    """Write settings, checks, versions, store statistics and calibrations into one file.

    Passwords and tokens are masked. It works beside a running service and after a failed start; the
    download on the status page has the last log lines, alarms and metrics too.
    """
    config = load_config(config_file)
    console = Console(stderr=True, highlight=False)
    with console.status("Looking at the box and its cameras ..."):
        checks = check_machine(config) + check_parts(config) + check_cameras(config)
        pictures = _pictures(config) if with_pictures else {}
        write_diagnosis(out, Diagnosis(config, checks, pictures=pictures), SystemClock())
    Console(highlight=False, soft_wrap=True).print(f"{out}: {out.stat().st_size} bytes")


def _pictures(config: LotsightConfig) -> dict[str, bytes]:
    privacy = config.privacy.settings()
    found = {}
    for camera in config.camera:
        image = _grab(camera)
        if image is not None:
            found[camera.id] = private_jpeg(image, _calibration(camera), privacy)
    return found


def _grab(camera: CameraConfig) -> ImageBgr | None:
    """One picture; None where there is none, which the checks say already."""
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
