"""Schemathesis over the box's API and its editor's, from documents made of the apps: no 500."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import cv2
from fastapi import FastAPI

from calibration.editor import (
    TOKEN_HEADER,
    EditorSession,
    EditorSettings,
    StillPicture,
    create_editor_app,
)
from tests.calibration.editor.conftest import ColourJudge, ColourProposer, draw_lot
from tests.http_server.fuzzing import fuzz

if TYPE_CHECKING:
    from tests.edge_app.http.conftest import Serve

STREAMS = ("/api/v1/events/stream", "/cameras/{camera}/live.mjpg")


def test_no_request_to_the_box_is_answered_500(serve: Serve) -> None:
    served = serve()
    assert isinstance(served.app, FastAPI)
    known = {"bay": "A01", "camera": "north"}
    url = str(served.client.base_url).rstrip("/")
    counts = fuzz(served.app.openapi(), url, known, examples=25, streams=STREAMS)
    print(f"\nanswers by status: {dict(sorted(counts.items()))}")
    assert counts[200] > 50
    assert counts[422] > 20


def test_no_request_to_the_editor_is_answered_500(serve: Serve, tmp_path: Path) -> None:
    cv2.imwrite(str(tmp_path / "lot.png"), draw_lot(4).image_bgr)
    pictures = StillPicture(tmp_path / "lot.png")
    session = EditorSession(
        "north", pictures, tmp_path / "north.json", ColourJudge(), ColourProposer()
    )
    editor = create_editor_app(lambda: [session], EditorSettings(author_of=lambda _request: "ina"))
    served = serve(editor=editor)
    url = f"{str(served.client.base_url).rstrip('/')}/calibrate"
    token = served.client.get("/calibrate/api/north/session").json()["token"]
    counts = fuzz(
        editor.openapi(), url, {"camera": "north", "tab": "tab-1", "number": "1"}, examples=15,
        headers={TOKEN_HEADER: token}, only=["not_a_server_error"],
    )  # fmt: skip
    print(f"\nanswers by status: {dict(sorted(counts.items()))}")
    assert counts[200] > 20
    assert counts[400] + counts[422] > 20
