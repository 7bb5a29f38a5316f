"""The command `lotsight` as a user types it."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

HEAVY = ("cv2", "onnxruntime", "av", "scipy", "shapely", "torch", "fastapi")
LOTSIGHT = Path(sys.executable).parent / "lotsight"


def _run(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [LOTSIGHT, *arguments], capture_output=True, text=True, check=False, timeout=60
    )


def test_help_lists_every_command() -> None:
    from edge_app.cli.main import COMMANDS

    done = _run("--help")
    assert done.returncode == 0
    for name in COMMANDS:
        assert name in done.stdout


@pytest.mark.parametrize("arguments", [["--help"], ["--version"], ["models", "list"]])
def test_what_only_prints_waits_for_no_heavy_library(arguments: list[str]) -> None:
    code = (
        "import atexit, sys; from edge_app.cli import main; sys.argv[0] = 'lotsight'; "
        f"atexit.register(lambda: print([m for m in {HEAVY} if m in sys.modules], "
        "file=sys.stderr)); main()"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, *arguments],
        capture_output=True, text=True, check=False, timeout=60,
    )  # fmt: skip
    assert (done.returncode, done.stderr.strip()) == (0, "[]")
    assert "lotsight" in done.stdout


def test_version() -> None:
    done = _run("--version")
    assert done.returncode == 0
    assert done.stdout.startswith("lotsight ")


@pytest.mark.parametrize(("typed", "meant"), [("rnu", "run"), ("calibrat", "calibrate")])
def test_mistyped_command_is_one_line_with_a_hint(typed: str, meant: str) -> None:
    done = _run(typed)
    assert done.returncode == 1
    assert "Traceback" not in done.stderr
    assert f"but got '{typed}'. Did you mean '{meant}'?" in done.stderr.replace("\n", " ")
