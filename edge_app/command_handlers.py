"""What a box does for each command of the cloud."""

from __future__ import annotations

from collections.abc import Callable

from edge_app.cameras import CameraSet
from edge_app.delivery.agents.commands import CommandHandlers, Result


def command_handlers(
    cameras: CameraSet, request_snapshot: Callable[[], None], diagnostics: Callable[[], Result]
) -> CommandHandlers:
    """The handlers of all commands but those that close or block a bay: the store does these.

    Args:
        cameras: of the box.
        request_snapshot: has all bays published soon.
        diagnostics: what a technician asks first.
    """

    def recalibrate(camera: str) -> Result:
        calibration = cameras.reload_calibration(camera)
        return {"revision": calibration.revision, "bays": len(calibration.bays)}

    def restart_camera(camera: str) -> Result:
        cameras.restart(camera)
        return {}

    def snapshot_now() -> Result:
        request_snapshot()
        return {}

    def confirm_bay(bay: str, occ: bool) -> Result:
        cameras.confirm(bay, occ)
        return {}

    handlers = CommandHandlers()
    handlers.on_confirm_bay(confirm_bay)
    handlers.on_recalibrate(recalibrate)
    handlers.on_restart_camera(restart_camera)
    handlers.on_snapshot_now(snapshot_now)
    handlers.on_diagnostics(diagnostics)
    return handlers
