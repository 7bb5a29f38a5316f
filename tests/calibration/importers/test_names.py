"""Names of bays in other tools' files, and text that no reader should work on."""

from __future__ import annotations

import pytest

from calibration.importers.ids import name_from
from calibration.importers.plain_yaml import parse_yaml
from telemetry.errors import CalibrationError


@pytest.mark.parametrize(
    ("value", "name"),
    [
        (" A1 ", "A1"), (7, "7"), (7.0, "7"), (1.5, "1.5"), (True, "true"), (False, "false"),
        (None, None), ("", None), ([], None), ({}, None),
    ],
)  # fmt: skip
def test_a_name_is_what_stands_there(value: object, name: str | None) -> None:
    assert name_from(value) == name


def test_brackets_without_end_are_refused_before_they_are_read() -> None:
    with pytest.raises(CalibrationError, match=r"f: line 2: expected YAML of at most 100 levels"):
        parse_yaml("\n" + "[\n" * 200_000, "f")
    assert parse_yaml("[" * 50 + "x" + "]" * 50, "f")
