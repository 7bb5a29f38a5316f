"""The lake's former parts, `date=*/*.ndjson[.gz]`: a line for each event, some of them twice."""

from __future__ import annotations

import gzip
import json
import logging
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sqlalchemy import case

from cloud_app.errors import LakeError
from cloud_app.ingest.decode import Inbound, decode_inbound
from cloud_app.lake.export import Exporter
from cloud_app.lake.schema import Places
from cloud_app.storage.database import Session
from cloud_app.storage.events import event_row
from cloud_app.storage.lake_tables import lake_stream
from cloud_app.storage.upsert import Upsert
from cloud_app.stream import StreamKey, TakenEvent
from telemetry.bounds import MAX_NUMBER
from telemetry.topics import TopicKind

_log = logging.getLogger(__name__)

_CHUNK_LINES = 20_000
_KNOWN = Upsert(
    lake_stream,
    ("edge", "epoch", "upto", "known_top"),
    lambda new: {
        "known_top": case(
            (new.known_top > lake_stream.c.known_top, new.known_top),
            else_=lake_stream.c.known_top,
        )
    },
)


@dataclass(frozen=True, slots=True)
class TakenOver:
    """What a part held.

    Attributes:
        events: that the lake did not have yet.
        known: that it had.
        unreadable: lines that are no events; their part stays, as `NAME.kept`.
    """

    events: int
    known: int
    unreadable: int


def old_parts(folder: Path) -> list[Path]:
    """The former parts in a folder, oldest dates first."""
    return sorted([*folder.glob("date=*/*.ndjson"), *folder.glob("date=*/*.ndjson.gz")])


def take_over(exporter: Exporter, part: Path, prefix: str) -> TakenOver:
    """Bring a former part into the lake, then delete it; a crash in between repeats nothing.

    Args:
        exporter: of the lake.
        part: the file; nobody writes to it any more.
        prefix: first levels of the topics.

    Raises:
        LakeError: the part cannot be read, or the lake not be written.
    """
    lines = _lines(part)
    rows: list[Sequence[Any]] = []
    unreadable = 0
    for line in lines:
        taken = _event(line, prefix)
        if taken is None:
            unreadable += 1
        else:
            rows.append(event_row(taken))
    new = sum(
        _publish(exporter, rows[n : n + _CHUNK_LINES]) for n in range(0, len(rows), _CHUNK_LINES)
    )
    try:
        if unreadable:
            _log.warning("%s: %d lines are no events; it stays as .kept", part, unreadable)
            part.rename(part.with_name(part.name + ".kept"))
        else:
            part.unlink()
    except OSError as exc:
        msg = f"{part}: it is in the lake, but cannot be moved away: {exc}"
        raise LakeError(msg) from exc
    return TakenOver(new, len(rows) - new, unreadable)


def note_known(session: Session, tops: Mapping[StreamKey, int]) -> None:
    """Note up to which number the lake may have events of a stream, from whichever source."""
    session.upsert(_KNOWN, [(*key, 0, top) for key, top in sorted(tops.items())])


def _publish(exporter: Exporter, rows: Sequence[Sequence[Any]]) -> int:
    by_key = {tuple(row[:3]): row for row in reversed(rows)}
    tops: dict[StreamKey, int] = {}
    for name, epoch, seq in by_key:
        tops[name, epoch] = max(seq, tops.get((name, epoch), 0))
    with exporter.catalogue.database.read() as session:
        places = Places.of(session, {name for name, _ in tops})
    # Any of them may be in the lake already: from the tables, or from a part before.
    anything = dict.fromkeys(tops, MAX_NUMBER)
    stored = [exporter.batch(list(by_key.values()))] if by_key else []
    drafts = exporter.drafts(stored, places, anything)

    exporter.catalogue.publish(drafts, lambda session: note_known(session, tops))
    return sum(len(draft.table) for draft in drafts)


def _lines(part: Path) -> list[bytes]:
    try:
        raw = part.read_bytes()
        content = gzip.decompress(raw) if part.suffix == ".gz" else raw
    except (OSError, EOFError, zlib.error) as exc:
        msg = f"{part}: expected a part of the former lake, but got: {exc}"
        raise LakeError(msg) from exc
    # A line without an end was being written when its writer died; it was acknowledged to nobody.
    return content[: content.rfind(b"\n") + 1].splitlines()


def _event(line: bytes, prefix: str) -> TakenEvent | None:
    try:
        told = json.loads(line)
    except ValueError:
        return None
    source = told.get("source") if isinstance(told, dict) else None
    topic = f"{source}/{TopicKind.EVENT.value}"
    found = decode_inbound(Inbound(topic, line, retained=False, received_ms=0), prefix)
    return found if isinstance(found, TakenEvent) else None
