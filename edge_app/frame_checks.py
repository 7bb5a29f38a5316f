"""What looks at images beside the network: view guard, change gate, standing scene, as set."""

from __future__ import annotations

import logging
import random

from calibration import Calibration
from calibration.references import check_reference, missing_reference, view_guard
from edge_app.config import CameraConfig, LotsightConfig
from edge_app.sources import shows_stills
from vision.background import BackgroundModel
from vision.change_gate import ChangeGate
from vision.view_guard import ViewGuard

_log = logging.getLogger(__name__)


def make_guard(
    config: LotsightConfig, camera: CameraConfig, calibration: Calibration
) -> ViewGuard | None:
    """The guard of a camera's view; None when views are not guarded."""
    if not config.guard.enabled:
        return None
    missing = missing_reference(camera.calibration_file, calibration)
    for finding in (
        *check_reference(camera.calibration_file, calibration),
        *([] if missing is None else [missing]),
    ):
        _log.warning("camera %s: %s", camera.id, finding)
    settings = config.guard.settings(is_still=shows_stills(camera.source))
    return view_guard(camera.calibration_file, calibration, settings)


def make_gate(config: LotsightConfig) -> ChangeGate | None:
    """A camera's change gate; None when every image is judged."""
    if not config.gate.enabled:
        return None
    share = random.random()  # noqa: S311 - spreads the cameras' heartbeats, no secret
    return ChangeGate(config.gate.settings(), share)


def make_scene(config: LotsightConfig) -> BackgroundModel | None:
    """A camera's standing scene; None when images show what moves as it is."""
    return BackgroundModel() if config.privacy.moving else None
