from __future__ import annotations

import re
import shlex
from pathlib import Path

import cv2
import numpy as np
import pytest
from typer.testing import CliRunner

from edge_app.cli.calibration import app

PAGE = Path(__file__).resolve().parents[2] / "docs" / "calibration.md"
BLOCK = re.compile(r"^```(console|python)\n(.*?)^```", re.MULTILINE | re.DOTALL)


def _words(text: str) -> str:
    return " ".join(text.split())


def _run_console(block: str) -> None:
    """Run each command; the lines below it must be in its output."""
    for part in block.split("$ ")[1:]:
        command, *expected = part.splitlines()
        program, group, *arguments = shlex.split(command)
        assert (program, group) == ("lotsight", "calibration")
        result = CliRunner().invoke(app, arguments)
        assert result.exit_code == 0, f"{command}\n{result.output}\n{result.exception}"
        for line in expected:
            assert _words(line) in _words(result.output), f"{command}\n{result.output}"


def test_every_example_on_the_page_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    noise = np.random.default_rng(0).integers(0, 255, (720, 1280, 3), np.uint8)
    cv2.imwrite("north.jpg", noise)
    blocks = BLOCK.findall(PAGE.read_text(encoding="utf-8"))
    assert {language for language, _ in blocks} == {"console", "python"}
    for language, block in blocks:
        if language == "console":
            _run_console(block)
        else:
            exec(compile(block, str(PAGE), "exec"), {})


def test_the_page_names_every_command() -> None:
    text = PAGE.read_text(encoding="utf-8")
    result = CliRunner().invoke(app, ["--help"])
    commands = set(re.findall(r"│ ([a-z]+) ", result.output))
    assert len(commands) >= 17
    assert not {name for name in commands if f"calibration {name}" not in text}
