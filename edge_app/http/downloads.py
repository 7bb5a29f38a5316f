"""Files that the box makes on request: diagnostics, kept frames."""

from __future__ import annotations

from pathlib import Path
from typing import Protocol


class Downloads(Protocol):
    """Makes the files; the caller deletes them after sending."""

    def diagnostics(self, *, with_pictures: bool) -> Path:
        """The diagnostics bundle.

        Raises:
            LotsightError: it cannot be written.
        """
        ...

    def harvest(self) -> Path | None:
        """The kept frames; None: there are none.

        Raises:
            LotsightError: they cannot be packed.
        """
        ...

    def name(self, what: str) -> str:
        """What a downloaded file is called."""
        ...
