"""A harvester with a folder of its own."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from edge_app.config import HarvestConfig
from tests.edge_app.harvest.bench import Bench


@pytest.fixture
def make_bench(tmp_path: Path) -> Callable[..., Bench]:
    def make(**settings: object) -> Bench:
        given = {"enabled": True, "sampled_per_day": 0, **settings}
        return Bench(tmp_path / "harvest", HarvestConfig.model_validate(given))

    return make
