from __future__ import annotations

import re
import shlex
from pathlib import Path

import cv2
import numpy as np
import pytest
from typer.testing import CliRunner

from edge_app.cli.calibration import app
from vision.types import ImageBgr

PAGE = Path(__file__).resolve().parents[2] / "docs" / "calibration.md"
BLOCK = re.compile(r"^```(console|python)\n(.*?)^```", re.MULTILINE | re.DOTALL)


def _words(text: str) -> str:
    return " ".join(text.split())


def _scene() -> ImageBgr:
    """A picture with structure everywhere, larger than the camera's so that it can be shifted."""
    random = np.random.default_rng(0)
    scene = np.full((750, 1300, 3), 120, np.uint8)
    for _ in range(600):
        x, y, w, h = (int(v) for v in random.integers((0, 0, 8, 8), (1300, 750, 80, 60)))
        colour = tuple(int(v) for v in random.integers(0, 255, 3))
        cv2.rectangle(scene, (x, y), (x + w, y + h), colour, cv2.FILLED)
    return scene


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
    scene = _scene()
    cv2.imwrite("north.jpg", scene[10:730, 10:1290])
    cv2.imwrite("north-moved.jpg", scene[16:736, 2:1282])
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
