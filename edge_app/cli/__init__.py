"""The command `lotsight`."""

from edge_app.cli.main import main

__all__ = ["main"]
