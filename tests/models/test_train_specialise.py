"""A bay head for one lot: what is trained, what is not, and what the gate refuses."""

from __future__ import annotations

import copy
import importlib.util
from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pytest

from datasets.frames import LotFrame
from datasets.metrics import gain, share_right
from tests.models.test_train_batches import lot_frames

if importlib.util.find_spec("torch"):
    import torch

    from models.training.network.net import LotNet
    from models.training.specialise import (
        TRAINED_PARTS,
        Features,
        SpecialiseConfig,
        features_of,
        gate_refusals,
        specialise,
        verdicts_of,
    )
    from tests.models.lively import lively_net

from telemetry.errors import ModelError

pytestmark = [pytest.mark.train, pytest.mark.usefixtures("train_extra")]

WH = (160, 128)


@pytest.fixture(scope="module")
def pictures(tmp_path_factory: pytest.TempPathFactory) -> list[LotFrame]:
    return lot_frames(tmp_path_factory.mktemp("pictures"), 12)


def _accuracy(net: LotNet, pictures: Sequence[Features]) -> float:
    return float(verdicts_of(net, pictures).right.mean())


def test_it_learns_a_lot_and_trains_the_parts_for_single_bays_alone(
    pictures: list[LotFrame],
) -> None:
    net = lively_net(1)
    before = {name: value.clone() for name, value in net.state_dict().items()}
    ticks: list[int] = []
    found = features_of(net, pictures, WH, lambda: ticks.append(1))
    assert len(found) == len(ticks) == 12
    config = SpecialiseConfig(epochs=60, rate=2e-3)
    trained = specialise(net, found[:8], found[8:], config)
    assert _accuracy(trained, found[:8]) > max(_accuracy(net, found[:8]), 0.9)
    for name, value in net.state_dict().items():
        assert torch.equal(value, before[name]), f"{name} of the general network changed"
    changed = {
        name.split(".")[1]
        for name, value in trained.state_dict().items()
        if not torch.equal(value, before[name])
    }
    assert changed == set(TRAINED_PARTS)
    again = specialise(net, found[:8], found[8:], config)
    assert torch.equal(again.bay_head.bay.weight, trained.bay_head.bay.weight), "same seed"


def test_the_gate_lets_through_what_is_surely_better_and_forgets_nothing(
    pictures: list[LotFrame],
) -> None:
    net = lively_net(1)
    found = features_of(net, pictures, WH)
    better = specialise(net, found[:8], found[8:], SpecialiseConfig(epochs=60, rate=2e-3))
    assert gate_refusals(net, better, found[:8], found[8:]) == []
    [no_gain] = gate_refusals(net, net, found[:8], found[8:])
    assert no_gain.startswith("later images of the lot")
    [forgot] = gate_refusals(better, specialise_wrongly(better, found), wrong(found), found)
    assert forgot.startswith("general images")


def test_a_gain_on_free_bays_must_not_cost_occupied_ones(pictures: list[LotFrame]) -> None:
    net = lively_net(1)
    found = features_of(net, pictures, WH)
    says_free, says_taken = copy.deepcopy(net), copy.deepcopy(net)
    with torch.no_grad():
        says_free.bay_head.logit.bias.fill_(-100.0)
        says_taken.bay_head.logit.bias.fill_(100.0)
    verdicts = verdicts_of(says_free, found)
    assert [share_right(verdicts, occupied=state) for state in (True, False)] == [0.0, 1.0]
    few_taken = [
        replace(one, frame=replace(one.frame, states=tuple(bay == index % 6 for bay in range(6))))
        for index, one in enumerate(found)
    ]
    assert gain(verdicts_of(says_taken, few_taken), verdicts_of(says_free, few_taken)).low > 0
    [refusal] = gate_refusals(says_taken, says_free, few_taken, few_taken)
    assert "occupied bays alone" in refusal


def wrong(pictures: Sequence[Features]) -> list[Features]:
    """The same pictures with every label turned round."""
    return [
        replace(one, frame=replace(one.frame, states=tuple((~one.frame.occupied).tolist())))
        for one in pictures
    ]


def specialise_wrongly(net: LotNet, pictures: Sequence[Features]) -> LotNet:
    turned = wrong(pictures)
    return specialise(net, turned, turned, SpecialiseConfig(epochs=60, rate=2e-3))


def test_a_gain_by_chance_is_none(pictures: list[LotFrame]) -> None:
    net = lively_net(1)
    found = features_of(net, pictures, WH)
    old = verdicts_of(net, found)
    said = old.prob >= 0.5
    one_better = replace(old, occupied=np.where(old.frame == 0, said, old.occupied))
    assert gain(old, old).low == 0
    assert gain(old, one_better).low == 0, "one picture of twelve may not be drawn"
    assert gain(old, replace(old, occupied=said)).low > 0


def test_nothing_to_learn_from_is_refused(pictures: list[LotFrame]) -> None:
    net = lively_net(1)
    empty = replace(pictures[0], states=(None,) * 6)
    assert features_of(net, [empty], WH) == []
    with pytest.raises(ModelError, match="but got 0 and 0"):
        specialise(net, [], [], SpecialiseConfig())
