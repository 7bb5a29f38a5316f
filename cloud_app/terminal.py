"""What commands print: tables of which neither a pipe nor a narrow terminal loses a part."""

from __future__ import annotations

from rich.console import Console
from rich.table import Table

_NO_LIMIT = 10_000


def plain_console() -> Console:
    """Standard output; nothing is highlighted, wrapped or taken for markup."""
    return Console(highlight=False, soft_wrap=True, markup=False)


def print_table(table: Table) -> None:
    """Print a table: on a terminal cells are folded where it is narrow, elsewhere a row is a line.

    Args:
        table: its columns with `no_wrap` stay in one piece, for what is to be copied.
    """
    console = plain_console()
    if not console.is_terminal:
        console.width = _NO_LIMIT
    for column in table.columns:
        column.overflow = "fold"
    console.print(table)
