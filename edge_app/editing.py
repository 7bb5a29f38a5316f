"""The calibration editor of a running box: its cameras as desks, its network as the judge.

Saving is applying: the service watches its calibration files, and takes a new one up within
seconds, without a restart and without losing what it knows of bays that stay.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from calibration.editor import (
    Desk,
    EditorSettings,
    LivePictures,
    NetworkJudge,
    VehicleProposer,
    create_editor_app,
)
from edge_app.addresses import shown

if TYPE_CHECKING:
    from fastapi import FastAPI

    from edge_app.live import LiveBoard
    from edge_app.service import Camera, EdgeService
    from vision.types import ImageBgr

# The box knows one login, not people.
AUTHOR = "editor of the box"


def editor_of(service: EdgeService) -> FastAPI:
    """The editor on the cameras of `service`, to be mounted behind its login."""

    def desks() -> Sequence[Desk]:
        return [_desk(service, camera) for camera in service.cameras.values()]

    settings = EditorSettings(author_of=lambda _request: AUTHOR, home="../", applies=True)
    return create_editor_app(desks, settings)


def _desk(service: EdgeService, camera: Camera) -> Desk:
    config = camera.config
    board: LiveBoard = service.board

    def newest() -> ImageBgr | None:
        view = board.latest(config.id)
        return None if view is None or view.frame is None else view.frame.image_bgr

    # Asked anew for each request: the model may be missing at first, or replaced later.
    detector = service.detector
    judge = None if detector is None else NetworkJudge(detector)
    proposer = None if detector is None else VehicleProposer(detector)
    pictures = LivePictures(shown(config.source), newest)
    return Desk(config.id, pictures, config.calibration_file, judge, proposer)
