"""Reading the lake with DuckDB: views over the live files, and answers in several forms."""

from __future__ import annotations

import csv
import json
import tempfile
from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import IO, Any

import duckdb

from cloud_app.errors import LakeError
from cloud_app.lake.catalogue import Kind, read_manifest
from cloud_app.lake.schema import EVENTS, RECORDS, parquet_of
from cloud_app.lake.store import LakeStore, s3_settings

_PAGE_ROWS = 10_000


@dataclass(frozen=True, slots=True)
class Span:
    """Which part of the lake is wanted; None for all of it.

    Attributes:
        first: this date, UTC, or later.
        last: this date or earlier.
        sites: these.
    """

    first: date | None = None
    last: date | None = None
    sites: Collection[str] | None = None


@dataclass(frozen=True, slots=True)
class Answer:
    """What a query found.

    Attributes:
        columns: their names.
        rows: read as they are asked for; the next question ends them.
    """

    columns: Sequence[str]
    rows: Iterator[tuple[Any, ...]]


class LakeReader:
    """A connection of DuckDB with the views `events`, `records` and `files`.

    Args:
        store: of the lake.
        span: which part of it.
        memory: that a query may take, as DuckDB writes it; beyond it goes to disk.

    Raises:
        LakeError: the lake cannot be read.
    """

    def __init__(self, store: LakeStore, span: Span | None = None, memory: str = "1GB") -> None:
        span = span or Span()
        self._store = store
        self._spill = tempfile.TemporaryDirectory(prefix="lotsight-lake-")
        settings: dict[str, Any] = {"memory_limit": memory, "temp_directory": self._spill.name}
        with _mapped():
            self.connection = duckdb.connect(config=settings)
            # Times of the lake are UTC, whatever the machine's zone.
            self.connection.execute("SET TimeZone = 'UTC'")
            if store.s3 is not None:
                self.connection.register_filesystem(_file_system(store))
        files = read_manifest(store, span.first, span.last)
        self.connection.register("files", files)
        # Files of several versions are united by looking at each; of one version the first will do.
        mixed = len(files["version"].unique()) > 1
        for kind, schema in ((Kind.EVENTS, EVENTS), (Kind.RECORDS, RECORDS)):
            paths = [
                row["path"]
                for row in files.select(["path", "kind", "site"]).to_pylist()
                if row["kind"] == kind.value and (span.sites is None or row["site"] in span.sites)
            ]
            self._view(kind.value, paths, parquet_of(schema.empty_table()), mixed=mixed)

    def run(self, sql: str) -> Answer:
        """Ask one question.

        Raises:
            LakeError: the statement is wrong, or fails.
        """
        with _mapped():
            self.connection.execute(sql)
            columns = self.connection.description or []
        return Answer([column[0] for column in columns], self._rows())

    def write_parquet(self, sql: str, path: Path) -> None:
        """Write an answer to one Parquet file.

        Raises:
            LakeError: the statement is wrong or fails, or the file cannot be written.
        """
        with _mapped():
            self.connection.sql(sql).write_parquet(str(path), compression="zstd")

    def _rows(self) -> Iterator[tuple[Any, ...]]:
        while True:
            with _mapped():
                page = self.connection.fetchmany(_PAGE_ROWS)
            if not page:
                return
            yield from page

    def close(self) -> None:
        """Give memory and temporary files back."""
        self.connection.close()
        self._spill.cleanup()

    def _view(self, name: str, paths: Sequence[str], empty: bytes, *, mixed: bool) -> None:
        if paths:
            addresses = [self._address(path) for path in paths]
        else:
            # A file without rows, so that the view has its columns.
            nothing = Path(self._spill.name) / "date=2000-01-01" / "site=none" / f"{name}.parquet"
            nothing.parent.mkdir(parents=True, exist_ok=True)
            nothing.write_bytes(empty)
            addresses = [str(nothing)]
        # A view cannot have parameters; the paths are ours.
        query = (
            f"CREATE VIEW {name} AS SELECT date, site, * EXCLUDE (date, site)"  # noqa: S608
            f" FROM read_parquet({_texts(addresses)}, hive_partitioning = true,"
            " hive_types = {'date': DATE, 'site': VARCHAR},"
            f" union_by_name = {str(mixed).lower()})"
        )
        with _mapped():
            self.connection.execute(query)

    def _address(self, path: str) -> str:
        if self._store.folder is not None:
            return str(self._store.folder / path)
        assert self._store.s3 is not None  # noqa: S101 - a store is one of both
        prefix = self._store.s3.prefix.strip("/")
        return f"s3://{self._store.s3.bucket}/{prefix + '/' if prefix else ''}{path}"


def write_answer(answer: Answer, form: str, out: IO[str]) -> int:
    """Write rows as CSV, or as JSON, an object a line; return how many.

    Raises:
        LakeError: the query failed on the way.
    """
    count = 0
    table = csv.writer(out, lineterminator="\n")
    if form == "csv":
        table.writerow(answer.columns)
    for count, row in enumerate(answer.rows, 1):  # noqa: B007 - how many there were
        if form == "csv":
            table.writerow([_cell(value) for value in row])
        else:
            named = {c: _plain(value) for c, value in zip(answer.columns, row, strict=True)}
            out.write(json.dumps(named, default=str, ensure_ascii=False) + "\n")
    return count


def _cell(value: object) -> object:
    if isinstance(value, bool):
        return "true" if value else "false"
    return "" if value is None else _plain(value)


def _plain(value: object) -> object:
    return value.isoformat() if hasattr(value, "isoformat") else value


def _texts(values: Sequence[str]) -> str:
    quoted = (value.replace("'", "''") for value in values)
    return "[" + ", ".join(f"'{value}'" for value in quoted) + "]"


def _file_system(store: LakeStore) -> Any:
    from obstore.fsspec import FsspecStore

    assert store.s3 is not None  # noqa: S101 - asked for in an object store alone
    settings = dict(s3_settings(store.s3))
    # Paths name the bucket, and the prefix in it.
    settings.pop("prefix", None)
    settings.pop("bucket")
    return FsspecStore("s3", **settings)


@contextmanager
def _mapped() -> Iterator[None]:
    """Map DuckDB's errors to ours: the one border with it."""
    try:
        yield
    except (duckdb.Error, OSError) as exc:
        msg = f"lake query: {exc}"
        raise LakeError(msg) from exc
