"""Which program this is, as messages, pages and bundles call it."""

from __future__ import annotations

import importlib.metadata


def version() -> str:
    """The installed version; `(source)` where the program runs without being installed."""
    try:
        return importlib.metadata.version("lotsight")
    except importlib.metadata.PackageNotFoundError:
        return "(source)"


def software() -> str:
    """Name and version."""
    return f"lotsight {version()}"
