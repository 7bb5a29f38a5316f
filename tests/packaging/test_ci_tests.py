"""What `.ci/tests.py` makes of real pytest runs."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

SCRIPT = Path(__file__).resolve().parents[2] / ".ci" / "tests.py"
FINE = "def test_fine(): pass\n"
# Passes at its second run: the first leaves a file behind.
FLAKY = """
from pathlib import Path
def test_flaky():
    ran = Path(__file__).with_name("ran")
    was_there = ran.exists()
    ran.touch()
    assert was_there
"""
BROKEN = "def test_broken(): assert False\n"
MANY = "".join(f"def test_{number}(): assert False\n" for number in range(6))
# Even where it would not come again.
CRASH = """
import os
from pathlib import Path
def test_crash():
    ran = Path(__file__).with_name("ran")
    if not ran.exists():
        ran.touch()
        os._exit(3)
"""
NOT_PYTHON = "def test_oops(:\n"


@pytest.mark.parametrize(
    ("content", "workers", "passes", "runs", "lines"),
    [
        (FINE + FLAKY, 0, True, 2, ["passed alone: test_it.py::test_flaky"]),
        (
            BROKEN + FLAKY,
            0,
            False,
            2,
            ["failed again alone: test_it.py::test_broken", "passed alone: test_it.py::test_flaky"],
        ),
        (MANY, 0, False, 1, []),
        (NOT_PYTHON, 1, False, 1, []),
        (FINE + CRASH, 1, False, 1, []),
        ("", 0, False, 1, []),
    ],
    ids=["flaky", "broken", "many", "not Python", "crash", "no tests"],
)
def test_only_a_few_that_pass_alone_are_let_through(
    content: str, workers: int, passes: bool, runs: int, lines: list[str], tmp_path: Path
) -> None:
    (tmp_path / "test_it.py").write_text(content)
    pytest_alone = (sys.executable, "-m", "pytest", "-p", "xdist.plugin", "-c", os.devnull)
    done = subprocess.run(
        [sys.executable, SCRIPT, *pytest_alone, "--rootdir", ".", "-n", str(workers), "."],
        cwd=tmp_path,
        env=os.environ | {"PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1", "PYTEST_ADDOPTS": ""},
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    assert (done.returncode == 0) == passes, done.stdout + done.stderr
    assert done.stdout.count("== tests that failed, alone") == runs - 1
    beside = "failed beside others, "
    assert [
        line.removeprefix(beside) for line in done.stdout.splitlines() if line.startswith(beside)
    ] == lines
