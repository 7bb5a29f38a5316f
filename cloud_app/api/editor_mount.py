"""Where the calibration editor is mounted, and who may use it; it is loaded when first asked for.

What reads images comes with it, 60 MB that most services never need.
"""

from __future__ import annotations

import re
import threading
from collections.abc import Mapping

from starlette.concurrency import run_in_threadpool
from starlette.types import ASGIApp, Receive, Scope, Send

from cloud_app.api.context import ApiContext
from cloud_app.api.policy import Permission

PREFIX = "/calibrate/"
MOUNT = "/calibrate/{edge}"
_FILE = re.compile(r"/calibrate/[^/]+/(|(static|shared)/[^?]+)")
_API = f"{MOUNT}/api/{{camera}}"
_LOOK: Mapping[str, Permission] = {"GET": Permission.PICTURES}
_ACT: Mapping[str, Permission] = {"POST": Permission.PICTURES}

OF_EDITOR: Mapping[str, Mapping[str, Permission]] = {
    f"{_API}/session": _LOOK,
    f"{_API}/picture": _LOOK,
    f"{_API}/revisions": _LOOK,
    f"{_API}/revisions/{{number}}": _LOOK,
    # Nothing is asked by eye here: the box's answer is the command `confirm_bay`.
    f"{_API}/by-eye": {**_LOOK, **_ACT},
    f"{_API}/draft/{{tab}}": {"PUT": Permission.PICTURES, "DELETE": Permission.PICTURES},
    **{
        f"{_API}/{act}": _ACT
        for act in (
            "check", "live", "propose", "align", "save", "rollback", "import", "export",
        )
    },
}  # fmt: skip
"""Users who may see pictures and operate boxes: people, never a key or token."""


def is_file(path: str) -> bool:
    """Whether an address is one of the editor's page or its files, which hold no data."""
    return _FILE.fullmatch(path) is not None and ".." not in path


class EditorMount:
    """The editor, built at its first request."""

    def __init__(self, context: ApiContext) -> None:
        self._context = context
        self._app: ASGIApp | None = None
        self._lock = threading.Lock()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve a request that the gate has let in."""
        if self._app is None:
            self._app = await run_in_threadpool(self._build)
        await self._app(scope, receive, send)

    def _build(self) -> ASGIApp:
        from cloud_app.api.calibration_editor import create_editor

        with self._lock:
            if self._app is None:
                self._app = create_editor(self._context)
            return self._app
