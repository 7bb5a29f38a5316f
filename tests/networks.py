"""What the networks of tests say of themselves, where no network of a file is meant."""

from __future__ import annotations

from vision.types import BoxFormat, BoxLayout, NetworkSpec


def scripted_spec(**changes: object) -> NetworkSpec:
    """Facts of a network with a bay head that knows cars; `changes` replace any of them."""
    facts: dict[str, object] = {
        "name": "scripted",
        "version": "1",
        "sha256": "0" * 64,
        "input_wh": (640, 640),
        "stride": 32,
        "dynamic_input": True,
        "classes": {0: "car"},
        "vehicle_classes": frozenset({0}),
        "box_format": BoxFormat.usual(BoxLayout.YOLO_RAW),
        "has_bay_head": True,
    }
    return NetworkSpec(**(facts | changes))  # type: ignore[arg-type]
