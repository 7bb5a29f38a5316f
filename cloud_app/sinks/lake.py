"""Raw events in files by day: append-only, compressed, listed in a manifest.

    lake/
    ├── manifest.jsonl                       one line per sealed part, never changed
    └── date=2026-11-24/
        ├── lotsight-cloud-000001.ndjson.gz  sealed
        └── lotsight-cloud-000002.ndjson     open: written and synced batch by batch

A line is one event as its edge sent it. A batch is on disk before it is acknowledged, so a crash
can repeat events and lose none: a reader keeps one line per (source, id).
"""

from __future__ import annotations

import gzip
import hashlib
import json
import os
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from cloud_app.config import LakeConfig
from cloud_app.errors import SinkError
from cloud_app.storage.times import from_ms
from cloud_app.stream import TakenEvent
from telemetry import Clock

# Backlogs of several days and boxes with a wrong clock come mixed; more open files than this are
# not worth their descriptors.
_OPEN_MAX = 16
MANIFEST = "manifest.jsonl"


@dataclass(slots=True)
class _Part:
    path: Path
    file: IO[bytes]
    opened_s: float


class Lake:
    """The files of one consumer. Several may share a folder: each writes parts of its own name.

    Args:
        config: where, and when a part is sealed.
        writer: this consumer's name, unique among those that share the folder.
        clock: for the age of parts.

    Raises:
        SinkError: the folder cannot be written.
    """

    def __init__(self, config: LakeConfig, writer: str, clock: Clock) -> None:
        self._config = config
        self._writer = writer
        self._clock = clock
        self._parts: dict[str, _Part] = {}
        try:
            config.folder.mkdir(parents=True, exist_ok=True)
            for left in sorted(config.folder.glob(f"date=*/{writer}-*.ndjson")):
                _cut_torn_line(left)
                self._seal_file(left)
        except OSError as exc:
            msg = f"{config.folder}: the lake's folder must be writable, but: {exc}"
            raise SinkError(msg) from exc

    def put(self, events: Sequence[TakenEvent]) -> None:
        """Append events to the parts of their days and sync them.

        Raises:
            SinkError: the disk did not take them.
        """
        by_day: dict[str, list[bytes]] = {}
        for taken in events:
            by_day.setdefault(f"{from_ms(taken.time_ms):%Y-%m-%d}", []).append(_line(taken))
        try:
            for day, lines in by_day.items():
                part = self._part(day)
                part.file.write(b"".join(lines))
                part.file.flush()
                os.fsync(part.file.fileno())
            self._seal_due()
        except OSError as exc:
            msg = f"{self._config.folder}: the lake did not take {len(events)} events: {exc}"
            raise SinkError(msg) from exc

    def close(self) -> None:
        """Seal what is open."""
        for day in list(self._parts):
            self._seal(day)

    def _part(self, day: str) -> _Part:
        part = self._parts.get(day)
        if part is None:
            while len(self._parts) >= _OPEN_MAX:
                self._seal(min(self._parts, key=lambda d: self._parts[d].opened_s))
            folder = self._config.folder / f"date={day}"
            folder.mkdir(exist_ok=True)
            path = folder / f"{self._writer}-{self._next_number(folder):06d}.ndjson"
            part = _Part(path, path.open("xb"), self._clock.mono_s())
            self._parts[day] = part
        return part

    def _next_number(self, folder: Path) -> int:
        numbers = [
            int(path.name.split(".")[0].rsplit("-", 1)[1])
            for path in folder.glob(f"{self._writer}-*.ndjson*")
        ]
        return max(numbers, default=0) + 1

    def _seal_due(self) -> None:
        now_s = self._clock.mono_s()
        for day, part in list(self._parts.items()):
            is_big = part.file.tell() >= self._config.roll_mb * 1e6
            if is_big or now_s - part.opened_s >= self._config.roll_s:
                self._seal(day)

    def _seal(self, day: str) -> None:
        part = self._parts.pop(day)
        part.file.close()
        self._seal_file(part.path)

    def _seal_file(self, path: Path) -> None:
        """Compress a part and list it; a crash at any point is made good by the next start."""
        sealed = path.with_name(path.name + ".gz")
        raw = path.read_bytes()
        if raw:
            packed = gzip.compress(raw, compresslevel=6, mtime=0)
            _write_lasting(sealed, packed)
            self._list(sealed, raw, packed)
        path.unlink()

    def _list(self, sealed: Path, raw: bytes, packed: bytes) -> None:
        name = sealed.relative_to(self._config.folder).as_posix()
        manifest = self._config.folder / MANIFEST
        if manifest.exists() and any(row["part"] == name for row in read_manifest(manifest)):
            return
        row = {
            "part": name,
            "rows": raw.count(b"\n"),
            "bytes": len(packed),
            "sha256": hashlib.sha256(packed).hexdigest(),
        }
        with manifest.open("ab") as file:
            file.write(json.dumps(row).encode() + b"\n")
            file.flush()
            os.fsync(file.fileno())


def read_manifest(path: Path) -> Iterable[dict[str, str | int]]:
    """The parts of a lake, in the order in which they were sealed; a torn last line is left out."""
    for line in path.read_bytes().splitlines(keepends=True):
        if line.endswith(b"\n"):
            yield json.loads(line)


def _line(taken: TakenEvent) -> bytes:
    # Outside strings a line break is a blank, and inside them JSON has none.
    return taken.body.replace("\n", " ").replace("\r", " ").encode() + b"\n"


def _cut_torn_line(path: Path) -> None:
    raw = path.read_bytes()
    whole = raw[: raw.rfind(b"\n") + 1]
    if len(whole) < len(raw):
        _write_lasting(path, whole)


def _write_lasting(path: Path, content: bytes) -> None:
    draft = path.with_name(path.name + ".draft")
    with draft.open("wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    draft.replace(path)
