"""The bay head: is this bay occupied?

Nearly all of its work is convolution on the image's feature map, which costs the same for one bay
and for 500. What is left per bay is an 8x8 grid of look-ups and two small matrix products.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional
from ultralytics.nn.modules import Conv

GRID = 8
"""Look-ups per side of a bay. Bays of 4 to 12 feature cells a side lose nothing at 8."""
MARGIN = 1.25
"""The quad is enlarged about its centre: a roof stands outside the ground quad, and a neighbour's
car tells apart."""
WIDTH = 64


def grid_basis() -> Tensor:
    """Weights of the four corners for each grid point, shape `(GRID * GRID, 4)`.

    Points are ordered in 2x2 patches, so that four consecutive rows make one input of the first
    per-bay layer.
    """
    steps = (torch.arange(GRID) + 0.5) / GRID
    v, u = torch.meshgrid(steps, steps, indexing="ij")
    points = (
        torch.stack([u, v], -1)
        .view(GRID // 2, 2, GRID // 2, 2, 2)
        .permute(0, 2, 1, 3, 4)
        .reshape(-1, 2)
    )
    u, v = points[:, 0], points[:, 1]
    corners = torch.stack([(1 - u) * (1 - v), u * (1 - v), u * v, (1 - u) * v], 1)
    # Enlarging the quad about its centre is linear in the corners, so it folds into the same
    # weights.
    return MARGIN * corners + (1 - MARGIN) / 4


class FeatureMap(nn.Module):
    """The trunk's levels fused at stride 8; all of it can run on 8-bit integers.

    Args:
        channels: Channels of the trunk's features at stride 8, 16 and 32.
    """

    def __init__(self, channels: list[int]) -> None:
        super().__init__()
        self.lateral = nn.ModuleList(nn.Conv2d(c, WIDTH, 1) for c in channels)
        self.mix = nn.Sequential(Conv(WIDTH, WIDTH, 3), Conv(WIDTH, WIDTH, 3))

    def forward(self, features: list[Tensor]) -> Tensor:
        """Return the fused map, shape `(N, WIDTH, H / 8, W / 8)`."""
        fine, middle, coarse = (conv(f) for conv, f in zip(self.lateral, features, strict=True))
        middle = middle + functional.interpolate(coarse, scale_factor=2.0, mode="nearest")
        fused = fine + functional.interpolate(middle, scale_factor=2.0, mode="nearest")
        return self.mix(functional.silu(fused))


class BayHead(nn.Module):
    """Occupancy logits of bays.

    Args:
        channels: Channels of the trunk's features at stride 8, 16 and 32.
    """

    basis: Tensor

    def __init__(self, channels: list[int]) -> None:
        super().__init__()
        self.map = FeatureMap(channels)
        self.patch = nn.Linear(4 * WIDTH, WIDTH)
        self.bay = nn.Linear((GRID // 2) ** 2 * WIDTH, WIDTH)
        self.dropout = nn.Dropout(0.1)
        self.logit = nn.Linear(WIDTH, 1)
        self.register_buffer("basis", grid_basis(), persistent=False)

    def forward(self, features: list[Tensor], bay_quads: Tensor, bay_image: Tensor) -> Tensor:
        """Judge bays.

        Args:
            features: The trunk's output.
            bay_quads: Shape `(M, 4, 2)`, x and y as shares of the network input, canonical corner
                order.
            bay_image: Shape `(M,)`, int64: the image in the batch that each bay belongs to.

        Returns:
            Logits of "occupied", shape `(M,)`.
        """
        return self.judge(self.map(features), bay_quads, bay_image)

    def judge(self, fused: Tensor, bay_quads: Tensor, bay_image: Tensor) -> Tensor:
        """Judge bays on the fused map, shape `(N, WIDTH, H / 8, W / 8)`; see `forward`."""
        rows = self.sample(fused, bay_quads, bay_image)
        patches = functional.silu(self.patch(rows.reshape(-1, (GRID // 2) ** 2, 4 * WIDTH)))
        bay = functional.silu(self.bay(self.dropout(patches.flatten(1))))
        return self.logit(bay)[:, 0]

    def sample(self, features: Tensor, bay_quads: Tensor, bay_image: Tensor) -> Tensor:
        """Look features up bilinearly, shape `(M, GRID * GRID, WIDTH)`.

        Plain index look-ups in a row-per-cell layout: a row is contiguous, so ONNX Runtime copies
        it as a block, and bays of any image of the batch are served by one look-up (GridSample
        would need a copy of the map per bay). Points outside the image take the nearest cell.
        """
        height, width = features.shape[2], features.shape[3]
        rows = features.permute(0, 2, 3, 1).reshape(-1, WIDTH)
        points = torch.matmul(self.basis, bay_quads)
        x = (points[..., 0] * width - 0.5).clamp(min=0).clamp(max=width - 1)
        y = (points[..., 1] * height - 0.5).clamp(min=0).clamp(max=height - 1)
        left = x.floor().clamp(max=width - 2)
        top = y.floor().clamp(max=height - 2)
        right_share, lower_share = x - left, y - top
        corner = (bay_image[:, None] * height + top.long()) * width + left.long()
        cells = torch.stack([corner, corner + 1, corner + width, corner + width + 1], -1)
        shares = torch.stack(
            [
                (1 - right_share) * (1 - lower_share),
                right_share * (1 - lower_share),
                (1 - right_share) * lower_share,
                right_share * lower_share,
            ],
            -1,
        )
        return (rows[cells] * shares[..., None].to(rows.dtype)).sum(2)
