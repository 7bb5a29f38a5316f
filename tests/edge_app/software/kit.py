"""Wheels and archives as a build makes them, but small: the packages are those of this checkout."""

from __future__ import annotations

import ensurepip
import hashlib
import platform
import sysconfig
import zipfile
from base64 import urlsafe_b64encode
from collections.abc import Mapping, Sequence
from pathlib import Path

from edge_app.software.archive import this_python, write_archive

REPO = Path(__file__).resolve().parents[3]
# What the service and its packages are imported from, in a slot that does not have its own.
_CHECKOUT = f"{REPO}\n{sysconfig.get_path('purelib')}\n"
GOOD = "from edge_app.cli import main\n"
CRASHES = """
import sys
from edge_app.cli import main as real
def main():
    if sys.argv[1] == "run":
        sys.exit("this version crashes")
    real()
"""
IS_CUT_OFF = """
import os, sys
from edge_app.cli import main as real
def main():
    if sys.argv[1] == "run":
        os.environ["LOTSIGHT_MQTT__PORT"] = "1"
    real()
"""
# A later version whose store has a column more, and which says how to undo that.
MIGRATES = """
from edge_app.cli import main
from edge_app.delivery import database
shipped = database.shipped_migrations()
step = '''ALTER TABLE bay ADD COLUMN note TEXT;
-- way back
ALTER TABLE bay DROP COLUMN note;
'''
database.shipped_migrations = lambda: (*shipped, step)
"""


def pip_wheel() -> Path:
    """The one that Python brings along."""
    (found,) = (Path(ensurepip.__file__).parent / "_bundled").glob("pip-*.whl")
    return found


def make_wheel(
    folder: Path,
    name: str,
    version: str,
    files: Mapping[str, str],
    requires: Sequence[str] = (),
    tag: str = "py3-none-any",
) -> Path:
    """A wheel with these files."""
    info = f"{name}-{version}.dist-info"
    needs = "".join(f"Requires-Dist: {each}\n" for each in requires)
    inside = {
        **files,
        f"{info}/METADATA": f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n{needs}",
        f"{info}/WHEEL": f"Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: {tag}\n",
    }
    record = "".join(
        f"{path},sha256={_record_hash(text)},{len(text.encode())}\n"
        for path, text in inside.items()
    )
    inside[f"{info}/RECORD"] = f"{record}{info}/RECORD,,\n"
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{name}-{version}-{tag}.whl"
    with zipfile.ZipFile(path, "w") as wheel:
        for each, text in inside.items():
            wheel.writestr(each, text)
    return path


def _record_hash(text: str) -> str:
    digest = hashlib.sha256(text.encode()).digest()
    return urlsafe_b64encode(digest).rstrip(b"=").decode()


def lock_line(wheel: Path) -> str:
    name, version = wheel.name.split("-")[:2]
    return f"{name}=={version} --hash=sha256:{hashlib.sha256(wheel.read_bytes()).hexdigest()}\n"


def lotsight_wheel(
    folder: Path, version: str, main: str = GOOD, requires: Sequence[str] = ()
) -> Path:
    """The software of this checkout under another version, with a `main` of its own."""
    files = {
        "checkout.pth": _CHECKOUT,
        "lotsight_entry.py": main,
        f"lotsight-{version}.dist-info/entry_points.txt": (
            "[console_scripts]\nlotsight = lotsight_entry:main\n"
        ),
    }
    return make_wheel(folder, "lotsight", version, files, requires)


def archive_of(
    folder: Path,
    version: str,
    main: str = GOOD,
    *,
    python: str | None = None,
    machine: str | None = None,
    requires: Sequence[str] = (),
    more: Sequence[Path] = (),
    lock: str | None = None,
) -> bytes:
    """An archive of this version, which works on this machine unless told otherwise."""
    wheels = [lotsight_wheel(folder / version, version, main, requires), pip_wheel(), *more]
    text = "".join(map(lock_line, more)) if lock is None else lock
    path = folder / f"lotsight-{version}.zip"
    write_archive(path, wheels, text, python or this_python(), machine or platform.machine())
    return path.read_bytes()
