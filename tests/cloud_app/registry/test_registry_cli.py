"""`lotsight-cloud registry` as a person types it."""

from __future__ import annotations

from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from cloud_app.cli import app
from cloud_app.registry.errors import FactsError
from telemetry import ConfigError

SITES = "site,name,time_zone\nnorth,North,Europe/Berlin\n"
LOTS = "site,lot,name,levels\nnorth,p1,Hall,0;1\n"
BAYS = "site,lot,bay,kind,level\nnorth,p1,a1,standard,0\nnorth,p1,a2,ev,1\n"


@pytest.fixture
def config(tmp_path: Path) -> Path:
    path = tmp_path / "cloud.toml"
    path.write_text('[database]\nurl = "sqlite:city.db"\n')
    for name, text in (("sites", SITES), ("lots", LOTS), ("bays", BAYS)):
        (tmp_path / f"{name}.csv").write_text(text)
    return path


def registry(config: Path, command: str, *arguments: str) -> Result:
    return CliRunner().invoke(app, ["registry", command, *arguments, "--config", str(config)])


def imported(config: Path, name: str, *options: str) -> Result:
    return registry(config, "import", str(config.parent / name), *options)


def test_import_list_export_and_history(config: Path) -> None:
    shown = imported(config, "sites.csv")
    assert "+ site north" in shown.output
    assert "sites.csv: 1 added, 0 changed, 0 removed, 0 untouched" in shown.output
    assert "nothing was written; --apply does it" in shown.output
    for name in ("sites", "lots", "bays"):
        assert imported(config, f"{name}.csv", "--apply").exit_code == 0
    listed = registry(config, "list", "bays", "--of", "north/p1").output
    assert "standard*" in listed
    assert "2 bays, * said by a person" in listed
    (config.parent / "bays.csv").write_text(BAYS.replace("standard", "disabled"))
    changed = imported(config, "bays.csv", "--apply").output
    assert "~ bay north/p1/a1  kind: standard -> disabled" in changed
    assert "0 added, 1 changed, 0 removed, 1 untouched" in changed
    told = registry(config, "history", "bay", "north/p1/a1").output
    assert "kind=standard" in told
    assert "kind=disabled" in told
    out = config.parent / "out.csv"
    assert registry(config, "export", str(out), "--kind", "bay").exit_code == 0
    assert "0 added, 0 changed, 0 removed, 2 untouched" in imported(config, "out.csv").output
    everything = config.parent / "all.geojson"
    assert "4 things" in registry(config, "export", str(everything)).output
    assert "0 added, 0 changed, 0 removed, 4" in imported(config, "all.geojson").output


def test_what_a_file_lacks_is_told_and_kept(config: Path) -> None:
    for name in ("sites", "lots", "bays"):
        imported(config, f"{name}.csv", "--apply")
    (config.parent / "bays.csv").write_text("\n".join(BAYS.splitlines()[:2]) + "\n")
    kept = imported(config, "bays.csv", "--apply").output
    assert "kept though not in the file: 1 (north/p1/a2); --remove-missing deletes them" in kept
    removed = imported(config, "bays.csv", "--remove-missing", "--apply").output
    assert "- bay north/p1/a2" in removed
    assert "0 added, 0 changed, 1 removed, 1 untouched" in removed


def test_mistakes_end_with_all_of_them(config: Path) -> None:
    (config.parent / "bays.csv").write_text(BAYS.replace("standard", "vip").replace(",1\n", ",9\n"))
    result = imported(config, "bays.csv", "--apply")
    assert isinstance(result.exception, FactsError)
    assert "bays.csv: line 2, column kind" in str(result.exception)
    (config.parent / "bays.csv").write_text(BAYS)
    result = imported(config, "bays.csv")
    assert isinstance(result.exception, FactsError)
    assert str(result.exception).count("there is no lot north/p1") == 2
    for arguments in (["list", "cars"], ["export", "x.csv"], ["export", "x.xml"]):
        assert isinstance(registry(config, *arguments).exception, ConfigError)
