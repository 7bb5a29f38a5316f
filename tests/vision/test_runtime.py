"""ONNX Runtime leaves nothing on the disk of its own and has one place where it is imported."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

REPO = Path(__file__).resolve().parents[2]
DIRECT_IMPORT = re.compile(r"^\s*(import onnxruntime|from onnxruntime import)", re.MULTILINE)
JUDGE_ONCE = """
import numpy as np
from models import default_model, open_detector
quad = np.array([[[0.4, 0.4], [0.6, 0.4], [0.6, 0.6], [0.4, 0.6]]], np.float32)
open_detector(default_model()).detect(np.zeros((480, 640, 3), np.uint8), quad)
"""


def test_judging_writes_no_usage_figures(tmp_path: Path) -> None:
    own = {"HOME": str(tmp_path), "XDG_CACHE_HOME": str(tmp_path / "cache")}
    inherited = {k: v for k, v in os.environ.items() if k != "ORT_DISABLE_TELEMETRY"}
    env = inherited | own | {"PYTHONDONTWRITEBYTECODE": "1"}
    subprocess.run([sys.executable, "-c", JUDGE_ONCE], check=True, cwd=REPO, env=env, timeout=120)
    assert [str(path) for path in tmp_path.rglob("*")] == []


def test_it_is_imported_in_one_place_only() -> None:
    packages = ("vision", "models", "calibration", "edge_app", "datasets", "benchmarks", "scripts")
    found = [
        str(path.relative_to(REPO))
        for package in packages
        for path in sorted((REPO / package).rglob("*.py"))
        if DIRECT_IMPORT.search(path.read_text(encoding="utf-8"))
    ]
    assert found == ["vision/runtime.py"]
