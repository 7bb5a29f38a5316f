#!/usr/bin/env python3
"""Makes the archive of a version of lotsight, which boxes install without any package index.

    pip download --only-binary :all: --require-hashes -r deploy/requirements.lock -d wheels
    pip download --only-binary :all: --no-deps pip -d wheels
    python -m build --wheel --outdir wheels
    .venv/bin/python deploy/software_archive.py wheels --out lotsight-0.2.0-cp311-x86_64.zip

For boxes with another processor or Python give pip `--platform manylinux_2_28_aarch64
--python-version 3.11`, and this script `--machine aarch64 --python 3.11`.
"""

from __future__ import annotations

import argparse
import platform
import sys
from pathlib import Path

from edge_app.software.archive import this_python, write_archive
from telemetry import LotsightError

LOCK = Path(__file__).resolve().parent / "requirements.lock"


def main() -> None:
    """Read the command line, write the archive."""
    parser = argparse.ArgumentParser(description="Make the archive of a version of lotsight.")
    parser.add_argument("wheels", type=Path, help="folder with all wheels, pip's included")
    parser.add_argument("--out", type=Path, required=True, help="the archive")
    parser.add_argument("--lock", type=Path, default=LOCK, help="of the packages, with hashes")
    parser.add_argument("--python", default=this_python(), help="of the boxes, such as 3.11")
    parser.add_argument("--machine", default=platform.machine(), help="of the boxes, as uname -m")
    given = parser.parse_args()
    wheels = sorted(given.wheels.glob("*.whl"))
    lock = given.lock.read_text(encoding="utf-8")
    try:
        made = write_archive(given.out, wheels, lock, given.python, given.machine)
    except LotsightError as exc:
        sys.exit(f"error: {exc}")
    size = given.out.stat().st_size / 2**20
    sys.stdout.write(
        f"{given.out}: lotsight {made.version} with {len(wheels)} wheels, {size:.0f} MiB, "
        f"{made.installed_bytes / 2**20:.0f} MiB installed\n"
    )


if __name__ == "__main__":
    main()
