"""Fixtures of the vision tests: tiny models on a real ONNX Runtime, and specs for them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from vision.types import BoxLayout, NetworkSpec

TINY = Path(__file__).parent / "data"


@pytest.fixture(scope="session")
def tiny_models() -> Path:
    """Folder of the models that `data/make_tiny_models.py` wrote."""
    return TINY


@pytest.fixture(scope="session")
def make_spec() -> Callable[..., NetworkSpec]:
    """Make a spec; by default that of tiny_bay_head.onnx."""

    def make(**changes: object) -> NetworkSpec:
        facts: dict[str, object] = {
            "name": "tiny",
            "version": "1",
            "sha256": "0" * 64,
            "input_wh": (96, 64),
            "stride": 32,
            "dynamic_input": True,
            "classes": {0: "car", 1: "motorcycle", 2: "bus", 3: "truck"},
            "vehicle_classes": frozenset({0, 1, 2, 3}),
            "box_layout": BoxLayout.YOLO_RAW,
            "has_bay_head": True,
        }
        return NetworkSpec(**(facts | changes))  # type: ignore[arg-type]

    return make
