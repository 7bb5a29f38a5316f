"""Bundles of harvested frames: written, read back, and what a damaged or hostile one meets."""

from __future__ import annotations

import hashlib
import io
import json
import tarfile
from datetime import UTC, datetime
from pathlib import Path

import cv2
import numpy as np
import pytest

from harvest import (
    HarvestedBay,
    HarvestedFrame,
    HarvestError,
    HarvestManifest,
    HarvestReason,
    Obscured,
    is_bundle,
    read_bundle,
    write_bundle,
)
from telemetry.messages import ModelRef

NOW = datetime(2026, 11, 24, 22, tzinfo=UTC)
MODEL = ModelRef(name="rendered", version="1", sha256="0" * 64)


def picture(number: int) -> bytes:
    image = np.full((48, 64, 3), 40 * number, np.uint8)
    return bytes(cv2.imencode(".jpg", image)[1].tobytes())


def frame(number: int) -> HarvestedFrame:
    square = ((0.1, 0.1), (0.5, 0.1), (0.5, 0.5), (0.1, 0.5))
    return HarvestedFrame(
        file=f"frames/north-{number}.jpg",
        sha256=hashlib.sha256(picture(number)).hexdigest(),
        camera="north",
        captured_utc=NOW,
        image_wh=(64, 48),
        revision=3,
        model=MODEL,
        bays=(HarvestedBay(id="a", polygon_norm=square, prob=0.6, occ=True),),
        reasons=(HarvestReason.UNCERTAIN,),
        score=0.7,
        privacy=Obscured(masks=0, outside=True, bay_px=40, vehicles=0, share=0.4),
    )


FRAMES = {each.file: each for each in (frame(1), frame(2))}
PICTURES = {"frames/north-1.jpg": picture(1), "frames/north-2.jpg": picture(2)}
MANIFEST = HarvestManifest(
    site="mall", edge="box-1", made_utc=NOW, software="lotsight 1", model=MODEL,
    frames=tuple(FRAMES.values()),
)  # fmt: skip


def written(path: Path) -> Path:
    write_bundle(path, MANIFEST, lambda each: PICTURES[each.file])
    return path


def archive_of(path: Path, members: dict[str, bytes | tarfile.TarInfo]) -> Path:
    with tarfile.open(path, "w:gz") as archive:
        for name, content in members.items():
            if isinstance(content, tarfile.TarInfo):
                archive.addfile(content)
                continue
            member = tarfile.TarInfo(name)
            member.size = len(content)
            archive.addfile(member, io.BytesIO(content))
    return path


@pytest.mark.parametrize("name", ["b.tar.gz", "b"])
def test_a_bundle_comes_back_as_it_was_written(tmp_path: Path, name: str) -> None:
    path = written(tmp_path / name)
    assert is_bundle(path)
    found = read_bundle(path)
    assert found.manifest == MANIFEST
    assert [found.path_of(each).read_bytes() for each in MANIFEST.frames] == [
        picture(1), picture(2),
    ]  # fmt: skip
    assert found.folder == tmp_path / "b"
    assert not list(tmp_path.glob(".*"))


def test_the_same_content_gives_the_same_names_and_private_files(tmp_path: Path) -> None:
    path = written(tmp_path / "b.tar.gz")
    assert path.stat().st_mode & 0o777 == 0o600
    with tarfile.open(path) as archive:
        assert archive.getnames() == ["manifest.json", *FRAMES]


def test_an_archive_made_by_tar_of_the_folder_is_read(tmp_path: Path) -> None:
    folder = written(tmp_path / "b")
    with tarfile.open(tmp_path / "c.tar.gz", "w:gz") as archive:
        archive.add(folder, ".")
    assert read_bundle(tmp_path / "c.tar.gz").manifest == MANIFEST


@pytest.mark.parametrize("name", ["../outside.jpg", "/etc/outside.jpg", "frames/../../outside.jpg"])
def test_a_name_that_leaves_the_folder_is_refused(tmp_path: Path, name: str) -> None:
    inner = tmp_path / "inner"
    inner.mkdir()
    path = archive_of(inner / "b.tar.gz", {"manifest.json": b"{}", name: picture(1)})
    with pytest.raises(HarvestError, match="each a plain file"):
        read_bundle(path)
    assert [each.name for each in tmp_path.rglob("*")] == ["inner", "b.tar.gz"]


def test_a_link_in_an_archive_is_refused(tmp_path: Path) -> None:
    link = tarfile.TarInfo("frames/north-1.jpg")
    link.type, link.linkname = tarfile.SYMTYPE, "/etc/passwd"
    path = archive_of(tmp_path / "b.tar.gz", {"manifest.json": b"{}", "link": link})
    with pytest.raises(HarvestError, match="north-1"):
        read_bundle(path)


def test_an_archive_that_swells_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("harvest.bundle.LARGEST_PICTURE_BYTES", 1000)
    path = archive_of(tmp_path / "b.tar.gz", {"frames/a.jpg": b"\0" * 5000})
    with pytest.raises(HarvestError, match="at most 1000 bytes, but got 5000"):
        read_bundle(path)


def test_a_changed_picture_is_told_with_both_hashes(tmp_path: Path) -> None:
    folder = written(tmp_path / "b")
    (folder / "frames/north-1.jpg").write_bytes(picture(3))
    with pytest.raises(HarvestError, match=r"north-1\.jpg: expected the image with SHA-256"):
        read_bundle(folder)


def test_a_missing_picture_is_told(tmp_path: Path) -> None:
    folder = written(tmp_path / "b")
    (folder / "frames/north-2.jpg").unlink()
    with pytest.raises(HarvestError, match=r"north-2\.jpg: cannot read this file"):
        read_bundle(folder)


def test_a_cut_off_archive_is_told(tmp_path: Path) -> None:
    path = written(tmp_path / "b.tar.gz")
    path.write_bytes(path.read_bytes()[:-200])
    with pytest.raises(HarvestError, match="expected an archive of harvested frames"):
        read_bundle(path)
    assert not (tmp_path / "b").exists()


@pytest.mark.parametrize(
    ("change", "message"),
    [
        pytest.param({"schema_version": 9}, "schema_version", id="version"),
        pytest.param({"site": None}, "site", id="site"),
        pytest.param({"extra": 1}, "extra", id="unknown key"),
    ],
)
def test_a_wrong_manifest_names_the_field(
    tmp_path: Path, change: dict[str, object], message: str
) -> None:
    folder = written(tmp_path / "b")
    body = json.loads((folder / "manifest.json").read_text()) | change
    (folder / "manifest.json").write_text(json.dumps(body))
    with pytest.raises(HarvestError, match=rf"manifest\.json: not a harvest manifest: {message}"):
        read_bundle(folder)


def test_two_frames_of_one_file_are_refused() -> None:
    with pytest.raises(ValueError, match="named twice"):
        HarvestManifest(
            site="mall", edge="box-1", made_utc=NOW, software="lotsight 1",
            frames=(frame(1), frame(1)),
        )  # fmt: skip


def test_a_picture_of_another_hash_is_not_packed(tmp_path: Path) -> None:
    path = tmp_path / "b.tar.gz"
    with pytest.raises(HarvestError, match="SHA-256"):
        write_bundle(path, MANIFEST, lambda _: picture(5))
    assert not list(tmp_path.iterdir())
