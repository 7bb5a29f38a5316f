"""An untrained network whose features have spread, as a trained one's have."""

from __future__ import annotations

from typing import Any

import torch
from torch import nn

from models.training.network.net import LotNet
from models.training.network.yolo import build_yolo


def lively_net(seed: int) -> LotNet:
    """Take batch statistics from one pass over noise, and keep the answers from saturating.

    Without that, features fade from layer to layer, all anchors are equally confident, and a test
    of which are the surest tests nothing.
    """
    torch.manual_seed(seed)
    net = LotNet(*build_yolo())
    norms = [module for module in net.modules() if isinstance(module, nn.BatchNorm2d)]
    usual: list[Any] = [norm.momentum for norm in norms]
    for norm in norms:
        norm.momentum = 1.0
    quads = torch.tensor([[[0.2, 0.2], [0.4, 0.2], [0.4, 0.4], [0.2, 0.4]]])
    with torch.no_grad():
        net.train()(torch.rand(2, 3, 256, 256), quads, torch.tensor([0]))
        net.bay_head.logit.weight.mul_(0.5)
        for branch in net.detect.cv3:
            branch[-1].weight.mul_(0.1)
    for norm, momentum in zip(norms, usual, strict=True):
        norm.momentum = momentum
    net.eval()
    return net
