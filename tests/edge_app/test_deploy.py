"""What is shipped for installing: the unit is sound, and the pages name what exists."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

import pytest

from edge_app.cli.main import COMMANDS

REPO = Path(__file__).resolve().parents[2]
UNIT = REPO / "deploy" / "lotsight.service"


def test_systemd_accepts_the_unit(tmp_path: Path) -> None:
    if shutil.which("systemd-analyze") is None:
        pytest.skip("systemd-analyze is not on this machine: apt-get install systemd")
    unit = tmp_path / "lotsight.service"
    # The program of the unit is not installed here; everything else is judged as it is.
    unit.write_text(UNIT.read_text().replace("/opt/lotsight/bin/lotsight-launcher", "/bin/true"))
    result = subprocess.run(
        ["systemd-analyze", "verify", "--man=no", str(unit)],
        capture_output=True, text=True, check=False, timeout=60,
    )  # fmt: skip
    faults = [line for line in result.stderr.splitlines() if "lotsight.service" in line]
    assert faults == []


def test_the_unit_is_hardened() -> None:
    """Offline rating of `systemd-analyze security`: 0 is closed, 10 is open."""
    if shutil.which("systemd-analyze") is None:
        pytest.skip("systemd-analyze is not on this machine: apt-get install systemd")
    result = subprocess.run(
        ["systemd-analyze", "security", "--offline=true", "--threshold=20", str(UNIT)],
        capture_output=True, text=True, check=False, timeout=60,
    )  # fmt: skip
    rating = re.search(r"Overall exposure level for lotsight\.service: ([\d.]+)", result.stdout)
    assert rating is not None, result.stderr
    assert float(rating[1]) < 2.0


@pytest.mark.parametrize("name", ["deploy/lotsight.service", "deploy/Dockerfile",
                                  "docs/operations.md", "docs/configuration.md"])  # fmt: skip
def test_commands_that_are_named_exist(name: str) -> None:
    text = (REPO / name).read_text(encoding="utf-8")
    named = set(
        re.findall(r"(?:`|    |bin/)lotsight(?:-launcher /var/lib/lotsight)? ([a-z][a-z-]+)", text)
    )
    assert named <= set(COMMANDS), named - set(COMMANDS)
    assert named or name.endswith("Dockerfile")
