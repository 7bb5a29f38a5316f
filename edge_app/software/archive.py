"""One file with all that a version of the software needs.

A zip file without compression (wheels are compressed) with

    software.json       what it is: see `Manifest`
    requirements.lock   every package with its version and hashes, lotsight itself included
    wheels/*.whl        the packages, and pip, which installs them: a box has none of its own

It is signed as a whole, by the repository that it lies in.
"""

from __future__ import annotations

import hashlib
import platform
import re
import shutil
import sys
import zipfile
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from edge_app.delivery.rollout import check_room
from edge_app.delivery.slots import RolloutError
from telemetry.payload_checks import describe

MANIFEST, LOCK, WHEELS = "software.json", "requirements.lock", "wheels/"
_WHEEL = re.compile(r"wheels/[A-Za-z0-9._+!-]{1,200}\.whl")
_MOST_MANIFEST_BYTES = 64 * 1024
# Bytecode beside the modules.
_INSTALLED_FACTOR = 1.4


class Manifest(BaseModel):
    """What an archive holds.

    Attributes:
        version: of lotsight.
        python: it was made for, such as `3.11`.
        machine: it was made for, as `uname -m` says it.
        installed_bytes: what its wheels take once they are unpacked.
    """

    model_config = ConfigDict(frozen=True, extra="ignore")
    version: Annotated[str, Field(min_length=1, max_length=64)]
    python: str
    machine: str
    installed_bytes: Annotated[int, Field(ge=0)]


def unpack(archive: Path, version: str, folder: Path) -> None:
    """Check an archive and put its files into an empty folder.

    Args:
        archive: the file, whose signature was verified.
        version: that it must hold.
        folder: gets `requirements.lock` and `wheels`.

    Raises:
        RolloutError: it is no such archive, not for this box, or there is no room for it.
    """
    try:
        with zipfile.ZipFile(archive) as file:
            manifest = _manifest(archive, file)
            _check_fit(archive, manifest, version)
            names = file.namelist()
            if odd := [n for n in names if n not in {MANIFEST, LOCK} and not _WHEEL.fullmatch(n)]:
                msg = f"{archive.name}: unexpected file {odd[0]!r}"
                raise RolloutError(msg)
            unpacked = sum(each.file_size for each in file.infolist())
            check_room(folder, unpacked + int(manifest.installed_bytes * _INSTALLED_FACTOR))
            file.extractall(folder)
    except (zipfile.BadZipFile, KeyError, NotImplementedError, EOFError) as exc:
        msg = f"{archive.name}: expected an archive of lotsight's software, but got {exc}"
        raise RolloutError(msg) from exc


def _manifest(archive: Path, file: zipfile.ZipFile) -> Manifest:
    with file.open(MANIFEST) as part:
        text = part.read(_MOST_MANIFEST_BYTES)
    try:
        return Manifest.model_validate_json(text)
    except ValidationError as exc:
        msg = f"{archive.name}: {MANIFEST}: {describe(exc, 'manifest')}"
        raise RolloutError(msg) from exc


def this_python() -> str:
    """The Python of this process, as a manifest says it."""
    return f"{sys.version_info.major}.{sys.version_info.minor}"


def _check_fit(archive: Path, manifest: Manifest, version: str) -> None:
    for what, wanted, got in (
        ("version", version, manifest.version),
        ("Python", this_python(), manifest.python),
        ("machine", platform.machine(), manifest.machine),
    ):
        if wanted != got:
            msg = f"{archive.name}: expected {what} {wanted}, but it is for {got}"
            raise RolloutError(msg)


def write_archive(
    path: Path, wheels: Sequence[Path], lock: str, python: str, machine: str
) -> Manifest:
    """Make an archive.

    Args:
        path: where it goes.
        wheels: of lotsight, of pip, and of every package in the lock.
        lock: of the packages, with hashes, in pip's format; without lotsight.
        python: it is for.
        machine: it is for.

    Raises:
        RolloutError: not exactly one wheel of lotsight and of pip, or one that the lock does not
            know.
    """
    ours, pip = (_only(wheels, name) for name in ("lotsight", "pip"))
    for each in wheels:
        if each not in {ours, pip} and _sha256(each) not in lock:
            msg = f"{each.name}: its hash is not in the lock"
            raise RolloutError(msg)
    version = ours.name.split("-")[1]
    lock = f"{lock.rstrip()}\nlotsight=={version} --hash=sha256:{_sha256(ours)}\n"
    size = sum(_unpacked_bytes(each) for each in wheels if each != pip)
    manifest = Manifest(version=version, python=python, machine=machine, installed_bytes=size)
    with zipfile.ZipFile(path, "w", zipfile.ZIP_STORED) as file:
        file.writestr(MANIFEST, manifest.model_dump_json(indent=1))
        file.writestr(LOCK, lock.lstrip())
        for each in sorted(wheels):
            with each.open("rb") as body, file.open(f"{WHEELS}{each.name}", "w") as part:
                shutil.copyfileobj(body, part)
    return manifest


def _only(wheels: Sequence[Path], package: str) -> Path:
    found = [each for each in wheels if each.name.split("-")[0].lower() == package]
    if len(found) != 1:
        msg = f"expected one wheel of {package}, but got {len(found)}"
        raise RolloutError(msg)
    return found[0]


def _unpacked_bytes(wheel: Path) -> int:
    with zipfile.ZipFile(wheel) as file:
        return sum(each.file_size for each in file.infolist())


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
