"""The editor as a web application: the page, its files, the endpoints, and what errors become."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Sequence

from fastapi import FastAPI, Request
from fastapi.responses import FileResponse, JSONResponse

from calibration.editor.documents import calibration_body
from calibration.editor.guard import Guard
from calibration.editor.routes import (
    LARGEST_BODY,
    EditorSettings,
    EditorState,
    router,
    session_of,
)
from calibration.editor.routes import state_of as state_of_request
from calibration.editor.serving import STATIC, FreshFiles, reply_to_errors
from calibration.editor.session import EditorSession
from calibration.errors import InvalidCalibrationError, RevisionConflictError
from http_server.bodies import BodyGuard
from pages import SHARED


def create_editor_app(
    sessions: Callable[[], Sequence[EditorSession]], settings: EditorSettings
) -> FastAPI:
    """The editor as an application that stands alone or is mounted, as at `/calibrate`.

    Args:
        sessions: gives the cameras that can be calibrated, queried for every request.
        settings: how it is served.
    """
    state = EditorState(sessions, settings, secrets.token_urlsafe(24))
    app = create_guarded_editor(lambda _request: state)
    app.add_middleware(Guard, token=state.token, hosts=settings.hosts)
    return app


def create_guarded_editor(state_of: Callable[[Request], EditorState]) -> FastAPI:
    """The editor as a part of an application that itself decides who may change what.

    Args:
        state_of: gives what there is to edit for a request, and the token that the guarding
            application wants to see with changes.
    """
    app = FastAPI(title="lotsight calibration editor", docs_url=None, redoc_url=None)
    app.state.editor = state_of
    app.add_api_route("/", _page, include_in_schema=False)
    app.include_router(router)
    app.mount("/static", FreshFiles(directory=STATIC), name="static")
    app.add_middleware(BodyGuard, max_bytes=LARGEST_BODY, files=("/import",))
    app.mount("/shared", FreshFiles(directory=SHARED), name="shared")
    app.add_exception_handler(RevisionConflictError, _conflict)
    app.add_exception_handler(InvalidCalibrationError, _invalid)
    reply_to_errors(app)
    return app


def _page() -> FileResponse:
    return FileResponse(STATIC / "index.html", headers={"Cache-Control": "no-cache"})


def _conflict(request: Request, error: Exception) -> JSONResponse:
    """Someone saved in the meantime: what they saved goes along, for the page to join both."""
    present = session_of(request.path_params["camera"], state_of_request(request)).present()
    body = calibration_body(present) if present else None
    return JSONResponse({"detail": {"message": str(error), "calibration": body}}, 409)


def _invalid(_request: Request, error: Exception) -> JSONResponse:
    found = error.findings if isinstance(error, InvalidCalibrationError) else ()
    findings = [finding.to_json() for finding in found]
    return JSONResponse({"detail": {"message": str(error), "findings": findings}}, 422)
