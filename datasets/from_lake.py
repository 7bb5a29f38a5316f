"""Harvested frames and labels chosen by a query of the cloud's lake.

The lake has what edges and sensors said, a bundle has what a box saw: images, and for each bay the
network's opinions. A query in SQL joins both and says which frames are wanted, and, if it has a
column `occ`, what their bays were: from bay sensors, from what stood later, from a person's word.

    SELECT b.sha256, b.bay, e.occ
    FROM frame_bays b ASOF JOIN events e
      ON e.site = b.site AND e.bay = b.bay AND e.time <= b.captured
    WHERE e.method = 'sensor' AND e.occ IS NOT NULL

Nothing here knows the cloud's code: the lake is Parquet files (docs/lake.md).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC
from pathlib import Path
from typing import TYPE_CHECKING, Any

from datasets.errors import DatasetError
from datasets.frames import LotFrame, Origin
from harvest import HarvestBundle, HarvestedFrame, HarvestManifest, write_bundle
from vision.types import as_floats

if TYPE_CHECKING:
    import duckdb

SET_NAME = "lake"
_FRAMES = """CREATE TABLE frames (sha256 VARCHAR, site VARCHAR, edge VARCHAR, camera VARCHAR,
    captured TIMESTAMPTZ, revision BIGINT, model VARCHAR, reasons VARCHAR[], score DOUBLE)"""
_FRAME_BAYS = """CREATE TABLE frame_bays (sha256 VARCHAR, site VARCHAR, edge VARCHAR,
    camera VARCHAR, captured TIMESTAMPTZ, bay VARCHAR, prob DOUBLE, box_prob DOUBLE, occ BOOLEAN,
    reason VARCHAR)"""
_MANIFEST = "manifest"


@dataclass(frozen=True, slots=True)
class Chosen:
    """What a query chose.

    Attributes:
        frames: with the bundle that each is in, in the order of the answer.
        labels: by the frame's hash, what its bays were; None if the query did not say.
    """

    frames: tuple[tuple[HarvestBundle, HarvestedFrame], ...]
    labels: Mapping[str, Mapping[str, bool | None]] | None = field(repr=False)


def choose_frames(sql: str, lake: Path, bundles: Sequence[HarvestBundle]) -> Chosen:
    """Ask the lake and the bundles.

    Args:
        sql: of DuckDB; views `events` (the lake), `frames` and `frame_bays` (the bundles). Its
            answer has the column `sha256` of a frame, and with labels `bay` and `occ` too.
        lake: a lake's folder, a folder of Parquet files, or one that `lake export` wrote.
        bundles: where the frames are.

    Raises:
        DatasetError: the query is wrong, the lake is none, or the answer names no frame of the
            bundles, or contradicts itself.
    """
    with _connection() as connection:
        _events(connection, lake)
        _bundles(connection, bundles)
        with _mapped("query"):
            answer = connection.execute(sql)
            names = [column[0] for column in answer.description or []]
            rows = [dict(zip(names, row, strict=True)) for row in answer.fetchall()]
    has_labels = "occ" in names
    missing = {"sha256", *(("bay",) if has_labels else ())} - set(names)
    if missing:
        msg = f"query: expected the columns sha256 (and bay, occ), but {sorted(missing)} is missing"
        raise DatasetError(msg)
    known = {frame.sha256: (one, frame) for one in bundles for frame in one.manifest.frames}
    wanted = dict.fromkeys(str(row["sha256"]) for row in rows)
    unknown = [sha256 for sha256 in wanted if sha256 not in known]
    if unknown:
        msg = f"query: expected frames of the bundles, but got {unknown[0]}, which is in none"
        raise DatasetError(msg)
    labels = _labels(rows, known) if has_labels else None
    return Chosen(tuple(known[sha256] for sha256 in wanted), labels)


def labelled_frames(chosen: Chosen) -> list[LotFrame]:
    """The frames as a labelled set; a bay that the query did not tell of is of unknown state.

    Raises:
        DatasetError: the query had no column `occ`, or no bay has a label.
    """
    if chosen.labels is None:
        msg = "query: expected a column occ, for labels, but it has none"
        raise DatasetError(msg)
    frames = [_frame(bundle, frame, chosen.labels) for bundle, frame in chosen.frames]
    if not any(state is not None for frame in frames for state in frame.states):
        msg = f"query: expected the state of a bay in one of {len(frames)} frames, but got none"
        raise DatasetError(msg)
    return frames


def write_bundles(chosen: Chosen, folder: Path) -> list[Path]:
    """Write the chosen frames as bundles, one for each box, for the label queue.

    Raises:
        DatasetError: nothing was chosen, or the folder cannot be made.
        HarvestError: an image cannot be read, or the disk is full.
    """
    if not chosen.frames:
        msg = "query: expected frames to label, but it chose none"
        raise DatasetError(msg)
    by_box: dict[tuple[str, str], list[tuple[HarvestBundle, HarvestedFrame]]] = {}
    for bundle, frame in chosen.frames:
        by_box.setdefault((bundle.manifest.site, bundle.manifest.edge), []).append((bundle, frame))
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as exc:
        msg = f"{folder}: cannot write: {exc.strerror}"
        raise DatasetError(msg) from exc
    return [_write(folder / f"{site}.{edge}.tar.gz", own) for (site, edge), own in by_box.items()]


def _write(path: Path, own: Sequence[tuple[HarvestBundle, HarvestedFrame]]) -> Path:
    # Two bundles may call different images alike; the hash tells them apart.
    renamed = {
        frame.sha256: (bundle, frame, frame.model_copy(update={"file": _name(frame)}))
        for bundle, frame in own
    }
    newest = max((bundle.manifest for bundle, _ in own), key=lambda one: one.made_utc)
    frames = sorted((new for _, _, new in renamed.values()), key=lambda one: one.captured_utc)
    made = HarvestManifest.model_validate(
        {**newest.model_dump(), "frames": [frame.model_dump() for frame in frames]}
    )

    def picture_of(frame: HarvestedFrame) -> bytes:
        bundle, before, _ = renamed[frame.sha256]
        return bundle.path_of(before).read_bytes()

    write_bundle(path, made, picture_of)
    return path


def _name(frame: HarvestedFrame) -> str:
    return f"frames/{frame.camera[:64]}-{frame.sha256[:16]}.jpg"


def _frame(
    bundle: HarvestBundle, frame: HarvestedFrame, labels: Mapping[str, Mapping[str, bool | None]]
) -> LotFrame:
    states = labels.get(frame.sha256, {})
    made = bundle.manifest
    return LotFrame(
        set_name=SET_NAME,
        split="",
        path=bundle.path_of(frame),
        polygons_norm=tuple(as_floats(bay.polygon_norm) for bay in frame.bays),
        states=tuple(states.get(bay.id) for bay in frame.bays),
        bay_ids=tuple(bay.id for bay in frame.bays),
        # Two boxes may call their cameras alike, and splits go by camera.
        camera=f"{made.edge}.{frame.camera}",
        lot=made.site,
        time_local=frame.captured_utc.astimezone(UTC).replace(tzinfo=None),
        image_wh=frame.image_wh,
        origin=Origin(source=f"harvest of {made.site}/{made.edge}, labels by query of the lake"),
    )


def _labels(
    rows: Sequence[Mapping[str, Any]], known: Mapping[str, tuple[HarvestBundle, HarvestedFrame]]
) -> dict[str, dict[str, bool | None]]:
    labels: dict[str, dict[str, bool | None]] = {}
    for row in rows:
        sha256, bay, occ = str(row["sha256"]), str(row["bay"]), row["occ"]
        if occ is not None and not isinstance(occ, bool):
            msg = f"query: occ of bay {bay} must be true, false or null, but got {occ!r}"
            raise DatasetError(msg)
        frame = known[sha256][1]
        if bay not in {each.id for each in frame.bays}:
            msg = f"query: expected a bay of frame {sha256}, but got {bay!r}"
            raise DatasetError(msg)
        of = labels.setdefault(sha256, {})
        if bay in of and of[bay] != occ:
            msg = f"query: bay {bay} of frame {sha256} is said to be {of[bay]} and {occ}"
            raise DatasetError(msg)
        of[bay] = occ
    return labels


# -- DuckDB ----------------------------------------------------------------------------------------


@contextmanager
def _connection() -> Iterator[duckdb.DuckDBPyConnection]:
    try:
        import duckdb
    except ModuleNotFoundError as exc:
        msg = f"queries of the lake need the extra lotsight[lake]; {exc.name} is missing"
        raise DatasetError(msg) from exc
    connection = duckdb.connect()
    try:
        connection.execute("SET TimeZone = 'UTC'")
        yield connection
    finally:
        connection.close()


def _events(connection: duckdb.DuckDBPyConnection, lake: Path) -> None:
    """The view `events`: of a lake its live files, else every Parquet file that is there."""
    if lake.is_file():
        files = [str(lake)]
    elif (lake / _MANIFEST).is_dir():
        with _mapped(str(lake)):
            found = connection.execute(
                "SELECT path FROM read_parquet(?) WHERE kind = 'events'",
                [str(lake / _MANIFEST / "*.parquet")],
            ).fetchall()
        files = [str(lake / path) for (path,) in found]
    else:
        files = sorted(map(str, lake.rglob("*.parquet")))
    if not files:
        msg = f"{lake}: expected a lake, or Parquet files of events, but there are none"
        raise DatasetError(msg)
    with _mapped(str(lake)):
        # One file, as `lake export` writes it, has date and site as columns.
        connection.from_parquet(
            files, hive_partitioning=not lake.is_file(), union_by_name=True
        ).create_view("events")


def _bundles(connection: duckdb.DuckDBPyConnection, bundles: Sequence[HarvestBundle]) -> None:
    connection.execute(_FRAMES)
    connection.execute(_FRAME_BAYS)
    frames, bays = [], []
    for bundle in bundles:
        made = bundle.manifest
        for frame in bundle.manifest.frames:
            at = (frame.sha256, made.site, made.edge, frame.camera, frame.captured_utc)
            reasons = [reason.value for reason in frame.reasons]
            frames.append((*at, frame.revision, frame.model.version, reasons, frame.score))
            bays += [
                (*at, bay.id, bay.prob, bay.box_prob, bay.occ, bay.reason and bay.reason.value)
                for bay in frame.bays
            ]
    if frames:
        connection.executemany(f"INSERT INTO frames VALUES ({_marks(9)})", frames)  # noqa: S608
    if bays:
        connection.executemany(f"INSERT INTO frame_bays VALUES ({_marks(10)})", bays)  # noqa: S608


def _marks(count: int) -> str:
    return ", ".join("?" * count)


@contextmanager
def _mapped(what: str) -> Iterator[None]:
    """Map DuckDB's errors to ours: the one border with it."""
    import duckdb

    try:
        yield
    except duckdb.Error as exc:
        msg = f"{what}: {exc}"
        raise DatasetError(msg) from exc
