"""The alarms of a service about its parts: what is wrong, and what to do next.

That of the disk is in `edge_app.disk`.
"""

from __future__ import annotations

from calibration import Calibration
from edge_app.alarms import Alarm, AlarmKind
from edge_app.config import CameraConfig
from edge_app.live_state import CameraCondition, LiveView


def model_alarm(error: Exception, *, has_model: bool) -> Alarm:
    """A network cannot be used; `has_model`: the one before goes on."""
    text = (
        "the new model cannot be used: the one before goes on"
        if has_model
        else "no model can be used: no bay is judged"
    )
    remedy = (
        "Put the model's two files (.onnx and .json) back, unchanged: they are taken up by "
        "themselves. Or correct [model] in the configuration and restart the service."
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
        "Correct the file, or go back with `lotsight calibration rollback`; it is taken up by "
        "itself."
    )
    # A file that is there and wrong cannot be opened in the editor.
    is_missing = not camera.calibration_file.exists()
    if is_missing:
        remedy = "Draw its bays in the editor, or put the file there; it is taken up by itself."
    if used is not None:
        fault = "its calibration is gone" if is_missing else "the new calibration cannot be used"
        what = f"{fault}: revision {used.revision} goes on"
    elif is_missing:
        what = "no bays, since it has no calibration"
    else:
        what = "no bays, since its calibration cannot be used"
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
    """The list of bays cannot be written, so no bay is told of."""
    return Alarm(
        AlarmKind.LAYOUT,
        "the list of bays cannot be written: no state is sent",
        str(error),
        "Free space on the disk; it is tried again by itself.",
    )


def link_alarm(text: str) -> Alarm:
    """What the link to the broker tells of itself; it knows no more than the text."""
    return Alarm(
        AlarmKind.LINK,
        text,
        remedy="Have the cloud looked at: the broker's rights and certificates of this box, and "
        "whether its events are taken. They are kept here until then.",
    )


def rollout_alarm(text: str, error: str = "") -> Alarm:
    """A network that was rolled out was given up."""
    return Alarm(
        AlarmKind.ROLLOUT,
        text,
        error,
        "The network before is used. Roll out another version; this one is not tried again.",
    )


def pages_alarm(error: Exception) -> Alarm:
    """The pages cannot be served."""
    return Alarm(
        AlarmKind.HTTP,
        "the pages cannot be served",
        str(error),
        "Give [http] a port of its own, or end what uses it, and restart the service.",
    )


# Found, and what to do next. What was found in particular is the status' detail.
_CAMERA_FAULTS = {
    CameraCondition.LOST: (
        "it gives no picture",
        "Check its power, its network cable, and address, user and password in the configuration; "
        "`lotsight doctor` says what it answers. It is tried again by itself.",
    ),
    CameraCondition.LOGIN_REJECTED: (
        "it refuses its user or password",
        "Correct username and password of this camera in the configuration and restart the "
        "service, or set them so on the camera, which is then taken up by itself. It is tried "
        "rarely, since cameras lock themselves after some wrong logins.",
    ),
    CameraCondition.FROZEN: (
        "its picture stands still",
        "Switch the camera off and on; if that does not help, have it replaced.",
    ),
    CameraCondition.BLIND: (
        "its bays cannot be made out",
        "Look at its picture: clean the lens, take away what covers it, set focus and exposure.",
    ),
    CameraCondition.DARK: (
        "its picture is too dark to judge",
        "Check the lamps of the lot and the night mode of the camera.",
    ),
    CameraCondition.VIEW_MOVED: (
        "it looks elsewhere than its bays were drawn",
        "Turn the camera back as it was, or draw the bays on its new view in the editor.",
    ),
    CameraCondition.MODEL_ERROR: (
        "the network fails on its pictures",
        "Restart the service; if it comes again, send the diagnostics to whoever gave the model.",
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
