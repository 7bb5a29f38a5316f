"""What the audit counted, kept over restarts: one small file, appended to.

    STATE/audit.jsonl
    {"version": 1, "model": "9f2c..."}
    ["north", "2026-11-24T22:15:00+00:00", 18, 17, 18, 0]

A line is added for each image that counts, some 40 bytes, without waiting for the disk: after a
power cut the last half minute's may be missing, which is one look of a thousand. A crash may leave
half of the last line, which is skipped. The whole file is rewritten after a start,
for another network, and when half of it is too old.
"""

from __future__ import annotations

import json
import logging
import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from pydantic import AwareDatetime, BaseModel, ConfigDict, TypeAdapter, ValidationError

from calibration.atomic import PRIVATE, replacing
from edge_app.audit.estimate import LookTally

_log = logging.getLogger(__name__)

FILE = "audit.jsonl"
VERSION = 1
_LINES_SPARED = 1_000
"""The file is not rewritten for fewer lines than this beyond twice those that count."""
_Line = TypeAdapter(tuple[str, AwareDatetime, int, int, int, int])


class _Head(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")
    version: Literal[1]
    model: str


@dataclass(frozen=True, slots=True)
class CountedObservation:
    """One image that counts.

    Attributes:
        camera: whose it is.
        taken_utc: when it was taken.
        tally: what the other opinions said of its bays.
    """

    camera: str
    taken_utc: AwareDatetime
    tally: LookTally


@dataclass(frozen=True, slots=True)
class AuditHistory:
    """What a file holds.

    Attributes:
        model: SHA-256 of the network that they are about; empty: none yet.
        looks: in the order in which they were counted.
    """

    model: str = ""
    looks: tuple[CountedObservation, ...] = ()


class AuditHistoryFile:
    """The counted images of all cameras on disk. One thread at a time.

    A disk that cannot be written costs the figures' memory, never the audit.

    Args:
        path: the file.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._model = ""
        self._lines = self._most_lines = 0

    def read(self) -> AuditHistory:
        """The stored history. What cannot be read is logged and no longer counts."""
        try:
            lines = self._path.read_bytes().splitlines(keepends=True)
            head = _Head.model_validate_json(lines[0]) if lines else None
        except FileNotFoundError:
            return AuditHistory()
        except (OSError, ValidationError) as exc:
            _log.warning(
                "%s: expected audit history version %d, but got %s: starting a new history",
                self._path,
                VERSION,
                type(exc).__name__,
            )
            return AuditHistory()
        if head is None:
            return AuditHistory()
        return AuditHistory(head.model, tuple(self._looks(lines[1:])))

    def add(
        self,
        model: str,
        look: CountedObservation,
        all_looks: Callable[[], list[CountedObservation]],
    ) -> None:
        """Keep one more.

        Args:
            model: SHA-256 of the network that it is about.
            look: the image.
            all_looks: gives every one that counts now, this one included, for when the file is
                rewritten.
        """
        try:
            if model != self._model or self._lines >= self._most_lines:
                self._write(model, all_looks())
                return
            with self._path.open("r+b") as file:
                file.seek(0, os.SEEK_END)
                file.write(_line(look))
            self._lines += 1
        except OSError as exc:
            # It may be gone, or end with half a line: the next one recreates it.
            self._most_lines = 0
            _log.debug("%s: cannot write audit history: %s", self._path, exc)

    def _write(self, model: str, looks: list[CountedObservation]) -> None:
        with replacing(self._path, PRIVATE) as file:
            file.write(json.dumps({"version": VERSION, "model": model}).encode() + b"\n")
            file.writelines(map(_line, looks))
        self._model, self._lines = model, len(looks)
        self._most_lines = 2 * self._lines + _LINES_SPARED

    def _looks(self, lines: list[bytes]) -> list[CountedObservation]:
        found: list[CountedObservation] = []
        for number, line in enumerate(lines, 2):
            try:
                camera, taken_utc, *counts = _Line.validate_json(line)
                found.append(CountedObservation(camera, taken_utc, LookTally(*counts)))
            except ValueError as exc:
                if number <= len(lines) or line.endswith(b"\n"):
                    _log.warning(
                        "%s: line %d: expected an audit record, but got %s: keeping the %d "
                        "before it, dropping the rest",
                        self._path,
                        number,
                        type(exc).__name__,
                        len(found),
                    )
                break
        return found


def _line(look: CountedObservation) -> bytes:
    tally = look.tally
    counts = (tally.bays, tally.confirmed, tally.upheld, tally.outvoted)
    return json.dumps([look.camera, look.taken_utc.isoformat(), *counts]).encode() + b"\n"
