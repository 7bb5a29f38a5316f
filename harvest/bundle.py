"""Bundles of harvested frames: a folder or a `.tar.gz` with `manifest.json` and `frames/*.jpg`.

    bundle = read_bundle("north-2026-11-24.tar.gz")
    for frame in bundle.manifest.frames:
        bundle.path_of(frame)

A bundle may come from anywhere, so an archive is never unpacked by what it says of itself: only
plain files with the two kinds of names are taken, and no more bytes than a bundle can hold.
"""

from __future__ import annotations

import hashlib
import io
import shutil
import tarfile
import tempfile
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from pydantic import TypeAdapter, ValidationError

from calibration.atomic import PRIVATE, replacing, sync_folder
from harvest.errors import HarvestError
from harvest.manifest import FrameFile, HarvestedFrame, HarvestManifest
from telemetry.payload_checks import describe

MANIFEST = "manifest.json"
FRAMES = "frames"
ARCHIVE = ".tar.gz"
LARGEST_MANIFEST_BYTES = 64 * 1024 * 1024
LARGEST_PICTURE_BYTES = 32 * 1024 * 1024
LARGEST_BUNDLE_BYTES = 8 * 1024 * 1024 * 1024
_FRAME_FILE = TypeAdapter(FrameFile)
# Images are compressed already; more than the least effort only costs time.
_GZIP_LEVEL = 1


@dataclass(frozen=True, slots=True)
class HarvestBundle:
    """A bundle that was read and checked.

    Attributes:
        folder: where it lies, unpacked.
        manifest: what it holds.
    """

    folder: Path
    manifest: HarvestManifest

    def path_of(self, frame: HarvestedFrame) -> Path:
        """Where a frame's image lies."""
        return self.folder / frame.file


def is_bundle(path: Path) -> bool:
    """Whether a path looks like a bundle: an archive by its name, a folder by its manifest."""
    if path.is_dir():
        return (path / MANIFEST).is_file() and (path / FRAMES).is_dir()
    return path.is_file() and path.name.endswith(ARCHIVE)


def read_bundle(path: Path | str, unpack_into: Path | None = None) -> HarvestBundle:
    """Read a bundle and check each image against its hash.

    Args:
        path: a folder or an archive.
        unpack_into: for an archive, the folder that it becomes; by default one beside it with its
            name. One that is there is read, not written again.

    Raises:
        HarvestError: it is damaged, unsafe or no bundle, or cannot be read or unpacked.
    """
    path = Path(path)
    if not path.is_dir():
        folder = unpack_into or path.with_name(path.name.removesuffix(ARCHIVE))
        if folder == path:
            msg = f"{path}: expected a folder or a file that ends in {ARCHIVE}"
            raise HarvestError(msg)
        if not folder.exists():
            _unpack(path, folder)
        path = folder
    manifest = parse_manifest(_content(path / MANIFEST, LARGEST_MANIFEST_BYTES), path / MANIFEST)
    for frame in manifest.frames:
        _check(path / frame.file, frame)
    return HarvestBundle(path, manifest)


def write_bundle(
    path: Path | str,
    manifest: HarvestManifest,
    picture_of: Callable[[HarvestedFrame], bytes],
) -> None:
    """Write a bundle; a crash leaves what was there before, never a part.

    Args:
        path: an archive if it ends in `.tar.gz`, else a folder, which must not exist yet.
        manifest: what it holds.
        picture_of: gives the JPEG file of a frame.

    Raises:
        HarvestError: an image is not the one of the manifest, or the disk is full.
    """
    path = Path(path)
    try:
        if path.name.endswith(ARCHIVE):
            with replacing(path, PRIVATE) as file:
                _pack(file, manifest, picture_of)
        else:
            _lay_out(path, manifest, picture_of)
    except OSError as exc:
        msg = f"{path}: cannot write the bundle: {exc.strerror or exc}"
        raise HarvestError(msg) from exc


def parse_manifest(content: bytes, source: Path | str) -> HarvestManifest:
    """Read a manifest.

    Raises:
        HarvestError: it is invalid.
    """
    try:
        return HarvestManifest.model_validate_json(content)
    except ValidationError as exc:
        msg = f"{source}: {describe(exc, 'harvest manifest')}"
        raise HarvestError(msg) from exc


# -- writing ---------------------------------------------------------------------------------------


def _manifest_bytes(manifest: HarvestManifest) -> bytes:
    return (manifest.model_dump_json(indent=1) + "\n").encode()


def _picture(
    frame: HarvestedFrame, picture_of: Callable[[HarvestedFrame], bytes], source: Path | str
) -> bytes:
    content = picture_of(frame)
    _compare(hashlib.sha256(content).hexdigest(), frame, source)
    return content


def _pack(
    file: IO[bytes], manifest: HarvestManifest, picture_of: Callable[[HarvestedFrame], bytes]
) -> None:
    stamp = int(manifest.made_utc.timestamp())

    def add(archive: tarfile.TarFile, name: str, content: bytes) -> None:
        member = tarfile.TarInfo(name)
        member.size, member.mtime, member.mode = len(content), stamp, PRIVATE
        archive.addfile(member, io.BytesIO(content))

    with tarfile.open(fileobj=file, mode="w:gz", compresslevel=_GZIP_LEVEL) as archive:
        add(archive, MANIFEST, _manifest_bytes(manifest))
        for frame in manifest.frames:
            add(archive, frame.file, _picture(frame, picture_of, frame.file))


def _lay_out(
    path: Path, manifest: HarvestManifest, picture_of: Callable[[HarvestedFrame], bytes]
) -> None:
    if path.exists():
        msg = f"{path}: expected a folder that does not exist yet, or a name ending in {ARCHIVE}"
        raise HarvestError(msg)
    with _new_folder(path) as staged:
        for frame in manifest.frames:
            _write(staged / frame.file, _picture(frame, picture_of, frame.file))
        _write(staged / MANIFEST, _manifest_bytes(manifest))


@contextmanager
def _new_folder(path: Path) -> Iterator[Path]:
    """A folder with one for frames in it; it gets its name once it is complete."""
    staged = Path(tempfile.mkdtemp(prefix=f".{path.name}.", dir=path.parent))
    try:
        (staged / FRAMES).mkdir()
        yield staged
        sync_folder(staged / FRAMES)
        staged.rename(path)
    except BaseException:
        shutil.rmtree(staged, ignore_errors=True)
        raise
    sync_folder(path.parent)


def _write(path: Path, content: bytes) -> None:
    with replacing(path, PRIVATE) as file:
        file.write(content)


# -- reading ---------------------------------------------------------------------------------------


def _unpack(path: Path, folder: Path) -> None:
    try:
        with tarfile.open(path, "r:gz") as archive, _new_folder(folder) as staged:
            room = LARGEST_BUNDLE_BYTES
            for member in archive:
                room -= member.size
                _take(archive, member, staged, f"{path}: member {member.name!r}")
                if room < 0:
                    msg = f"{path}: expected at most {LARGEST_BUNDLE_BYTES} bytes, but got more"
                    raise HarvestError(msg)
    except (tarfile.TarError, EOFError, zlib.error) as exc:
        msg = f"{path}: expected an archive of harvested frames, but got: {exc}"
        raise HarvestError(msg) from exc
    except OSError as exc:
        msg = f"{path}: cannot unpack into {folder}: {exc.strerror or exc}"
        raise HarvestError(msg) from exc


def _take(archive: tarfile.TarFile, member: tarfile.TarInfo, folder: Path, place: str) -> None:
    """Take one member over, if it is one that a bundle has."""
    if member.isdir() and member.name.removeprefix("./").rstrip("/") in {"", ".", FRAMES}:
        return
    name = member.name.removeprefix("./")
    if not member.isreg() or not (name == MANIFEST or _is_frame(name)):
        msg = f"{place}: expected {MANIFEST} or {FRAMES}/NAME.jpg, each a plain file"
        raise HarvestError(msg)
    limit = LARGEST_MANIFEST_BYTES if name == MANIFEST else LARGEST_PICTURE_BYTES
    if member.size > limit:
        msg = f"{place}: expected at most {limit} bytes, but got {member.size}"
        raise HarvestError(msg)
    content = archive.extractfile(member)
    _write(folder / name, b"" if content is None else content.read())


def _is_frame(name: str) -> bool:
    try:
        _FRAME_FILE.validate_python(name)
    except ValidationError:
        return False
    return True


def _content(path: Path, limit: int) -> bytes:
    try:
        with path.open("rb") as file:
            content = file.read(limit + 1)
    except OSError as exc:
        msg = f"{path}: cannot read this file of a harvest bundle: {exc.strerror}"
        raise HarvestError(msg) from exc
    if len(content) > limit:
        msg = f"{path}: expected at most {limit} bytes, but got more"
        raise HarvestError(msg)
    return content


def _check(path: Path, frame: HarvestedFrame) -> None:
    content = _content(path, LARGEST_PICTURE_BYTES)
    _compare(hashlib.sha256(content).hexdigest(), frame, path)


def _compare(found: str, frame: HarvestedFrame, source: Path | str) -> None:
    if found != frame.sha256:
        msg = f"{source}: expected the image with SHA-256 {frame.sha256}, but got {found}"
        raise HarvestError(msg)
