"""Answers as a revision of a data set, and the commands from queue to revision."""

from __future__ import annotations

import hashlib
import json
import re
import signal
import subprocess
import sys
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import uuid4

import cv2
import httpx
import pytest
from typer.testing import CliRunner

from calibration import Bay, Calibration, save_calibration
from calibration.editor import TOKEN_HEADER
from datasets.errors import DatasetError
from datasets.frames import LotFrame, Origin
from datasets.labelling.cli import app
from datasets.labelling.export import NO_BASE, REVIEWS, Target, export_revision, read_base
from datasets.labelling.journal import Answer, Entry, append_entry, journal_path, read_journals
from datasets.labelling.queue import Queue, read_queue
from datasets.labelling.results import sum_up
from datasets.lots import read_dataset
from datasets.manifest import Manifest, read_manifest
from datasets.native import write_dataset
from harvest import (
    HarvestedBay,
    HarvestedFrame,
    HarvestManifest,
    HarvestReason,
    Obscured,
    write_bundle,
)
from telemetry.messages import ModelRef

START = datetime(2026, 11, 24, 12, tzinfo=UTC)


def review(
    folder: Path, state_of: Callable[[str], Any], reviewer: str = "ina", most: int = 1000
) -> None:
    """Answer a queue from its first question."""
    queue = read_queue(folder)
    for number, item in enumerate(queue.items[:most]):
        name = queue.id_of(item)
        entry = Entry(
            id=str(uuid4()),
            reviewer=reviewer,
            time=START + timedelta(seconds=number),
            spent_s=1.0,
            answers=(Answer(item=name, state=state_of(name)),),
        )
        append_entry(journal_path(folder, reviewer), entry)


def truth_of(lots: Any) -> Callable[[str], str]:
    return lambda name: "occupied" if lots.truth[name] else "free"


def export(folder: Path, out: Path, base: Path | None = None, **more: Any) -> Manifest:
    queue = read_queue(folder)
    results = sum_up(queue, read_journals(folder))
    revised = read_base(base) if base else NO_BASE
    return export_revision(folder, queue, results, revised, Target(out, **more))


def reviews(folder: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (folder / REVIEWS).read_text().splitlines()]


@pytest.fixture
def base(lots: Any, tmp_path: Path) -> Path:
    """The rendered lots as a data set; every ninth label is wrong."""
    frames = [
        LotFrame(
            set_name="base",
            split="train",
            path=one.frame.path,
            polygons_norm=one.frame.polygons_norm,
            states=tuple(
                lots.truth[f"{one.sha256[:12]}-{bay}"] ^ (bay % 9 == 0)
                for bay in range(len(one.prob))
            ),
            bay_ids=one.frame.bay_ids,
            camera=one.frame.camera,
            origin=Origin("own renders", "AGPL-3.0-or-later"),
        )
        for one in lots.pool
    ]
    write_dataset(frames, tmp_path / "base")
    return tmp_path / "base"


def test_first_version_from_pictures_without_labels(
    lots: Any, queue_folder: Path, tmp_path: Path
) -> None:
    review(queue_folder, truth_of(lots), most=40)
    manifest = export(queue_folder, tmp_path / "first", licence="CC0-1.0")
    queue = read_queue(queue_folder)
    asked = {queue.id_of(item) for item in queue.items[:40]}
    known = 0
    for frame in read_dataset(tmp_path / "first"):
        sha = next(one.sha256 for one in lots.pool if one.frame.path.name == frame.path.name)
        for bay, state in enumerate(frame.states):
            name = f"{sha[:12]}-{bay}"
            assert state == (lots.truth[name] if name in asked else None)
            known += state is not None
        assert frame.split == "train"
        assert frame.origin == Origin("rendered", "CC0-1.0")
    assert known == 40
    assert (manifest.parent, manifest.counts.occupied + manifest.counts.free) == (None, 40)
    assert read_manifest(tmp_path / "first") == manifest
    assert REVIEWS in manifest.files
    line = reviews(tmp_path / "first")[0]
    assert line["votes"] == [
        {"reviewer": "ina", "state": line["votes"][0]["state"], "time": line["votes"][0]["time"]}
    ]
    assert line["how"] in {"confirmed", "corrected"}


def test_revision_of_a_base_changes_what_was_asked_and_nothing_else(
    lots: Any, base: Path, tmp_path: Path
) -> None:
    queue = tmp_path / "q"
    done = CliRunner().invoke(
        app, ["queue", str(base), "--out", str(queue), "--count", "40", "--random", "0.25"]
    )
    assert done.exit_code == 0, done.output
    review(queue, truth_of(lots))
    manifest = export(queue, tmp_path / "second", base)
    made = read_queue(queue)
    asked = {made.id_of(item) for item in made.items}
    before = {frame.path.name: frame for frame in read_dataset(base)}
    after = {frame.path.name: frame for frame in read_dataset(tmp_path / "second")}
    assert before.keys() == after.keys()
    mended = 0
    for one in lots.pool:
        old, new = before[one.frame.path.name], after[one.frame.path.name]
        assert (new.bay_ids, new.origin, new.camera) == (old.bay_ids, old.origin, old.camera)
        for bay, (was, now) in enumerate(zip(old.states, new.states, strict=True)):
            name = f"{one.sha256[:12]}-{bay}"
            assert now == (lots.truth[name] if name in asked else was)
            mended += now != was
    assert mended >= 10, "of 14 wrong labels the queue asks about most"
    assert manifest.parent == read_manifest(base).version
    assert manifest.version != manifest.parent
    assert f"{mended} corrected" in manifest.note

    # A second round keeps the first one's reviews.
    again = tmp_path / "q2"
    made_again = CliRunner().invoke(
        app, ["queue", str(tmp_path / "second"), "--out", str(again), "--count", "5"]
    )
    assert made_again.exit_code == 0, made_again.output
    review(again, truth_of(lots), "otto")
    third = export(again, tmp_path / "third", tmp_path / "second")
    assert third.parent == manifest.version
    assert len(reviews(tmp_path / "third")) == 45
    assert reviews(tmp_path / "third")[:40] == reviews(tmp_path / "second")


def test_disputes_become_unknown_and_are_listed(lots: Any, make: Any, tmp_path: Path) -> None:
    folder = tmp_path / "q"
    queue: Queue = make(lots.pool, folder, count=6, twice_share=1.0)
    names = [queue.id_of(item) for item in queue.items]
    review(folder, lambda name: "unknown" if name == names[0] else "free")
    review(folder, lambda name: "occupied" if name == names[1] else "free", "otto", most=2)
    export(folder, tmp_path / "out")
    assert [line["how"] for line in reviews(tmp_path / "out")].count("disputed") == 1
    known = sum(
        state is not None for frame in read_dataset(tmp_path / "out") for state in frame.states
    )
    assert known == 5, "what one could not tell the other one could"
    shown = CliRunner().invoke(app, ["status", str(folder)])
    assert "1 disputed" in shown.output
    assert "(ina: free, otto: occupied)" in shown.output


def test_export_refuses_what_does_not_fit(
    lots: Any, queue_folder: Path, base: Path, tmp_path: Path
) -> None:
    with pytest.raises(DatasetError, match="there are none yet"):
        export(queue_folder, tmp_path / "out")
    review(queue_folder, truth_of(lots), most=60)
    body = json.loads((base / "annotations.json").read_text())
    for ids in body["train"]["bay_ids"]:
        ids[0] = "renamed"
    (base / "annotations.json").write_text(json.dumps(body))
    with pytest.raises(DatasetError, match="the base has changed since"):
        export(queue_folder, tmp_path / "out", base)
    assert not (tmp_path / "out").exists()
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "a.txt").touch()
    with pytest.raises(DatasetError, match="new or empty folder"):
        export(queue_folder, tmp_path / "full")


def test_a_picture_that_changed_is_not_exported(lots: Any, make: Any, tmp_path: Path) -> None:
    from dataclasses import replace

    path = tmp_path / "lot.png"
    path.write_bytes(lots.pool[0].frame.path.read_bytes())
    moved = replace(lots.pool[0], frame=replace(lots.pool[0].frame, path=path))
    make([moved], tmp_path / "q", count=5)
    review(tmp_path / "q", truth_of(lots))
    cv2.imwrite(str(path), moved.frame.read()[::-1])
    with pytest.raises(DatasetError, match="it has changed since"):
        export(tmp_path / "q", tmp_path / "out")


def test_harvest_of_a_box_becomes_a_labelled_set(lots: Any, tmp_path: Path) -> None:
    pictures = {}
    frames = []
    for number, one in enumerate(lots.pool):
        _, data = cv2.imencode(".jpg", one.frame.read())
        content = data.tobytes()
        sha256 = hashlib.sha256(content).hexdigest()
        pictures[sha256] = content
        inside = [
            (name, polygon)
            for name, polygon in zip(one.frame.bay_ids, one.frame.polygons_norm, strict=True)
            if polygon.min() >= 0 and polygon.max() <= 1
        ]
        bays = tuple(
            HarvestedBay(
                id=name, polygon_norm=tuple(map(tuple, polygon.tolist())), prob=0.5, occ=None
            )
            for name, polygon in inside
        )
        frames.append(
            HarvestedFrame(
                file=f"frames/{number}.jpg", sha256=sha256, camera="north",
                captured_utc=START + timedelta(hours=number), image_wh=(640, 360), revision=1,
                model=ModelRef(name="m", version="1", sha256="0" * 64), bays=bays,
                reasons=(HarvestReason.AFTER_ALARM,), score=0.9,
                privacy=Obscured(masks=0, outside=False, bay_px=40, vehicles=0, share=0),
            )
        )  # fmt: skip
    manifest = HarvestManifest(
        site="town", edge="box-7", made_utc=START, software="test", frames=tuple(frames)
    )
    write_bundle(tmp_path / "h.tar.gz", manifest, lambda frame: pictures[frame.sha256])
    done = CliRunner().invoke(
        app, ["queue", str(tmp_path / "h.tar.gz"), "--out", str(tmp_path / "q"), "-n", "30"]
    )
    assert done.exit_code == 0, done.output
    queue = read_queue(tmp_path / "q")
    assert {frame.camera for frame in queue.frames} == {"box-7.north"}
    assert all(frame.reasons == ("after_alarm",) for frame in queue.frames)
    assert min(item.value for item in queue.items) >= 0.18 - 1e-3, "the box's score counts"
    review(tmp_path / "q", lambda name: "free")
    export(tmp_path / "q", tmp_path / "out", licence="LicenseRef-own")
    back = read_dataset(tmp_path / "out")
    assert sum(frame.states.count(False) for frame in back) == 30
    assert {frame.origin for frame in back} == {Origin("town/box-7", "LicenseRef-own")}
    assert {frame.time_local.hour for frame in back if frame.time_local} <= {12, 13, 14}


def test_plain_pictures_need_their_bays(lots: Any, tmp_path: Path) -> None:
    one = lots.pool[0]
    folder = tmp_path / "north"
    folder.mkdir()
    (folder / "a.png").write_bytes(one.frame.path.read_bytes())
    done = CliRunner().invoke(app, ["queue", str(folder), "--out", str(tmp_path / "q")])
    assert "with --calibration" in str(done.exception)
    # Rendered bays may reach over the edge of the picture; a calibration's may not.
    bays = tuple(
        Bay(id=name, polygon=tuple((float(x), float(y)) for x, y in polygon))
        for name, polygon in zip(one.frame.bay_ids, one.frame.polygons_norm, strict=True)
        if polygon.min() >= 0 and polygon.max() <= 1
    )[:4]
    calibration = tmp_path / "north.json"
    save_calibration(
        calibration, Calibration(camera="north", image_wh=(640, 360), bays=bays), author="ina"
    )
    again = CliRunner().invoke(
        app, ["queue", str(folder), "--out", str(tmp_path / "q"), "-c", str(calibration)]
    )
    assert again.exit_code == 0, again.output
    queue = read_queue(tmp_path / "q")
    assert len(queue.items) == 4
    assert queue.frames[0].camera == "north"
    assert all(bay.label is None for bay in queue.frames[0].bays)


def test_reviewing_what_is_no_queue_leaves_nothing_behind(tmp_path: Path) -> None:
    done = CliRunner().invoke(app, ["review", str(tmp_path), "--no-browser"])
    assert "expected a queue (lotsight label queue makes one)" in str(done.exception)
    assert list(tmp_path.iterdir()) == []


def test_the_review_command_survives_kill_9(queue_folder: Path) -> None:
    """A real process, killed between two answers; the next one goes on where it was."""
    command = [
        sys.executable, "-u", "-c", "from edge_app.cli import main; main()", "label", "review",
        str(queue_folder), "--port", "0", "--no-browser", "--reviewer", "ina",
    ]  # fmt: skip

    def answer_one(process: subprocess.Popen[str]) -> str:
        assert process.stdout is not None
        lines = iter(process.stdout.readline, "")
        url = next(m[1] for line in lines if (m := re.search(r"(http://127\S+/)", line)))
        with httpx.Client(base_url=url, timeout=20) as http:
            headers = {TOKEN_HEADER: http.get("/api/session").json()["token"]}
            body: dict[str, Any] = {"reviewer": "ina", "mode": "single"}
            asked = http.post("/api/next", json={**body, "count": 1}, headers=headers).json()
            item = str(asked["questions"][0]["item"])
            body |= {"id": str(uuid4()), "spent_s": 1, "answers": [{"item": item, "state": "free"}]}
            assert http.post("/api/answers", json=body, headers=headers).status_code == 200
            assert http.get("/", headers={"Host": "evil.example"}).status_code == 403
        return item

    items = []
    for _ in range(2):
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
            items.append(answer_one(process))
            if len(items) == 1:
                second = subprocess.run(command, capture_output=True, text=True, check=False)
                assert second.returncode == 1
                assert "already under review by another process" in second.stderr
            process.send_signal(signal.SIGKILL)
    queue = read_queue(queue_folder)
    assert items == [queue.id_of(item) for item in queue.items[:2]]
    assert set(sum_up(queue, read_journals(queue_folder)).outcomes) == set(items)
