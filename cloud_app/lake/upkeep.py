"""What happens to files afterwards: made one, freed of what is personal, deleted."""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass
from datetime import date, timedelta

import pyarrow as pa
import pyarrow.compute as pc
from sqlalchemy import func, select

from cloud_app.lake.catalogue import Catalogue, Draft, Kind, LiveFile, Place
from cloud_app.lake.schema import sorted_events, table_of, without_hash
from cloud_app.storage.database import Session
from cloud_app.storage.lake_tables import lake_file

_F = lake_file.c


def places_to_compact(session: Session, files: int, before: date) -> list[Place]:
    """Dates that are over and sites whose files are at least so many.

    Those with hashes of plates wait until these are erased, so that a file is rewritten for it once
    and not kept longer for the last event of its date.
    """
    query = (
        select(_F.kind, _F.date, _F.site)
        .where(_F.state == "live", _F.date < before.isoformat())
        .group_by(_F.kind, _F.date, _F.site)
        .having(func.count() >= files, func.sum(_F.hashes) == 0)
        .order_by(_F.date, _F.site, _F.kind)
    )
    return [Place(Kind(kind), day, site) for kind, day, site in session.rows(query)]


def compact(catalogue: Catalogue, place: Place) -> int:
    """Make the files of a place one; return how many there were.

    Raises:
        LakeError, StorageError: nothing changed.
    """
    with catalogue.database.read() as session:
        files = catalogue.live(session, place)
    if len(files) > 1:
        table = pa.concat_tables(_read(catalogue, file) for file in files).unify_dictionaries()
        if place.kind is Kind.EVENTS:
            table = sorted_events(table)
        catalogue.publish([Draft(place, table)], replaces=[file.path for file in files])
    return len(files)


def expire(catalogue: Catalogue, before: date) -> int:
    """Delete the files of dates before `before`; return how many."""
    with catalogue.database.read() as session:
        files = catalogue.every_live(session, _F.date < before.isoformat())
    if files:
        catalogue.publish([], replaces=[file.path for file in files])
    return len(files)


@dataclass(frozen=True, slots=True)
class Erasure:
    """Which keyed hashes of plates go; None where it does not matter.

    Attributes:
        hashes: these.
        sites: of events at these.
        first: of events of this date or later.
        last: of events of this date or earlier.
        before_ms: of events in files that are wholly before this moment.
    """

    hashes: Collection[str] | None = None
    sites: Collection[str] | None = None
    first: date | None = None
    last: date | None = None
    before_ms: int | None = None


def erase(
    catalogue: Catalogue, wanted: Erasure, then: Callable[[Session, LiveFile, int], None]
) -> int:
    """Rewrite the files that hold such hashes, without them; the events stay.

    Args:
        catalogue: of the lake.
        wanted: which.
        then: called in the transaction of each file, with it and how many events were changed.

    Returns:
        How many events were changed.

    Raises:
        LakeError, StorageError: files before were rewritten, the others were not.
    """
    with catalogue.database.read() as session:
        files = catalogue.every_live(session, *_conditions(wanted))
    total = 0
    for file in files:
        table = _read(catalogue, file)
        mask = _mask(table, wanted)
        count = pc.sum(mask).as_py() or 0
        if not count:
            continue

        def told(session: Session, file: LiveFile = file, count: int = count) -> None:
            then(session, file, count)

        draft = Draft(file.place, _without(table, mask))
        catalogue.publish([draft], told, replaces=[file.path])
        total += count
    return total


def last_to_keep(today: date, keep_days: int) -> date:
    """The oldest date that stays."""
    return today - timedelta(days=keep_days)


def _conditions(wanted: Erasure) -> list[object]:
    found: list[object] = [_F.hashes > 0]
    if wanted.sites is not None:
        found.append(_F.site.in_(sorted(wanted.sites)))
    if wanted.first is not None:
        found.append(_F.date >= wanted.first.isoformat())
    if wanted.last is not None:
        found.append(_F.date <= wanted.last.isoformat())
    if wanted.before_ms is not None:
        found.append(_F.last_ms < wanted.before_ms)
    return found


def _mask(table: pa.Table, wanted: Erasure) -> pa.ChunkedArray:
    hashes = table["vehicle_hash"]
    mask = pc.is_valid(hashes)
    if wanted.hashes is not None:
        mask = pc.and_(mask, pc.is_in(hashes, pa.array(sorted(wanted.hashes), pa.string())))
    return pc.fill_null(mask, False)


def _without(table: pa.Table, mask: pa.ChunkedArray) -> pa.Table:
    marked = mask.to_pylist()
    bodies = [
        without_hash(body) if is_marked else body
        for body, is_marked in zip(table["body"].to_pylist(), marked, strict=True)
    ]
    hashes = pc.if_else(mask, pa.scalar(None, pa.string()), table["vehicle_hash"])
    table = table.set_column(table.column_names.index("body"), "body", pa.array(bodies))
    return table.set_column(table.column_names.index("vehicle_hash"), "vehicle_hash", hashes)


def _read(catalogue: Catalogue, file: LiveFile) -> pa.Table:
    return table_of(catalogue.store.read(file.path))
