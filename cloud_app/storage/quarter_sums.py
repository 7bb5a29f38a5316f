"""The kept quarters of an hour, read as arrays: quickly of any number of lots and days.

A year of a lot is 35,000 rows for each of its edges, zones and kinds. Days that are over some time
are therefore packed: one row of `quarter_day` holds the 96 quarters of a day (UTC), all edges of
the lot together. `quarter_pack` says up to when a lot is packed; what is newer is read quarter by
quarter. Whoever writes a quarter calls `unpack_days` in the same transaction, so both always tell
the same. Days are UTC's: the packed ones know no time zone and outlive a change of it.
"""

from __future__ import annotations

import binascii
import zlib
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt
from sqlalchemy import (
    BigInteger,
    ColumnElement,
    Select,
    Table,
    bindparam,
    case,
    cast,
    delete,
    func,
    select,
    union,
)

from cloud_app.storage.bay_events import Window
from cloud_app.storage.database import Session, Values
from cloud_app.storage.report_tables import quarter_cause, quarter_day, quarter_pack, quarter_part
from cloud_app.storage.steps import QUARTER_MS
from cloud_app.storage.tables import bay_count, quarter
from cloud_app.storage.upsert import Upsert, names

Lot: TypeAlias = tuple[str, str]
"""(site, lot)"""
Sums: TypeAlias = npt.NDArray[np.int64]
"""(3, n), milliseconds of bays in n quarters of an hour: occupied, free and unknown."""
DAY_MS = 86_400_000
STATES = ("occupied_ms", "free_ms", "unknown_ms")
# A box that was away for some hours has told by then what it saw.
_SETTLED_MS = 6 * 3_600_000
# Lots are read together as long as they have so many: a month of 32.
_QUARTERS_AT_ONCE = 96_000
# In one transaction, of a lot.
_PACKED_DAYS_AT_ONCE = 31
_WHOLE = ("", "", "")
"""(zone, kind, cause) of a packed row on a whole lot; no part has an empty kind."""
_SeriesKey: TypeAlias = tuple[str, str, str]

_BEHIND = (
    select(quarter_pack)
    .where(quarter_pack.c.upto_ms < bindparam("until_ms", type_=BigInteger))
    .order_by(quarter_pack.c.upto_ms, quarter_pack.c.site, quarter_pack.c.lot)
    .limit(bindparam("lots"))
    .with_for_update(skip_locked=True)
)
_OF = ("site", "lot")
_FIRST = select(func.min(quarter.c.start_ms)).where(
    *(quarter.c[name] == bindparam(f"of_{name}") for name in _OF)
)
_FORGET_DAYS = delete(quarter_day).where(
    *(quarter_day.c[name] == bindparam(f"of_{name}") for name in _OF),
    quarter_day.c.day_ms >= bindparam("start_ms"),
    quarter_day.c.day_ms < bindparam("end_ms"),
)
_PACKED = Upsert(quarter_pack, names(quarter_pack), lambda new: {"upto_ms": new.upto_ms})
_UNPACK = Upsert(
    quarter_pack,
    names(quarter_pack),
    lambda new: {
        "upto_ms": case(
            (quarter_pack.c.upto_ms < new.upto_ms, quarter_pack.c.upto_ms), else_=new.upto_ms
        )
    },
)


@dataclass(frozen=True, slots=True, eq=False)
class LotQuarters:
    """A lot in a window of n quarters; where nothing is kept all sums are 0.

    Attributes:
        site: of the lot.
        lot: which.
        whole: of the lot.
        parts: by (zone, kind), only those that something is kept of; empty unless asked for.
        causes: (n,) milliseconds of bays that were unknown, by reason; empty unless asked for.
    """

    site: str
    lot: str
    whole: Sums
    parts: dict[tuple[str, str], Sums] = field(default_factory=dict)
    causes: dict[str, npt.NDArray[np.int64]] = field(default_factory=dict)


def sums_of(table: Table, *by: str) -> Select[Any]:
    """The quarters of a table, all edges of a lot together: `by`, start_ms and the three sums.

    Args:
        table: `quarter` or `quarter_part`.
        by: columns that tell groups apart, as `site` and `lot`.
    """
    key = [*(table.c[name] for name in by), table.c.start_ms]
    return select(*key, *(_sum(table.c[name]) for name in STATES)).group_by(*key)


def _sum(column: ColumnElement[Any]) -> ColumnElement[int]:
    # PostgreSQL's sum of integers is a decimal number, which is slow to read.
    return cast(func.sum(column), BigInteger).label(getattr(column, "name", None))


def lot_quarters(
    session: Session, lots: Iterable[Lot], window: Window, *, with_parts: bool = False
) -> Iterator[LotQuarters]:
    """What is kept of lots, one after the other; memory holds a few dozen of them at a time.

    Args:
        session: to read with.
        lots: which, each once.
        window: whole quarters of an hour.
        with_parts: zones, kinds and reasons too.
    """
    by_site: dict[str, list[str]] = defaultdict(list)
    for site, lot in lots:
        by_site[site].append(lot)
    count = max(1, (window.end_ms - window.start_ms) // QUARTER_MS)
    at_once = max(1, _QUARTERS_AT_ONCE // count)
    for site, some in sorted(by_site.items()):
        some.sort()
        for first in range(0, len(some), at_once):
            chunk = some[first : first + at_once]
            yield from _Reader(site, window, with_parts).read(session, chunk)


def kept_lots(session: Session, site: str) -> list[Lot]:
    """The lots of a site of which quarters may be kept, also those that are gone by now."""
    lots = (select(each.c.lot).where(each.c.site == site) for each in (quarter_pack, bay_count))
    return sorted((site, row.lot) for row in session.rows(union(*lots)))


class _Reader:
    """Reads some lots of a site.

    Args:
        site: whose.
        window: whole quarters.
        with_parts: zones, kinds and reasons too.
    """

    def __init__(self, site: str, window: Window, with_parts: bool) -> None:
        self._site = site
        self._window = window
        self._with_parts = with_parts
        self._count = max(0, window.end_ms - window.start_ms) // QUARTER_MS
        self._series: dict[str, dict[_SeriesKey, Sums]] = {}

    def read(self, session: Session, lots: Sequence[str]) -> Iterator[LotQuarters]:
        """The lots in their order."""
        self._series = {lot: {_WHOLE: self._zeros()} for lot in lots}
        upto_ms = {
            row.lot: int(row.upto_ms)
            for row in session.rows(
                select(quarter_pack.c.lot, quarter_pack.c.upto_ms).where(
                    quarter_pack.c.site == self._site, quarter_pack.c.lot.in_(lots)
                )
            )
        }
        by_upto: dict[int, list[str]] = defaultdict(list)
        for lot in lots:
            by_upto[upto_ms.get(lot, 0)].append(lot)
        for packed_ms, some in by_upto.items():
            self._read_packed(session, some, packed_ms)
            start_ms = max(self._window.start_ms, packed_ms)
            if start_ms < self._window.end_ms:
                span = Window(start_ms, self._window.end_ms)
                for lot, key, found in _plain(session, self._site, some, span, self._with_parts):
                    self._lay(lot, key, *found)
        for lot, series in self._series.items():
            yield LotQuarters(
                self._site,
                lot,
                series.pop(_WHOLE),
                {(zone, kind): each for (zone, kind, cause), each in series.items() if not cause},
                {cause: each[-1] for (_, _, cause), each in series.items() if cause},
            )

    def _read_packed(self, session: Session, lots: Sequence[str], upto_ms: int) -> None:
        window = self._window
        first_ms = window.start_ms // DAY_MS * DAY_MS
        last_ms = min(window.end_ms, upto_ms)
        if first_ms >= last_ms:
            return
        query = select(
            *(quarter_day.c[name] for name in ("lot", "zone", "kind", "cause", "day_ms", "body"))
        ).where(
            quarter_day.c.site == self._site,
            quarter_day.c.lot.in_(lots),
            quarter_day.c.day_ms >= first_ms,
            quarter_day.c.day_ms < last_ms,
        )
        if not self._with_parts:
            query = query.where(quarter_day.c.kind == "", quarter_day.c.cause == "")
        for lot, zone, kind, cause, day_ms, body in session.tuples(query):
            day = _unpacked(body)
            place = (day_ms - window.start_ms) // QUARTER_MS
            begin, end = max(0, place), min(self._count, place + day.shape[1])
            series = self._of(lot, (zone, kind, cause))
            series[-len(day) :, begin:end] = day[:, begin - place : end - place]

    def _lay(self, lot: str, key: _SeriesKey, starts_ms: Sums, sums: Sums) -> None:
        place = (starts_ms - self._window.start_ms) // QUARTER_MS
        self._of(lot, key)[-len(sums) :, place] = sums

    def _of(self, lot: str, key: _SeriesKey) -> Sums:
        series = self._series[lot]
        if key not in series:
            series[key] = self._zeros()
        return series[key]

    def _zeros(self) -> Sums:
        return np.zeros((len(STATES), self._count), np.int64)


_Found: TypeAlias = tuple[str, _SeriesKey, tuple[Sums, Sums]]


def _plain(
    session: Session, site: str, lots: Sequence[str], span: Window, with_parts: bool
) -> Iterator[_Found]:
    """(lot, key, (starts (n,), sums (3 or, of a reason, 1, n))) of what is kept by quarters."""
    cause = quarter_cause.c
    key = (cause.lot, cause.cause, cause.start_ms)
    queries: list[tuple[Table, Select[Any], slice]] = [
        (quarter, sums_of(quarter, "lot"), slice(0, 0))
    ]
    if with_parts:
        causes = select(*key, _sum(cause.unknown_ms)).group_by(*key)
        queries.append((quarter_part, sums_of(quarter_part, "lot", "zone", "kind"), slice(0, 2)))
        queries.append((quarter_cause, causes, slice(2, 3)))
    for table, query, places in queries:
        wanted = query.where(
            table.c.site == site,
            table.c.lot.in_(lots),
            table.c.start_ms >= span.start_ms,
            table.c.start_ms < span.end_ms,
        )
        width = places.stop - places.start
        found: dict[tuple[str, ...], list[tuple[int, ...]]] = defaultdict(list)
        for row in session.tuples(wanted):
            found[row[: 1 + width]].append(row[1 + width :])
        for (lot, *group), rows in found.items():
            whole = list(_WHOLE)
            whole[places] = group
            told = np.array(rows, np.int64).T
            yield lot, (whole[0], whole[1], whole[2]), (told[0], told[1:])


def unpack_days(session: Session, first_ms: Mapping[Lot, int]) -> None:
    """Repack days: quarters are written.

    The lock on a lot's row makes packing, which may go on meanwhile, see what is written.

    Args:
        session: the transaction that writes.
        first_ms: of each lot the start of the first quarter that is written.
    """
    rows = [(*lot, ms // DAY_MS * DAY_MS) for lot, ms in sorted(first_ms.items())]
    session.upsert(_UNPACK, rows)


def pack_days(session: Session, now_ms: int, lots: int) -> int:
    """Pack days that are over.

    Args:
        session: to write with.
        now_ms: wall time.
        lots: how many, at most.

    Returns:
        Of how many lots days were packed.
    """
    until_ms = (now_ms - _SETTLED_MS) // DAY_MS * DAY_MS
    behind = session.rows(_BEHIND, {"until_ms": until_ms, "lots": lots})
    for row in behind:
        of = {"of_site": row.site, "of_lot": row.lot}
        [(first_ms,)] = session.rows(_FIRST, of)
        start_ms = until_ms if first_ms is None else int(first_ms) // DAY_MS * DAY_MS
        start_ms = min(max(start_ms, row.upto_ms), until_ms)
        span = Window(start_ms, min(until_ms, start_ms + _PACKED_DAYS_AT_ONCE * DAY_MS))
        session.run(_FORGET_DAYS, {**of, "start_ms": row.upto_ms, "end_ms": span.end_ms})
        if span.start_ms < span.end_ms:
            session.load(quarter_day, list(_packed_rows(session, row.site, row.lot, span)))
        session.upsert(_PACKED, [(row.site, row.lot, span.end_ms)])
    return len(behind)


def _packed_rows(session: Session, site: str, lot: str, span: Window) -> Iterator[Values]:
    for _, key, (starts_ms, sums) in _plain(session, site, [lot], span, with_parts=True):
        day, place = np.divmod(starts_ms, DAY_MS)
        for each in np.unique(day):
            here = day == each
            packed = np.zeros((len(sums), DAY_MS // QUARTER_MS), np.int64)
            packed[:, place[here] // QUARTER_MS] = sums[:, here]
            yield site, lot, int(each) * DAY_MS, *key, _packed(packed)


def _packed(sums: Sums) -> str:
    """(k, 96) as text: eight planes of bytes, of which most are alike, compressed."""
    planes = sums.astype("<i8").view(np.uint8).reshape(-1, 8).T.tobytes()
    return binascii.b2a_base64(zlib.compress(planes, 6), newline=False).decode()


def _unpacked(body: str) -> Sums:
    planes = np.frombuffer(zlib.decompress(binascii.a2b_base64(body)), np.uint8).reshape(8, -1)
    sums: Sums = np.ascontiguousarray(planes.T).view("<i8").reshape(-1, DAY_MS // QUARTER_MS)
    return sums


def prune_days(session: Session, before_ms: int, *, parts: bool) -> None:
    """Delete packed days that are over before that: of whole lots, or of their parts."""
    is_whole = (quarter_day.c.kind == "") & (quarter_day.c.cause == "")
    session.run(
        delete(quarter_day).where(
            quarter_day.c.day_ms <= before_ms - DAY_MS, ~is_whole if parts else is_whole
        )
    )
