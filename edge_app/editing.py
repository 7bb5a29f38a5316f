"""The calibration editor of a running box: a session for each camera, its network as the judge.

Saving is applying: the service watches its calibration files, and takes a new one up within
seconds, without a restart and without losing what it knows of bays that stay.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial

from fastapi import FastAPI

from calibration.editor import (
    EditorSession,
    EditorSettings,
    EyeQuestions,
    LivePictures,
    NetworkJudge,
    VehicleProposer,
    create_editor_app,
)
from edge_app.addresses import shown
from edge_app.config import CameraConfig
from edge_app.live_state import LiveState
from vision.judge import Detector

# The box knows one login, not people.
AUTHOR = "editor of the box"


def editor_of(
    cameras: Sequence[CameraConfig],
    live_state: LiveState,
    detector: Callable[[], Detector | None],
    by_eye: EyeQuestions,
) -> FastAPI:
    """The editor of a box, to be mounted behind its login.

    Args:
        cameras: of the box.
        live_state: their newest images.
        detector: the network in use; it may be missing at first, or replaced later.
        by_eye: which bays a person should judge, and what takes the answers.
    """

    def sessions() -> Sequence[EditorSession]:
        return [_desk(camera, live_state, detector()) for camera in cameras]

    settings = EditorSettings(
        author_of=lambda _request: AUTHOR, home="../", applies=True, by_eye=by_eye
    )
    return create_editor_app(sessions, settings)


def _desk(camera: CameraConfig, live_state: LiveState, detector: Detector | None) -> EditorSession:
    judge = None if detector is None else NetworkJudge(detector)
    proposer = None if detector is None else VehicleProposer(detector)
    pictures = LivePictures(shown(camera.source), partial(live_state.image, camera.id))
    return EditorSession(camera.id, pictures, camera.calibration_file, judge, proposer)
