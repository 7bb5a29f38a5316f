"""A torch network behind the protocol of detectors, so that it is judged like an exported one."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import torch

from models.registry import default_model
from models.training.loop import trained_net
from models.training.network.net import LotNet
from models.training.network.yolo import KEPT_ANCHORS
from models.training.samples import network_input
from vision.detector import OnnxDetector, sigmoid
from vision.geometry import to_pixels
from vision.input_size import InputPlan
from vision.judge import Detector
from vision.types import Detections, Floats, ImageBgr, NetworkOutput, NetworkSpec, as_floats


def trained_spec(input_wh: tuple[int, int], temperature: float = 1.0) -> NetworkSpec:
    """What the runtime would know of a network that is being trained.

    Args:
        input_wh: of the training.
        temperature: see `NetworkSpec`; 1 before it is fitted.
    """
    usual = default_model().manifest.spec()
    return replace(usual, input_wh=input_wh, temperature=temperature, fixed_boxes=KEPT_ANCHORS)


class TorchDetector:
    """Judges bays with a torch network; it gives no vehicles."""

    def __init__(self, net: LotNet, spec: NetworkSpec) -> None:
        """`spec` as `trained_spec` gives it."""
        self._net, self._spec = net.eval(), spec

    @property
    def spec(self) -> NetworkSpec:
        """What network this is."""
        return self._spec

    def detect(
        self, image_bgr: ImageBgr, bay_quads_norm: Floats, plan: InputPlan | None = None
    ) -> NetworkOutput:
        """Judge one image whole; see `vision.judge.Detector`."""
        image_wh = (image_bgr.shape[1], image_bgr.shape[0])
        images, quads = network_input(
            np.ascontiguousarray(image_bgr[..., ::-1]),
            to_pixels(bay_quads_norm, image_wh),
            self._spec.input_wh if plan is None else plan.input_wh,
        )
        index = torch.zeros(len(quads), dtype=torch.int64)
        logits = self._net.bay_logits(torch.from_numpy(images), torch.from_numpy(quads), index)
        prob = sigmoid(as_floats(logits.numpy()) / self._spec.temperature)
        return NetworkOutput(Detections.empty(), prob)


def open_trained(model: Path, spec: NetworkSpec) -> Detector:
    """A checkpoint (.pt) or exported graph (.onnx) as a detector.

    Raises:
        ModelError: the graph is not what `spec` says.
    """
    if model.suffix == ".pt":
        return TorchDetector(trained_net(model), spec)
    return OnnxDetector(model, spec)
