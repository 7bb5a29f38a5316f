"""docs/architecture.md names no file that is not there."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

REPO = Path(__file__).resolve().parents[2]
PAGE = (REPO / "docs" / "architecture.md").read_text()
PATHS = sorted(set(re.findall(r"`([a-z_/]+(?:\.py|/))`", PAGE)))
# Those of a table stand below the half that it is about.
ROOTS = (REPO, REPO / "edge_app", REPO / "cloud_app", REPO / "cloud_app" / "storage")


@pytest.mark.parametrize("path", PATHS)
def test_what_it_names_is_there(path: str) -> None:
    assert any((root / path).exists() for root in ROOTS)


def test_it_names_the_way_of_a_frame_and_of_an_event() -> None:
    assert len(PATHS) > 30
