"""Fixtures of the delivery tests."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from edge_app.delivery import Store
from telemetry import ManualClock
from tests.edge_app.delivery.kit import layout_of, open_store


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


@pytest.fixture
def quick_path() -> Iterator[Path]:
    """A folder in memory where there is one: tests of bounds commit thousands of times."""
    memory = Path("/dev/shm")
    with tempfile.TemporaryDirectory(dir=memory if memory.is_dir() else None) as folder:
        yield Path(folder)


@pytest.fixture
def store(tmp_path: Path, clock: ManualClock) -> Iterator[Store]:
    """An open store with ten bays."""
    opened = open_store(tmp_path / "store.db", clock)
    opened.set_layout(layout_of(10))
    yield opened
    opened.close()
