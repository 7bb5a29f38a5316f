"""A page of the editor without a browser, and what it sends."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx

from calibration.editor import CalibrationFile, EditorSession
from calibration.editor.guard import TOKEN_HEADER


class Client:
    """A page that knows its token."""

    def __init__(self, http: httpx.Client, session: EditorSession, host: str) -> None:
        self.http = http
        self.session = self.http.get("/api/_/session", headers={"Host": host}).json()
        self.base = f"/api/{session.camera}"

    def send(self, method: str, path: str, body: Any = None, **headers: str) -> Any:
        all_headers = {TOKEN_HEADER: self.session["token"], **headers}
        return self.http.request(method, f"{self.base}/{path}", json=body, headers=all_headers)


def file_of(session: EditorSession) -> Path:
    """The calibration file that is edited."""
    assert isinstance(session.store, CalibrationFile)
    return session.store.path


ClientOf = Callable[..., Client]


def document(lot: Any, count: int = 3, **fields: Any) -> dict[str, Any]:
    bays = [
        {"id": f"A{i + 1:02d}", "polygon": (lot.bays_px[i] / (1280, 720)).tolist(), **fields}
        for i in range(count)
    ]
    lot_facts: Any = {"name": "Station", "location": None, "street": "off_street", "levels": []}
    return {"bays": bays, "lot": lot_facts}


def save(client: Client, lot: Any, count: int = 3, base: int = 0) -> Any:
    return client.send("POST", "save", {"base_revision": base, "document": document(lot, count)})
