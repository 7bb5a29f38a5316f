"""The calibration editor of the operations centre: the editor of a box, over what the box sent."""

from __future__ import annotations

from fastapi import FastAPI, Request
from fastapi.responses import JSONResponse
from starlette.responses import Response

from calibration.editor import (
    EditorSession,
    EditorSettings,
    EditorState,
    create_guarded_editor,
)
from calibration.errors import RevisionConflictError
from cloud_app.accounts.audit import Actor
from cloud_app.accounts.sessions import csrf_token
from cloud_app.api.access import CSRF_HEADER
from cloud_app.api.calibration_routes import BoxPlace, box_place
from cloud_app.api.context import ApiContext, address_of
from cloud_app.api.policy import Access
from cloud_app.errors import CloudError, StorageDownError
from cloud_app.fleet.calibrations.editing import BoxCalibration, BoxPicture, CameraAtBox
from cloud_app.fleet.calibrations.records import reported_revision
from cloud_app.storage.times import to_ms

__all__ = ["RevisionConflictError", "create_editor", "store_of"]

_SAVED = "The box takes it up as soon as it is connected."


def store_of(context: ApiContext, place: BoxPlace, camera: str, actor: Actor) -> BoxCalibration:
    """The calibration of a box's camera, for somebody who edits it."""
    return BoxCalibration(_at(context, place, camera, actor))


def create_editor(context: ApiContext) -> FastAPI:
    """The editor, to be mounted at a path with `{edge}`; the gate decides who gets here."""

    def state_of(request: Request) -> EditorState:
        access: Access = request.state.access
        place = box_place(context, access, request.path_params["edge"])
        now_ms = to_ms(context.clock.utc())
        actor = Actor(access.kind, access.name, address_of(request), now_ms)
        settings = EditorSettings(
            author_of=lambda _request: access.name,
            home=_home(place, request.path_params["camera"]),
            saved_hint=_SAVED,
        )
        token = "" if access.who is None else csrf_token(access.who.secret)
        return EditorState(
            lambda: [_session(context, place, camera, actor) for camera in place.cameras],
            settings,
            token,
            CSRF_HEADER,
        )

    app = create_guarded_editor(state_of)
    app.add_exception_handler(CloudError, _failed)
    return app


def _home(place: BoxPlace, camera: str) -> str:
    page = f"/edges/{place.edge}"
    return f"{page}/cameras/{camera}/calibration" if camera in place.cameras else page


def _session(context: ApiContext, place: BoxPlace, camera: str, actor: Actor) -> EditorSession:
    at = _at(context, place, camera, actor)
    store = BoxCalibration(at)
    picture = BoxPicture(at, context.config.fleet.picture_kept_s, store.present)
    return EditorSession(camera, picture, store)


def _at(context: ApiContext, place: BoxPlace, camera: str, actor: Actor) -> CameraAtBox:
    with context.database.read() as session:
        tenant = context.owner(session, place.site)
    reported = reported_revision(place.reported, camera)
    return CameraAtBox(context.database, place.edge, camera, actor, tenant, reported)


def _failed(_request: Request, error: Exception) -> Response:
    # The text names hosts and files; it is in the log, not for the caller.
    if isinstance(error, StorageDownError):
        return JSONResponse({"detail": {"message": "the database is away"}}, 503)
    return JSONResponse({"detail": {"message": "the service failed; see its log"}}, 500)
