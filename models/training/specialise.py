"""A bay head for one lot, from pseudo-labels, behind a gate.

Only the part of the bay head that works on single bays is trained (82 thousand of 2.8 million
weights): trunk and fused map have run once over every image and are kept, so that an epoch costs
a second or two on two cores. Images of the general training set are learnt beside those of the
lot, so that the head does not forget (rehearsal; Robins 1995).

A candidate is refused unless it shows, on later images of the lot that it did not learn from,
that it agrees better with the pseudo-labels than the network it came from, by more than chance, and
no worse on occupied and on free bays alone: a lot that is empty in the evening is full in the
morning, and a head that gains on free bays at the cost of occupied ones is then a loss. It is also
refused when it is worse on general images that it did not learn from.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np
import torch
from torch import Tensor, nn

from datasets.frames import LotFrame
from datasets.judging import FrameResult, Verdicts
from datasets.metrics import gain, share_right
from models.training.loss import bay_loss
from models.training.network.bay_head import BayHead
from models.training.network.net import LotNet
from models.training.samples import network_input, quads_px, read_rgb
from telemetry.errors import ModelError
from vision.detector import sigmoid
from vision.geometry import bay_sizes_px
from vision.types import as_floats

TRAINED_PARTS = ("patch", "bay", "logit")
MAX_ANCHOR_LOSS = 0.003
"""Share of the general bays that may be lost: a third of the error that is left there, and about
what two trainings of the same network differ by."""
MOST_WEIGHT = 4.0
"""Of a class that is rare on a lot: more would let a few wrong labels decide."""


@dataclass(frozen=True, slots=True)
class SpecialiseConfig:
    """The recipe.

    Attributes:
        epochs: over the lot's images.
        rate: largest learning rate.
        label_smoothing: pseudo-labels are never certain.
        seed: of the order.
    """

    epochs: int = 12
    rate: float = 3e-4
    label_smoothing: float = 0.04
    seed: int = 7


@dataclass(frozen=True, slots=True)
class Features:
    """One image after the trunk and the bay head's map, both of which stay as they are.

    Attributes:
        frame: the image, with bays of known state only and its size.
        fused: the map, shape (1, WIDTH, H / 8, W / 8), half precision.
        quads: bays as shares of the network input, shape (M, 4, 2).
    """

    frame: LotFrame
    fused: Tensor
    quads: Tensor

    def logits(self, head: BayHead) -> Tensor:
        """What a bay head says of the bays, shape (M,)."""
        index = torch.zeros(len(self.quads), dtype=torch.int64)
        logits: Tensor = head.judge(self.fused.float(), self.quads, index)
        return logits


@torch.no_grad()
def features_of(
    net: LotNet,
    frames: Sequence[LotFrame],
    input_wh: tuple[int, int],
    on_picture: Callable[[], None] = lambda: None,
) -> list[Features]:
    """Run trunk and map once over every image with bays; 1.4 MB each."""
    found = []
    for frame in (one.with_known_bays() for one in frames):
        if frame.bay_ids:
            image = read_rgb(frame)
            sized = replace(frame, image_wh=(image.shape[1], image.shape[0]))
            images, quads = network_input(image, quads_px(frame, sized.size_wh()), input_wh)
            fused = net.bay_head.map(net.trunk(torch.from_numpy(images))).half()
            found.append(Features(sized, fused, torch.from_numpy(quads)))
        on_picture()
    return found


def specialise(
    net: LotNet,
    lot: Sequence[Features],
    anchors: Sequence[Features],
    config: SpecialiseConfig,
    on_step: Callable[[], None] = lambda: None,
) -> LotNet:
    """Train a copy of a network's bay head on one lot.

    Args:
        net: the general network; it is left as it is.
        lot: images of the lot with pseudo-labels.
        anchors: images of the general training set, one of which is learnt beside each.
        config: the recipe.
        on_step: called after each of the lot's images in each epoch.

    Raises:
        ModelError: there is nothing to learn from.
    """
    if not lot or not anchors:
        msg = f"expected images of the lot and anchors, but got {len(lot)} and {len(anchors)}"
        raise ModelError(msg)
    torch.manual_seed(config.seed)
    rng = np.random.default_rng(config.seed)
    trained = copy.deepcopy(net).eval()  # no dropout: features are fixed, and there are few
    head = trained.bay_head
    weights = [p for part in TRAINED_PARTS for p in getattr(head, part).parameters()]
    optimiser = torch.optim.AdamW(weights, lr=config.rate, weight_decay=0.01)
    schedule = torch.optim.lr_scheduler.OneCycleLR(
        optimiser, config.rate, total_steps=config.epochs * len(lot)
    )
    balance = _class_weights(lot)
    for _ in range(config.epochs):
        for index in rng.permutation(len(lot)).tolist():
            own, general = lot[index], anchors[int(rng.integers(len(anchors)))]
            loss = _balanced_loss(head, own, balance, config.label_smoothing)
            loss = loss + bay_loss(general.logits(head), _truth(general), config.label_smoothing)
            optimiser.zero_grad(set_to_none=True)
            loss.backward()
            optimiser.step()
            schedule.step()
            on_step()
    return trained


def _truth(features: Features) -> Tensor:
    return torch.from_numpy(features.frame.occupied.astype(np.float32))


def _class_weights(lot: Sequence[Features]) -> tuple[float, float]:
    """Weights of free and occupied, so that both count alike over the lot."""
    occupied = np.concatenate([features.frame.occupied for features in lot])
    taken = int(occupied.sum())
    halves = len(occupied) / 2
    free_weight = halves / max(len(occupied) - taken, 1)
    return min(free_weight, MOST_WEIGHT), min(halves / max(taken, 1), MOST_WEIGHT)


def _balanced_loss(
    head: BayHead, features: Features, balance: tuple[float, float], smoothing: float
) -> Tensor:
    truth = _truth(features)
    weight = torch.where(truth > 0, balance[1], balance[0])
    target = truth * (1 - smoothing) + smoothing / 2
    loss = nn.functional.binary_cross_entropy_with_logits(
        features.logits(head), target, weight=weight, reduction="sum"
    )
    return loss / weight.sum()


@torch.no_grad()
def verdicts_of(net: LotNet, pictures: Sequence[Features]) -> Verdicts:
    """Judge images with a network's bay head."""
    results = [
        FrameResult(
            prob=sigmoid(as_floats(features.logits(net.bay_head).numpy())),
            size_px=bay_sizes_px(features.frame.polygons_norm, features.frame.size_wh()),
            input_px=0,  # the trunk has run before
        )
        for features in pictures
    ]
    return Verdicts.of([features.frame for features in pictures], results)


def gate_refusals(
    net: LotNet, candidate: LotNet, later: Sequence[Features], anchors: Sequence[Features]
) -> list[str]:
    """Why a candidate must not replace the network it came from; empty when it may.

    Args:
        net: the general network.
        candidate: what was made of it.
        later: images of the lot after those learnt from, with pseudo-labels.
        anchors: general images with labels that were not learnt beside.
    """
    refusals = []
    old, new = verdicts_of(net, later), verdicts_of(candidate, later)
    least_gain = gain(old, new).low
    if least_gain <= 0:
        refusals.append(
            f"later images of the lot: it agrees with {new.right.mean():.2%} of the "
            f"pseudo-labels, the general network with {old.right.mean():.2%}; the gain is not "
            f"significant (95 % interval begins at {least_gain:.2%})"
        )
    for occupied, name in ((True, "occupied"), (False, "free")):
        was, now = (share_right(one, occupied=occupied) for one in (old, new))
        if now < was:
            refusals.append(
                f"later images of the lot, {name} bays alone: it agrees with {now:.2%} of the "
                f"pseudo-labels, the general network with {was:.2%}"
            )
    was, now = (verdicts_of(one, anchors).right.mean() for one in (net, candidate))
    if was - now > MAX_ANCHOR_LOSS:
        refusals.append(
            f"general images: {now:.2%} of bays right, the general network {was:.2%}: a loss of "
            f"more than {MAX_ANCHOR_LOSS:.1%}"
        )
    return refusals
