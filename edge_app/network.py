"""The network that a box judges with: found, verified, tried out, and replaced while it runs."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from edge_app.config import ModelConfig
from edge_app.reload import FileWatch
from models import ModelEntry, default_model, find_model, open_detector
from telemetry import ModelError
from vision.detector import DetectorSettings, OnnxDetector
from vision.session import SessionSettings


class NetworkKeeper:
    """Opens the configured model, and tells when its files were replaced."""

    def __init__(self, config: ModelConfig) -> None:
        self._config = config
        self._watches = [FileWatch(path) for path in self._paths()]

    def changed(self) -> bool:
        """Whether manifest or model file were replaced since the last look."""
        looked = [watch.changed() for watch in self._watches]  # all of them, or one stays news
        return any(looked)

    def load(self) -> OnnxDetector:
        """Verify, open and try out the model.

        Raises:
            ModelError: it is missing, is not what its manifest says, or fails on a plain picture.
        """
        settings = DetectorSettings(
            session=SessionSettings(threads=self._config.threads),
            min_confidence=self._config.min_confidence,
        )
        detector = open_detector(self._entry(), settings=settings)
        _try_out(detector)
        return detector

    def _entry(self) -> ModelEntry:
        if self._config.manifest_file is not None:
            return find_model(self._config.manifest_file)
        return default_model() if self._config.name is None else find_model(self._config.name)

    def _paths(self) -> list[Path]:
        if self._config.manifest_file is not None:
            path = self._config.manifest_file
        else:
            try:
                path = self._entry().path
            except ModelError:  # `load` tells; there is nothing to watch
                return []
        return [path.with_suffix(".json"), path.with_suffix(".onnx")]


def _try_out(detector: OnnxDetector) -> None:
    """A file may be whole and verified, and yet not run on this machine."""
    width, height = detector.spec.input_wh
    quad = np.array([[[0.4, 0.4], [0.6, 0.4], [0.6, 0.6], [0.4, 0.6]]], np.float32)
    output = detector.detect(np.full((height, width, 3), 114, np.uint8), quad)
    figures = [output.detections.confidence]
    if output.bay_prob is not None:
        figures.append(output.bay_prob)
    if not all(np.isfinite(each).all() for each in figures):
        spec = detector.spec
        msg = f"model {spec.name} {spec.version}: gives no numbers on a plain picture"
        raise ModelError(msg)
