"""Figures of the machine."""

from __future__ import annotations

from pathlib import Path

from edge_app.host_metrics import temperature_c


def test_the_hottest_zone_counts(tmp_path: Path) -> None:
    assert temperature_c(tmp_path) is None
    for number, text in enumerate(["41500", "nonsense", "52250", "200000"]):
        (tmp_path / f"thermal_zone{number}").mkdir()
        (tmp_path / f"thermal_zone{number}" / "temp").write_text(text)
    assert temperature_c(tmp_path) == 52.25, "a broken sensor tells of 200 degrees"
