"""Small sets in the forms of others, as their tools write them."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

WIDTH, HEIGHT = 200, 100
Draw = Callable[..., Path]


@pytest.fixture
def put(tmp_path: Path) -> Draw:
    """Write a picture, a text or JSON at a path below `tmp_path/set`."""

    def write(name: str, content: Any = None, size_wh: tuple[int, int] = (WIDTH, HEIGHT)) -> Path:
        path = tmp_path / "set" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        if content is None:
            cv2.imwrite(str(path), np.full((size_wh[1], size_wh[0], 3), 90, np.uint8))
        else:
            path.write_text(content if isinstance(content, str) else json.dumps(content))
        return path

    return write


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "set"
