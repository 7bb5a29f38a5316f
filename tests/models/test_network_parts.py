"""The network's own parts: look-up of features, one batch for several pictures, vehicle classes."""

from __future__ import annotations

import importlib.util

import numpy as np
import pytest

if importlib.util.find_spec("torch"):
    import torch

    from models.training.network.bay_head import GRID, MARGIN, WIDTH, BayHead, grid_basis
    from models.training.network.yolo import COCO_VEHICLES, KEPT_ANCHORS, keep_vehicles
    from tests.models.lively import lively_net

pytestmark = [pytest.mark.train, pytest.mark.usefixtures("train_extra")]


def _bays(count: int, seed: int = 0) -> torch.Tensor:
    rng = np.random.default_rng(seed)
    centre, half = rng.uniform(0.2, 0.8, (count, 1, 2)), rng.uniform(0.03, 0.1, (count, 1, 2))
    corners = np.array([[-1, -1], [1, -1], [1, 1], [-1, 1]])
    return torch.from_numpy((centre + half * corners).astype(np.float32))


def test_grid_spans_the_enlarged_quad() -> None:
    square = torch.tensor([[0.0, 0.0], [1.0, 0.0], [1.0, 1.0], [0.0, 1.0]])
    points = grid_basis() @ square
    half_cell = 0.5 / GRID * MARGIN
    assert points.min().item() == pytest.approx(0.5 - MARGIN / 2 + half_cell)
    assert points.max().item() == pytest.approx(0.5 + MARGIN / 2 - half_cell)
    assert torch.allclose(grid_basis().sum(1), torch.ones(GRID * GRID))


def test_sampling_reads_the_place_that_the_quad_names() -> None:
    """On a map whose channels are the cell's own x and y, a look-up gives back its position."""
    height, width = 30, 40
    features = torch.zeros(2, WIDTH, height, width)
    features[:, 0] = torch.arange(width) + 0.5
    features[:, 1] = (torch.arange(height) + 0.5)[:, None]
    features[1, 2] = 7.0
    quads = _bays(5)
    index = torch.tensor([0, 1, 0, 1, 1])
    rows = BayHead([64, 128, 256]).sample(features, quads, index)
    expected = (grid_basis() @ quads) * torch.tensor([width, height])
    assert torch.allclose(rows[..., :2], expected, atol=1e-4)
    assert torch.allclose(rows[:, :, 2], (7.0 * index)[:, None].expand(-1, GRID * GRID))


def test_bays_beyond_the_border_take_the_nearest_cell() -> None:
    features = torch.rand(1, WIDTH, 6, 8)
    beyond = torch.full((1, 4, 2), 1.5)
    rows = BayHead([64, 128, 256]).sample(features, beyond, torch.tensor([0]))
    assert torch.allclose(rows, features[0, :, -1, -1].expand_as(rows))


def test_pictures_of_a_batch_do_not_touch_each_other() -> None:
    net = lively_net(0)
    images, quads = torch.rand(2, 3, 224, 256), _bays(6)
    index = torch.tensor([1, 0, 1, 0, 0, 1])
    together = net.bay_logits(images, quads, index)
    apart = torch.empty(6)
    for picture in (0, 1):
        mine = index == picture
        one = images[picture : picture + 1]
        apart[mine] = net.bay_logits(one, quads[mine], torch.zeros(3, dtype=torch.long))
    assert torch.allclose(together, apart, atol=1e-4)
    assert together.std() > 0


def test_a_picture_without_bays_is_judged_too() -> None:
    boxes, logits = lively_net(0).decoded(
        torch.rand(1, 3, 224, 256), torch.zeros(0, 4, 2), torch.zeros(0, dtype=torch.long)
    )
    assert logits.shape == (0,)
    assert boxes.shape == (1, 8, KEPT_ANCHORS)


def test_kept_anchors_are_the_most_confident_of_all() -> None:
    net = lively_net(0)
    images = torch.rand(1, 3, 320, 320)
    quads, index = _bays(1), torch.zeros(1, dtype=torch.long)
    with torch.no_grad():
        kept, _ = net.decoded(images, quads, index)
        everything, _ = net.detect(net.trunk(images))
    confidence = everything[0, 4:].amax(0)
    order = confidence.argsort(descending=True)[:KEPT_ANCHORS]
    assert torch.allclose(kept[0, 4:].amax(0), confidence[order])
    first = order[0]
    assert torch.allclose(kept[0, :, 0], everything[0, :, first], atol=1e-3)


def test_vehicle_classes_keep_their_weights() -> None:
    from ultralytics.nn.tasks import DetectionModel

    detect = DetectionModel("yolo11n.yaml", nc=80, verbose=False).model[-1].eval()
    features = [torch.rand(1, c, 8, 8) for c in (64, 128, 256)]
    with torch.no_grad():
        before = [branch(f) for branch, f in zip(detect.cv3, features, strict=True)]
        keep_vehicles(detect)
        after = [branch(f) for branch, f in zip(detect.cv3, features, strict=True)]
    for old, new in zip(before, after, strict=True):
        assert torch.equal(old[:, list(COCO_VEHICLES)], new)
    with pytest.raises(ValueError, match="80 classes, got 4"):
        keep_vehicles(detect)
