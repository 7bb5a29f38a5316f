"""The kept frames on disk, within a budget: a JPEG and what is known of it, two files each.

    STATE/harvest/frames/north-20261124T221500000.jpg
    STATE/harvest/frames/north-20261124T221500000.json

The second file is written last, so an image without it is the trace of a crash and is removed.
"""

from __future__ import annotations

import contextlib
import logging
import threading
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from pydantic import ValidationError

from calibration.atomic import PRIVATE, replacing
from edge_app.config import HarvestConfig, LotsightConfig
from edge_app.harvest.counters import HarvestCounters, HarvestStats, Limit
from edge_app.version import software
from harvest import HarvestedFrame, HarvestError, HarvestManifest, write_bundle
from telemetry import Clock
from telemetry.messages import ModelRef

_log = logging.getLogger(__name__)

FOLDER = "harvest"


@dataclass(frozen=True, slots=True)
class Kept:
    """A frame in the store.

    Attributes:
        frame: what is known of it.
        size_bytes: of both of its files.
    """

    frame: HarvestedFrame
    size_bytes: int

    @property
    def rank(self) -> tuple[float, datetime]:
        """What makes way first is least: low scores, of equals old frames."""
        return self.frame.score, self.frame.captured_utc


@dataclass(frozen=True, slots=True)
class Selection:
    """Which frames to take; all by default.

    Attributes:
        camera: of one camera only.
        since: taken then or later.
        max_bytes: no more than this together; the most valuable first.
    """

    camera: str | None = None
    since: datetime | None = None
    max_bytes: int | None = None


class HarvestStore:
    """Kept frames of all cameras of a box; safe between threads.

    Args:
        folder: where they lie.
        config: the budget.
        tidy: whether to remove what a crash left; for the one that keeps frames alone.

    Raises:
        HarvestError: the folder cannot be read.
    """

    def __init__(self, folder: Path, config: HarvestConfig, *, tidy: bool = True) -> None:
        self.folder = folder
        self.counters = HarvestCounters()
        self._frames = folder / "frames"
        self._config = config
        self._lock = threading.RLock()
        self._kept: dict[str, Kept] = {}
        self._seen_mtime_ns = 0
        self._read(tidy=tidy)

    @property
    def size_bytes(self) -> int:
        """What all frames take on disk."""
        with self._lock:
            return sum(each.size_bytes for each in self._kept.values())

    def stats(self) -> HarvestStats:
        """What is kept, and what was done since the store was opened."""
        with self._lock:
            frames = Counter(each.frame.camera for each in self._kept.values())
            return self.counters.stats(dict(frames), self.size_bytes, self._config.max_bytes)

    def frames(self, selection: Selection | None = None) -> tuple[HarvestedFrame, ...]:
        """The kept frames, oldest first."""
        return tuple(each.frame for each in self._selected(selection or Selection()))

    def wants(self, camera: str, score: float, captured_utc: datetime) -> bool:
        """Whether a frame of that score would find a place among its camera's of that day."""
        with self._lock:
            same_day = self._of_day(camera, captured_utc)
            if len(same_day) < self._config.frames_per_day:
                return True
            return score > min(each.frame.score for each in same_day)

    def add(self, frame: HarvestedFrame, picture: bytes) -> bool:
        """Keep a frame, and let go what is worth less where there is no room; False: it is that.

        Raises:
            HarvestError: it cannot be written; nothing of it stays.
        """
        known = (frame.model_dump_json() + "\n").encode()
        kept = Kept(frame, len(picture) + len(known))
        with self._lock:
            day = self._of_day(frame.camera, frame.captured_utc)
            of_day = sorted([*day, kept], key=lambda each: each.rank)
            of_day = of_day[: max(len(day) + 1 - self._config.frames_per_day, 0)]
            for_room = self._too_much([*self._kept.values(), kept], of_day)
            if kept in of_day or kept in for_room:
                self.counters.refuse(Limit.DAY if kept in of_day else Limit.ROOM)
                return False
            self._evict(of_day, Limit.DAY)
            self._evict(for_room, Limit.ROOM)
            self._write(frame, picture, known)
            self._kept[frame.file] = kept
            self.counters.keep()
            return True

    def expire(self, now: datetime) -> int:
        """Delete frames that are older than they may be; how many."""
        oldest = now - timedelta(days=self._config.keep_days)
        with self._lock:
            self._notice_deletions()
            old = [each for each in self._kept.values() if each.frame.captured_utc < oldest]
            self._evict(old, Limit.AGE)
        if old:
            _log.info("harvest: %d frames older than %g days", len(old), self._config.keep_days)
        return len(old)

    def purge(self, selection: Selection | None = None) -> int:
        """Delete frames; how many."""
        with self._lock:
            chosen = self._selected(selection or Selection())
            self._evict(chosen, Limit.PURGE)
        return len(chosen)

    def picture(self, frame: HarvestedFrame) -> bytes:
        """The JPEG file of a frame.

        Raises:
            HarvestError: it is gone.
        """
        path = self._path(frame)
        try:
            return path.read_bytes()
        except OSError as exc:
            msg = f"{path}: cannot read this frame: {exc.strerror or exc}"
            raise HarvestError(msg) from exc

    def bundle(self, path: Path, manifest: HarvestManifest) -> None:
        """Write the frames of a manifest as a bundle.

        Raises:
            HarvestError: a frame was deleted in the meantime, or the disk is full.
        """
        with self._lock:
            write_bundle(path, manifest, self.picture)

    # -- inside ----------------------------------------------------------------------------------

    def _selected(self, selection: Selection) -> list[Kept]:
        with self._lock:
            found = [
                each
                for each in self._present()
                if selection.camera in {None, each.frame.camera}
                and (selection.since is None or each.frame.captured_utc >= selection.since)
            ]
        room = selection.max_bytes
        if room is not None:
            best = sorted(found, key=lambda each: each.rank, reverse=True)
            found = []
            for each in best:
                if each.size_bytes <= room:
                    room -= each.size_bytes
                    found.append(each)
        return sorted(found, key=lambda each: (each.frame.captured_utc, each.frame.file))

    def _present(self) -> list[Kept]:
        """All frames; those deleted in the meantime, by the command for instance, are dropped."""
        gone = [name for name, each in self._kept.items() if not self._path(each.frame).exists()]
        for name in gone:
            del self._kept[name]
        self.counters.evict(Limit.PURGE, len(gone))
        return list(self._kept.values())

    def _notice_deletions(self) -> None:
        """Forget what another process deleted; looks at the files only if any came or went."""
        try:
            mtime_ns = self._frames.stat().st_mtime_ns
        except OSError:
            mtime_ns = 0
        if mtime_ns != self._seen_mtime_ns:
            self._seen_mtime_ns = mtime_ns
            self._present()

    def _of_day(self, camera: str, moment: datetime) -> list[Kept]:
        day = moment.astimezone(UTC).date()
        return [
            each
            for each in self._kept.values()
            if each.frame.camera == camera and each.frame.captured_utc.date() == day
        ]

    def _too_much(self, everything: Iterable[Kept], leaving: list[Kept]) -> list[Kept]:
        """What else must go to stay within the budget."""
        ranked = sorted((each for each in everything if each not in leaving), key=lambda e: e.rank)
        size = sum(each.size_bytes for each in ranked)
        count = 0
        while size > self._config.max_bytes and count < len(ranked):
            size -= ranked[count].size_bytes
            count += 1
        return ranked[:count]

    def _path(self, frame: HarvestedFrame) -> Path:
        return self._frames / Path(frame.file).name

    def _write(self, frame: HarvestedFrame, picture: bytes, known: bytes) -> None:
        path = self._path(frame)
        try:
            self._frames.mkdir(parents=True, exist_ok=True)
            for file, content in ((path, picture), (path.with_suffix(".json"), known)):
                with replacing(file, PRIVATE) as open_file:
                    open_file.write(content)
        except OSError as exc:
            with contextlib.suppress(OSError):
                path.unlink(missing_ok=True)
            msg = f"{path}: cannot write this frame: {exc.strerror or exc}"
            raise HarvestError(msg) from exc

    def _evict(self, leaving: list[Kept], limit: Limit) -> None:
        for each in leaving:
            path = self._path(each.frame)
            path.with_suffix(".json").unlink(missing_ok=True)
            path.unlink(missing_ok=True)
            self._kept.pop(each.frame.file, None)
        self.counters.evict(limit, len(leaving))

    def _read(self, *, tidy: bool) -> None:
        if not self._frames.is_dir():
            return
        try:
            files = sorted(self._frames.iterdir())
        except OSError as exc:
            msg = f"{self._frames}: cannot read this folder: {exc.strerror}"
            raise HarvestError(msg) from exc
        for path in files:
            kept = _read_one(path) if path.suffix == ".json" else None
            if kept is not None:
                self._kept[kept.frame.file] = kept
        known = {Path(name).stem for name in self._kept}
        for path in files:
            if tidy and path.stem not in known:
                path.unlink(missing_ok=True)


def _read_one(path: Path) -> Kept | None:
    picture = path.with_suffix(".jpg")
    try:
        content = path.read_bytes()
        frame = HarvestedFrame.model_validate_json(content)
        if Path(frame.file).name != picture.name:
            return None
        return Kept(frame, len(content) + picture.stat().st_size)
    except (OSError, ValidationError) as exc:
        _log.warning("harvest: removing %s: %s", path.name, type(exc).__name__)
        return None


def open_store(config: LotsightConfig, *, tidy: bool = False) -> HarvestStore:
    """The kept frames of a box, whether it runs or not; `tidy` is for the service alone.

    Raises:
        HarvestError: the folder cannot be read.
    """
    return HarvestStore(config.edge.state_dir / FOLDER, config.harvest, tidy=tidy)


def manifest_of(
    config: LotsightConfig,
    store: HarvestStore,
    clock: Clock,
    selection: Selection,
    model: ModelRef | None = None,
) -> HarvestManifest:
    """What a bundle of the selected frames says of itself."""
    return HarvestManifest(
        site=config.edge.site,
        edge=config.edge.edge,
        made_utc=clock.utc(),
        software=software(),
        model=model,
        frames=store.frames(selection),
    )
