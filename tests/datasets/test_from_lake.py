"""Frames and labels by a query of the lake: sensors label what cameras saw."""

from __future__ import annotations

import hashlib
import re
from datetime import UTC, datetime, timedelta
from pathlib import Path

import cv2
import numpy as np
import pytest
from typer.testing import CliRunner

from cloud_app.lake.worker import LakeWorker
from cloud_app.storage.sqlite import SqliteDatabase
from datasets.cli import app
from datasets.errors import DatasetError
from datasets.from_lake import choose_frames, labelled_frames, write_bundles
from datasets.lots import read_dataset
from harvest import (
    HarvestBundle,
    HarvestedBay,
    HarvestedFrame,
    HarvestManifest,
    HarvestReason,
    Obscured,
    read_bundle,
    write_bundle,
)
from telemetry.messages import ModelRef
from tests.cloud_app.lake.kit import lake_at
from tests.cloud_app.scripted_edge import START, ScriptedEdge

_MODEL = ModelRef(name="rendered", version="1", sha256="0" * 64)
_JOIN = """SELECT b.sha256, b.bay, e.occ FROM frame_bays b ASOF JOIN events e
    ON e.site = b.site AND e.bay = b.bay AND e.time <= b.captured ORDER BY b.captured, b.bay"""


def picture(number: int) -> bytes:
    image = np.full((48, 64, 3), 40 * number, np.uint8)
    return bytes(cv2.imencode(".jpg", image)[1].tobytes())


def frame(number: int, at: datetime) -> HarvestedFrame:
    square = ((0.1, 0.1), (0.5, 0.1), (0.5, 0.5), (0.1, 0.5))
    return HarvestedFrame(
        file=f"frames/{number}.jpg",
        sha256=hashlib.sha256(picture(number)).hexdigest(),
        camera="cam-1",
        captured_utc=at,
        image_wh=(64, 48),
        revision=3,
        model=_MODEL,
        bays=tuple(
            HarvestedBay(id=bay, polygon_norm=square, prob=0.5, occ=True) for bay in ("a1", "a2")
        ),
        reasons=(HarvestReason.UNCERTAIN,),
        score=0.1 * number,
        privacy=Obscured(masks=0, outside=True, bay_px=40, vehicles=0, share=0.4),
    )


@pytest.fixture
def bundle(tmp_path: Path) -> HarvestBundle:
    """Three frames of a box: before, between and after what the sensor said of a1."""
    times = [START + timedelta(minutes=minutes) for minutes in (1, 15, 30)]
    frames = tuple(frame(number, at) for number, at in enumerate(times, 1))
    manifest = HarvestManifest(
        site="north", edge="box-1", made_utc=START, software="lotsight 1", model=_MODEL,
        frames=frames,
    )  # fmt: skip
    path = tmp_path / "box-1.tar.gz"
    pictures = {each.file: picture(number) for number, each in enumerate(frames, 1)}
    write_bundle(path, manifest, lambda each: pictures[each.file])
    return read_bundle(path, tmp_path / "unpacked")


@pytest.fixture
def lake(tmp_path: Path) -> Path:
    """What a sensor at a1 said: occupied after ten minutes, free after twenty."""
    made = lake_at(SqliteDatabase(tmp_path / "cloud.db"), tmp_path)
    edge = ScriptedEdge(edge="north.p1")
    made.take(*edge.hello(), edge.change("a1", True, 600), edge.change("a1", False, 600))
    assert isinstance(made.worker, LakeWorker)
    made.worker.seal()
    made.database.close()
    return tmp_path / "lake"


def test_labels_come_from_what_the_lake_says_of_the_moment(
    bundle: HarvestBundle, lake: Path
) -> None:
    frames = labelled_frames(choose_frames(_JOIN, lake, [bundle]))
    assert [(each.time_local, each.states) for each in frames] == [
        ((START + timedelta(minutes=15)).astimezone(UTC).replace(tzinfo=None), (True, None)),
        ((START + timedelta(minutes=30)).astimezone(UTC).replace(tzinfo=None), (False, None)),
    ]
    assert {each.camera for each in frames} == {"box-1.cam-1"}


def test_the_command_writes_a_set_that_reads_back(
    bundle: HarvestBundle, lake: Path, tmp_path: Path
) -> None:
    out = tmp_path / "set"
    done = CliRunner().invoke(
        app,
        ["from-lake", _JOIN, "--lake", str(lake), "--bundle", str(tmp_path / "box-1.tar.gz"),
         "--out", str(out)],
    )  # fmt: skip
    assert done.exit_code == 0, (done.output, done.exception)
    assert done.output.endswith("2 images, 2 of 4 bays labelled\n")
    assert [each.states for each in read_dataset(out)] == [(True, None), (False, None)]
    for each, one in zip(read_dataset(out), bundle.manifest.frames[1:], strict=True):
        assert hashlib.sha256(each.path.read_bytes()).hexdigest() == one.sha256


def test_without_labels_the_frames_are_bundled_for_the_queue(
    bundle: HarvestBundle, lake: Path, tmp_path: Path
) -> None:
    chosen = choose_frames(
        "SELECT sha256 FROM frames WHERE score > 0.15 ORDER BY score DESC", lake, [bundle, bundle]
    )
    [path] = write_bundles(chosen, tmp_path / "to-label")
    again = read_bundle(path)
    assert [each.sha256 for each in again.manifest.frames] == [
        each.sha256 for each in bundle.manifest.frames[1:]
    ]
    assert (again.manifest.site, again.manifest.edge) == ("north", "box-1")


@pytest.mark.parametrize(
    ("sql", "message"),
    [
        pytest.param("SELEC 1", "query: .*syntax error", id="no SQL"),
        pytest.param("SELECT bay FROM frame_bays", r"\['sha256'\] is missing", id="no frame"),
        pytest.param("SELECT sha256, occ FROM frame_bays", r"\['bay'\] is missing", id="no bay"),
        pytest.param("SELECT 'f00' AS sha256", "got f00, which is in none", id="another frame"),
        pytest.param(
            "SELECT sha256, bay, 'yes' AS occ FROM frame_bays", "must be true, .* got 'yes'",
            id="a word",
        ),
        pytest.param(
            "SELECT sha256, 'z9' AS bay, true AS occ FROM frames", "got 'z9'", id="another bay"
        ),
        pytest.param(
            "SELECT sha256, bay, unnest([true, false]) AS occ FROM frame_bays",
            "is said to be True and False", id="both",
        ),
        pytest.param(
            "SELECT sha256, bay, CAST(NULL AS BOOLEAN) AS occ FROM frame_bays",
            "expected the state of a bay", id="nothing known",
        ),
        pytest.param("SELECT sha256 FROM frames", "expected a column occ", id="no label"),
    ],
)  # fmt: skip
def test_a_wrong_query_is_told(bundle: HarvestBundle, lake: Path, sql: str, message: str) -> None:
    with pytest.raises(DatasetError, match=message):
        labelled_frames(choose_frames(sql, lake, [bundle]))


def test_the_queries_of_the_page_work(bundle: HarvestBundle, lake: Path) -> None:
    page = (Path(__file__).resolve().parents[2] / "docs" / "retraining.md").read_text()
    section = page.split("## What the lake knows")[1].split("## Train for one lot")[0]
    label, choose = re.findall(r'from-lake [^"]*"([^"]*)"', section)
    assert choose_frames(choose, lake, [bundle]).labels is None
    told = choose_frames(label.replace("'sensor'", "'bay_head'"), lake, [bundle])
    assert len(told.frames) == 2


def test_a_folder_without_events_is_told(bundle: HarvestBundle, tmp_path: Path) -> None:
    with pytest.raises(DatasetError, match="expected a lake, or Parquet files of events"):
        choose_frames("SELECT 1", tmp_path / "nowhere", [bundle])
