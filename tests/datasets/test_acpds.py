"""Places of the ACPDS release, told apart by the numbers of its pictures."""

from __future__ import annotations

from pathlib import Path

import pytest

from datasets.acpds import place_of
from datasets.frames import LotFrame


@pytest.mark.parametrize(
    ("file", "place"),
    [
        pytest.param("GOPR0113.jpg", "acpds-a", id="first run"),
        pytest.param("GOPR6589.jpg", "acpds-b", id="last before a gap"),
        pytest.param("GOPR6590.jpg", "acpds-v1", id="valid split"),
        pytest.param("GOPR6810.jpg", "acpds-e", id="last"),
    ],
)
def test_places_of_acpds(file: str, place: str) -> None:
    assert place_of(LotFrame("acpds", "train", Path(file), (), (), ())) == place


def test_another_set_is_one_place() -> None:
    assert place_of(LotFrame("north", "train", Path("GOPR0113.jpg"), (), (), ())) == "north"
