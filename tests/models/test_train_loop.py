"""The training loop: real steps on made pictures."""

from __future__ import annotations

import csv
import importlib.util
from pathlib import Path

import numpy as np
import pytest

from datasets.judging import FrameJudging, JudgeOptions, judge_frames
from datasets.metrics import measure
from models.training import config as config_module
from models.training.config import TrainConfig, read_config
from telemetry.errors import ModelError
from tests.models.test_train_batches import lot_frames, lot_samples
from vision.rules import rule_for

if importlib.util.find_spec("torch"):
    import torch

    from models.training.loop import CHECKPOINT, CURVES, Trainer, stages_of, trained_net, write_mean
    from models.training.network.net import LotNet
    from models.training.network.yolo import build_yolo
    from models.training.runs import RunPlan, gather
    from models.training.torch_detector import TorchDetector, trained_spec

pytestmark = [pytest.mark.train, pytest.mark.usefixtures("train_extra"), pytest.mark.slow]

CONFIG = TrainConfig(input_wh=(128, 96), batch=2, epochs=2, ema_decay=0.5)


def _trainer(folder: Path, config: TrainConfig = CONFIG, count: int = 4) -> Trainer:
    pictures = folder / "pictures"
    pictures.mkdir(parents=True, exist_ok=True)
    torch.manual_seed(0)
    net = LotNet(*build_yolo())
    return Trainer(net, lot_samples(pictures, count), [], config, folder / "run")


def test_a_run_writes_curves_and_a_usable_checkpoint(tmp_path: Path) -> None:
    trainer = _trainer(tmp_path)
    results = list(trainer.run())
    assert [r.epoch for r in results] == [1, 2]
    assert all(np.isfinite([r.bay_loss, r.vehicle_loss]).all() for r in results)
    with (tmp_path / "run" / CURVES).open() as file:
        rows = list(csv.DictReader(file))
    assert [row["epoch"] for row in rows] == ["1", "2"]
    net = trained_net(tmp_path / "run" / CHECKPOINT)
    detector = TorchDetector(net, trained_spec((128, 96)))
    judging = FrameJudging(detector, rule_for(detector.spec), JudgeOptions(usual_input=True))
    verdicts = judge_frames(judging, lot_frames(tmp_path, 2))
    assert measure(verdicts).bays == 12
    assert verdicts.input_px == (128 * 96,) * 2


def test_an_input_that_no_exported_network_takes_is_refused_before_the_run(tmp_path: Path) -> None:
    plan = RunPlan(tmp_path / "yolo11n.pt", tmp_path / "run", tmp_path)
    small = TrainConfig(input_wh=(224, 128))
    with pytest.raises(ModelError, match="training: expected an input of 256x128 px or more"):
        gather(plan, small)


def test_every_part_learns(tmp_path: Path) -> None:
    trainer = _trainer(tmp_path)
    before = {name: p.detach().clone() for name, p in trainer.net.named_parameters()}
    next(trainer.run())
    still = [
        name
        for name, p in trainer.net.named_parameters()
        if p.requires_grad
        and torch.equal(p, before[name])
        # No vehicle of these small pictures is large enough for the coarsest box branch.
        and not name.startswith("detect.cv2.2")
    ]
    assert still == []


def test_a_resumed_run_equals_an_uninterrupted_one(tmp_path: Path) -> None:
    whole = _trainer(tmp_path / "whole")
    list(whole.run())
    first = _trainer(tmp_path / "parts")
    next(first.run())
    second = _trainer(tmp_path / "parts")
    second.resume()
    assert second.epoch == 1
    list(second.run())
    for name, value in whole.ema.state_dict().items():
        assert torch.allclose(value, second.ema.state_dict()[name], atol=1e-5), name


def test_resuming_with_another_recipe_is_refused(tmp_path: Path) -> None:
    next(_trainer(tmp_path).run())
    other = _trainer(tmp_path, CONFIG.model_copy(update={"seed": 8}))
    with pytest.raises(ModelError, match="another config"):
        other.resume()


def test_resuming_without_a_checkpoint_says_where_it_was_looked_for(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match=r"run/.*: expected a checkpoint"):
        _trainer(tmp_path).resume()


def test_resuming_with_another_network_is_refused(tmp_path: Path) -> None:
    trainer = _trainer(tmp_path)
    next(trainer.run())
    checkpoint = tmp_path / "run" / CHECKPOINT
    state = torch.load(checkpoint, weights_only=True)
    state["optimiser"]["param_groups"][0]["params"].pop()
    torch.save(state, checkpoint)
    with pytest.raises(ModelError, match="belongs to another version of the network"):
        _trainer(tmp_path).resume()


def test_a_second_stage_remembers_the_first(tmp_path: Path) -> None:
    one = CONFIG.model_copy(update={"epochs": 1})
    list(_trainer(tmp_path, one).run())
    checkpoint = tmp_path / "run" / CHECKPOINT
    pictures = lot_samples(tmp_path / "pictures", 4)
    calm = one.model_copy(update={"seed": 9})
    second = Trainer(trained_net(checkpoint), pictures, [], calm, tmp_path / "second")
    second.earlier = stages_of(checkpoint)
    list(second.run())
    last = tmp_path / "second" / CHECKPOINT
    assert [s["seed"] for s in stages_of(last)] == [7, 9]
    write_mean(checkpoint, last, tmp_path / "mean" / CHECKPOINT)
    ends = [trained_net(path).state_dict() for path in (checkpoint, last)]
    for name, value in trained_net(tmp_path / "mean" / CHECKPOINT).state_dict().items():
        if value.dtype.is_floating_point:
            assert torch.allclose(value, (ends[0][name] + ends[1][name]) / 2), name


def test_the_committed_second_stage_is_a_valid_recipe() -> None:
    calm = read_config(Path(config_module.__file__).with_name("calm.toml"))
    assert calm.trunk_rate < TrainConfig().trunk_rate
