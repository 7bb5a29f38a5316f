"""The alarms of a service about its parts: what is wrong, and what to do next.

That of the disk is in `edge_app.disk`.
"""

from __future__ import annotations

from calibration import Calibration
from edge_app.alarms import Alarm, AlarmKind
from edge_app.config import CameraConfig
from edge_app.live_state import CameraCondition, LiveView


def model_alarm(error: Exception, *, has_model: bool) -> Alarm:
    """A network cannot be loaded; `has_model`: the previous one stays in use."""
    text = (
        "the new model cannot be loaded: still using the previous one"
        if has_model
        else "no model can be loaded: bays are not judged"
    )
    remedy = (
        "Restore the model's two files (.onnx and .json) unchanged; they are reloaded "
        "automatically. Or correct [model] in the configuration and restart the service."
    )
    return Alarm(AlarmKind.MODEL, text, str(error), remedy)


def calibration_alarm(camera: CameraConfig, used: Calibration | None, error: Exception) -> Alarm:
    """A camera's calibration cannot be used.

    Args:
        camera: whose.
        used: what is used in its place; None when there is nothing.
        error: why.
    """
    remedy = (
        "Correct the file, or revert it with `lotsight calibration rollback`; it is reloaded "
        "automatically."
    )
    # A file that is there and wrong cannot be opened in the editor.
    is_missing = not camera.calibration_file.exists()
    if is_missing:
        remedy = "Draw its bays in the editor, or restore the file; it is reloaded automatically."
    if used is not None:
        fault = (
            "its calibration file is missing" if is_missing else "the new calibration is invalid"
        )
        what = f"{fault}: still using revision {used.revision}"
    elif is_missing:
        what = "no bays: it has no calibration"
    else:
        what = "no bays: its calibration is invalid"
    text = f"camera {camera.id}: {what}"
    return Alarm(
        AlarmKind.CALIBRATION,
        text,
        str(error),
        remedy,
        camera.id,
        "missing" if is_missing else "unusable",
        in_editor=is_missing,
    )


def layout_alarm(error: Exception) -> Alarm:
    """The list of bays cannot be written, so no bay is published."""
    return Alarm(
        AlarmKind.LAYOUT,
        "cannot write the list of bays: no state is published",
        str(error),
        "Free up disk space; the write is retried automatically.",
    )


def link_alarm(text: str) -> Alarm:
    """A fault reported by the broker link, which gives only its text."""
    return Alarm(
        AlarmKind.LINK,
        text,
        remedy="Ask the cloud team to check the broker's permissions and certificates for this "
        "box, and whether its events are being acknowledged. Until then they are kept here.",
    )


def certificate_alarm(text: str) -> Alarm:
    """The box's next certificate does not come."""
    return Alarm(
        AlarmKind.CERTIFICATE,
        "no new certificate for the broker yet",
        text,
        "It is retried automatically, and the present one stays in use. If it was revoked or has "
        "expired for long, run `lotsight provision --again` with a new code.",
    )


def rollout_alarm(text: str, error: str = "") -> Alarm:
    """A rolled-out network was rejected."""
    return Alarm(
        AlarmKind.ROLLOUT,
        text,
        error,
        "The previous model is in use. Roll out another version; this one is not retried.",
    )


def software_alarm(version: str, reason: str) -> Alarm:
    """New software was fallen back from."""
    return Alarm(
        AlarmKind.SOFTWARE,
        f"software {version} was tried and given up",
        reason,
        "The version before is in use and nothing is lost. Send the diagnostics to the software's "
        "supplier; roll out a mended version, or the same one once the reason is gone.",
    )


def pages_alarm(error: Exception) -> Alarm:
    """The pages cannot be served."""
    return Alarm(
        AlarmKind.HTTP,
        "cannot serve the web pages",
        str(error),
        "Set another port in [http], or stop the program that uses this one, and restart the "
        "service.",
    )


# Found, and what to do next. What was found in particular is the status' detail.
_CAMERA_FAULTS = {
    CameraCondition.LOST: (
        "no image",
        "Check its power and network cable, and its address, username and password in the "
        "configuration; `lotsight doctor` shows how it responds. The connection is retried "
        "automatically.",
    ),
    CameraCondition.LOGIN_REJECTED: (
        "it rejects the username or password",
        "Correct the username and password of this camera in the configuration and restart the "
        "service, or change them on the camera, which then reconnects automatically. Retries are "
        "infrequent because cameras lock the account after a few failed logins.",
    ),
    CameraCondition.FROZEN: (
        "its image is frozen",
        "Power-cycle the camera; if that does not help, have it replaced.",
    ),
    CameraCondition.BLIND: (
        "its bays are not visible",
        "Check its image: clean the lens, remove any obstruction, set focus and exposure.",
    ),
    CameraCondition.DARK: (
        "its image is too dark to judge",
        "Check the lot's lighting and the camera's night mode.",
    ),
    CameraCondition.VIEW_MOVED: (
        "its view has moved since the bays were drawn",
        "Turn the camera back to its original view, or redraw the bays in the editor.",
    ),
    CameraCondition.MODEL_ERROR: (
        "the model fails on its images",
        "Restart the service; if it recurs, send the diagnostics to the model's supplier.",
    ),
}


def camera_alarm(view: LiveView, *, has_model: bool) -> Alarm | None:
    """What is wrong with a camera; None while it works or starts.

    Args:
        view: its latest.
        has_model: whether the box has a network; without one no camera can be judged, which is one
            alarm about the box and none about each of its cameras.
    """
    condition = view.status.condition
    is_of_box = condition is CameraCondition.MODEL_ERROR and not has_model
    if condition not in _CAMERA_FAULTS or is_of_box:
        return None
    found, remedy = _CAMERA_FAULTS[condition]
    return Alarm(
        AlarmKind.CAMERA,
        f"camera {view.camera}: {condition.value.replace('_', ' ')}",
        f"{found}: {view.status.detail}" if view.status.detail else found,
        remedy,
        view.camera,
        condition.value,
        in_editor=condition is CameraCondition.VIEW_MOVED,
    )
