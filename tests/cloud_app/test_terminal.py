"""Tables of commands lose nothing: neither in a pipe nor on a narrow terminal."""

from __future__ import annotations

import pytest
from rich.table import Table

from cloud_app.terminal import print_table

LONG = "a fault that is longer than a terminal is wide " * 4


def test_in_a_pipe_a_row_is_one_line_and_nothing_is_markup(
    capsys: pytest.CaptureFixture[str],
) -> None:
    table = Table("id", "fault", box=None)
    table.add_row("7b1b5f955cb83c7ffdcab12f9ae20a2c", f"[red]{LONG}")
    print_table(table)
    _, row = capsys.readouterr().out.splitlines()
    assert row.split() == ["7b1b5f955cb83c7ffdcab12f9ae20a2c", *f"[red]{LONG}".split()]


def test_on_a_narrow_terminal_cells_are_folded(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FORCE_COLOR", "1")
    monkeypatch.setenv("COLUMNS", "40")
    table = Table("id", "fault", box=None, header_style="")
    table.add_row("x" * 60, LONG)
    print_table(table)
    assert capsys.readouterr().out.count("x") == 60
