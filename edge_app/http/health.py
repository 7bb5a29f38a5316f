"""What is wrong with the box, as its pages, its readiness and its metrics tell it."""

from __future__ import annotations

from edge_app.alarm_texts import camera_alarm
from edge_app.alarms import Alarm, AlarmKind, by_importance
from edge_app.live_state import CameraCondition, LiveState
from edge_app.report import BoxReport, LinkFacts


def standing_alarms(live_state: LiveState, report: BoxReport) -> tuple[Alarm, ...]:
    """All alarms of the box, the most important first.

    Those of cameras come from the live state, which knows of a change before the maintenance thread
    does. A lost broker connection is only reported here, since the cloud cannot hear of it.
    """
    has_model = report.model is not None
    views = (live_state.latest(camera) for camera in live_state.cameras())
    cameras = (camera_alarm(view, has_model=has_model) for view in views if view is not None)
    found = [each for each in report.alarms if each.kind is not AlarmKind.CAMERA]
    found += [each for each in cameras if each is not None]
    if report.link is not None and not report.link.connected:
        found.append(_broker_alarm(report.link))
    return by_importance(found)


def cameras_that_start(live_state: LiveState) -> list[str]:
    """Cameras that are waited for; nothing is wrong with them yet."""
    views = (live_state.latest(camera) for camera in live_state.cameras())
    return [
        view.camera
        for view in views
        if view is not None and view.status.condition is CameraCondition.STARTING
    ]


def reasons(live_state: LiveState, report: BoxReport) -> list[str]:
    """Why the box does not do its work at present, a line each; empty when it does."""
    lines = [each.line for each in standing_alarms(live_state, report)]
    lines += [f"camera {camera}: starting" for camera in cameras_that_start(live_state)]
    if not live_state.cameras():
        lines.append("no camera has reported yet")
    return lines


def _broker_alarm(link: LinkFacts) -> Alarm:
    return Alarm(
        AlarmKind.BROKER,
        "no connection to the broker",
        link.last_error or link.broker,
        "Check the box's network and that the broker is running, then [mqtt] in the "
        "configuration. Events are queued and sent on reconnection.",
    )
