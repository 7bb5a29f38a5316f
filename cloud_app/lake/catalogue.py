"""Which objects the lake is made of, and how a change of them is one step.

A file is planned in the database, written under a name that nobody else has, and made live in the
transaction that also says what it stands for (how far streams are in, which files it replaces). A
crash leaves planned files, which are deleted an hour later; the manifest never named them.

Readers go by the manifest, `manifest/YYYY-MM.parquet`: the live files of a month of dates. It is
one object, replaced whole, and what is new and what it replaces are always of one date: so no
reader sees both, or neither. Replaced files stay for `delete_after_s`, for readers under way.
"""

from __future__ import annotations

import hashlib
import io
import secrets
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from typing import NamedTuple

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from sqlalchemy import bindparam, delete, func, select, update

from cloud_app.errors import LakeError
from cloud_app.lake.schema import VERSION, parquet_of
from cloud_app.lake.store import LakeStore
from cloud_app.storage.database import Database, Row, Session
from cloud_app.storage.lake_tables import lake_file
from cloud_app.storage.times import to_ms
from telemetry import Clock

MANIFEST = "manifest"
# No process takes so long from planning a file to making it live.
_UNFINISHED_MS = 3_600_000


class Kind(StrEnum):
    """What a file holds."""

    EVENTS = "events"
    RECORDS = "records"


class Place(NamedTuple):
    """Where a file belongs."""

    kind: Kind
    date: str
    site: str

    @property
    def folder(self) -> str:
        """Of its objects."""
        return f"{self.kind.value}/date={self.date}/site={self.site}"


@dataclass(frozen=True, slots=True)
class LiveFile:
    """A file that readers get."""

    path: str
    place: Place
    rows: int
    hashes: int
    first_ms: int
    last_ms: int


@dataclass(frozen=True, slots=True)
class Draft:
    """A file to be.

    Attributes:
        place: where it belongs.
        table: what it holds, at least one row.
    """

    place: Place
    table: pa.Table


_F = lake_file.c
_LIVE = select(lake_file).where(_F.state == "live")
_SET_LIVE = (
    update(lake_file)
    .where(_F.path == bindparam("of"), _F.state == "planned")
    .values(state="live", changed_ms=bindparam("now"), listed=0)
)
_SET_GONE = (
    update(lake_file)
    .where(_F.path == bindparam("of"), _F.state == "live")
    .values(state="gone", changed_ms=bindparam("now"), listed=0)
)
_FORGET = delete(lake_file).where(_F.path == bindparam("of"))
_LEFT = select(_F.path).where(_F.state == "planned", _F.changed_ms <= bindparam("before"))
_DELETABLE = select(_F.path).where(
    _F.state == "gone", _F.listed == 1, _F.changed_ms <= bindparam("before")
)
_UNLISTED = (
    select(func.substr(_F.date, 1, 7)).where(_F.listed == 0, _F.state != "planned").distinct()
)
_OF_MONTH = (
    select(lake_file)
    .where(func.substr(_F.date, 1, 7) == bindparam("month"), _F.state != "planned")
    .order_by(_F.kind, _F.date, _F.site, _F.path)
)
_SET_LISTED = (
    update(lake_file)
    .where(_F.path == bindparam("of"), _F.state == bindparam("as"))
    .values(listed=1)
)
_LISTED = ("path", "kind", "date", "site", "rows", "bytes", "sha256", "first_ms", "last_ms")
_MANIFEST = pa.schema(
    [
        *((name, pa.string()) for name in ("path", "kind", "date", "site")),
        *((name, pa.int64()) for name in ("rows", "bytes")),
        ("sha256", pa.string()),
        *((name, pa.timestamp("ms", tz="UTC")) for name in ("first", "last")),
        ("version", pa.int32()),
    ]
)


@dataclass(slots=True)
class Catalogue:
    """The files of one lake.

    Attributes:
        database: what knows them.
        store: where they are.
        clock: wall time.
    """

    database: Database
    store: LakeStore
    clock: Clock

    def publish(
        self,
        drafts: Sequence[Draft],
        then: Callable[[Session], None] = lambda _: None,
        replaces: Collection[str] = (),
    ) -> list[str]:
        """Write files and make them live in one step with `then`.

        Args:
            drafts: what they hold.
            then: what else belongs to the step; whatever it raises undoes the step.
            replaces: live files that are gone with it.

        Returns:
            Their paths.

        Raises:
            LakeError: the store is away, or somebody else did the same meanwhile; nothing changed.
        """
        rows = {}
        contents = {}
        for draft in drafts:
            path = f"{draft.place.folder}/{secrets.token_hex(8)}.parquet"
            contents[path] = parquet_of(draft.table)
            rows[path] = self._row(path, draft, contents[path])
        with self.database.write() as session:
            session.load(lake_file, list(rows.values()))
        for path, content in contents.items():
            self.store.create(path, content)
        now_ms = to_ms(self.clock.utc())
        with self.database.write() as session:
            then(session)
            made = session.run_many(_SET_LIVE, [{"of": path, "now": now_ms} for path in rows])
            gone = session.run_many(_SET_GONE, [{"of": path, "now": now_ms} for path in replaces])
            if (made, gone) != (len(rows), len(replaces)):
                msg = f"{self.store.name}: another process changed the same files of the lake"
                raise LakeError(msg)
        return list(rows)

    def live(self, session: Session, place: Place) -> list[LiveFile]:
        """The files of one place."""
        query = _LIVE.where(
            _F.kind == place.kind.value, _F.date == place.date, _F.site == place.site
        )
        return [_live_file(row) for row in session.rows(query)]

    def every_live(self, session: Session, *more: object) -> list[LiveFile]:
        """All files that meet further conditions."""
        query = _LIVE.where(*more).order_by(_F.kind, _F.date, _F.site)  # type: ignore[arg-type]
        return [_live_file(row) for row in session.rows(query)]

    def write_manifest(self) -> None:
        """Tell readers of every change that was made."""
        with self.database.read() as session:
            months = sorted(month for (month,) in session.rows(_UNLISTED))
        for month in months:
            with self.database.read() as session:
                rows = session.rows(_OF_MONTH, {"month": month})
            live = [row for row in rows if row.state == "live"]
            self.store.replace(f"{MANIFEST}/{month}.parquet", _manifest_of(live))
            with self.database.write() as session:
                session.run_many(_SET_LISTED, [{"of": row.path, "as": row.state} for row in rows])

    def delete_gone(self, delete_after_s: float) -> None:
        """Delete files that no reader can still want, and what a crash left half done.

        Args:
            delete_after_s: how long a file that was replaced stays.
        """
        now_ms = to_ms(self.clock.utc())
        with self.database.read() as session:
            gone = session.rows(_DELETABLE, {"before": now_ms - int(delete_after_s * 1000)})
            left = session.rows(_LEFT, {"before": now_ms - _UNFINISHED_MS})
        for (path,) in (*gone, *left):
            self.store.delete(path)
            with self.database.write() as session:
                session.run(_FORGET, {"of": path})

    def _row(self, path: str, draft: Draft, content: bytes) -> tuple[str | int, ...]:
        times = pc.min_max(draft.table["time"].cast(pa.int64()))
        is_events = draft.place.kind is Kind.EVENTS
        hashes = len(draft.table) - draft.table["vehicle_hash"].null_count if is_events else 0
        return (
            *(path, "planned", *draft.place),
            *(len(draft.table), len(content), hashlib.sha256(content).hexdigest()),
            *(times["min"].as_py(), times["max"].as_py(), hashes, VERSION),
            *(to_ms(self.clock.utc()), 0),
        )


def _live_file(row: Row) -> LiveFile:
    place = Place(Kind(row.kind), row.date, row.site)
    return LiveFile(
        row.path,
        place,
        row.rows,
        row.hashes,
        row.first_ms,
        row.last_ms,
    )


def _manifest_of(rows: Sequence[Row]) -> bytes:
    out = io.BytesIO()
    names = (*_LISTED, "version")
    columns = [[getattr(row, name) for row in rows] for name in names]
    pq.write_table(
        pa.table(
            [
                pa.array(values, pa.int64()).cast(field.type)
                if pa.types.is_timestamp(field.type)
                else pa.array(values, field.type)
                for values, field in zip(columns, _MANIFEST, strict=True)
            ],
            schema=_MANIFEST,
        ),
        out,
        compression="zstd",
    )
    return out.getvalue()


def read_manifest(
    store: LakeStore, first: date | None = None, last: date | None = None
) -> pa.Table:
    """The live files of the dates from `first` to `last`, both included; all if absent.

    Raises:
        LakeError: the store is away.
    """
    tables = [_MANIFEST.empty_table()]
    for path in sorted(store.paths(f"{MANIFEST}/")):
        month = path.removeprefix(f"{MANIFEST}/").removesuffix(".parquet")
        if (first is None or month >= f"{first:%Y-%m}") and (
            last is None or month <= f"{last:%Y-%m}"
        ):
            tables.append(pq.read_table(io.BytesIO(store.read(path))))
    table = pa.concat_tables(tables)
    if first is not None:
        table = table.filter(pc.greater_equal(table["date"], first.isoformat()))
    if last is not None:
        table = table.filter(pc.less_equal(table["date"], last.isoformat()))
    return table
