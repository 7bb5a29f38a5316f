"""What a box does for each command of the cloud."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from calibration import format_calibration, read_calibration
from edge_app.cameras import CameraSet
from edge_app.delivery.agents.handlers import Answer, AnswerFile, CommandHandlers, Result
from edge_app.redaction import mask_secrets
from telemetry import ConfigError
from telemetry.commands import CommandName
from telemetry.health import CameraAudit


@dataclass(frozen=True, slots=True)
class RemoteActions:
    """What can be asked of a box from afar.

    Attributes:
        box: its id, for names of files.
        now: wall time.
        cameras: of the box.
        publish_snapshot: has all bays published soon.
        publish_layout: has the layout and all bays published soon, changed or not.
        diagnostics: what a technician asks first.
        bundle: writes the diagnostics bundle, without pictures; whoever asks deletes it.
        still: the latest picture of a camera as JPEG, with what is private covered.
        reference: what a camera's bays are drawn on as JPEG, with what is private covered, and
            whether it is the reference image; else it is what the camera sees now.
        log: the last lines.
        audit: has a camera's states looked at again soon; gives what is known so far. None: the
            audit is switched off.
        restart: restarts the service soon.
    """

    box: str
    now: Callable[[], datetime]
    cameras: CameraSet
    publish_snapshot: Callable[[], None]
    publish_layout: Callable[[], None]
    diagnostics: Callable[[], Result]
    bundle: Callable[[], Path]
    still: Callable[[str], bytes]
    reference: Callable[[str], tuple[bytes, bool]]
    log: Callable[[], Sequence[str]]
    audit: Callable[[str], CameraAudit | None] | None
    restart: Callable[[str], None]


def command_handlers(actions: RemoteActions) -> CommandHandlers:
    """The handlers of all commands but those that close or block a bay: the store does these."""
    cameras = actions.cameras
    files = _Files(actions)

    def recalibrate(camera: str) -> Result:
        calibration = cameras.reload_calibration(camera)
        return {"revision": calibration.revision, "bays": len(calibration.bays)}

    def restart_camera(camera: str) -> Result:
        cameras.restart(camera)
        return {}

    def snapshot_now() -> Result:
        actions.publish_snapshot()
        return {}

    def refresh_layout() -> Result:
        # A calibration that cannot be used keeps its predecessor, and the answer says why.
        bays = sum(len(cameras.reload_calibration(name).bays) for name in cameras.ids)
        actions.publish_layout()
        return {"cameras": len(cameras), "bays": bays}

    def restart_service() -> Result:
        actions.restart("by command")
        return {}

    def audit_now(camera: str) -> Result:
        if actions.audit is None:
            msg = "the audit is switched off: [audit] enabled = false"
            raise ConfigError(msg)
        cameras.calibration_file(camera)  # says which cameras there are
        known = actions.audit(camera)
        return {"so_far": None if known is None else known.model_dump(mode="json")}

    def confirm_bay(bay: str, occ: bool) -> Result:
        cameras.confirm(bay, occ)
        return {}

    handlers = CommandHandlers()
    handlers.on_confirm_bay(confirm_bay)
    handlers.on_recalibrate(recalibrate)
    handlers.on_restart_camera(restart_camera)
    handlers.on_snapshot_now(snapshot_now)
    handlers.on_diagnostics(actions.diagnostics)
    handlers.on_recent_logs(files.recent_logs)
    handlers.on_camera(CommandName.CAMERA_STILL, files.still)
    handlers.on_camera(CommandName.CAMERA_REFERENCE, files.reference)
    handlers.on_camera(CommandName.CAMERA_CALIBRATION, files.calibration)
    handlers.on_camera(CommandName.AUDIT_NOW, audit_now)
    handlers.on_plain(CommandName.DIAGNOSTICS_BUNDLE, files.bundle)
    handlers.on_plain(CommandName.REFRESH_LAYOUT, refresh_layout)
    handlers.on_plain(CommandName.RESTART_SERVICE, restart_service)
    return handlers


@dataclass(frozen=True, slots=True)
class _Files:
    """Commands that are answered with a file."""

    actions: RemoteActions

    def still(self, camera: str) -> Answer:
        """The latest picture; it is in memory only."""
        self.actions.cameras.calibration_file(camera)  # says which cameras there are
        jpeg = self.actions.still(camera)
        return Answer(file=AnswerFile(self._name(camera, "jpg"), "image/jpeg", jpeg))

    def reference(self, camera: str) -> Answer:
        """What the camera's bays are drawn on."""
        jpeg, is_reference = self.actions.reference(camera)
        file = AnswerFile(self._name(f"{camera}-reference", "jpg"), "image/jpeg", jpeg)
        return Answer({"reference": is_reference}, file)

    def calibration(self, camera: str) -> Answer:
        """The camera's calibration file; revision 0: there is none yet."""
        path = self.actions.cameras.calibration_file(camera)
        if not path.exists():
            return Answer({"revision": 0})
        found = read_calibration(path)
        data = format_calibration(found).encode()
        file = AnswerFile(self._name(camera, "json"), "application/json", data)
        return Answer({"revision": found.revision, "bays": len(found.bays)}, file)

    def bundle(self) -> Answer:
        """The diagnostics bundle."""
        path = self.actions.bundle()
        try:
            data = path.read_bytes()
        except OSError as exc:
            msg = f"{path}: cannot read: {exc.strerror}"
            raise ConfigError(msg) from exc
        finally:
            path.unlink(missing_ok=True)
        name = self._name("diagnostics", "tar.gz")
        return Answer(file=AnswerFile(name, "application/gzip", data))

    def recent_logs(self, lines: int) -> Answer:
        """The last lines of the log."""
        found = self.actions.log()[-lines:]
        if not found:
            msg = "no line was logged yet"
            raise ConfigError(msg)
        text = mask_secrets("\n".join([*found, ""]))
        file = AnswerFile(self._name("log", "txt"), "text/plain", text.encode())
        return Answer({"lines": len(found)}, file)

    def _name(self, what: str, ending: str) -> str:
        return f"{self.actions.box}-{what}-{self.actions.now():%Y%m%dT%H%M%SZ}.{ending}"
