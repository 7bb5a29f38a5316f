"""Fixtures of the vision tests: tiny models on a real ONNX Runtime, and specs for them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.networks import scripted_spec
from vision.types import NetworkSpec

TINY = Path(__file__).parent / "data"


@pytest.fixture(scope="session")
def tiny_models() -> Path:
    """Folder of the models that `data/make_tiny_models.py` wrote."""
    return TINY


@pytest.fixture(scope="session")
def make_spec() -> Callable[..., NetworkSpec]:
    """Make a spec; by default that of tiny_bay_head.onnx."""

    def make(**changes: object) -> NetworkSpec:
        tiny: dict[str, object] = {
            "name": "tiny",
            "input_wh": (96, 64),
            "classes": {0: "car", 1: "motorcycle", 2: "bus", 3: "truck"},
            "vehicle_classes": frozenset({0, 1, 2, 3}),
        }
        return scripted_spec(**(tiny | changes))

    return make
