"""`lotsight-cloud lake`: query, export, compaction, erasure, taking over what was there before."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date, datetime
from enum import StrEnum
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.table import Table

from cloud_app.config import CloudConfig, LakeConfig, load_config
from cloud_app.terminal import plain_console, print_table
from cloud_app.user_commands import opened
from telemetry import ConfigError, SystemClock

if TYPE_CHECKING:
    from cloud_app.lake.query import Answer, LakeReader, Span
    from cloud_app.lake.worker import LakeWorker
    from cloud_app.storage.database import Database

app = typer.Typer(
    help="Raw events in Parquet files: query, export, erase, look after.", no_args_is_help=True
)

# More rows are for a file, not for a terminal.
_SHOWN = 200
_ALL = "SELECT * FROM events ORDER BY time, edge, epoch, seq"
_LAKE_EXTRA = {"duckdb", "fsspec", "obstore", "pyarrow"}

ConfigPath = Annotated[
    Path | None, typer.Option("--config", "-c", help="TOML file of the service.")
]
FromDate = Annotated[
    datetime | None, typer.Option("--from", formats=["%Y-%m-%d"], help="This date (UTC) or later.")
]
ToDate = Annotated[
    datetime | None, typer.Option("--to", formats=["%Y-%m-%d"], help="This date or earlier.")
]
Sites = Annotated[
    list[str] | None, typer.Option("--site", help="Only of this site; may be repeated.")
]


class AnswerForm(StrEnum):
    """How an answer is written."""

    TABLE = "table"
    CSV = "csv"
    JSON = "json"
    PARQUET = "parquet"


@app.command("query")
def query(  # noqa: PLR0913 - a typer command has one parameter for each option
    sql: Annotated[str, typer.Argument(help="DuckDB's SQL; views: events, records, files.")],
    config: ConfigPath = None,
    *,
    form: Annotated[AnswerForm, typer.Option("--format", help="Of the answer.")] = AnswerForm.TABLE,
    out: Annotated[
        Path | None, typer.Option("--out", "-o", help="File for it; Parquet needs one.")
    ] = None,
    from_date: FromDate = None,
    to_date: ToDate = None,
    site: Sites = None,
    memory: Annotated[str, typer.Option(help="For the query; beyond it goes to disk.")] = "1GB",
) -> None:
    """Ask the lake. It lags by `roll_s` at most; `lotsight-cloud lake seal` brings it up to now."""
    if form is AnswerForm.PARQUET and out is None:
        msg = "--format parquet needs a file: expected --out FILE"
        raise ConfigError(msg)
    with _reader(config, _span(from_date, to_date, site), memory) as reader:
        if form is AnswerForm.PARQUET and out is not None:
            reader.write_parquet(sql, out)
        elif form is AnswerForm.TABLE and out is None:
            _print(reader.run(sql))
        else:
            _write(reader.run(sql), "json" if form is AnswerForm.JSON else "csv", out)


@app.command("export")
def export(
    out: Annotated[Path, typer.Argument(help="A file: .parquet, .csv or .ndjson.")],
    config: ConfigPath = None,
    from_date: FromDate = None,
    to_date: ToDate = None,
    site: Sites = None,
) -> None:
    """Write the events of a span to one file, in the order of their times."""
    forms = {".parquet": "parquet", ".csv": "csv", ".ndjson": "json", ".json": "json"}
    form = forms.get(out.suffix.lower())
    if form is None:
        msg = f"expected a name that ends in .parquet, .csv or .ndjson, but got {out.name!r}"
        raise ConfigError(msg)
    with _reader(config, _span(from_date, to_date, site)) as reader:
        [(count,)] = reader.run("SELECT count(*) FROM events").rows
        if form == "parquet":
            reader.write_parquet(_ALL, out)
        else:
            _write(reader.run(_ALL), form, out)
    typer.echo(f"{out}: {count:,} events")


@app.command("seal")
def seal(config: ConfigPath = None) -> None:
    """Write what is acknowledged until now into the lake; the service may run meanwhile."""
    with _worker(config) as worker:
        typer.echo(f"{worker.seal():,} events written")


@app.command("compact")
def compact_files(
    config: ConfigPath = None,
    today: Annotated[
        bool, typer.Option("--today", help="Also of the date that is not over.")
    ] = False,
) -> None:
    """Make the files of each date and site one, as the service does by itself once it is over."""
    with _worker(config) as worker:
        from cloud_app.lake.upkeep import compact, places_to_compact

        catalogue = worker.opened()
        before = date.max if today else worker.clock.utc().date()
        with worker.database.read() as session:
            places = places_to_compact(session, worker.config.compact_files, before)
        files = sum(compact(catalogue, place) for place in places)
        catalogue.write_manifest()
    typer.echo(f"{files:,} files are {len(places):,} now")


@app.command("erase")
def erase_hashes(
    config: ConfigPath = None,
    *,
    hashes: Annotated[
        list[str] | None, typer.Option("--hash", help="Only this one; may be repeated.")
    ] = None,
    from_date: FromDate = None,
    to_date: ToDate = None,
    site: Sites = None,
) -> None:
    """Take keyed hashes of plates out of the events of gates; the events stay. It is audited."""
    span = _span(from_date, to_date, site)
    with opened(config) as desk, _extra():
        from cloud_app.accounts.audit import Subject, record
        from cloud_app.lake.upkeep import Erasure, erase

        worker = _worker_of(desk.config, desk.accounts.database)
        catalogue = worker.opened()
        wanted = Erasure(hashes, span.sites, span.first, span.last)

        def told(session: Any, file: Any, count: int) -> None:
            subject = Subject("lake file", file.path)
            # Which hashes is not said: the log keeps what it is told.
            record(session, desk.actor, "lake.erase", subject, after={"events": count})

        count = erase(catalogue, wanted, told)
        catalogue.write_manifest()
        keep_s = worker.config.delete_after_s
    typer.echo(f"{count:,} events changed; the files before are deleted in {keep_s:.0f} s")


@app.command("take-over")
def take_parts_over(
    folder: Annotated[Path, typer.Argument(help="Folder of the former parts, date=*/*.ndjson.gz.")],
    config: ConfigPath = None,
) -> None:
    """Bring the parts of the former lake in; `serve` does so itself for those in its folder."""
    with _worker(config) as worker:
        from cloud_app.lake.takeover import old_parts, take_over

        done = [take_over(worker.exporter(), part, worker.prefix) for part in old_parts(folder)]
        worker.opened().write_manifest()
    typer.echo(
        f"{len(done):,} parts: {sum(each.events for each in done):,} events,"
        f" {sum(each.known for each in done):,} that were there,"
        f" {sum(each.unreadable for each in done):,} unreadable lines"
    )


def _write(answer: Answer, form: str, out: Path | None) -> None:
    from cloud_app.lake.query import write_answer

    if out is None:
        write_answer(answer, form, sys.stdout)
        return
    try:
        with out.open("w", encoding="utf-8", newline="") as file:
            write_answer(answer, form, file)
    except OSError as exc:
        msg = f"{out}: expected a file that can be written, but: {exc}"
        raise ConfigError(msg) from exc


def _print(answer: Answer) -> None:
    rows = list(islice(answer.rows, _SHOWN + 1))
    table = Table(*answer.columns, box=None, header_style="bold")
    for row in rows[:_SHOWN]:
        table.add_row(*("-" if value is None else str(value) for value in row))
    print_table(table)
    console = plain_console()
    more = ", the first of more (--format csv has all)" if len(rows) > _SHOWN else ""
    console.print(f"{len(rows[:_SHOWN])} rows{more}", style="dim")


def _span(first: datetime | None, last: datetime | None, sites: list[str] | None) -> Span:
    with _extra():
        from cloud_app.lake.query import Span

    if first is not None and last is not None and first > last:
        msg = f"expected --from {first:%Y-%m-%d} at or before --to {last:%Y-%m-%d}"
        raise ConfigError(msg)
    return Span(first and first.date(), last and last.date(), sites or None)


def _lake(config: CloudConfig) -> LakeConfig:
    if config.lake is None:
        msg = "the configuration has no [lake]: expected --config with a file that has one"
        raise ConfigError(msg)
    return config.lake


@contextmanager
def _reader(config: Path | None, span: Span, memory: str = "1GB") -> Iterator[LakeReader]:
    with _extra():
        from cloud_app.lake.query import LakeReader
        from cloud_app.lake.store import LakeStore

        reader = LakeReader(LakeStore.of(_lake(load_config(config))), span, memory)
    try:
        yield reader
    finally:
        reader.close()


@contextmanager
def _worker(config: Path | None) -> Iterator[LakeWorker]:
    settings = load_config(config)
    with _extra():
        from cloud_app.storage.open import open_database

        database = open_database(settings.database)
        try:
            yield _worker_of(settings, database)
        finally:
            database.close()


def _worker_of(settings: CloudConfig, database: Database) -> LakeWorker:
    from cloud_app.lake.worker import LakeWorker

    return LakeWorker(
        _lake(settings),
        database,
        SystemClock(),
        settings.broker.prefix,
        settings.gates.hash_hours,
    )


@contextmanager
def _extra() -> Iterator[None]:
    """Say which extra is missing."""
    try:
        yield
    except ModuleNotFoundError as exc:
        if exc.name is None or exc.name.partition(".")[0] not in _LAKE_EXTRA:
            raise
        msg = f"the lake needs the extra lotsight[lake]; the Python module {exc.name} is missing"
        raise ConfigError(msg) from exc
