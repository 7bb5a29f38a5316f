"""Drafts at the server: one file for each tab, beside the calibration, gone once it is saved.

They outlive the browser, the page's port and a crash of either side. A draft is kept as it came,
valid or not: nothing drawn is lost.
"""

from __future__ import annotations

from pathlib import Path

from pydantic import ValidationError

from calibration.editor.documents import Draft
from calibration.files import write_atomically
from telemetry.errors import CalibrationError

# Tabs that were closed without saving leave theirs; the oldest go when there are more than this.
_KEPT = 8


class DraftStore:
    """The drafts of one calibration file."""

    def __init__(self, calibration_path: Path) -> None:
        """Use the folder `NAME.drafts` beside `NAME.json`; it is made when first needed."""
        self._folder = calibration_path.with_name(f"{calibration_path.stem}.drafts")

    def put(self, draft: Draft) -> None:
        """Keep a tab's draft, in place of its former one.

        Raises:
            CalibrationError: it cannot be written.
        """
        path = self._path(draft.tab)
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
            write_atomically(path, draft.model_dump_json())
            for old in self._files()[_KEPT:]:
                old.unlink(missing_ok=True)
        except OSError as exc:
            msg = f"{path}: cannot save the draft: {exc.strerror}"
            raise CalibrationError(msg) from exc

    def remove(self, tab: str) -> None:
        """Forget a tab's draft, if there is one."""
        self._path(tab).unlink(missing_ok=True)

    def all(self) -> list[Draft]:
        """Every draft that can be read, newest first."""
        drafts = []
        for path in self._files():
            try:
                drafts.append(Draft.model_validate_json(path.read_bytes()))
            except (OSError, ValidationError):
                continue  # gone meanwhile, or cut short by a full disk: the browser has the other
        return drafts

    def _files(self) -> list[Path]:
        found = []
        for path in self._folder.glob("*.json"):
            try:
                found.append((path.stat().st_mtime_ns, path))
            except FileNotFoundError:
                continue
        return [path for _, path in sorted(found, reverse=True)]

    def _path(self, tab: str) -> Path:
        return self._folder / f"{tab}.json"
