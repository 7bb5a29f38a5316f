"""Valid ids stay as they are, through every form that has a place for them."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from calibration import Bay, Calibration, Code
from calibration.exporters import WITHOUT_IDS, ExportFormat, export_bays
from calibration.importers import Document, import_document
from calibration.importers.ids import distinct_ids
from telemetry.vocabulary import ID_PATTERN, is_identifier
from tests.calibration.conftest import rectangle
from tests.calibration.test_import_export import CONTROL

WH = (1280, 720)
IDS = st.lists(
    st.from_regex(ID_PATTERN, fullmatch=True)
    | st.sampled_from(["on", "1.5", "1e3", "0x1F", "007", "null", "free", "A_1", "A_1.5", "1_0"]),
    min_size=1,
    max_size=8,
    unique=True,
)


@pytest.mark.parametrize("file_format", [f for f in ExportFormat if f not in WITHOUT_IDS])
@given(ids=IDS)
def test_ids_survive_a_round_trip(file_format: ExportFormat, ids: list[str]) -> None:
    bays = tuple(
        Bay(id=bay_id, polygon=rectangle(0.02 + 0.1 * number, 0.3))
        for number, bay_id in enumerate(ids)
    )
    calibration = Calibration(camera="n", image_wh=WH, bays=bays, control_points=CONTROL)
    text = export_bays(calibration, file_format)
    imported = import_document(Document(Path("f"), text.encode(), WH, control_points=CONTROL))
    assert [bay.id for bay in imported.bays] == ids
    assert Code.RENAMED not in {finding.code for finding in imported.findings}


@given(st.lists(st.none() | st.text(max_size=8) | st.sampled_from(["A 1", "A_1", "A_1.2", "B001"])))
def test_ids_are_valid_distinct_and_every_change_is_told(names: list[str | None]) -> None:
    ids, findings = distinct_ids(names, "B001")
    assert len(set(ids)) == len(ids) == len(names)
    assert all(map(is_identifier, ids))
    assert distinct_ids(names, "B001") == (ids, findings)
    seen: set[str] = set()
    changed = 0
    for name, bay_id in zip(names, ids, strict=True):
        if name is not None and is_identifier(name) and name not in seen:
            assert bay_id == name
        changed += name is not None and bay_id != name
        seen |= {name} if name is not None else set()
    assert len(findings) == changed


def test_a_valid_id_does_not_give_way_to_names_that_are_none() -> None:
    names = ["A 1", "A+1", "A/1", "A#1", "A_1"]
    ids, findings = distinct_ids(names, "B001")
    assert ids == ("A_1.2", "A_1.3", "A_1.4", "A_1.5", "A_1")
    assert [finding.message.split(":")[0] for finding in findings] == [
        "'A 1' became 'A_1.2'", "'A+1' became 'A_1.3'", "'A/1' became 'A_1.4'",
        "'A#1' became 'A_1.5'",
    ]  # fmt: skip


def test_many_of_one_name_take_no_longer_than_their_number() -> None:
    ids, findings = distinct_ids(["bay 1"] * 50_000, "B001")
    assert (ids[-1], len(findings)) == ("bay_1.50000", 50_000)
