"""`CarParkPos`: a pickle of any protocol is read, and none of it is ever run."""

from __future__ import annotations

import os
import pickle
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from calibration.importers import Document, ImportFormat, detect_format, import_document
from telemetry.errors import CalibrationError

CORNERS = [(50, 192), (51, 250), (397, 143), (1000, 600)]
WH = (1280, 720)


def taken(content: bytes, **about: Any) -> list[tuple[float, ...]]:
    document = Document(Path("CarParkPos"), content, WH, **about)
    bays = import_document(document).bays
    return [tuple(round(v * side) for p in bay.polygon for v, side in zip(p, WH, strict=True))
            for bay in bays]  # fmt: skip


@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
def test_every_protocol(protocol: int) -> None:
    for corners in (CORNERS, [[float(x), y] for x, y in CORNERS]):
        content = pickle.dumps(corners, protocol)
        assert detect_format(Document(Path("x.xml"), content)) is ImportFormat.CORNERS
        found = taken(content)
        assert found[0] == (50, 192, 157, 192, 157, 240, 50, 240)
        assert len(found) == 4


def test_the_size_of_a_bay_is_told_or_stands_beside_each_corner() -> None:
    assert taken(pickle.dumps(CORNERS), box_wh=(10, 20))[0] == (50, 192, 60, 192, 60, 212, 50, 212)
    assert taken(pickle.dumps([(50, 192, 10, 20)]))[0] == (50, 192, 60, 192, 60, 212, 50, 212)


def test_a_corner_that_stands_twice_is_read_from_memory() -> None:
    same = (50, 192)
    assert len(set(taken(pickle.dumps([same, same, same])))) == 1


class Attack:
    """What a pickle may run when it is loaded."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> Any:
        return os.system, (f"touch {self.path}",)


@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
def test_code_is_named_and_never_run(protocol: int, tmp_path: Path) -> None:
    content = pickle.dumps([(1, 2), Attack(tmp_path / "run")], protocol)
    with pytest.raises(CalibrationError, match=r"but got (STACK_)?GLOBAL (os|posix|nt) system"):
        taken(content)
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize(
    ("data", "said"),
    [
        pytest.param([np.int64(3)], "numpy", id="numpy"),
        pytest.param([b"x"], "SHORT_BINBYTES", id="bytes"),
        pytest.param([None], "NONE", id="none"),
        pytest.param([{1, 2}], "EMPTY_SET", id="set"),
        pytest.param([(1,)], "a corner", id="one number"),
        pytest.param([(1, 2, 3)], "a corner", id="three numbers"),
        pytest.param([(1, float("nan"))], "a corner", id="no number"),
        pytest.param([(1, 10**400)], "a corner", id="a huge number"),
        pytest.param("text", "a list of corners", id="text"),
    ],
)
def test_anything_else_is_refused_by_name(data: object, said: str) -> None:
    document = Document(Path("x"), pickle.dumps(data, 4), WH)
    with pytest.raises(CalibrationError, match=said):
        import_document(document, ImportFormat.CORNERS)


def test_a_list_that_holds_itself_many_times_is_refused_at_once() -> None:
    data: list[Any] = [1]
    for _ in range(60):
        data = [data, data]
    for bomb in (data, [data]):
        with pytest.raises(CalibrationError, match=r"\[0\]: expected"):
            taken(pickle.dumps(bomb))
    # A place in memory far beyond all others, for which some readers make room.
    with pytest.raises(CalibrationError, match="a list of corners"):
        taken(b"\x80\x02]r\xff\xff\xff\x7f.")


def test_some_pickle_whole_outlines() -> None:
    first, second = [(50, 192), (157, 192), (157, 240), (50, 240)], [(1, 2), (30, 2), (30, 40)]
    assert taken(pickle.dumps([first, second])) == [(50, 192, 157, 192, 157, 240, 50, 240),
                                                    (1, 2, 30, 2, 30, 40)]  # fmt: skip
    assert taken(pickle.dumps([sum(first, ())])) == [(50, 192, 157, 192, 157, 240, 50, 240)]
