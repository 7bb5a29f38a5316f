"""Archives of software: what is installed in a slot, and what is refused before or while it is."""

from __future__ import annotations

import subprocess
import sys
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest

from edge_app.delivery.slots import RolloutError
from edge_app.software.archive import unpack, write_archive
from edge_app.software.install import Installer
from tests.edge_app.software.kit import (
    archive_of,
    lock_line,
    lotsight_wheel,
    make_wheel,
    pip_wheel,
)

ANSWERS = "def main() -> None:\n    print('lotsight 9.1')\n"


@pytest.fixture
def config(tmp_path: Path) -> Path:
    path = tmp_path / "box.toml"
    path.write_text('[edge]\nsite = "s"\nedge = "e"\nstate_dir = "state"\n')
    return path


def install(tmp_path: Path, config: Path, archive: bytes, version: str = "9.1") -> Path:
    """As a roll-out does it; the slot."""
    path, unpacked = tmp_path / "got.zip", tmp_path / "unpacked"
    path.write_bytes(archive)
    unpacked.mkdir(exist_ok=True)
    unpack(path, version, unpacked)
    Installer(config).install(unpacked, tmp_path / "slot", version)
    return tmp_path / "slot"


def test_an_archive_becomes_a_slot_without_an_index(tmp_path: Path, config: Path) -> None:
    other = make_wheel(tmp_path, "other", "1.0", {"other.py": "WHAT = 'of the slot'\n"})
    archive = archive_of(tmp_path, "9.1", ANSWERS, requires=["other==1.0"], more=[other])
    slot = install(tmp_path, config, archive)
    said = subprocess.run(
        [slot / "bin" / "python", "-c", "import other; print(other.WHAT)"],
        check=True, capture_output=True, text=True,
    )  # fmt: skip
    assert said.stdout == "of the slot\n"


def missing(tmp_path: Path) -> bytes:
    return archive_of(tmp_path, "9.1", requires=["other==1.0"])


def other_bytes(tmp_path: Path) -> bytes:
    """A wheel that was exchanged after the lock was made."""
    first = make_wheel(tmp_path / "first", "other", "1.0", {"other.py": "A = 1\n"})
    archive_of(tmp_path, "9.1", more=[first])
    with zipfile.ZipFile(tmp_path / "lotsight-9.1.zip") as file:
        parts = {name: file.read(name) for name in file.namelist()}
    second = make_wheel(tmp_path / "second", "other", "1.0", {"other.py": "A = 2\n"})
    parts[f"wheels/{second.name}"] = second.read_bytes()
    with zipfile.ZipFile(tmp_path / "changed.zip", "w") as file:
        for name, body in parts.items():
            file.writestr(name, body)
    return (tmp_path / "changed.zip").read_bytes()


@pytest.mark.parametrize(
    ("make", "says"),
    [
        pytest.param(missing, "other", id="a dependency is missing"),
        pytest.param(other_bytes, "DO NOT MATCH", id="a wheel with another hash"),
    ],
)
def test_what_cannot_be_installed_is_refused_with_the_reason(
    tmp_path: Path, config: Path, make: Callable[[Path], bytes], says: str
) -> None:
    with pytest.raises(RolloutError, match=says):
        install(tmp_path, config, make(tmp_path))


@pytest.mark.parametrize(
    ("body", "says"),
    [
        pytest.param("echo lotsight 9.0", "expected version 9.1 in the slot", id="version"),
        pytest.param("echo no numpy >&2; exit 3", "exit code 3: no numpy", id="it does not start"),
        pytest.param(
            '[ "$1" = --version ] && echo lotsight 9.1 || { echo "unknown key"; exit 1; }',
            "this box's configuration: exit code 1: unknown key",
            id="it refuses the settings",
        ),
    ],
)
def test_software_that_does_not_run_here_is_refused(
    tmp_path: Path, config: Path, body: str, says: str
) -> None:
    program = tmp_path / "slot" / "bin" / "lotsight"
    program.parent.mkdir(parents=True)
    program.write_text(f"#!/bin/sh\n{body}\n")
    program.chmod(0o755)
    with pytest.raises(RolloutError, match=says):
        Installer(config).check(tmp_path / "slot", "9.1")


@pytest.mark.parametrize(
    ("archive", "says"),
    [
        pytest.param(b"PK half", "expected an archive", id="no archive"),
        pytest.param({"python": "3.8"}, "expected Python 3.11, but it is for 3.8", id="python"),
        pytest.param({"machine": "vax"}, "expected machine .*, but it is for vax", id="machine"),
        pytest.param({}, "expected version 9.2, but it is for 9.1", id="version"),
    ],
)
def test_an_archive_that_does_not_fit_is_refused_before_it_is_unpacked(
    tmp_path: Path, archive: bytes | dict[str, str], says: str
) -> None:
    path, into = tmp_path / "got.zip", tmp_path / "into"
    body = archive if isinstance(archive, bytes) else archive_of(tmp_path, "9.1", **archive)  # type: ignore[arg-type]
    path.write_bytes(body)
    into.mkdir()
    wanted = "9.2" if archive == {} else "9.1"
    says = says.replace("3.11", f"{sys.version_info.major}.{sys.version_info.minor}")
    with pytest.raises(RolloutError, match=says):
        unpack(path, wanted, into)
    assert not list(into.iterdir())


@pytest.mark.parametrize(
    "name", ["../evil.py", "/etc/evil", "wheels/../../evil.whl", "wheels/a/b.whl", "evil.pth"]
)
def test_a_file_that_does_not_belong_into_an_archive_is_refused(tmp_path: Path, name: str) -> None:
    archive_of(tmp_path, "9.1")
    path, into = tmp_path / "lotsight-9.1.zip", tmp_path / "into"
    with zipfile.ZipFile(path, "a") as file:
        file.writestr(name, "evil")
    into.mkdir()
    with pytest.raises(RolloutError, match="unexpected file"):
        unpack(path, "9.1", into)
    assert not list(into.iterdir())


def test_an_archive_is_made_only_of_what_the_lock_knows(tmp_path: Path) -> None:
    ours, other = lotsight_wheel(tmp_path, "9.1"), make_wheel(tmp_path, "other", "1.0", {})
    out = tmp_path / "out.zip"
    with pytest.raises(RolloutError, match=r"other-1\.0.*not in the lock"):
        write_archive(out, [ours, pip_wheel(), other], "", "3.11", "x86_64")
    with pytest.raises(RolloutError, match="one wheel of pip, but got 0"):
        write_archive(out, [ours], "", "3.11", "x86_64")
    wheels = [ours, pip_wheel(), other]
    assert write_archive(out, wheels, lock_line(other), "3.11", "x86_64").version == "9.1"
